"""b2_check() tries a server for real, and what it says of x-amz-copy-source is so."""

import time
from email.utils import formatdate

import listener
import pytest
from cluster import refused
from http_request import get, put

REACHED = ["options", "lineage", "endpoint", "clock"]
ITEMS = [
    *REACHED,
    "key",
    "bucket",
    "list",
    "upload",
    "read",
    "versions",
    "copy source",
    "delete",
]

NO_OBJECTS = '<?xml version="1.0"?><ListBucketResult><Name>b</Name></ListBucketResult>'


@pytest.fixture
def session(own_database):
    """A superuser's session in a database of its own."""
    with own_database.connect() as session:
        session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
        session.database = own_database
        yield session


@pytest.fixture
def upload_key(session, store, store_admin):
    """A key that can do nothing but upload, as the one that signs uploads."""
    with store_admin.uploader(store) as (key_id, application_key):
        session.run(
            "ALTER USER MAPPING FOR PUBLIC SERVER b2"
            f" OPTIONS (ADD upload_key_id '{key_id}', ADD upload_application_key '{application_key}')"
        )
        yield


def check(session, arguments=""):
    return {row.item: row for row in session.rows(f"SELECT * FROM b2_check({arguments})")}


def failed(items):
    return [item for item, row in items.items() if not row.ok]


def objects(store):
    answer = store.s3.list_object_versions(Bucket=store.bucket, MaxKeys=1000)
    return [(item["Key"], item["VersionId"]) for item in answer.get("Versions", [])]


def test_with_one_key_for_all_everything_works_but_perhaps_the_copy(session, store):
    before = objects(store)
    items = check(session)
    assert list(items) == ITEMS
    assert failed(items) in ([], ["copy source"])
    assert objects(store) == before


def test_with_a_key_for_uploads_that_cannot_read_nothing_is_wrong(session, store, upload_key):
    before = objects(store)
    assert failed(check(session)) == []
    assert objects(store) == before


def user_with_a_victim(session):
    """The session of a user, and the key of somebody else's file."""
    victim = session.row("SELECT * FROM b2_presign_put('v', 'text/plain', user_id => 'victim')")
    assert put(victim, b"private").status == 200
    session.run("SELECT b2_register_file(%s)", victim.object_key)
    user = session.database.create_role("user")
    session.run(f'GRANT SELECT ON b2_files TO "{user}"')
    return session.database.connect(role=user), victim.object_key


def steal(user, store, key):
    """What the user gets who has an upload URL make a copy of `key`."""
    with refused("42501"):
        user.run("SELECT b2_presign_get(%s)", key)
    presigned = user.row("SELECT * FROM b2_presign_put('loot', 'text/plain')")
    answer = put(presigned, b"", x_amz_copy_source=f"/{store.bucket}/{key}")
    if answer.status != 200:
        return answer.status
    user.run("SELECT b2_register_file(%s)", presigned.object_key)
    return get(user.value("SELECT b2_presign_get(%s)", presigned.object_key)).body


def test_a_copy_can_be_stolen_where_the_check_says_so_and_only_there(session, store):
    copy_source = check(session)["copy source"]
    user, victims_key = user_with_a_victim(session)
    with user:
        stolen = steal(user, store, victims_key)
    # Ceph obeyed the header before version 20.
    if copy_source.ok:
        assert stolen == 403
    else:
        assert stolen == b"private"
        assert "upload_key_id" in copy_source.detail


def test_a_key_that_cannot_read_steals_nothing(session, store, upload_key):
    user, victims_key = user_with_a_victim(session)
    with user:
        assert steal(user, store, victims_key) == 403
        presigned = user.row("SELECT * FROM b2_presign_put('own', 'text/plain')")
        assert put(presigned, b"own").status == 200
        user.run("SELECT b2_register_file(%s)", presigned.object_key)
        assert get(user.value("SELECT b2_presign_get(%s)", presigned.object_key)).body == b"own"


def set_mapping(session, **options):
    session.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS ("
        + ", ".join(f"SET {name} '{value}'" for name, value in options.items())
        + ")"
    )


def lead_to(session, endpoint, **options):
    """Lets the server `b2` lead elsewhere."""
    session.run(f"SET b2neon.allowed_endpoints = '{endpoint}'")
    added = "".join(f", ADD {name} '{value}'" for name, value in options.items())
    session.run(f"ALTER SERVER b2 OPTIONS (SET endpoint '{endpoint}'{added})")


def check_scripted(session, answer, arguments=""):
    """What the check says of a store that answers so."""
    with listener.scripted(answer) as other:
        lead_to(session, other.endpoint)
        return check(session, arguments)


def test_a_wrong_application_key_is_told(session):
    set_mapping(session, application_key="wrong")
    items = check(session)
    assert list(items) == [*REACHED, "key"]
    assert failed(items) == ["key"]
    assert "SignatureDoesNotMatch" in items["key"].detail
    assert "Check application_key" in items["key"].detail


