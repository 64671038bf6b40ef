"""A backend that lives for long does not grow: no memory, no file descriptors."""

import os
from pathlib import Path
from types import SimpleNamespace

import listener
import psycopg2
import pytest
from process_memory import private_memory

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE

# Noise of malloc and of PostgreSQL's own caches.
CONTEXTS_MAY_GROW = 64 * KILOBYTE
PROCESS_MAY_GROW = 1 * MEGABYTE


@pytest.fixture
def session(database):
    """Without just-in-time compilation, which loads a library of a hundred megabytes."""
    with database.connect(jit="off") as session:
        yield session


def usage(session):
    process = Path("/proc") / str(session.pid)
    return SimpleNamespace(
        contexts=session.value("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts"),
        process=private_memory(session.pid),
        descriptors=len(os.listdir(process / "fd")),
        threads=len(os.listdir(process / "task")),
    )


def assert_no_growth(session, work, warm_up=None):
    """Runs `warm_up` (or `work`) first, to fill caches and pools, and compares before and after
    `work`."""
    (warm_up or work)()
    before = usage(session)
    work()
    after = usage(session)
    assert after.contexts - before.contexts < CONTEXTS_MAY_GROW
    assert after.process - before.process < PROCESS_MAY_GROW
    assert after.descriptors <= before.descriptors
    # Those that libcurl keeps for name look-ups end after a while.
    assert after.threads <= before.threads


MILLION_CALLS = {
    "one query": """
        SELECT count(b2_presign_get('folder/file ' || n))
        FROM (SELECT generate_series(1, {count}) AS n) numbers""",
    "one query with every option": """
        SELECT count(b2_presign_get('folder/file ' || n, 60 + n % 60, 'näme ' || n, 'image/png',
                                    'version' || n, n % 100))
        FROM (SELECT generate_series(1, {count}) AS n) numbers""",
    "many keys a call": """
        SELECT count(link.presigned_url) FROM generate_series(1, {count} / 1000) AS n,
            LATERAL b2_presign_get(ARRAY(SELECT 'folder/file ' || n * 1000 + m
                                         FROM generate_series(1, 1000) AS m)) AS link""",
    "a loop": """
        DO $$ BEGIN
            FOR n IN 1 .. {count} LOOP PERFORM b2_presign_get('folder/file ' || n); END LOOP;
        END $$""",
}


@pytest.mark.parametrize("statement", MILLION_CALLS.values(), ids=MILLION_CALLS.keys())
def test_a_million_links_leave_memory_where_it_was(session, statement):
    assert_no_growth(
        session,
        lambda: session.run(statement.format(count=1000000)),
        warm_up=lambda: session.run(statement.format(count=10000)),
    )


IDENTITIES = {
    "current_user": "",
    "request.jwt.claims": "SET request.jwt.claims = '{\"sub\": \"user_1\"}'",
    "auth.user_id()": "CREATE SCHEMA auth; CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE plpgsql"
    " STABLE PARALLEL SAFE AS $$ BEGIN RETURN current_setting('server_version'); END $$",
}


@pytest.mark.parametrize("source, set_up", IDENTITIES.items(), ids=IDENTITIES.keys())
def test_a_million_questions_who_the_caller_is_leave_memory_where_it_was(
    own_database, source, set_up
):
    count = "SELECT count(b2_user_id()) FROM (SELECT generate_series(1, {})) numbers"
    with own_database.connect(jit="off") as session:
        if set_up:
            session.run(set_up)
        session.run("SELECT b2_set_identity(%s)", source)
        assert_no_growth(
            session,
            lambda: session.run(count.format(1000000)),
            warm_up=lambda: session.run(count.format(10000)),
        )


def test_the_measurement_sees_what_is_kept(session):
    """A guard for the other tests: two megabytes in a cursor are seen."""
    before = usage(session)
    session.run(
        "DECLARE kept CURSOR WITH HOLD FOR"
        " SELECT repeat('x', 1000) || n FROM generate_series(1, 2000) n"
    )
    after = usage(session)
    assert after.contexts - before.contexts > CONTEXTS_MAY_GROW
    assert after.process - before.process > PROCESS_MAY_GROW


FAILING_CALLS = [
    "b2_presign_get('')",
    "b2_presign_get('a/../b')",
    "b2_presign_get(repeat('x', 2000))",
    "b2_presign_get('x', 0)",
    "b2_presign_get('x', server => 'nosuch')",
    "b2_presign_get('x', server => 'keyless')",
    "b2_presign_get('x', download_as => E'a\\x01b')",
    "b2_presign_get('x', content_type => 'nonsense')",
    "b2_presign('get', 'x')",
    "b2_presign('GET', 'x', headers => '[1]')",
    "b2_presign('GET', 'x', headers => '{\"a\": {\"b\": 1}}')",
    "b2_presign('GET', 'x', headers => '{\"Host\": \"x\"}')",
    "b2_presign('GET', 'x', query => '{\"X-Amz-Date\": \"x\"}')",
    "b2_presign('GET', 'x', signed_at => 'infinity')",
    "b2_presign_put('', 'text/plain')",
    "b2_presign_put('x', 'text/plain', size => -1)",
    "b2_presign_put('x', 'text/plain', content_md5 => 'x')",
    "b2_presign_put('x', 'text/plain', metadata => '[]')",
    "b2_presign_put('x', 'text/plain', object_key => 'taken')",
    "b2_register_file('nosuch')",
    "b2_register_file('x', metadata => '[]')",
]


