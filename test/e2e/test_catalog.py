"""Servers, user mappings, privileges and settings: what is checked, and when changes count."""

from urllib.parse import parse_qs, urlsplit

import pytest
from cluster import refused

ENDPOINT = "https://s3.us-west-004.backblazeb2.com"
SERVER = {"endpoint": ENDPOINT, "bucket": "first-bucket"}
MAPPING = {"key_id": "first", "application_key": "secret"}


def parts_of(url):
    """Where a URL leads, and as whom."""
    parts = urlsplit(url)
    credential = parse_qs(parts.query)["X-Amz-Credential"][0].split("/")
    return {
        "host": parts.netloc,
        "path": parts.path,
        "key_id": credential[0],
        "region": credential[2],
        "signature": parse_qs(parts.query)["X-Amz-Signature"][0],
    }


FIRST = {
    "host": "s3.us-west-004.backblazeb2.com",
    "path": "/first-bucket/key",
    "key_id": "first",
    "region": "us-west-004",
}


def is_first(parts):
    return {name: parts[name] for name in FIRST} == FIRST


# Nothing is sent there.
ALLOWED = {"b2neon.allowed_endpoints": "*.backblazeb2.com"}


@pytest.fixture(scope="module")
def database(cluster):
    database = cluster.create_database()
    with database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
    yield database
    database.drop()


@pytest.fixture
def session(database):
    """A session with fresh servers `b2` and `other`, and a prepared statement that uses the default
    one."""
    with database.connect(**ALLOWED) as session:
        for server in session.column("SELECT quote_ident(srvname) FROM pg_foreign_server"):
            session.run(f"DROP SERVER {server} CASCADE")
        session.create_server("b2", SERVER, MAPPING)
        session.create_server(
            "other", {**SERVER, "bucket": "other-bucket"}, {**MAPPING, "key_id": "other"}
        )
        session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
        session.run(
            "PREPARE link AS SELECT b2_presign('GET', 'key', signed_at => '2024-01-01 00:00:00Z')"
        )
        assert is_first(link(session))
        yield session


def link(session):
    return parts_of(session.value("EXECUTE link"))


# ---------------------------------------------------------------------------------------------
# Changes take effect at the next call of a prepared statement
# ---------------------------------------------------------------------------------------------

CHANGES = {
    "the bucket": (
        "ALTER SERVER b2 OPTIONS (SET bucket 'second-bucket')",
        {"path": "/second-bucket/key"},
    ),
    "the endpoint": (
        "ALTER SERVER b2 OPTIONS (SET endpoint 'https://s3.eu-central-003.backblazeb2.com')",
        {"host": "s3.eu-central-003.backblazeb2.com", "region": "eu-central-003"},
    ),
    "the region": ("ALTER SERVER b2 OPTIONS (ADD region 'elsewhere')", {"region": "elsewhere"}),
    "the URL style": (
        "ALTER SERVER b2 OPTIONS (ADD url_style 'virtual')",
        {"host": "first-bucket.s3.us-west-004.backblazeb2.com", "path": "/key"},
    ),
    "the key id": (
        "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET key_id 'second')",
        {"key_id": "second"},
    ),
    "the application key": (
        "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET application_key 'changed')",
        {},
    ),
    "a mapping of one's own": (
        "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
        " (key_id 'own', application_key 'secret')",
        {"key_id": "own"},
    ),
    "the server behind the name": (
        "ALTER SERVER b2 RENAME TO old; ALTER SERVER other RENAME TO b2",
        {"path": "/other-bucket/key", "key_id": "other"},
    ),
}
REFUSALS = {
    "the mapping": ("DROP USER MAPPING FOR PUBLIC SERVER b2", "42704", "no application key"),
    "the server": ("DROP SERVER b2 CASCADE", "42704", '"b2" does not exist'),
    "the server's name": ("ALTER SERVER b2 RENAME TO b3", "42704", '"b2" does not exist'),
}