def test_a_wrong_key_id_is_told_apart(session):
    set_mapping(session, key_id="unknown")
    items = check(session)
    assert failed(items) == ["key"]
    assert "InvalidAccessKeyId" in items["key"].detail
    assert "Check key_id" in items["key"].detail


def test_a_wrong_upload_key_is_told_by_its_name(session):
    session.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER b2"
        " OPTIONS (ADD upload_key_id 'unknown', ADD upload_application_key 'wrong')"
    )
    items = check(session)
    assert failed(items) == ["upload"]
    assert "Check upload_key_id" in items["upload"].detail


def test_a_key_that_is_not_for_this_bucket_is_told(session, store_admin):
    session.run(f"ALTER SERVER b2 OPTIONS (SET bucket '{store_admin.bucket_of_another_user()}')")
    items = check(session)
    assert list(items) == [*REACHED, "key", "bucket", "list", "upload"]
    assert failed(items) == ["bucket", "list", "upload"]
    assert "The key is valid" in items["bucket"].detail
    assert "set key_prefix to that" in items["bucket"].detail
    assert "AccessDenied" in items["list"].detail


def test_a_bucket_that_does_not_exist_is_told(session):
    session.run("ALTER SERVER b2 OPTIONS (SET bucket 'no-such-bucket')")
    items = check(session)
    assert list(items) == [*REACHED, "key", "bucket"]
    assert failed(items) == ["bucket"]
    assert 'no bucket "no-such-bucket"' in items["bucket"].detail


def test_a_key_that_can_only_upload_is_told(session, store, store_admin):
    with store_admin.uploader(store) as (key_id, application_key):
        set_mapping(session, key_id=key_id, application_key=application_key)
        items = check(session)
    assert failed(items) == ["list", "read", "delete"]
    assert "listFiles" in items["list"].detail
    assert "readFiles" in items["read"].detail
    assert "deleteFiles" in items["delete"].detail and "b2neon-check" in items["delete"].detail


@pytest.mark.parametrize("skew, word", [(90, "behind"), (-3600, "ahead of")])
def test_a_clock_that_is_wrong_is_told_with_the_seconds(session, skew, word):
    """A store whose clock is so many seconds ahead of ours, and whose patience ends at 15 minutes."""

    def answer(_request):
        date = formatdate(time.time() + skew, usegmt=True)
        if abs(skew) < 900:
            return listener.http("200 OK", NO_OBJECTS, Date=date)
        error = "<Error><Code>RequestTimeTooSkewed</Code></Error>"
        return listener.http("403 Forbidden", error, Date=date)

    items = check_scripted(session, answer)
    assert not items["clock"].ok
    seconds = int(items["clock"].detail.split(" seconds")[0].split()[-1])
    assert abs(seconds - abs(skew)) <= 3
    assert f"seconds {word} the store's" in items["clock"].detail
    assert items["key"].ok == (abs(skew) < 900)


def test_a_store_that_does_not_say_the_time_has_no_wrong_clock(session):
    items = check_scripted(session, lambda _: listener.http("200 OK", NO_OBJECTS))
    assert items["clock"].ok


@pytest.mark.parametrize(
    "answer, said",
    [
        (listener.http("200 OK", "<html>Please log in</html>"), "does not speak S3"),
        (listener.http("404 Not Found", "<html>Nothing here</html>"), "does not speak S3"),
        (listener.http("302 Found", Location="https://login.example"), "Redirects are not"),
        (listener.http("503 Slow Down", Retry_After="3600"), "a pause of 3600 seconds"),
        (b"220 smtp.example.com ESMTP\r\n", "The request failed"),
    ],
    ids=["a captive portal", "a web server", "a redirect", "a store that is overloaded", "a mail server"],
)
def test_an_endpoint_that_is_no_working_store_is_told(session, answer, said):
    items = check_scripted(session, lambda _: answer)
    assert list(items) == ["options", "lineage", "endpoint"]
    assert failed(items) == ["endpoint"]
    assert said in items["endpoint"].detail


@pytest.mark.parametrize(
    "status, code, said",
    [
        ("400 Bad Request", "AuthorizationHeaderMalformed", "Check region and endpoint"),
        ("400 Bad Request", "InvalidRequest", "cannot be told"),
        ("403 Forbidden", "InvalidToken", "cannot be told"),
    ],
)
def test_a_refusal_that_says_nothing_of_the_key_is_no_praise_of_it(session, status, code, said):
    error = listener.http(status, f"<Error><Code>{code}</Code></Error>")
    items = check_scripted(session, lambda _: error, "'https://app.example'")
    assert failed(items) == ["key"]
    assert list(items) == [*REACHED, "key"]
    assert said in items["key"].detail and code in items["key"].detail


def test_the_options_are_said_with_their_defaults(session):
    session.run("ALTER SERVER b2 OPTIONS (ADD key_prefix 'media/', ADD request_timeout '5000')")
    detail = check(session)["options"].detail
    for part in ('"media/"', "connect_timeout 3000 ms", "request_timeout 5000 ms", "private"):
        assert part in detail


