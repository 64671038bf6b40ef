"""What a signature binds, what a registration verifies, and how it fails."""

import base64
import hashlib
import os
import re
import subprocess
import threading
import time
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import listener
import psycopg2
import pytest
from cluster import refused
from http_request import get, put, send

BODY = b"0123456789"
MD5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()
OTHER_MD5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()

bucket = pytest.mark.bucket


def presign(session, arguments=""):
    return session.row(
        "SELECT * FROM b2_presign_put('a.txt', 'text/plain'"
        + (", " + arguments if arguments else "")
        + ")"
    )


def register(session, object_key):
    return session.row("SELECT * FROM b2_register_file(%s)", object_key)


def is_pending(session, object_key):
    """Whether the upload can still be registered, and nothing is recorded."""
    return (
        session.value("SELECT count(*) FROM b2_files WHERE object_key = %s", object_key) == 0
        and session.value(
            "SELECT count(*) FROM b2_uploads WHERE object_key = %s AND registered_at IS NULL",
            object_key,
        )
        == 1
    )


# ---------------------------------------------------------------------------------------------
# What the store refuses
# ---------------------------------------------------------------------------------------------

DECLARED = f"size => {len(BODY)}, content_md5 => '{MD5}'"


@bucket
def test_an_upload_as_declared_is_accepted_by_the_store(session):
    assert put(presign(session, DECLARED), BODY).status == 200


@bucket
def test_an_upload_with_another_content_type_is_refused_by_the_store(session, store):
    presigned = presign(session)
    assert put(presigned, BODY, Content_Type="text/html").status == 403
    assert not store.has(presigned.object_key)


@bucket
def test_an_upload_without_a_content_type_is_refused_by_the_store(session, store):
    presigned = presign(session)
    assert send("PUT", presigned.presigned_url, BODY).status == 403
    assert not store.has(presigned.object_key)


@bucket
@pytest.mark.parametrize("body", [b"", BODY[:-1], BODY + b"x"], ids=["empty", "shorter", "longer"])
def test_an_upload_of_another_length_than_declared_is_refused_by_the_store(session, store, body):
    presigned = presign(session, f"size => {len(BODY)}")
    assert put(presigned, body).status == 403
    assert not store.has(presigned.object_key)


@bucket
def test_an_upload_with_another_content_md5_is_refused_by_the_store(session, store):
    presigned = presign(session, f"content_md5 => '{MD5}'")
    assert put(presigned, b"other", Content_MD5=OTHER_MD5).status == 403
    assert not store.has(presigned.object_key)


@bucket
def test_an_upload_of_other_bytes_than_its_content_md5_says_is_refused_by_the_store(session, store):
    presigned = presign(session, f"content_md5 => '{MD5}'")
    assert put(presigned, b"other").status == 400
    assert not store.has(presigned.object_key)


@bucket
def test_an_upload_to_another_key_is_refused_by_the_store(session, store):
    presigned = presign(session)
    parts = urlsplit(presigned.presigned_url)
    elsewhere = urlunsplit(parts._replace(path=parts.path + "x"))
    assert send("PUT", elsewhere, BODY, presigned.headers).status == 403
    assert not store.has(presigned.object_key + "x")


@bucket
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_an_upload_url_is_of_no_use_with_another_method(session, store, method):
    presigned = presign(session)
    assert put(presigned, BODY).status == 200
    # Clients send a POST without a body as one of length 0.
    body = b"" if method == "POST" else None
    answer = send(method, presigned.presigned_url, body, presigned.headers)
    assert answer.status in (403, 405, 501)
    assert store.download(presigned.object_key) == BODY


@bucket
@pytest.mark.parametrize("method", ["PUT", "HEAD", "DELETE"])
def test_a_download_link_is_of_no_use_with_another_method(session, store, method):
    key = store.new_key()
    store.upload(key, BODY)
    link = session.value("SELECT b2_presign_get(%s)", key)
    body = b"overwritten" if method == "PUT" else None
    assert send(method, link, body).status == 403
    assert store.download(key) == BODY


