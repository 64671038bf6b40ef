"""The way of a file: presign, upload, register, list, download."""

import base64
import hashlib
import os
import secrets
import threading
import time
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg2
import pytest
from cluster import refused
from http_request import get, put, send

pytestmark = pytest.mark.bucket

BYTES = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def upload(session, file_name="photo.png", body=BYTES, arguments=""):
    """Presigns, and PUTs. Returns the row of b2_presign_put()."""
    presigned = session.row(
        "SELECT * FROM b2_presign_put(%s, 'image/png', user_id => 'user_123'"
        + (", " + arguments if arguments else "")
        + ")",
        file_name,
    )
    assert put(presigned, body).status == 200
    return presigned


def register(session, presigned, arguments=""):
    return session.row(
        f"SELECT * FROM b2_register_file(%s{', ' + arguments if arguments else ''})",
        presigned.object_key,
    )


def test_what_was_uploaded_is_registered_and_can_be_downloaded(session, store):
    before = session.value("SELECT clock_timestamp()")
    presigned = upload(session, "test-b2.png")
    assert presigned.object_key.startswith(store.prefix)
    assert presigned.object_key.endswith("-test-b2.png")
    assert presigned.public_file_url is None
    assert presigned.headers == {"Content-Type": "image/png"}
    assert 298 < (presigned.expires_at - before).total_seconds() < 310

    registered = register(session, presigned, "user_id => 'user_123'")
    head = store.s3.head_object(Bucket=store.bucket, Key=presigned.object_key)
    assert registered.object_key == presigned.object_key
    assert registered.user_id == "user_123"
    assert registered.server == "b2"
    assert registered.file_name == "test-b2.png"
    assert registered.file_url is None
    assert registered.content_type == "image/png"
    assert registered.size == len(BYTES)
    assert registered.etag == hashlib.md5(BYTES).hexdigest()
    assert registered.version_id == head["VersionId"]
    assert registered.metadata == {}
    assert before <= registered.upload_timestamp <= registered.verified_at
    assert registered.verified_at <= session.value("SELECT clock_timestamp()")

    listed = session.row(
        "SELECT *, b2_presign_get(object_key, version_id => version_id, server => server) AS link"
        " FROM b2_files WHERE user_id = 'user_123' AND id = %s",
        registered.id,
    )
    assert listed[:-1] == registered
    answer = get(listed.link)
    assert (answer.status, answer.body) == (200, BYTES)
    assert answer.headers["Content-Type"] == "image/png"


def test_the_plain_link_of_a_private_bucket_is_refused(session, store):
    presigned = upload(session)
    assert send("GET", presigned.presigned_url.split("?")[0]).status in (401, 403)


def test_a_declared_size_and_md5_let_the_upload_and_the_registration_through(session):
    md5 = base64.b64encode(hashlib.md5(BYTES).digest()).decode()
    presigned = upload(session, arguments=f"size => {len(BYTES)}, content_md5 => '{md5}'")
    assert presigned.headers == {"Content-Type": "image/png", "Content-MD5": md5}
    assert register(session, presigned).size == len(BYTES)


@pytest.mark.parametrize("declaration", ["size => 0", ""], ids=["declared", "undeclared"])
def test_an_empty_file_is_a_file(session, declaration):
    presigned = upload(session, "empty.png", b"", declaration)
    registered = register(session, presigned)
    assert registered.size == 0
    assert registered.etag == hashlib.md5(b"").hexdigest()
    answer = get(session.value("SELECT b2_presign_get(%s)", presigned.object_key))
    assert (answer.status, answer.body) == (200, b"")


def test_twenty_megabytes_go_up_and_come_down(session):
    body = os.urandom(20 << 20)
    presigned = upload(session, "large.bin", body, f"size => {len(body)}")
    assert register(session, presigned).size == len(body)
    answer = get(session.value("SELECT b2_presign_get(%s)", presigned.object_key))
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    "file_name, last_component",
    [
        (r"C:\fakepath\x.png", "x.png"),
        ("a/b.png", "b.png"),
        ("../../etc/passwd", "passwd"),
        ("Ünïcode 図 😀.png", "Ünïcode 図 😀.png"),
    ],
)
def test_the_last_component_of_a_path_ends_the_object_key(session, file_name, last_component):
    presigned = upload(session, file_name)
    unique_part, separator, rest = presigned.object_key.rpartition("-" + last_component)
    assert separator and rest == ""
    assert "/" not in unique_part.rpartition("/")[2] and "\\" not in unique_part
    assert register(session, presigned).object_key == presigned.object_key
    assert get(session.value("SELECT b2_presign_get(%s)", presigned.object_key)).body == BYTES