changes = pytest.mark.parametrize("change, difference", CHANGES.values(), ids=CHANGES.keys())
refusals = pytest.mark.parametrize(
    "change, sqlstate, message", REFUSALS.values(), ids=REFUSALS.keys()
)


def assert_changed(before, after, difference):
    assert {**before, **difference, "signature": ""} == {**after, "signature": ""}
    assert before["signature"] != after["signature"]


@changes
def test_a_change_takes_effect_at_the_next_call(session, change, difference):
    before = link(session)
    session.run(change)
    assert_changed(before, link(session), difference)


@changes
def test_a_change_by_another_session_takes_effect_at_the_next_call(
    database, session, change, difference
):
    before = link(session)
    with database.connect(**ALLOWED) as other:
        other.run(change)
    assert_changed(before, link(session), difference)


@changes
def test_a_change_within_a_transaction_takes_effect_and_is_rolled_back(
    session, change, difference
):
    before = link(session)
    with session.transaction():
        session.run("SAVEPOINT before")
        session.run(change)
        assert_changed(before, link(session), difference)
        session.run("ROLLBACK TO before")
        assert link(session) == before
        session.run(change)
        assert_changed(before, link(session), difference)
    assert_changed(before, link(session), difference)


@changes
def test_a_change_within_a_statement_takes_effect_in_its_next_query(session, change, difference):
    before = link(session)
    session.run("CREATE TEMP TABLE links (url text)")
    call = "b2_presign('GET', 'key', signed_at => '2024-01-01 00:00:00Z')"
    session.run(
        f"""DO $do$ BEGIN
                INSERT INTO links SELECT {call};
                {change};
                INSERT INTO links SELECT {call};
            END $do$"""
    )
    first, second = [parts_of(url) for url in session.column("SELECT url FROM links")]
    assert first == before
    assert_changed(before, second, difference)


@refusals
def test_what_is_gone_is_gone_at_the_next_call(session, change, sqlstate, message):
    session.run(change)
    with refused(sqlstate, message=message):
        link(session)


@refusals
def test_what_another_session_takes_away_is_gone_at_the_next_call(
    database, session, change, sqlstate, message
):
    with database.connect(**ALLOWED) as other:
        other.run(change)
    with refused(sqlstate, message=message):
        link(session)


@refusals
def test_what_a_transaction_takes_away_comes_back_with_its_rollback(
    session, change, sqlstate, message
):
    before = link(session)
    session.run("BEGIN")
    session.run("SAVEPOINT before")
    session.run(change)
    with refused(sqlstate, message=message):
        link(session)
    session.run("ROLLBACK TO before")
    assert link(session) == before
    session.run("ROLLBACK")
    assert link(session) == before


def test_a_setting_that_names_another_server_takes_effect_at_the_next_call(session):
    session.run("SET b2neon.server = 'other'")
    assert link(session)["path"] == "/other-bucket/key"
    session.run("RESET b2neon.server")
    assert is_first(link(session))
    with session.transaction():
        session.run("SET LOCAL b2neon.server = 'other'")
        assert link(session)["path"] == "/other-bucket/key"
    assert is_first(link(session))


def test_every_function_goes_by_the_setting_and_by_its_argument(session):
    session.run("SET b2neon.server = 'other'")
    statements = (
        "SELECT b2_presign('GET', 'key'{})",
        "SELECT b2_presign_get('key'{})",
        "SELECT presigned_url FROM b2_presign_put('key', 'text/plain'{})",
    )
    for statement in statements:
        assert "/other-bucket/" in session.value(statement.format(""))
        assert "/first-bucket/" in session.value(statement.format(", server => 'b2'"))
    session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('key', 'x')")
    assert session.column("DELETE FROM b2_files RETURNING server") == ["other"]


# ---------------------------------------------------------------------------------------------
# Roles
# ---------------------------------------------------------------------------------------------


@pytest.fixture
def roles(database):
    """Two roles that row-level security does not apply to."""
    return [database.create_role(name, "LOGIN BYPASSRLS") for name in ("ann", "bob")]


