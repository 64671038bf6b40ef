"""No object is deleted that a row names, however close the row and b2_maintain() come."""

import re
import threading
import time

import listener
import psycopg2
import pytest
from cluster import refused
from distant_store import DistantStore
from objects import let_uploads_expire, maintain, queue, upload, versions

pytestmark = pytest.mark.own_database

INSERT = "INSERT INTO b2_files (object_key, user_id, version_id) VALUES (%s, %s, %s)"
DELETE = "DELETE FROM b2_files RETURNING object_key, user_id, version_id"


def at(session, endpoint):
    """Puts the server b2 behind another endpoint, for all sessions to come too."""
    session.run(f"SET b2neon.allowed_endpoints = '{endpoint}'")
    session.run(f"ALTER DATABASE \"{session.database.name}\" SET b2neon.allowed_endpoints = '{endpoint}'")
    session.run(f"ALTER SERVER b2 OPTIONS (SET endpoint '{endpoint}')")


class Beside(threading.Thread):
    """b2_maintain() in a session of its own, within the block."""

    def __init__(self, session):
        super().__init__()
        self._other = session.database.connect()

    def run(self):
        try:
            self.notices = maintain(self._other)
        except psycopg2.Error as error:
            self.notices = str(error)

    def is_waiting(self, session):
        return session.value(
            "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", self._other.pid
        )

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join()
        self._other.connection.close()


class RecordingListener(listener.Listener):
    """Answers requests for lists with one version, and keeps the bodies of the others."""

    def __init__(self):
        self.bodies = []
        super().__init__(None)

    def _talk(self, connection):
        request = connection.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
        while len(body) < length:
            body += connection.recv(65536)
        prefix = re.search(rb"prefix=([^& ]*)", head)
        if prefix:
            answer = (
                f"<ListVersionsResult><Version><Key>{prefix[1].decode()}</Key>"
                "<VersionId>v</VersionId></Version></ListVersionsResult>"
            )
        else:
            self.bodies.append(body.decode())
            answer = "<DeleteResult/>"
        connection.sendall(listener.http("200 OK", answer))


class ByRequest(listener.Listener):
    """Sends what `answer` makes of the first line of each request."""

    def __init__(self, answer):
        self._answer = answer
        super().__init__(None)

    def _talk(self, connection):
        line = connection.recv(65536).split(b"\r\n", 1)[0].decode()
        connection.sendall(self._answer(line))


