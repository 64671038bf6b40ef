"""Whatever a call waits for, it ends at once when it is to end."""

import re
import threading
import time

import faults
import psycopg2
import pytest
from http_request import put

# How soon a call must be over. A machine that is busy gets more than one try.
PROMPTLY = 0.1
TRIES = 3

PENDING = "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => 'waiting')"
REGISTER = f"SELECT b2_register_file(({PENDING}))"
REGISTER_MANY = (
    "SELECT b2_register_files(ARRAY(SELECT (b2_presign_put('f' || n, 'text/plain',"
    " server => 'waiting')).object_key FROM generate_series(1, 30) n))"
)
CHECK = "SELECT b2_check(server => 'waiting')"

# What is waited for: a fault, and the statement that meets it.
WAITS = {
    "a name server": ("a name server that does not answer", REGISTER),
    "TCP": ("a TCP handshake that never completes", REGISTER),
    "TLS": ("a TLS handshake that never completes", REGISTER),
    "an answer": ("accepts and stays silent", REGISTER),
    "headers": ("one byte a second in the headers", REGISTER),
    "a body": ("one byte a second in the body", CHECK),
    "the next attempt": ("503 with `Retry-After: 30`", REGISTER),
    "many answers": ("accepts and stays silent", REGISTER_MANY),
}


@pytest.fixture(params=WAITS.values(), ids=WAITS.keys())
def wait(request, authority, private_database, store):
    """A statement that waits for a minute, and makes sessions in which it does."""
    name, statement = request.param
    known = faults.without_answer(authority) | faults.in_body()
    known["503 with `Retry-After: 30`"] = lambda: faults.asking_to_wait("30")
    with known[name]() as server:
        event = "B2neonRetry" if "Retry" in name else "B2neonHttp"
        yield Wait(private_database, store, server.endpoint, statement, event)


class Wait:
    def __init__(self, database, store, endpoint, statement, event):
        self.database, self.store, self.endpoint = database, store, endpoint
        self.statement, self.event = statement, event

    def session(self):
        allowed = f"{self.endpoint},{self.store.endpoint}"
        session = self.database.connect(**{"b2neon.allowed_endpoints": allowed})
        session.run("DROP SERVER IF EXISTS waiting CASCADE")
        limits = {"connect_timeout": 60000, "request_timeout": 60000}
        options = self.store.server_options(endpoint=self.endpoint, **limits)
        session.create_server("waiting", options, self.store.mapping_options())
        return session

    def is_reached(self, pid):
        """Whether the backend waits as it should."""
        with self.database.connect() as observer:
            event = observer.value("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", pid)
        if self.database.cluster.version < 170000:
            return event == "Extension"
        return event == self.event


def outcome(session, statement):
    """The SQLSTATE with which a statement ends; None where psycopg2 learns none, since the connection
    ends with it."""
    try:
        session.run(statement)
    except psycopg2.Error as error:
        return error.pgcode
    return "00000"


def interrupted(wait, session, interrupt):
    """The SQLSTATE with which the statement ended, and how soon after the interruption."""
    ended = {}

    def run():
        ended["sqlstate"] = outcome(session, wait.statement)
        ended["at"] = time.monotonic()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 10
    while not wait.is_reached(session.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)
    began = time.monotonic()
    interrupt()
    thread.join(10)
    return ended["sqlstate"], ended["at"] - began


def last_words(wait, session):
    """The SQLSTATE of the last that the server's log has of a backend."""
    found = re.findall(rf"^{session.pid} (\w+) ", wait.database.cluster.log.read_text(), re.MULTILINE)
    return found[-1]


def assert_prompt(attempt):
    """Whether at least one of the tries is over promptly."""
    took = []
    while not took or (took[-1] >= PROMPTLY and len(took) < TRIES):
        took.append(attempt())
    assert took[-1] < PROMPTLY, took


def assert_usable(session):
    presigned = session.row("SELECT * FROM b2_presign_put('next', 'text/plain')")
    assert put(presigned, b"next").status == 200
    assert session.value("SELECT (b2_register_file(%s)).size", presigned.object_key) == 4


def test_a_statement_timeout(wait):
    with wait.session() as session:

        def attempt():
            session.run("SET statement_timeout = '400ms'")
            began = time.monotonic()
            assert outcome(session, wait.statement) == "57014"
            took = time.monotonic() - began
            session.run("RESET statement_timeout")
            return took - 0.4

        assert_prompt(attempt)
        assert_usable(session)


def test_a_cancel(wait):
    with wait.session() as session, wait.database.connect() as other:

        def attempt():
            cancel = lambda: other.run("SELECT pg_cancel_backend(%s)", session.pid)  # noqa: E731
            sqlstate, took = interrupted(wait, session, cancel)
            assert sqlstate == "57014"
            return took

        assert_prompt(attempt)
        assert_usable(session)


def test_a_cancel_that_nobody_swallows(wait):
    swallowing = f"DO $$ BEGIN PERFORM {wait.statement[7:]}; EXCEPTION WHEN OTHERS THEN NULL; END $$"
    with wait.session() as session:
        session.run("SET statement_timeout = '300ms'")
        assert outcome(session, swallowing) == "57014"


def test_a_termination(wait):
    with wait.database.connect() as other:

        def attempt():
            with wait.session() as session:
                end = lambda: other.run(  # noqa: E731
                    "SELECT pg_terminate_backend(%s)", session.pid
                )
                _, took = interrupted(wait, session, end)
            assert last_words(wait, session) == "57P01"
            return took

        assert_prompt(attempt)


def test_a_fast_shutdown(wait, private_cluster):
    def attempt():
        with wait.session() as session:
            _, took = interrupted(wait, session, private_cluster.begin_fast_shutdown)
        private_cluster.restart()
        assert last_words(wait, session) == "57P01"
        return took

    assert_prompt(attempt)