def test_each_role_has_its_own_mapping_or_the_one_for_public(session, roles):
    ann, bob = roles
    session.run(
        f'CREATE USER MAPPING FOR "{ann}" SERVER b2 OPTIONS'
        " (key_id 'hers', application_key 'secret')"
    )
    for _ in range(2):
        with session.as_role(ann):
            assert link(session)["key_id"] == "hers"
        with session.as_role(bob):
            assert link(session)["key_id"] == "first"
        assert link(session)["key_id"] == "first"


def test_a_mapping_of_another_role_is_of_no_use(session, roles):
    ann, bob = roles
    session.run("DROP USER MAPPING FOR PUBLIC SERVER b2")
    session.run(
        f'CREATE USER MAPPING FOR "{ann}" SERVER b2 OPTIONS'
        " (key_id 'hers', application_key 'secret')"
    )
    with session.as_role(ann):
        assert link(session)["key_id"] == "hers"
    with session.as_role(bob):
        with refused("42704", message=f'server "b2" and role "{bob}"'):
            link(session)


def test_a_dropped_mapping_falls_back_to_the_one_for_public(session, roles):
    ann, _ = roles
    session.run(
        f'CREATE USER MAPPING FOR "{ann}" SERVER b2 OPTIONS'
        " (key_id 'hers', application_key 'secret')"
    )
    with session.as_role(ann):
        assert link(session)["key_id"] == "hers"
    session.run(f'DROP USER MAPPING FOR "{ann}" SERVER b2')
    with session.as_role(ann):
        assert link(session)["key_id"] == "first"


@pytest.mark.parametrize("by_another_session", [False, True], ids=["own", "another"])
def test_a_revoked_usage_is_refused_at_the_next_call(
    database, session, roles, by_another_session
):
    ann, _ = roles
    with database.connect(role=ann) as hers, database.connect() as other:
        hers.run(
            "PREPARE link AS SELECT b2_presign('GET', 'key', signed_at => '2024-01-01 00:00:00Z')"
        )
        assert is_first(link(hers))
        (other if by_another_session else session).run(
            "REVOKE USAGE ON FOREIGN SERVER b2 FROM PUBLIC"
        )
        with refused("42501", message="foreign server b2", hint="GRANT USAGE"):
            link(hers)
        other.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{ann}"')
        assert is_first(link(hers))


def test_a_revoked_usage_is_refused_within_the_same_transaction(session, roles):
    ann, _ = roles
    session.run("BEGIN")
    with session.as_role(ann):
        assert is_first(link(session))
    session.run("SAVEPOINT before")
    session.run("REVOKE USAGE ON FOREIGN SERVER b2 FROM PUBLIC")
    session.run(f'SET ROLE "{ann}"')
    with refused("42501"):
        link(session)
    session.run("ROLLBACK TO before")
    with session.as_role(ann):
        assert is_first(link(session))
    session.run("COMMIT")


def test_usage_through_a_group_comes_and_goes_with_membership(database, session, roles):
    ann, _ = roles
    group = database.create_role("group", "NOLOGIN")
    session.run("REVOKE USAGE ON FOREIGN SERVER b2 FROM PUBLIC")
    session.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{group}"; GRANT "{group}" TO "{ann}"')
    with database.connect(role=ann) as hers:
        hers.run("PREPARE link AS SELECT b2_presign('GET', 'key')")
        assert is_first(link(hers))
        session.run(f'REVOKE "{group}" FROM "{ann}"')
        with refused("42501"):
            link(hers)


def test_a_role_that_loses_its_trust_is_confined_at_the_next_call(database, session, roles):
    ann, _ = roles
    with database.connect(role=ann) as hers:
        hers.run("PREPARE link AS SELECT b2_presign('GET', 'key')")
        assert is_first(link(hers))
        session.run(f'ALTER ROLE "{ann}" NOBYPASSRLS')
        with refused("42501", detail="Row-level security"):
            link(hers)
        session.run("ALTER TABLE b2_files DISABLE ROW LEVEL SECURITY")
        assert is_first(link(hers))
        session.run("ALTER TABLE b2_files ENABLE ROW LEVEL SECURITY")
        with refused("42501", detail="Row-level security"):
            link(hers)