def test_a_row_that_is_updated_all_the_time_is_found_all_the_time(session):
    session.run(
        "INSERT INTO b2_files (object_key, user_id, version_id)"
        " SELECT 'k' || n, 'u', 'v' FROM generate_series(1, 300) n"
    )
    over = threading.Event()

    def update(other):
        while not over.is_set():
            for n in range(1, 301):
                other.run(f"UPDATE b2_files SET upload_timestamp = clock_timestamp() WHERE object_key = 'k{n}'")

    with RecordingListener() as server:
        at(session, server.endpoint)
        with session.database.connect() as one, session.database.connect() as two:
            threads = [threading.Thread(target=update, args=(other,)) for other in (one, two)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(12):
                    session.run(
                        "INSERT INTO b2_deletions (server, object_key, all_versions)"
                        " SELECT 'b2', object_key, true FROM b2_files"
                    )
                    maintain(session)
            finally:
                over.set()
                for thread in threads:
                    thread.join()
        assert server.bodies == []


@pytest.mark.parametrize("how", ["CREATE", "RENAME"])
def test_rows_that_move_to_another_server_while_it_waits(session, store, how):
    key = upload(session).object_key
    let_uploads_expire(session)
    session.run("INSERT INTO b2_deletions (server, object_key, all_versions) VALUES ('b2', %s, true)", key)
    session.run("BEGIN; LOCK TABLE b2_files")
    with session.database.connect() as watcher, Beside(session) as beside:
        while not beside.is_waiting(watcher):
            time.sleep(0.01)
        if how == "CREATE":
            session.create_server("b3", store.server_options(), store.mapping_options())
        else:
            session.run("ALTER SERVER b2 RENAME TO b3")
        session.run("UPDATE b2_files SET server = 'b3'")
        session.run("COMMIT")
    assert len(versions(store, key)) == 1


def test_a_row_that_is_written_before_and_checked_after_the_deletion(session, store):
    upload(session)
    row = session.row(DELETE)
    let_uploads_expire(session)
    with DistantStore(store.endpoint, 0.3) as distant:
        at(session, distant.endpoint)
        with Beside(session):
            time.sleep(0.15)
            with refused("55P03"):
                session.run(
                    "WITH i AS (INSERT INTO b2_files (object_key, user_id, version_id)"
                    " VALUES (%s, %s, %s) RETURNING id) SELECT pg_sleep(2) FROM i",
                    *row,
                )
    assert session.rows("SELECT FROM b2_files") == []
    # The entry goes when nobody can need it any more.
    maintain(session)
    assert queue(session) == []


def test_what_is_done_is_not_done_again(session):
    """Even if somebody makes it due, while it waits for others to end."""
    session.run(
        "INSERT INTO b2_deletions (server, object_key, version_id, began_at, done_xid)"
        " VALUES ('b2', 'k', 'v', now(), '9000000000000')"
    )
    session.run("SET statement_timeout = '5s'")
    assert "entries done: 0" in maintain(session)
    assert session.value("SELECT waiting FROM b2_maintenance") == 0


def test_an_object_of_which_the_store_does_not_say_whether_it_is_gone(session, store):
    """The request may be carried out at any time after nobody waits for it any more."""
    upload(session)
    row = session.row(DELETE)
    session.run("UPDATE b2_deletions SET all_versions = false")
    session.run("ALTER SERVER b2 OPTIONS (ADD request_timeout '300')")
    with listener.silent() as server:
        at(session, server.endpoint)
        with refused("08006"):
            session.run("CALL b2_maintain()")
    with refused("55P03"):
        session.run(INSERT, *row)


def test_an_object_that_is_certainly_there_can_be_named_again(session, store):
    upload(session)
    row = session.row(DELETE)
    at(session, f"http://127.0.0.1:{listener.closed_port()}")
    with refused("08001"):
        session.run("CALL b2_maintain()")
    session.run(INSERT, *row)
    at(session, store.endpoint)
    maintain(session)
    assert versions(store, row.object_key) == {row.version_id}


def test_what_is_kept_by_whoever_maintains_is_swept_all_the_same(session, store):
    key = session.value("SELECT object_key FROM b2_presign_put('f', 'text/plain', user_id => 'u')")
    store.upload(key, b"1")
    let_uploads_expire(session)
    session.run("SET b2neon.keep_objects = on")
    maintain(session)
    assert versions(store, key) == set()


def test_a_bucket_is_the_same_in_capitals(session):
    with RecordingListener() as server:
        at(session, server.endpoint)
        session.run("ALTER SERVER b2 OPTIONS (SET bucket 'My-Bucket')")
        session.run(
            "CREATE SERVER other FOREIGN DATA WRAPPER b2neon"
            f" OPTIONS (endpoint '{server.endpoint}', bucket 'my-bucket', region 'r')"
        )
        session.run("INSERT INTO b2_files (object_key, user_id, version_id) VALUES ('k', 'u', 'v')")
        session.run("UPDATE b2_files SET server = 'other'")
        session.run("CALL b2_maintain(server => 'b2')")
        assert server.bodies == [] and queue(session) == []


def test_a_row_in_a_table_that_inherits_is_not_overlooked(session):
    upload(session)
    session.run("CREATE TABLE child () INHERITS (b2_files)")
    session.run("WITH r AS (DELETE FROM ONLY b2_files RETURNING *) INSERT INTO child SELECT * FROM r")
    with refused("55000", message="tables inherit from"):
        session.run("CALL b2_maintain()")


def test_a_version_that_becomes_known_replaces_none(session, store):
    key = upload(session, replays=1).object_key
    version = session.value("SELECT version_id FROM b2_files")
    session.run("SET b2neon.keep_objects = on; UPDATE b2_files SET version_id = NULL")
    session.run("RESET b2neon.keep_objects; DELETE FROM b2_deletions")
    session.run("UPDATE b2_files SET version_id = %s", version)
    assert queue(session) == []
    maintain(session)
    assert len(versions(store, key)) == 2


def test_a_key_that_only_looks_like_ours_loses_its_version_alone(session, store):
    key = store.new_key("imported") + "/0198e1f2-0000-7000-8000-000000000000-x.png"
    old, new = store.upload(key, b"1"), store.upload(key, b"2")
    session.run(INSERT, key, "u", new)
    session.run("DELETE FROM b2_files")
    maintain(session)
    assert versions(store, key) == {old}


@pytest.mark.parametrize(
    "error",
    [
        "<Error><Code>InternalError</Code></Error>",
        "<Error><Key>other</Key><VersionId>v1</VersionId><Code>InternalError</Code></Error>",
        "<Error><Key>k1</Key><Code>InternalError</Code></Error>" * 2,
    ],
)
def test_a_refusal_of_something_else_means_any(session, error):
    session.run(
        "INSERT INTO b2_deletions (server, object_key, version_id) VALUES ('b2', 'k1', 'v1')"
    )
    body = f"<DeleteResult>{error}</DeleteResult>"
    with listener.answering(listener.http("200 OK", body)) as server:
        at(session, server.endpoint)
        assert "versions deleted: 0, entries done: 0, refused: 1" in maintain(session)
    assert [entry.attempts for entry in queue(session)] == [1]


def test_a_key_for_which_the_store_always_breaks_down_keeps_no_other_waiting(session):
    for key in ("poison", "other"):
        session.run("INSERT INTO b2_deletions (server, object_key, all_versions) VALUES ('b2', %s, true)", key)

    def answer(line):
        if "prefix=poison" in line:
            return listener.http("500 Internal Server Error")
        return listener.http("200 OK", "<ListVersionsResult/>")

    session.run("ALTER SERVER b2 OPTIONS (ADD request_timeout '500')")
    with ByRequest(answer) as server:
        at(session, server.endpoint)
        maintain(session)
    (entry,) = queue(session)
    assert (entry.object_key, entry.attempts) == ("poison", 1)


def test_a_store_that_does_not_list_can_still_delete(session):
    session.run(
        "INSERT INTO b2_deletions (server, object_key, version_id, all_versions)"
        " VALUES ('b2', 'all', NULL, true), ('b2', 'one', 'v', false)"
    )

    def answer(line):
        if line.startswith("GET"):
            return listener.http("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")
        return listener.http("200 OK", "<DeleteResult/>")

    with ByRequest(answer) as server:
        at(session, server.endpoint)
        with refused("HV000", message="could not list", hint="listFiles"):
            session.run("CALL b2_maintain()")
    (entry,) = queue(session)
    assert (entry.object_key, entry.attempts, entry.began_at) == ("all", 0, None)


def test_a_key_that_is_no_text_keeps_no_other_waiting(cluster, store):
    database = cluster.create_database(encoding="SQL_ASCII")
    with database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
        key = upload(session).object_key
        session.run("DELETE FROM b2_files")
        session.run(
            "INSERT INTO b2_deletions (server, object_key, version_id) VALUES ('b2', E'\\xe9', 'v')"
        )
        maintain(session)
        assert versions(store, key) == set()
        assert session.column("SELECT last_error FROM b2_deletions") == [
            "The key is not text in the database's encoding."
        ]
    database.drop()


def test_a_column_of_another_type_is_not_read_with_somebody_elses_rights(session):
    role = session.database.create_role("files_owner")
    session.run(f'GRANT CREATE ON SCHEMA public TO "{role}"; ALTER TABLE b2_files OWNER TO "{role}"')
    session.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{role}"')
    with session.database.connect(role=role) as owner:
        owner.run("CREATE TYPE evil AS ENUM ('v')")
        owner.run("ALTER TABLE b2_files ALTER version_id TYPE evil USING NULL")
        with refused("42804", message='no column "version_id" of type text'):
            owner.run("INSERT INTO b2_files (object_key, user_id, version_id) VALUES ('k', 'u', 'v')")
        owner.run("ALTER TABLE b2_files ALTER version_id TYPE text")
    session.run(f'REASSIGN OWNED BY "{role}" TO CURRENT_USER; DROP OWNED BY "{role}"')