def test_two_uploads_of_one_name_get_two_keys(session):
    assert upload(session).object_key != upload(session).object_key


@pytest.mark.parametrize(
    "name",
    [
        "report.pdf",
        "Jahresübersicht 2024 (endgültig).pdf",
        'with "quotes" and \\ and 100%; filename=evil.exe.txt',
        "日本語のファイル名.png",
        "emoji 😀 and cafe\u0301.txt",
    ],
)
def test_a_download_gets_the_name_that_is_asked_for(session, name):
    presigned = upload(session)
    link = session.value(
        "SELECT b2_presign_get(%s, download_as => %s)", presigned.object_key, name
    )
    answer = get(link)
    assert (answer.status, answer.body) == (200, BYTES)
    disposition = answer.headers["Content-Disposition"]
    start, _, extended = disposition.rpartition("; filename*=UTF-8''")
    assert start.startswith('attachment; filename="') and start.endswith('"')
    fallback = start[len('attachment; filename="') : -1]
    assert fallback.isascii() and not set(fallback) & set('"\\/%')
    assert len(fallback) == len(name)
    assert unquote(extended) == name.replace("\\", "_")
    assert extended == quote(name.replace("\\", "_"), safe="")


def test_a_download_gets_the_content_type_that_is_asked_for(session):
    presigned = upload(session)
    answer = get(
        session.value(
            "SELECT b2_presign_get(%s, content_type => 'text/plain; charset=utf-8')",
            presigned.object_key,
        )
    )
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.body == BYTES


def lifetime(url):
    (seconds,) = parse_qs(urlsplit(url).query)["X-Amz-Expires"]
    return int(seconds)


def test_a_stable_link_is_the_same_throughout_its_window_and_cacheable(session):
    presigned = upload(session)
    statement = "SELECT b2_presign_get(%s, expires_in => 60, stable_for => 3600)"
    before = session.value("SELECT extract(epoch FROM clock_timestamp())::bigint")
    first = session.value(statement, presigned.object_key)
    time.sleep(1.1)
    second = session.value(statement, presigned.object_key)
    after = session.value("SELECT extract(epoch FROM clock_timestamp())::bigint")
    if before // 3600 == after // 3600:
        assert first == second
    assert parse_qs(urlsplit(first).query)["X-Amz-Expires"] == ["3660"]
    answer = get(first)
    assert answer.body == BYTES
    assert answer.headers["Cache-Control"] == "private, max-age=3600"


def test_a_stable_link_changes_with_its_window_and_lives_long_enough(session):
    presigned = upload(session)
    links = []
    end = time.monotonic() + 3.5
    while time.monotonic() < end:
        now, link = session.row(
            "SELECT extract(epoch FROM statement_timestamp())::float8,"
            " b2_presign_get(%s, expires_in => 30, stable_for => 2)",
            presigned.object_key,
        )
        (date,) = parse_qs(urlsplit(link).query)["X-Amz-Date"]
        signed_at = session.value(
            "SELECT extract(epoch FROM to_timestamp(%s, 'YYYYMMDD\"T\"HH24MISS\"Z\"')"
            "::timestamp AT TIME ZONE 'UTC')::float8",
            date,
        )
        assert signed_at % 2 == 0
        assert signed_at <= now < signed_at + 2
        assert signed_at + lifetime(link) >= now + 30
        links.append(link)
        time.sleep(0.1)
    assert 2 <= len(set(links)) <= 3


def test_without_stable_for_nothing_is_said_about_caching(session):
    presigned = upload(session)
    link = session.value("SELECT b2_presign_get(%s)", presigned.object_key)
    assert "cache-control" not in link
    assert get(link).headers["Cache-Control"] is None


def test_a_link_with_a_version_shows_the_bytes_that_were_registered(session):
    presigned = upload(session)
    registered = register(session, presigned)
    # The URL can be used again until it expires.
    assert put(presigned, b"replaced").status == 200

    pinned, latest = session.row(
        "SELECT b2_presign_get(object_key, version_id => version_id) AS pinned,"
        " b2_presign_get(object_key) AS latest FROM b2_files WHERE id = %s",
        registered.id,
    )
    assert get(pinned).body == BYTES
    assert get(latest).body == b"replaced"


def test_an_unknown_file_has_no_link(session):
    assert session.value("SELECT b2_presign_get(NULL)") is None


def test_a_public_server_gives_public_urls(session, store):
    session.create_server(
        "public", store.server_options(public="true"), store.mapping_options()
    )
    try:
        presigned = upload(session, "ä +&?#%.png", arguments="server => 'public'")
        expected = f"{store.endpoint}/{store.bucket}/{quote(presigned.object_key, safe='/~')}"
        assert presigned.public_file_url == expected
        registered = register(session, presigned)
        assert (registered.file_url, registered.server) == (expected, "public")
    finally:
        session.run("DROP SERVER public CASCADE")