def test_a_renamed_role_is_who_it_is_called_now(database, session):
    role = database.create_role("before")
    with database.connect(role=role) as theirs:
        assert theirs.value("SELECT b2_user_id()") == role
        session.run(f'ALTER ROLE "{role}" RENAME TO "{role} after"')
        assert theirs.value("SELECT b2_user_id()") == role + " after"
        session.run(f'ALTER ROLE "{role} after" RENAME TO "{role}"')


# ---------------------------------------------------------------------------------------------
# What the validator refuses
# ---------------------------------------------------------------------------------------------

INVALID_SERVERS = {
    # endpoint
    "no endpoint": ({"endpoint": None}, "HV002", '"endpoint" is required'),
    "an empty endpoint": ({"endpoint": ""}, "22023", '"endpoint"'),
    "no scheme": ({"endpoint": "s3.us-west-004.backblazeb2.com"}, "22023", '"endpoint"'),
    "another scheme": ({"endpoint": "ftp://s3.x.backblazeb2.com"}, "22023", '"endpoint"'),
    "a scheme in capitals": ({"endpoint": "HTTPS://s3.x.backblazeb2.com"}, "22023", '"endpoint"'),
    "a file": ({"endpoint": "file:///etc/passwd"}, "22023", '"endpoint"'),
    "a path": ({"endpoint": ENDPOINT + "/first-bucket"}, "22023", '"endpoint"'),
    "two slashes": ({"endpoint": ENDPOINT + "//"}, "22023", '"endpoint"'),
    "a query": ({"endpoint": ENDPOINT + "?x"}, "22023", '"endpoint"'),
    "a fragment": ({"endpoint": ENDPOINT + "#x"}, "22023", '"endpoint"'),
    "a user name": ({"endpoint": "https://u@s3.x.backblazeb2.com"}, "22023", '"endpoint"'),
    "a password": ({"endpoint": "https://u:p@s3.x.backblazeb2.com"}, "22023", '"endpoint"'),
    "another host after @": ({"endpoint": ENDPOINT + "@example.com"}, "22023", '"endpoint"'),
    "a newline": ({"endpoint": ENDPOINT + "\nX-Evil: 1"}, "22023", '"endpoint"'),
    "a tab": ({"endpoint": ENDPOINT + "\t"}, "22023", '"endpoint"'),
    "a blank in front": ({"endpoint": " " + ENDPOINT}, "22023", '"endpoint"'),
    "a backslash": ({"endpoint": "https://example.com\\.backblazeb2.com"}, "22023", '"endpoint"'),
    "port 0": ({"endpoint": ENDPOINT + ":0"}, "22023", '"endpoint"'),
    "port 65536": ({"endpoint": ENDPOINT + ":65536"}, "22023", '"endpoint"'),
    "no port": ({"endpoint": ENDPOINT + ":"}, "22023", '"endpoint"'),
    "two ports": ({"endpoint": ENDPOINT + ":1:2"}, "22023", '"endpoint"'),
    "an empty label": ({"endpoint": "https://s3..backblazeb2.com"}, "22023", '"endpoint"'),
    "a percent sign": ({"endpoint": "https://s3%2e.backblazeb2.com"}, "22023", '"endpoint"'),
    "letters outside ASCII": ({"endpoint": "https://s3.ä.backblazeb2.com"}, "22023", '"endpoint"'),
    "a host that is too long": (
        {"endpoint": "https://" + "a." * 120 + "backblazeb2.com"},
        "22023",
        '"endpoint"',
    ),
    "a host that is not allowed": (
        {"endpoint": "https://example.com", "region": "x"},
        "42501",
        "not allowed",
    ),
    "http instead of https": (
        {"endpoint": "http://s3.us-west-004.backblazeb2.com"},
        "42501",
        "not allowed",
    ),
    "another port": ({"endpoint": ENDPOINT + ":8443"}, "42501", "not allowed"),
    "the end of the domain alone": (
        {"endpoint": "https://evilbackblazeb2.com", "region": "x"},
        "42501",
        "not allowed",
    ),
    "a loopback address": (
        {"endpoint": "http://127.0.0.1:9000", "region": "x"},
        "42501",
        "not allowed",
    ),
    "the metadata service": (
        {"endpoint": "http://169.254.169.254", "region": "x"},
        "42501",
        "not allowed",
    ),
    # bucket and region
    "no bucket": ({"bucket": None}, "HV002", '"bucket" is required'),
    "an empty bucket": ({"bucket": ""}, "22023", '"bucket"'),
    "a bucket with a slash": ({"bucket": "a/b"}, "22023", '"bucket"'),
    "a bucket with a query": ({"bucket": "abc?x=y"}, "22023", '"bucket"'),
    "a bucket of two dots": ({"bucket": "a..b"}, "22023", '"bucket"'),
    "a bucket that is too long": ({"bucket": "a" * 64}, "22023", '"bucket"'),
    "a region with a slash": ({"region": "a/b"}, "22023", '"region"'),
    "an empty region": ({"region": ""}, "22023", '"region"'),
    "a region in capitals": ({"region": "US-EAST-1"}, "22023", '"region"'),
    # the others
    "another URL style": ({"url_style": "dns"}, "22023", '"url_style"'),
    "public as a word": ({"public": "maybe"}, "22023", '"public"'),
    "a public URL and no public bucket": (
        {"public": "false", "public_url": "https://cdn.example.com"},
        "22023",
        '"public"',
    ),
    "a public URL without a scheme": ({"public_url": "cdn.example.com"}, "22023", '"public_url"'),
    "a public URL that runs scripts": (
        {"public_url": "javascript:alert(1)"},
        "22023",
        '"public_url"',
    ),
    "a public URL with a query": ({"public_url": "https://x.com/?a="}, "22023", '"public_url"'),
    "a public URL with a blank": ({"public_url": "https://x.com/a b"}, "22023", '"public_url"'),
    "a prefix with a parent segment": ({"key_prefix": "a/../"}, "22023", '"key_prefix"'),
    "a prefix with a control character": ({"key_prefix": "a\nb"}, "22023", '"key_prefix"'),
    "a prefix that is too long": ({"key_prefix": "x" * 513}, "22023", '"key_prefix"'),
    "a list of content types with quotes": (
        {"allowed_content_types": 'image/"png"'},
        "22023",
        '"allowed_content_types"',
    ),
    "no content type at all": ({"allowed_content_types": ""}, "22023", '"allowed_content_types"'),
    **{
        f"{option} of {value!r}": ({option: value}, "22023", f'"{option}"')
        for option, values in {
            "max_upload_size": ("-1", "", "10MB", "1.5", " 1", "9" * 19),
            "max_expires_in": ("0", "604801", "1h"),
            "upload_grace": ("-1", "x"),
            "connect_timeout": ("0", "600001", "3s"),
            "request_timeout": ("0", "600001", ""),
        }.items()
        for value in values
    },
}