def tampered(url, **changes):
    """The URL with other values of query parameters; None removes one."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    for name, value in changes.items():
        name = name.replace("_", "-")
        if value is None:
            del query[name]
        else:
            query[name] = value
    return urlunsplit(parts._replace(query=urlencode(query)))


@bucket
@pytest.mark.parametrize(
    "changes",
    [
        {"X_Amz_Expires": "604800"},
        {"X_Amz_Date": "20380119T031407Z"},
        {"X_Amz_SignedHeaders": "host;x-amz-acl"},
        {"X_Amz_Signature": "0" * 64},
        {"response_content_type": "text/html"},
        {"response_content_disposition": "inline"},
        {"response_content_disposition": None},
        {"versionId": "null"},
    ],
    ids=lambda changes: " ".join(f"{name}={value}" for name, value in changes.items()),
)
def test_a_link_whose_query_was_tampered_with_is_refused_by_the_store(session, store, changes):
    key = store.new_key()
    store.upload(key, BODY)
    link = session.value("SELECT b2_presign_get(%s, download_as => 'x.txt')", key)
    assert get(tampered(link)).body == BODY
    assert get(tampered(link, **changes)).status == 403


@bucket
def test_an_expired_url_is_refused_by_the_store(session, store):
    presigned = presign(session, "expires_in => 1")
    key = store.new_key()
    store.upload(key, BODY)
    link = session.value("SELECT b2_presign_get(%s, expires_in => 1)", key)
    time.sleep(2.1)
    assert put(presigned, BODY).status == 403
    assert get(link).status == 403
    assert not store.has(presigned.object_key)


# ---------------------------------------------------------------------------------------------
# What the registration refuses
# ---------------------------------------------------------------------------------------------


@contextmanager
def leaves_pending(session, object_key, sqlstate, **texts):
    """The block is refused, and the upload can be registered once it has been done right."""
    with refused(sqlstate, **texts) as caught:
        yield caught
    assert is_pending(session, object_key)


def do_right_and_register(session, presigned):
    assert put(presigned, BODY).status == 200
    registered = register(session, presigned.object_key)
    assert (registered.size, registered.content_type) == (len(BODY), "text/plain")


@bucket
def test_an_object_that_is_not_there_cannot_be_registered(session, store):
    presigned = presign(session)
    with leaves_pending(
        session,
        presigned.object_key,
        "58P01",
        message=f'"{re.escape(presigned.object_key)}" is not in bucket "{store.bucket}"',
        hint="stays pending",
    ):
        register(session, presigned.object_key)
    do_right_and_register(session, presigned)


@bucket
def test_an_object_that_was_deleted_cannot_be_registered(session, store):
    presigned = presign(session)
    assert put(presigned, BODY).status == 200
    store.s3.delete_object(Bucket=store.bucket, Key=presigned.object_key)
    with leaves_pending(session, presigned.object_key, "58P01"):
        register(session, presigned.object_key)
    do_right_and_register(session, presigned)


@bucket
@pytest.mark.parametrize("body", [b"", b"123456789", b"a" * 5000], ids=len)
def test_an_object_of_another_size_cannot_be_registered(session, store, body):
    presigned = presign(session, f"size => {len(BODY)}")
    store.upload(presigned.object_key, body)
    with leaves_pending(
        session,
        presigned.object_key,
        "23514",
        constraint="size",
        message="does not have the declared size",
        detail=f"Declared was {len(BODY)} bytes, found was {len(body)} bytes",
    ):
        register(session, presigned.object_key)
    do_right_and_register(session, presigned)


@bucket
@pytest.mark.parametrize("found", ["text/html", "text/plain; charset=utf-8", "TEXT/PLAIN"])
def test_an_object_of_another_content_type_cannot_be_registered(session, store, found):
    presigned = presign(session)
    store.upload(presigned.object_key, BODY, found)
    with leaves_pending(
        session,
        presigned.object_key,
        "23514",
        constraint="content_type",
        message="does not have the declared content type",
        detail=f'Declared was "text/plain", found was "{re.escape(found)}"',
    ):
        register(session, presigned.object_key)
    do_right_and_register(session, presigned)


@bucket
def test_an_object_of_another_md5_cannot_be_registered(session, store):
    presigned = presign(session, f"content_md5 => '{MD5}'")
    store.upload(presigned.object_key, b"abcdefghij")
    with leaves_pending(
        session,
        presigned.object_key,
        "23514",
        constraint="content_md5",
        message="does not have the declared MD5",
        detail=f"{re.escape(MD5)}.*{hashlib.md5(b'abcdefghij').hexdigest()}",
    ):
        register(session, presigned.object_key)
    do_right_and_register(session, presigned)


@bucket
def test_an_object_above_the_server_s_limit_cannot_be_registered(session, store):
    options = store.server_options(max_upload_size=10)
    session.create_server("small", options, store.mapping_options())
    try:
        presigned = presign(session, "server => 'small'")
        assert put(presigned, BODY + b"x").status == 200
        with leaves_pending(
            session,
            presigned.object_key,
            "23514",
            constraint="size",
            message="too large",
            detail='"small" allows at most 10 bytes, and the object has 11',
        ):
            register(session, presigned.object_key)
        do_right_and_register(session, presigned)
    finally:
        session.run("DROP SERVER small CASCADE")


@bucket
def test_an_upload_cannot_be_registered_after_its_deadline(session, store):
    options = store.server_options(upload_grace=0)
    session.create_server("strict", options, store.mapping_options())
    try:
        presigned = presign(session, "expires_in => 1, server => 'strict'")
        assert put(presigned, BODY).status == 200
        time.sleep(1.1)
        with leaves_pending(
            session,
            presigned.object_key,
            "55000",
            message="too late to register",
            detail='expired at .*"strict" is 0 seconds',
        ):
            register(session, presigned.object_key)
        # A later deadline lets it in.
        session.run("ALTER SERVER strict OPTIONS (SET upload_grace '60')")
        assert register(session, presigned.object_key).size == len(BODY)
    finally:
        session.run("DROP SERVER strict CASCADE")


@bucket
def test_what_was_never_presigned_cannot_be_registered(session, store):
    key = store.new_key()
    store.upload(key, BODY)
    with refused("P0002", message="no pending upload", hint=r"b2_presign_put\(\)"):
        register(session, key)
    assert session.rows("SELECT FROM b2_files WHERE object_key = %s", key) == []


@bucket
def test_an_upload_of_another_user_or_server_is_no_upload(session, store):
    session.create_server("second", store.server_options(), store.mapping_options())
    try:
        presigned = presign(session, "user_id => 'ann'")
        assert put(presigned, BODY).status == 200
        for arguments in ("user_id => 'bob'", "server => 'second'"):
            with leaves_pending(session, presigned.object_key, "P0002", message="no pending"):
                session.run(
                    f"SELECT b2_register_file(%s, {arguments})", presigned.object_key
                )
        assert register(session, presigned.object_key).user_id == "ann"
    finally:
        session.run("DROP SERVER second CASCADE")


# ---------------------------------------------------------------------------------------------
# A store that refuses, or is not there
# ---------------------------------------------------------------------------------------------


@pytest.fixture
def other_store(database, store):
    """Makes a server `other` with these options, and gives a session that may use it."""
    sessions = []

    def create(allowed=None, mapping=None, **options):
        settings = {"b2neon.allowed_endpoints": allowed or options.get("endpoint", store.endpoint)}
        session = database.connect(**settings)
        sessions.append(session)
        session.create_server(
            "other", store.server_options(**options), mapping or store.mapping_options()
        )
        return session

    yield create
    for session in sessions:
        session.connection.close()
    with database.connect() as session:
        session.run("DROP SERVER IF EXISTS other CASCADE")


def repair(session, store):
    """Lets the server `other` lead to the store after all."""
    session.run(f"SET b2neon.allowed_endpoints = '{store.endpoint}'")
    session.run(
        f"ALTER SERVER other OPTIONS (SET endpoint '{store.endpoint}', SET bucket '{store.bucket}')"
    )
    session.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER other OPTIONS"
        f" (SET key_id '{store.key_id}', SET application_key '{store.application_key}')"
    )


def assert_refused_until_repaired(session, store, sqlstate, **texts):
    presigned = presign(session, "server => 'other'")
    with leaves_pending(session, presigned.object_key, sqlstate, **texts) as caught:
        register(session, presigned.object_key)
    assert store.application_key not in str(caught.value)
    repair(session, store)
    fresh = session.row(
        "SELECT * FROM b2_presign_put('a.txt', 'text/plain', object_key => %s, server => 'other')",
        presigned.object_key,
    )
    do_right_and_register(session, fresh)


@bucket
def test_a_wrong_application_key_is_an_error_of_the_store(store, other_store):
    mapping = store.mapping_options(application_key="wrong")
    session = other_store(mapping=mapping)
    assert_refused_until_repaired(
        session,
        store,
        "HV000",
        message='store of server "other" refused',
        detail="HTTP status 403",
        hint="application_key",
    )


@bucket
def test_an_unknown_key_id_is_an_error_of_the_store(store, other_store):
    session = other_store(mapping=store.mapping_options(key_id="unknown"))
    assert_refused_until_repaired(session, store, "HV000", detail="HTTP status 40[13]")


def test_a_bucket_of_somebody_else_is_an_error_of_the_store(store, other_store, store_admin):
    session = other_store(bucket=store_admin.bucket_of_another_user())
    assert_refused_until_repaired(
        session, store, "HV000", detail="code AccessDenied", hint="needs the capability readFiles"
    )


def test_a_bucket_that_does_not_exist_is_named(store, other_store):
    """The answer to a HEAD request does not tell it from an object that does not exist."""
    session = other_store(bucket="no-such-bucket")
    assert_refused_until_repaired(
        session,
        store,
        "HV000",
        message='bucket "no-such-bucket" of server "other" does not exist',
        detail="HTTP status 404, code NoSuchBucket",
        hint="option bucket",
    )


def test_nobody_listening_is_a_connection_failure(store, other_store):
    session = other_store(endpoint=f"http://127.0.0.1:{listener.closed_port()}")
    assert_refused_until_repaired(
        session, store, "08001", message='no answer from the store of server "other"'
    )


def test_a_host_that_does_not_exist_is_a_connection_failure(store, other_store):
    session = other_store(endpoint="http://host.invalid:9000")
    assert_refused_until_repaired(session, store, "08001", detail="host.invalid")


SILENCES = {
    "in HTTP": (listener.silent, "waiting for an answer"),
    "in TLS": (listener.silent_in_tls, "setting up TLS"),
    "after the first byte": (listener.trickling, "timed out"),
}


@pytest.mark.parametrize("silence, step", SILENCES.values(), ids=SILENCES.keys())
def test_a_store_that_falls_silent_is_given_up_after_the_request_timeout(
    store, other_store, silence, step
):
    with silence() as server:
        session = other_store(endpoint=server.endpoint, request_timeout=300)
        start = time.monotonic()
        assert_refused_until_repaired(session, store, "08006", detail=step)
        assert 0.3 <= time.monotonic() - start < 2
        assert server.was_contacted.is_set()


def test_a_store_that_takes_no_connection_is_given_up_after_the_connect_timeout(store, other_store):
    with listener.unreachable() as endpoint:
        session = other_store(endpoint=endpoint, connect_timeout=300, request_timeout=700)
        start = time.monotonic()
        assert_refused_until_repaired(session, store, "08006", detail="connecting")
        assert 0.3 <= time.monotonic() - start < 2


MISBEHAVIOUR = {
    "a redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: %s/elsewhere\r\nContent-Length: 0\r\n\r\n",
        "HV000",
        "HTTP status 302",
    ),
    "a refusal with a request id": (
        b"HTTP/1.1 403 Forbidden\r\nx-amz-request-id: 0123456789ABCDEF\r\n\r\n",
        "HV000",
        "0123456789ABCDEF",
    ),
    "a refusal with a malicious request id": (
        b"HTTP/1.1 403 Forbidden\r\nx-amz-request-id: \x1b[2J\xff\r\n\r\n",
        "HV000",
        r"request id none",
    ),
    "a partial answer": (b"HTTP/1.1 206 Partial Content\r\n\r\n", "HV000", "HTTP status 206"),
    "no size": (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", "08P01", None),
    "a negative size": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: -1\r\n\r\n",
        "08",
        None,
    ),
    "a header without end": (b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 50000, "08", None),
    "something else than HTTP": (b"220 smtp.example.com ESMTP\r\n", "08", None),
    "nothing": (b"", "08", None),
}


@pytest.mark.parametrize("answer, sqlstate, detail", MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
def test_an_answer_that_no_healthy_store_gives_is_an_error(
    store, other_store, answer, sqlstate, detail
):
    with listener.silent() as elsewhere:
        location = elsewhere.endpoint.encode()
        with listener.answering(answer.replace(b"%s", location)) as server:
            session = other_store(endpoint=server.endpoint, request_timeout=2000)
            presigned = presign(session, "server => 'other'")
            with pytest.raises(psycopg2.Error) as caught:
                register(session, presigned.object_key)
            assert caught.value.pgcode.startswith(sqlstate), caught.value
            assert detail is None or re.search(detail, caught.value.diag.message_detail)
            assert is_pending(session, presigned.object_key)
            methods = {line.split()[0] for line in server.requests}
            # A GET asks why a HEAD was refused.
            assert methods in ({"HEAD"}, {"HEAD", "GET"})
            # No redirect is followed.
            assert not elsewhere.was_contacted.is_set()


def test_an_answer_without_a_content_type_is_not_as_declared(other_store):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    with listener.answering(answer) as server:
        session = other_store(endpoint=server.endpoint)
        presigned = presign(session, "server => 'other'")
        with leaves_pending(
            session, presigned.object_key, "23514", constraint="content_type", detail="none"
        ):
            register(session, presigned.object_key)


def test_a_private_address_behind_a_wildcard_pattern_is_not_contacted(store, other_store):
    with listener.silent() as server:
        endpoint = f"http://store.localhost:{server.port}"
        session = other_store(
            endpoint=endpoint, allowed=f"http://*.localhost:{server.port}", request_timeout=2000
        )
        assert_refused_until_repaired(
            session, store, "42501", message="address that is not allowed", hint="superuser"
        )
        assert not server.was_contacted.is_set()


def test_the_very_host_in_the_list_may_be_at_a_private_address(other_store):
    with listener.silent() as server:
        endpoint = f"http://store.localhost:{server.port}"
        allowed = f"http://*.localhost:{server.port},{endpoint}"
        session = other_store(endpoint=endpoint, allowed=allowed, request_timeout=300)
        presigned = presign(session, "server => 'other'")
        with refused("08006"):
            register(session, presigned.object_key)
        assert server.was_contacted.is_set()


def test_an_endpoint_that_is_no_longer_allowed_is_not_contacted(other_store):
    with listener.silent() as server:
        session = other_store(endpoint=server.endpoint, request_timeout=2000)
        presigned = presign(session, "server => 'other'")
        session.run("SET b2neon.allowed_endpoints = '*.backblazeb2.com'")
        with leaves_pending(session, presigned.object_key, "42501", message="not allowed"):
            register(session, presigned.object_key)
        assert not server.was_contacted.is_set()


# ---------------------------------------------------------------------------------------------
# Interrupts
# ---------------------------------------------------------------------------------------------


def register_and_time(session, server, object_key, interrupt):
    """Registers, and calls `interrupt` once the server has been contacted. Returns the error, and
    the seconds from then on until the call ended."""
    moment = []

    def interrupt_when_contacted():
        assert server.was_contacted.wait(10)
        moment.append(time.monotonic())
        interrupt()

    thread = threading.Thread(target=interrupt_when_contacted)
    thread.start()
    with pytest.raises(psycopg2.Error) as caught:
        register(session, object_key)
    end = time.monotonic()
    thread.join()
    return caught.value, end - moment[0]


SILENT_SERVERS = {name: silence for name, (silence, _) in SILENCES.items()}
silences = pytest.mark.parametrize(
    "silence", SILENT_SERVERS.values(), ids=SILENT_SERVERS.keys()
)


def assert_usable(session, store):
    """The next call in the same session works."""
    repair(session, store)
    presigned = presign(session, "server => 'other'")
    do_right_and_register(session, presigned)


@silences
def test_statement_timeout_ends_a_registration_at_once(store, other_store, silence):
    with silence() as server:
        session = other_store(endpoint=server.endpoint, request_timeout=60000)
        presigned = presign(session, "server => 'other'")
        session.run("SET statement_timeout = '300ms'")
        start = time.monotonic()
        with leaves_pending(session, presigned.object_key, "57014", message="statement timeout"):
            register(session, presigned.object_key)
        assert 0.25 < time.monotonic() - start < 1
        session.run("RESET statement_timeout")
        assert_usable(session, store)


@silences
def test_a_cancel_ends_a_registration_at_once(database, store, other_store, silence):
    with silence() as server, database.connect() as killer:
        session = other_store(endpoint=server.endpoint, request_timeout=60000)
        presigned = presign(session, "server => 'other'")
        error, seconds = register_and_time(
            session,
            server,
            presigned.object_key,
            lambda: killer.run("SELECT pg_cancel_backend(%s)", session.pid),
        )
        assert error.pgcode == "57014" and "user request" in str(error)
        assert seconds < 1
        assert is_pending(session, presigned.object_key)
        assert_usable(session, store)


@silences
def test_a_termination_ends_a_registration_at_once(database, store, other_store, silence):
    with silence() as server:
        session = other_store(endpoint=server.endpoint, request_timeout=60000)
        presigned = presign(session, "server => 'other'")
        # psycopg2 does not show what a server says before it hangs up; psql does.
        psql = subprocess.Popen(
            [
                database.cluster.bindir / "psql",
                "-X",
                "--set=VERBOSITY=verbose",
                f"--command=SELECT b2_register_file('{presigned.object_key}')",
                database.name,
            ],
            env={
                **os.environ,
                "PGAPPNAME": presigned.object_key,
                "PGOPTIONS": f"-c b2neon.allowed_endpoints={server.endpoint}",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.was_contacted.wait(10)
        start = time.monotonic()
        this_backend = "FROM pg_stat_activity WHERE application_name = left(%s, 63)"
        session.run(f"SELECT pg_terminate_backend(pid) {this_backend}", presigned.object_key)
        _, errors = psql.communicate(timeout=10)
        assert "FATAL:  57P01: terminating connection" in errors
        while session.rows(f"SELECT {this_backend}", presigned.object_key):
            assert time.monotonic() - start < 1
            time.sleep(0.01)
        assert is_pending(session, presigned.object_key)
        assert_usable(session, store)


def test_statement_timeout_ends_a_registration_that_cannot_connect(store, other_store):
    with listener.unreachable() as endpoint:
        session = other_store(endpoint=endpoint, connect_timeout=60000, request_timeout=60000)
        presigned = presign(session, "server => 'other'")
        session.run("SET statement_timeout = '300ms'")
        start = time.monotonic()
        with leaves_pending(session, presigned.object_key, "57014"):
            register(session, presigned.object_key)
        assert 0.25 < time.monotonic() - start < 1
        session.run("RESET statement_timeout")
        assert_usable(session, store)


def test_a_handler_of_other_errors_does_not_swallow_a_cancel(store, other_store):
    with listener.silent() as server:
        session = other_store(endpoint=server.endpoint, request_timeout=60000)
        presigned = presign(session, "server => 'other'")
        session.run("SET statement_timeout = '300ms'")
        start = time.monotonic()
        with refused("57014"):
            session.run(
                f"""DO $$ BEGIN
                      PERFORM b2_register_file('{presigned.object_key}');
                    EXCEPTION WHEN OTHERS THEN
                      RAISE EXCEPTION 'swallowed %', SQLSTATE;
                    END $$"""
            )
        assert time.monotonic() - start < 1
        session.run("RESET statement_timeout")
        assert_usable(session, store)


def test_a_handler_of_other_errors_sees_the_store_s_silence(other_store):
    with listener.silent() as server:
        session = other_store(endpoint=server.endpoint, request_timeout=200)
        presigned = presign(session, "server => 'other'")
        session.run(
            f"""CREATE TEMP TABLE seen (code text);
                DO $$ BEGIN
                  PERFORM b2_register_file('{presigned.object_key}');
                EXCEPTION WHEN OTHERS THEN
                  INSERT INTO seen VALUES (SQLSTATE);
                END $$"""
        )
        assert session.value("SELECT code FROM seen") == "08006"
        assert is_pending(session, presigned.object_key)