@pytest.mark.local
def test_anybody_can_download_from_the_public_url_of_a_public_object(session, store):
    session.create_server(
        "public", store.server_options(public="true"), store.mapping_options()
    )
    try:
        presigned = upload(session, "ä +&?#%.png", arguments="server => 'public'")
        assert get(presigned.public_file_url).status == 403
        store.s3.put_object_acl(
            Bucket=store.bucket, Key=presigned.object_key, ACL="public-read"
        )
        assert get(presigned.public_file_url).body == BYTES
    finally:
        session.run("DROP SERVER public CASCADE")


def test_another_base_for_public_urls_implies_a_public_bucket(session, store):
    session.create_server(
        "cdn",
        store.server_options(public_url="https://cdn.example.com/files/"),
        store.mapping_options(),
    )
    try:
        presigned = upload(session, "a b.png", arguments="server => 'cdn'")
        expected = "https://cdn.example.com/files/" + quote(presigned.object_key, safe="/~")
        assert presigned.public_file_url == expected
        assert register(session, presigned).file_url == expected
    finally:
        session.run("DROP SERVER cdn CASCADE")


def test_the_caller_may_name_the_public_url(session):
    presigned = upload(session)
    registered = register(session, presigned, "public_file_url => 'https://example.com/x'")
    assert registered.file_url == "https://example.com/x"


def test_a_key_prefix_stands_in_front_of_generated_keys(session, store):
    prefix = f"{store.prefix}tenants/ä b {secrets.token_hex(4)}/"
    session.create_server(
        "prefixed", store.server_options(key_prefix=prefix), store.mapping_options()
    )
    try:
        presigned = upload(session, "x/y.png", arguments="server => 'prefixed'")
        assert presigned.object_key.startswith(prefix)
        assert presigned.object_key.endswith("-y.png")
        assert store.keys(prefix) == [presigned.object_key]
        assert register(session, presigned).server == "prefixed"
    finally:
        session.run("DROP SERVER prefixed CASCADE")


@pytest.mark.local
def test_the_virtual_hosted_style_works_as_well(database, store):
    endpoint = store.endpoint.replace("127.0.0.1", "localhost")
    settings = {"b2neon.allowed_endpoints": endpoint}
    with database.connect(**settings) as session:
        options = store.server_options(endpoint=endpoint, url_style="virtual")
        session.create_server("virtual", options, store.mapping_options())
        try:
            presigned = upload(session, arguments="server => 'virtual'")
            assert urlsplit(presigned.presigned_url).hostname == f"{store.bucket}.localhost"
            registered = register(session, presigned)
            assert registered.size == len(BYTES)
            link = session.value(
                "SELECT b2_presign_get(%s, server => 'virtual')", presigned.object_key
            )
            assert get(link).body == BYTES
        finally:
            session.run("DROP SERVER virtual CASCADE")


def test_metadata_of_both_calls_is_merged(session):
    presigned = upload(session, arguments="""metadata => '{"a": 1, "b": {"x": 1}}'""")
    registered = register(session, presigned, """metadata => '{"b": 2, "c": [3]}'""")
    assert registered.metadata == {"a": 1, "b": 2, "c": [3]}


def test_metadata_of_either_call_is_kept(session):
    first = register(session, upload(session, arguments="""metadata => '{"a": 1}'"""))
    second = register(session, upload(session), """metadata => '{"b": 2}'""")
    assert (first.metadata, second.metadata) == ({"a": 1}, {"b": 2})


def test_registering_twice_returns_the_same_row(session):
    presigned = upload(session)
    first = register(session, presigned)
    again = register(session, presigned, """metadata => '{"ignored": true}'""")
    assert again == first
    assert session.value(
        "SELECT count(*) FROM b2_files WHERE object_key = %s", presigned.object_key
    ) == 1


def test_a_fresh_url_for_the_same_key_is_an_upload_of_the_same_file(session):
    presigned = upload(session)
    fresh = session.row(
        "SELECT * FROM b2_presign_put('photo.png', 'text/plain', user_id => 'user_123',"
        " object_key => %s)",
        presigned.object_key,
    )
    assert fresh.object_key == presigned.object_key
    assert put(fresh, b"text").status == 200
    registered = register(session, presigned)
    assert (registered.content_type, registered.size) == ("text/plain", 4)