@pytest.mark.parametrize(
    "options, sqlstate, message", INVALID_SERVERS.values(), ids=INVALID_SERVERS.keys()
)
def test_a_server_is_refused(session, options, sqlstate, message):
    complete = {name: value for name, value in {**SERVER, **options}.items() if value is not None}
    with refused(sqlstate, message=message):
        session.create_server("invalid", complete, MAPPING)
    assert session.rows("SELECT FROM pg_foreign_server WHERE srvname = 'invalid'") == []


def test_a_change_that_makes_a_server_invalid_is_refused(session):
    for change, sqlstate in {
        "DROP bucket": "HV002",
        "DROP endpoint": "HV002",
        "SET endpoint 'https://example.com', ADD region 'x'": "42501",
        "SET bucket ''": "22023",
        "ADD request_timeout '-1'": "22023",
    }.items():
        with refused(sqlstate):
            session.run(f"ALTER SERVER b2 OPTIONS ({change})")
    assert is_first(link(session))


SERVER_OPTIONS = (
    "endpoint, bucket, region, url_style, public, public_url, key_prefix, max_upload_size,"
    " max_expires_in, allowed_content_types, upload_grace, connect_timeout, request_timeout"
)
MAPPING_OPTIONS = "key_id, application_key, upload_key_id, upload_application_key"


