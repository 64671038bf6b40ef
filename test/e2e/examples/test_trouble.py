"""What people are told when something is wrong behind the examples, and who is let in."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from backend import put
from example_database import set_up, url_of
from psycopg2 import sql

pytestmark = pytest.mark.local

REQUESTS = [
    ("POST", "/presign-b2-upload", {"fileName": "a", "contentType": "text/plain"}),
    ("POST", "/save-b2-metadata", {"objectKey": "a"}),
    ("GET", "/files", None),
    ("DELETE", "/files/1", None),
]


def assert_away(backend):
    for request in REQUESTS:
        answer = backend.ask(*request)
        assert answer.is_refusal(503)
        assert answer.body["error"] == "The database cannot be reached. Please try again later."


def test_without_a_signed_in_user_every_request_is_refused(start, database):
    backend = start(url_of(database))
    for request in REQUESTS:
        for user in (None, "user_123"):
            answer = backend.ask(*request, user=user)
            assert answer.is_refusal(401)
            assert answer.body["error"] == "Please sign in first."


def test_a_database_that_is_not_there_is_said_to_be_away_and_no_more(start):
    backend = start("postgresql://nobody:secret@127.0.0.1:1/nowhere", ALLOW_DEMO_USER="1")
    assert_away(backend)
    assert "secret" not in backend.log()


def end_connections(cluster, database):
    cluster.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = 'files_backend'",
        database.name,
    )


def test_a_database_that_comes_back_is_used_again(start, cluster, database):
    backend = start(url_of(database), ALLOW_DEMO_USER="1")
    assert backend.files().status == 200
    name = sql.Identifier(database.name)
    cluster.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
    try:
        end_connections(cluster, database)
        assert_away(backend)
    finally:
        cluster.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    deadline = time.monotonic() + 20
    while backend.files().status != 200:
        assert time.monotonic() < deadline, backend.log()
        time.sleep(0.2)
    assert [backend.files().status for _ in range(20)] == [200] * 20


def test_connections_that_break_do_not_end_the_backend(start, cluster, database):
    backend = start(url_of(database), ALLOW_DEMO_USER="1")
    for _ in range(3):
        assert backend.files().status == 200
        end_connections(cluster, database)
        assert backend.files().status in (200, 503)
        time.sleep(0.5)
    assert backend.files().status == 200


@pytest.fixture
def broken_database(cluster, store, database):
    """One of a test's own. It goes before `database`, with which the role goes."""
    broken = cluster.create_database()
    done = set_up(broken, store)
    assert done.returncode == 0, done.stdout
    yield broken
    broken.drop()


def test_a_store_that_refuses_or_is_away_is_not_the_client_s_fault(
    start, cluster, broken_database
):
    backend = start(url_of(broken_database), ALLOW_DEMO_USER="1")
    presigned = backend.presign().body
    with broken_database.connect() as session:
        session.run(
            "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET application_key 'not-the-key')"
        )
        refused = backend.save(presigned["objectKey"])
        session.run("SET b2neon.allowed_endpoints = 'http://127.0.0.1:1'")
        session.run("ALTER SERVER b2 OPTIONS (SET endpoint 'http://127.0.0.1:1')")
        session.run("ALTER SERVER b2 OPTIONS (ADD request_timeout '500')")
    cluster.run(
        sql.SQL("ALTER DATABASE {} SET b2neon.allowed_endpoints = 'http://127.0.0.1:1'").format(
            sql.Identifier(broken_database.name)
        )
    )
    end_connections(cluster, broken_database)
    backend.files()
    away = backend.save(presigned["objectKey"])
    for answer in (refused, away):
        assert answer.is_refusal(502)
        assert answer.body["error"].startswith("The file store does not answer as it should.")
    assert "HV000" in backend.log() or "FdwError" in backend.log()


def test_what_an_operator_has_to_mend_is_not_shown(start, broken_database):
    with broken_database.connect() as session:
        session.run("DROP USER MAPPING FOR PUBLIC SERVER b2")
    backend = start(url_of(broken_database), ALLOW_DEMO_USER="1")
    answer = backend.presign()
    assert answer.is_refusal(500)
    assert answer.body["error"] == "Something went wrong here."
    assert "no application key" in backend.log()


def test_limits_of_the_server_are_told(start, broken_database):
    with broken_database.connect() as session:
        session.run(
            "ALTER SERVER b2"
            " OPTIONS (ADD max_upload_size '10', ADD allowed_content_types 'image/*')"
        )
    backend = start(url_of(broken_database), ALLOW_DEMO_USER="1")
    for size, content_type in ((11, "image/png"), (None, "image/png"), (5, "text/plain")):
        answer = backend.presign(content_type=content_type, size=size)
        assert answer.is_refusal(400), answer
    assert backend.presign(content_type="image/png", size=10).status == 200


def test_a_statement_that_takes_too_long_is_given_up(start, broken_database):
    with broken_database.connect() as session, session.transaction():
        session.run("LOCK TABLE b2_files")
        answer = start(url_of(broken_database), ALLOW_DEMO_USER="1").files()
    assert answer.is_refusal(503)
    assert answer.body["error"] == "This took too long. Please try again later."


def test_two_processes_serve_the_same_users(start, database, user):
    one, other = (start(url_of(database), ALLOW_DEMO_USER="1") for _ in range(2))
    presigned = one.presign(user=user).body
    assert put(presigned, b"bytes").status == 200
    saved = [backend.save(presigned["objectKey"], user) for backend in (other, one)]
    assert [answer.body for answer in saved] == [{"success": True}] * 2
    assert one.files(user).body["files"][0]["objectKey"] == presigned["objectKey"]
    assert len(other.files(user).body["files"]) == 1


def test_users_who_ask_at_the_same_time_see_only_their_own_files(backend, user):
    users = [f"{user}_{number}" for number in range(8)]
    keys = {one: backend.upload(b"bytes", one) for one in users}
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda one: (one, backend.files(one)), users * 20)
        for one, answer in answers:
            assert [file["objectKey"] for file in answer.body["files"]] == [keys[one]]


@pytest.mark.parametrize("kind", ["hono"], scope="session")
def test_a_request_that_is_being_answered_outlasts_the_signal_to_stop(start, broken_database):
    """Flask's own server is for development and does not do this; WSGI servers do."""
    backend = start(url_of(broken_database), ALLOW_DEMO_USER="1")
    with ThreadPoolExecutor(1) as pool:
        with broken_database.connect() as session, session.transaction():
            session.run("LOCK TABLE b2_files")
            answer = pool.submit(backend.files)
            wait_for_lock(session)
            backend.stop()
            time.sleep(0.5)
        assert answer.result(20).status == 200
    with pytest.raises(ConnectionRefusedError):
        backend.files()


def wait_for_lock(session):
    deadline = time.monotonic() + 10
    while not session.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