def test_an_error_in_an_answer_of_success_is_an_error(session):
    error = "<Error><Code>InternalError</Code><Message>Please retry.</Message></Error>"

    def answer(request):
        return listener.http("200 OK", NO_OBJECTS if request.startswith("GET /") else error)

    items = check_scripted(session, answer)
    assert failed(items) == ["upload", "delete"]
    assert "code InternalError: Please retry (request id none" in items["upload"].detail


def test_every_object_that_stays_behind_is_named(session, store):
    """A store that takes all, obeys the copy, and deletes nothing."""

    def answer(request):
        method = request.split()[0]
        if method == "GET":
            return listener.http("200 OK", NO_OBJECTS)
        if method == "DELETE":
            return listener.http("403 Forbidden")
        return listener.http("200 OK", "x" * 33 if method == "HEAD" else "", x_amz_version_id="v1")

    with listener.scripted(answer) as other:
        lead_to(session, other.endpoint)
        rows = session.rows("SELECT * FROM b2_check()")
    deletes = [row.detail for row in rows if row.item == "delete"]
    assert len(deletes) == 2
    paths = {r.split()[1].split("?")[0] for r in other.requests if r.startswith("DELETE")}
    assert len(paths) == 2
    for path in paths:
        assert any(path.rpartition("/")[2] in detail for detail in deletes)


def test_an_object_whose_version_is_unknown_is_not_called_deleted(session, store):
    puts = []

    def answer(request):
        if request.startswith("GET"):
            return listener.http("200 OK", NO_OBJECTS)
        puts.extend([request] if request.startswith("PUT") else [])
        version = {"x_amz_version_id": "v1"} if len(puts) == 1 else {}
        return listener.http("200 OK", **version)

    items = check_scripted(session, answer)
    assert not items["delete"].ok
    assert "cannot be told" in items["delete"].detail


def scripted_store(answers):
    """A store without a fault, but for the answers by method; those of a PUT are in turn."""
    puts = []

    def answer(request):
        method = request.split()[0]
        if method == "PUT":
            puts.append(request)
            return answers["PUT"][len(puts) - 1]
        if method == "GET":
            is_list = "list-type" in request
            return listener.http("200 OK", NO_OBJECTS if is_list else "b2neon tries whether uploads work")
        return answers.get(method, listener.http("204 No Content"))

    return answer


STORED = listener.http("200 OK", x_amz_version_id="v1")


def test_a_copy_that_was_not_answered_is_not_called_safe(session):
    for status in ("503 Slow Down", "504 Gateway Timeout"):
        store = scripted_store({"PUT": [STORED, listener.http(status)], "HEAD": STORED})
        items = check_scripted(session, store)
        assert failed(items) == ["copy source"]
        assert "cannot be told" in items["copy source"].detail


def test_a_copy_that_the_store_does_not_know_is_safe(session):
    unknown = listener.http("501 Not Implemented", "<Error><Code>NotImplemented</Code></Error>")
    items = check_scripted(session, scripted_store({"PUT": [STORED, unknown], "HEAD": STORED}))
    assert failed(items) == []


def test_what_an_unanswered_upload_has_made_is_deleted_too(session):
    methods = []
    store = scripted_store({"PUT": [listener.http("504 Gateway Timeout")], "HEAD": STORED})

    def answer(request):
        methods.append(request.split()[0])
        return store(request)

    items = check_scripted(session, answer)
    assert failed(items) == ["upload"]
    assert "deleted again" in items["delete"].detail
    assert methods.count("PUT") == 1 and methods[-1] == "DELETE"


def test_an_object_that_is_only_hidden_is_told(session):
    empty = listener.http("200 OK")
    hidden = listener.http("204 No Content", x_amz_delete_marker="true")
    store = scripted_store({"PUT": [empty, empty], "HEAD": empty, "DELETE": hidden})
    items = check_scripted(session, store)
    assert failed(items) == ["versions", "delete"]
    assert "only hidden" in items["delete"].detail


def test_a_store_that_says_nothing_is_told(session, store):
    with listener.silent() as server:
        lead_to(session, server.endpoint, request_timeout=300)
        items = check(session)
        assert list(items) == ["options", "lineage", "endpoint"]
        assert "timed out while waiting" in items["endpoint"].detail
        session.run("SET b2neon.allowed_endpoints = '*.backblazeb2.com'")
        items = check(session)
    assert failed(items) == ["endpoint"]
    assert "not allowed" in items["endpoint"].detail


def test_a_bucket_without_versions_is_told(session, store):
    name = f"{store.bucket}-unversioned"
    store.s3.create_bucket(Bucket=name)
    session.run(f"ALTER SERVER b2 OPTIONS (SET bucket '{name}')")
    assert "versions" in failed(check(session))
    store.s3.delete_bucket(Bucket=name)


def test_it_is_not_for_confined_callers(session):
    role = session.database.create_role("user")
    with session.database.connect(role=role) as user:
        with refused("42501", message="permission denied for function b2_check"):
            user.run("SELECT b2_check()")
        session.run(f'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO "{role}"')
        with refused("42501", message=r"b2_check\(\) is not allowed"):
            user.run("SELECT b2_check()")
        session.run(f'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM "{role}"')