def test_an_unknown_option_is_refused_with_the_valid_ones(session):
    with refused("HV00D", message='invalid option "buket"', hint=f"are: {SERVER_OPTIONS}."):
        session.create_server("invalid", {**SERVER, "buket": "x"}, MAPPING)
    with refused("HV00D", message='invalid option "keyid"', hint=f"are: {MAPPING_OPTIONS}."):
        session.run(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
            " (keyid 'x', application_key 'y')"
        )
    with refused("HV00D"):
        session.run("ALTER FOREIGN DATA WRAPPER b2neon OPTIONS (endpoint 'x')")


def test_what_belongs_to_the_other_object_is_refused_with_a_hint(session):
    for option in MAPPING_OPTIONS.split(", "):
        with refused("HV00D", message=f'"{option}"', detail="Everyone", hint="user mapping"):
            session.create_server("invalid", {**SERVER, option: "x"}, MAPPING)
    for option in SERVER_OPTIONS.split(", "):
        with refused("HV00D", message=f'"{option}"', hint="foreign server"):
            session.run(f"ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (ADD {option} 'x')")


def test_valid_options_are_taken(session):
    for number, options in enumerate(
        (
            {"endpoint": ENDPOINT + "/"},
            {"endpoint": ENDPOINT + ":443"},
            {"url_style": "path", "public": "on", "public_url": "http://f004.example.com/file/x/"},
            {"key_prefix": "", "max_upload_size": "0", "max_expires_in": "1"},
            {"upload_grace": "0", "connect_timeout": "1", "request_timeout": "600000"},
            {"allowed_content_types": "image/*, application/pdf,text/x+y"},
            {"region": "elsewhere-1", "max_upload_size": "5000000000"},
        )
    ):
        session.create_server(f"valid {number}", {**SERVER, **options}, MAPPING)
        assert session.value("SELECT b2_presign_get('x', server => %s)", f"valid {number}")


def test_capitals_in_a_host_name_do_not_count(session):
    options = {**SERVER, "endpoint": "https://S3.US-West-004.BackblazeB2.COM"}
    session.create_server("capitals", options, MAPPING)
    assert is_first(parts_of(session.value("SELECT b2_presign_get('key', server => 'capitals')")))


def test_a_region_is_required_where_the_host_does_not_tell(session):
    session.run("SET b2neon.allowed_endpoints = 's3.example.com, *.backblazeb2.com'")
    for host in ("s3.example.com", "f004.backblazeb2.com", "s3.a.b.backblazeb2.com"):
        with refused("HV002", message='"region" is required'):
            session.create_server("invalid", {**SERVER, "endpoint": f"https://{host}"}, MAPPING)


@pytest.mark.parametrize(
    "options, sqlstate, message",
    [
        ({"key_id": None}, "HV002", '"key_id" is required'),
        ({"application_key": None}, "HV002", '"application_key" is required'),
        ({"key_id": ""}, "22023", '"key_id"'),
        ({"key_id": "a/b"}, "22023", '"key_id"'),
        ({"key_id": "a b"}, "22023", '"key_id"'),
        ({"application_key": ""}, "22023", '"application_key"'),
        ({"application_key": "secret\n"}, "22023", '"application_key"'),
        ({"application_key": "x" * 257}, "22023", '"application_key"'),
        ({"upload_key_id": "x"}, "HV002", "go together"),
        ({"upload_application_key": "x"}, "HV002", "go together"),
        ({"upload_key_id": "x", "upload_application_key": "ä"}, "22023", '"upload_app'),
    ],
    ids=str,
)
def test_a_user_mapping_is_refused(session, options, sqlstate, message):
    session.run("DROP USER MAPPING FOR PUBLIC SERVER other")
    complete = {name: value for name, value in {**MAPPING, **options}.items() if value is not None}
    listed = ", ".join(f"{name} '{value}'" for name, value in complete.items())
    with refused(sqlstate, message=message):
        session.run(f"CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS ({listed})")
    assert session.rows("SELECT FROM pg_user_mappings WHERE srvname = 'other'") == []


