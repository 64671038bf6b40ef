"""A backend that meets nothing but trouble, again and again, does not grow; and its name look-ups take
no signal that is meant for PostgreSQL."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import faults
import psycopg2
import pytest
from test_memory import assert_no_growth, usage

# Of each kind one call in turn. No time is left for a second attempt.
KINDS = {
    "nobody listens": "08001",
    "closes before the headers": "08006",
    "closes inside the headers": "08006",
    "resets the connection": "08006",
    "a status line that is none": "08P01",
    "no Content-Length": "08P01",
    "a certificate that nobody vouches for": "08001",
    "500": "HV000",
    "302": "HV000",
    "403 with a code": "HV000",
    "403 with an entity bomb": "HV000",
    "no host of that name": "08001",
}

FAIL = """
    DO $$
    DECLARE
        uploads CONSTANT text[] := ARRAY(SELECT object_key FROM b2_uploads WHERE server ~ 'kind'
                                         ORDER BY server);
        failures integer[] := array_fill(0, ARRAY[cardinality(uploads)]);
        as_expected integer := 0;
        expected CONSTANT text[] := string_to_array('{expected}', ',');
    BEGIN
        FOR n IN 0 .. {count} - 1 LOOP
            BEGIN
                PERFORM b2_register_file(uploads[1 + n %% cardinality(uploads)]);
            EXCEPTION WHEN OTHERS THEN
                -- On a machine that is busy any of them can time out.
                IF SQLSTATE NOT IN (expected[1 + n %% cardinality(uploads)], '08006') THEN RAISE; END IF;
                as_expected := as_expected
                               + (SQLSTATE = expected[1 + n %% cardinality(uploads)])::integer;
                failures[1 + n %% cardinality(uploads)] := failures[1 + n %% cardinality(uploads)] + 1;
            END;
        END LOOP;
        IF (SELECT sum(f) FROM unnest(failures) f) <> {count} THEN RAISE 'some succeeded'; END IF;
        IF as_expected < {count} / 2 THEN RAISE 'most have timed out'; END IF;
    END $$"""


@pytest.fixture
def session(private_database):
    with private_database.connect(jit="off") as session:
        yield session
        session.run("DELETE FROM b2_uploads")
        for server in session.column("SELECT srvname FROM pg_foreign_server WHERE srvname <> 'b2'"):
            session.run(f'DROP SERVER "{server}" CASCADE')


def create_servers(session, store, endpoints, **options):
    """A server and a pending upload for each endpoint. Gives the keys."""
    session.run("SET b2neon.allowed_endpoints = %s", ",".join(endpoints))
    keys = []
    for number, endpoint in enumerate(endpoints):
        name = f"kind{number:02}"
        session.create_server(
            name, store.server_options(endpoint=endpoint, **options), store.mapping_options()
        )
        keys.append(
            session.value(
                "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => %s)", name
            )
        )
    return keys


def test_ten_thousand_failures_of_many_kinds_leave_everything_where_it_was(
    session, store, authority
):
    known = faults.without_answer(authority) | faults.refused()
    with contextlib.ExitStack() as servers:
        endpoints = [servers.enter_context(known[kind]()).endpoint for kind in KINDS]
        create_servers(session, store, endpoints, request_timeout=49)

        def fail(count):
            statement = FAIL.format(count=count, expected=",".join(KINDS.values()))
            session.run(statement.replace("%%", "%"))

        assert_no_growth(session, lambda: fail(10000), warm_up=lambda: fail(1000))


CANCELLED = [
    "a name server that does not answer",
    "a TCP handshake that never completes",
    "a TLS handshake that never completes",
    "accepts and stays silent",
    "one byte a second in the headers",
    "503 with `Retry-After: 3600`",
]


def test_a_thousand_cancels_leave_everything_where_it_was(session, store, authority):
    known = faults.without_answer(authority)
    known["503 with `Retry-After: 3600`"] = lambda: faults.asking_to_wait("30")
    with contextlib.ExitStack() as servers:
        endpoints = [servers.enter_context(known[kind]()).endpoint for kind in CANCELLED]
        limits = {"connect_timeout": 60000, "request_timeout": 60000}
        keys = create_servers(session, store, endpoints, **limits)

        def cancel(count):
            session.run("SET statement_timeout = '12ms'")
            for number in range(count):
                with pytest.raises(psycopg2.Error) as caught:
                    session.run("SELECT b2_register_file(%s)", keys[number % len(keys)])
                assert caught.value.pgcode == "57014"
            session.run("RESET statement_timeout")
            # Look-ups that were abandoned end when the resolver gives up, after two seconds.
            wait_until(lambda: usage(session).threads == 1)

        assert_no_growth(session, lambda: cancel(1000), warm_up=lambda: cancel(300))


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------------
# Signals during name look-ups
# ---------------------------------------------------------------------------------------------


@pytest.fixture
def unanswered(session, store, authority):
    """The key of an upload whose registration waits for a name server, for two seconds."""
    fault = faults.without_answer(authority)["a name server that does not answer"]
    with fault() as nobody:
        yield create_servers(session, store, [nobody.endpoint], request_timeout=60000)[0]


def threads(pid):
    return [Path(f"/proc/{pid}/task/{thread}") for thread in os.listdir(f"/proc/{pid}/task")]


def blocked_signals(thread):
    for line in (thread / "status").read_text().splitlines():
        if line.startswith("SigBlk:"):
            return int(line.split()[1], 16)
    raise AssertionError("no SigBlk")


# Nobody can block the first two, and the C library keeps the others for itself.
UNBLOCKED = {signal.SIGKILL, signal.SIGSTOP, 32, 33}


def register_in_thread(session, key):
    thread = threading.Thread(target=lambda: swallow(session, key))
    thread.start()
    wait_until(lambda: len(threads(session.pid)) > 1)
    return thread


def swallow(session, key):
    with contextlib.suppress(psycopg2.Error):
        session.run("SELECT b2_register_file(%s)", key)


def test_the_thread_of_a_look_up_blocks_every_signal(private_database, session, unanswered):
    with private_database.connect() as other:
        waiting = register_in_thread(session, unanswered)
        for thread in threads(session.pid):
            blocked = {n for n in range(1, 65) if blocked_signals(thread) >> (n - 1) & 1}
            if thread.name == str(session.pid):
                assert not blocked & {signal.SIGINT, signal.SIGTERM, signal.SIGALRM}
            else:
                assert blocked >= set(range(1, 65)) - UNBLOCKED
        other.run("SELECT pg_cancel_backend(%s)", session.pid)
        waiting.join(10)
    assert session.value("SELECT 1") == 1


def test_a_storm_of_cancels_and_timeouts_ends_statements_and_nothing_else(
    private_database, session, unanswered
):
    stop = threading.Event()

    def storm():
        with private_database.connect() as other:
            while not stop.is_set():
                other.run("SELECT pg_cancel_backend(%s) FROM generate_series(1, 20)", session.pid)

    sender = threading.Thread(target=storm)
    sender.start()
    ended = []
    session.connection.autocommit = True
    for number in range(300):
        try:
            # SIGALRM from a timer that goes off in the midst of the look-up.
            with session.connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {1 + number % 5}")
                cursor.execute("SELECT b2_register_file(%s)", (unanswered,))
        except psycopg2.Error as error:
            ended.append(error.pgcode)
    stop.set()
    sender.join(10)
    assert ended == ["57014"] * 300
    time.sleep(0.1)
    session.run("RESET statement_timeout")
    assert session.value("SELECT 1") == 1


def test_a_storm_of_terminations_ends_one_backend_and_not_the_server(
    private_cluster, private_database, store, authority, unanswered
):
    before = private_cluster.log.read_text().count("\n")
    with private_database.connect() as other:
        for _ in range(20):
            with private_database.connect(
                **{"b2neon.allowed_endpoints": "http://store.silent.example:9000"}
            ) as session:
                waiting = register_in_thread(session, unanswered)
                other.run(
                    "SELECT pg_terminate_backend(%s), pg_cancel_backend(%s)"
                    " FROM generate_series(1, 200)",
                    session.pid,
                    session.pid,
                )
                waiting.join(10)
                assert not waiting.is_alive()
        assert other.value("SELECT 1") == 1
    log = private_cluster.log.read_text().split("\n")[before:]
    assert not [line for line in log if "was terminated by signal" in line or "PANIC" in line]