def test_ten_thousand_failures_leave_memory_where_it_was(session, store):
    session.run(
        "CREATE SERVER keyless FOREIGN DATA WRAPPER b2neon"
        f" OPTIONS (endpoint '{store.endpoint}', bucket 'xxx', region 'x')"
    )
    session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('taken', 'x')")
    session.run(
        """CREATE FUNCTION fail_in_turn(calls text[], count integer) RETURNS integer
           LANGUAGE plpgsql AS $$
           DECLARE failures integer := 0;
           BEGIN
               FOR n IN 1 .. count LOOP
                   BEGIN
                       EXECUTE 'SELECT ' || calls[1 + n % cardinality(calls)];
                   EXCEPTION WHEN OTHERS THEN
                       failures := failures + 1;
                   END;
               END LOOP;
               RETURN failures;
           END $$"""
    )

    def fail(count):
        assert session.value("SELECT fail_in_turn(%s, %s)", FAILING_CALLS, count) == count

    assert_no_growth(session, lambda: fail(10000), warm_up=lambda: fail(500))


def test_failing_statements_of_their_own_leave_memory_where_it_was(session):
    """As above, where each error ends a transaction."""

    def fail():
        for call in FAILING_CALLS:
            with pytest.raises(psycopg2.Error):
                session.run(f"SELECT {call}")

    assert_no_growth(session, lambda: [fail() for _ in range(50)], warm_up=fail)


def pending_upload(session, server="b2"):
    return session.value(
        "SELECT object_key FROM b2_presign_put('x', 'text/plain', server => %s)", server
    )


def fail_to_register(session, object_key, sqlstate, count):
    for _ in range(count):
        with pytest.raises(psycopg2.Error) as caught:
            session.run("SELECT b2_register_file(%s)", object_key)
        assert caught.value.pgcode == sqlstate


def test_two_hundred_registrations_of_nothing_leave_memory_where_it_was(session):
    key = pending_upload(session)
    assert_no_growth(
        session,
        lambda: fail_to_register(session, key, "58P01", 200),
        warm_up=lambda: fail_to_register(session, key, "58P01", 20),
    )


@pytest.fixture
def unruly(database, store):
    """Gives sessions in which the server `unruly` is at an endpoint of the test's choice."""
    sessions = []

    def connect(endpoint, request_timeout=60000):
        session = database.connect(**{"b2neon.allowed_endpoints": endpoint, "jit": "off"})
        sessions.append(session)
        options = store.server_options(endpoint=endpoint, request_timeout=request_timeout)
        session.create_server("unruly", options, store.mapping_options())
        return session

    yield connect
    for session in sessions:
        session.run("DROP SERVER unruly CASCADE")
        session.connection.close()


def test_two_hundred_connections_refused_leave_memory_where_it_was(unruly):
    # No time for a second attempt.
    session = unruly(f"http://127.0.0.1:{listener.closed_port()}", request_timeout=40)
    key = pending_upload(session, "unruly")
    assert_no_growth(
        session,
        lambda: fail_to_register(session, key, "08001", 200),
        warm_up=lambda: fail_to_register(session, key, "08001", 20),
    )


@pytest.mark.parametrize(
    "silence",
    [listener.silent, listener.silent_in_tls, listener.trickling],
    ids=["in HTTP", "in TLS", "after the first byte"],
)
def test_three_hundred_cancelled_registrations_leave_nothing_open(unruly, silence):
    with silence() as server:
        session = unruly(server.endpoint)
        key = pending_upload(session, "unruly")
        session.run("SET statement_timeout = '12ms'")
        assert_no_growth(
            session,
            lambda: fail_to_register(session, key, "57014", 300),
            warm_up=lambda: fail_to_register(session, key, "57014", 30),
        )
        session.run("RESET statement_timeout")
        assert server.requests


def test_registrations_cancelled_while_connecting_leave_nothing_open(unruly):
    with listener.unreachable() as endpoint:
        session = unruly(endpoint)
        key = pending_upload(session, "unruly")
        session.run("SET statement_timeout = '10ms'")
        assert_no_growth(
            session,
            lambda: fail_to_register(session, key, "57014", 100),
            warm_up=lambda: fail_to_register(session, key, "57014", 20),
        )
        session.run("RESET statement_timeout")


def test_five_hundred_changes_of_a_server_leave_memory_where_it_was(session, store):
    session.create_server("changing", store.server_options(), store.mapping_options())

    def change(count):
        for number in range(count):
            session.run(f"ALTER SERVER changing OPTIONS (SET region 'region-{number % 7}')")
            session.run("SELECT b2_presign_get('x', server => 'changing')")
            session.run(
                "ALTER USER MAPPING FOR PUBLIC SERVER changing"
                f" OPTIONS (SET application_key 'key{number}')"
            )
            session.run("SELECT b2_presign_get('x', server => 'changing')")

    assert_no_growth(session, lambda: change(500), warm_up=lambda: change(50))


def test_changes_within_one_transaction_leave_memory_where_it_was(session, store):
    session.create_server("altered", store.server_options(), store.mapping_options())

    def change():
        session.run(
            """DO $$ BEGIN
                   FOR n IN 1 .. 200 LOOP
                       EXECUTE format('ALTER SERVER altered OPTIONS (SET region %L)', 'r' || n);
                       PERFORM b2_presign_get('x', server => 'altered');
                   END LOOP;
               END $$"""
        )

    assert_no_growth(session, change)


def test_uploads_and_registrations_leave_memory_where_it_was(session):
    statement = """
        DO $$
        DECLARE key text;
        BEGIN
            FOR n IN 1 .. {count} LOOP
                SELECT object_key INTO key FROM b2_presign_put('f' || n, 'text/plain', size => n);
                PERFORM b2_register_file(key, verify => false);
                DELETE FROM b2_files WHERE object_key = key;
            END LOOP;
        END $$"""
    assert_no_growth(
        session,
        lambda: session.run(statement.format(count=5000)),
        warm_up=lambda: session.run(statement.format(count=500)),
    )