def test_a_key_for_uploads_signs_uploads_alone(session):
    session.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS"
        " (ADD upload_key_id 'uploader', ADD upload_application_key 'x')"
    )
    put_url = session.value("SELECT presigned_url FROM b2_presign_put('x', 'text/plain')")
    assert parts_of(put_url)["key_id"] == "uploader"
    assert parts_of(session.value("SELECT b2_presign('PUT', 'x')"))["key_id"] == "uploader"
    for method in ("GET", "HEAD", "DELETE"):
        url = session.value("SELECT b2_presign(%s, 'x')", method)
        assert parts_of(url)["key_id"] == "first"


def test_a_server_of_another_wrapper_is_none_of_ours(session):
    session.run("CREATE FOREIGN DATA WRAPPER another")
    session.run("CREATE SERVER theirs FOREIGN DATA WRAPPER another")
    with refused("42704", message='"theirs" is not a server of b2neon'):
        session.run("SELECT b2_presign_get('x', server => 'theirs')")


# ---------------------------------------------------------------------------------------------
# Settings
# ---------------------------------------------------------------------------------------------


def test_the_default_server_is_called_b2(session):
    assert session.value("SHOW b2neon.server") == "b2"
    assert session.value("SELECT b2_default_server()") == "b2"


def test_by_default_backblaze_s_hosts_alone_are_allowed(session):
    assert session.value(
        "SELECT boot_val FROM pg_settings WHERE name = 'b2neon.allowed_endpoints'"
    ) == "*.backblazeb2.com"


def test_a_server_s_name_has_63_bytes_at_most(session):
    session.run(f"SET b2neon.server = '{'x' * 63}'")
    with refused("22023", message="b2neon.server", detail="63 bytes"):
        session.run(f"SET b2neon.server = '{'x' * 64}'")


@pytest.mark.parametrize(
    "value", ["ftp://x", "://", "https://", "a b", "*", "x.*.com", "host:0", "host:x", "h/path"]
)
def test_a_list_of_endpoints_with_a_mistake_is_refused(session, value):
    with refused("22023", message="b2neon.allowed_endpoints"):
        session.run("SELECT set_config('b2neon.allowed_endpoints', %s, false)", value)
    with refused("22023", message="b2neon.allowed_endpoints"):
        session.run("SELECT set_config('b2neon.allowed_endpoints', %s, false)", "a.com," + value)


def test_only_a_superuser_says_which_endpoints_are_allowed(database):
    role = database.create_role("user")
    with database.connect(role=role) as session:
        session.value("SELECT b2_default_server()")  # loads the library
        with refused("42501", message="b2neon.allowed_endpoints"):
            session.run("SET b2neon.allowed_endpoints = '*.example.com'")
        session.run("SET b2neon.server = 'other'")
        assert session.value("SELECT b2_default_server()") == "other"


def test_a_list_that_a_user_gives_before_the_library_is_loaded_counts_for_nothing(database):
    role = database.create_role("owner")
    database.cluster.run(f'GRANT CREATE ON DATABASE "{database.name}" TO "{role}"')
    with database.connect() as session:
        session.run(f'GRANT USAGE ON FOREIGN DATA WRAPPER b2neon TO "{role}"')
    settings = {"b2neon.allowed_endpoints": "*.example.com"}
    with database.connect(role=role, **settings) as session:
        with refused("42501", message="not allowed"):
            elsewhere = {**SERVER, "endpoint": "https://s3.example.com", "region": "x"}
            session.create_server("elsewhere", elsewhere, MAPPING)


def test_the_prefix_of_the_settings_is_reserved(session):
    session.value("SELECT b2_default_server()")
    with refused("42602", message="b2neon.sever"):
        session.run("SET b2neon.sever = 'typo'")