def test_an_unverified_registration_records_the_client_s_word_alone(session):
    presigned = session.row(
        "SELECT * FROM b2_presign_put('never-sent', 'image/png', size => 42)"
    )
    registered = register(session, presigned, "verify => false")
    assert (registered.content_type, registered.size) == ("image/png", 42)
    assert registered.etag is None
    assert registered.version_id is None
    assert registered.verified_at is None


def test_a_registration_that_is_rolled_back_leaves_the_upload_pending(session):
    presigned = upload(session)
    session.run("BEGIN")
    rolled_back = register(session, presigned)
    session.run("ROLLBACK")
    assert session.rows("SELECT FROM b2_files WHERE object_key = %s", presigned.object_key) == []
    assert session.value(
        "SELECT registered_at FROM b2_uploads WHERE object_key = %s", presigned.object_key
    ) is None

    registered = register(session, presigned)
    assert registered.id != rolled_back.id
    assert registered.etag == rolled_back.etag


def test_a_registration_within_a_subtransaction_goes_with_it(session):
    presigned = upload(session)
    with session.transaction():
        session.run("SAVEPOINT before")
        register(session, presigned)
        session.run("ROLLBACK TO before")
        assert (
            session.rows("SELECT FROM b2_files WHERE object_key = %s", presigned.object_key) == []
        )
        register(session, presigned)
    assert register(session, presigned).size == len(BYTES)


def register_from_sessions_at_once(database, presigned, count):
    results = []
    barrier = threading.Barrier(count)

    def register_one():
        with database.connect() as session:
            barrier.wait()
            try:
                results.append(register(session, presigned))
            except psycopg2.Error as error:
                results.append(error)

    threads = [threading.Thread(target=register_one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_sessions_that_register_the_same_file_at_once_get_the_same_row(database, session):
    for _ in range(10):
        results = register_from_sessions_at_once(database, upload(session), 4)
        assert results == [results[0]] * 4
        assert results[0].size == len(BYTES)


def register_while(database, presigned, unblock):
    """Registers in a session of its own, and calls `unblock` once that waits for a lock."""
    results = []

    def register_one(session):
        try:
            results.append(register(session, presigned))
        except psycopg2.Error as error:
            results.append(error)

    with database.connect() as session, database.connect() as observer:
        thread = threading.Thread(target=register_one, args=(session,))
        thread.start()
        deadline = time.monotonic() + 10
        while not observer.value("SELECT cardinality(pg_blocking_pids(%s)) > 0", session.pid):
            assert time.monotonic() < deadline and not results
            time.sleep(0.01)
        unblock()
        thread.join()
    return results[0]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_second_registration_waits_for_the_end_of_the_first(database, session, end):
    presigned = upload(session)
    session.run("BEGIN")
    first = register(session, presigned)
    second = register_while(database, presigned, lambda: session.run(end))
    assert (second == first) == (end == "COMMIT")
    assert second.etag == first.etag


def test_a_registration_that_another_session_commits_meanwhile_is_found(database, session):
    """The second looks for a row, finds none, and is held up before it looks for the upload."""
    presigned = upload(session)
    session.run("BEGIN")
    session.run("LOCK TABLE b2_uploads IN ACCESS EXCLUSIVE MODE")
    first = register(session, presigned)
    assert register_while(database, presigned, lambda: session.run("COMMIT")) == first


def test_a_user_role_uploads_registers_and_downloads_its_own_files_by_plain_grants(
    database, session
):
    alice, bob = database.create_role("alice"), database.create_role("bob")
    for role in (alice, bob):
        session.run(f'GRANT SELECT, DELETE ON b2_files TO "{role}"')
    with database.connect(role=alice) as hers:
        presigned = hers.row("SELECT * FROM b2_presign_put('hers.png', 'image/png')")
        assert put(presigned, BYTES).status == 200
        registered = register(hers, presigned)
        assert registered.user_id == alice
        # Her link carries the version that was registered, without her naming it.
        assert put(presigned, b"replaced").status == 200
        link = hers.value("SELECT b2_presign_get(object_key) FROM b2_files")
        assert get(link).body == BYTES
    with database.connect(role=bob) as his:
        assert his.rows("SELECT FROM b2_files") == []
        with refused("42501"):
            his.value("SELECT b2_presign_get(%s)", presigned.object_key)
        with refused("P0002"):
            register(his, presigned)


def test_the_store_s_answer_agrees_with_the_registered_row(session):
    presigned = upload(session)
    registered = register(session, presigned)
    answer = get(session.value("SELECT b2_presign_get(%s)", presigned.object_key))
    assert answer.headers["ETag"] == f'"{registered.etag}"'
    assert int(answer.headers["Content-Length"]) == registered.size
    modified = parsedate_to_datetime(answer.headers["Last-Modified"])
    assert abs((registered.verified_at - modified).total_seconds()) < 60
