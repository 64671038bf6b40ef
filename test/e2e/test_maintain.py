"""CALL b2_maintain(): what it is told, what stops it, what it says, and what stays for later."""

import re
import threading
import time

import faults
import listener
import pytest
from cluster import refused
from distant_store import DistantStore
from objects import let_uploads_expire, maintain, queue, upload, versions
from process_memory import peak_memory

pytestmark = pytest.mark.own_database


@pytest.fixture
def behind(session, store):
    """Puts the server b2 behind another endpoint."""

    def move(endpoint):
        session.run(f"SET b2neon.allowed_endpoints = '{store.endpoint}, {endpoint}'")
        session.run(f"ALTER SERVER b2 OPTIONS (SET endpoint '{endpoint}')")

    return move


def queue_versions(session, count):
    """Entries for versions that are not there, so that nothing has to be listed."""
    session.run(
        "INSERT INTO b2_deletions (server, object_key, version_id)"
        f" SELECT 'b2', 'k' || n, 'v' || n FROM generate_series(1, {count}) n"
    )


@pytest.mark.parametrize(
    "arguments, sqlstate, message",
    [
        ("batch_size => NULL", "22004", "batch_size must not be NULL"),
        ("batch_size => 0", "22023", "between 1 and 10000, not 0"),
        ("batch_size => 10001", "22023", "between 1 and 10000, not 10001"),
        ("time_limit => 0", "22023", "at least 1 second, not 0"),
        ("older_than => NULL", "22004", "older_than must not be NULL"),
        ("older_than => '999999999 years'", "22008", "out of range"),
        ("dry_run => NULL", "22004", "dry_run must not be NULL"),
        ("server => 'nowhere'", "42704", 'server "nowhere" does not exist'),
    ],
)
def test_arguments_that_make_no_sense(session, arguments, sqlstate, message):
    with refused(sqlstate, message=message):
        session.run(f"CALL b2_maintain({arguments})")


def test_it_commits_as_it_goes_and_so_wants_no_transaction(session):
    session.run("BEGIN")
    with refused("25001", message="within a transaction block"):
        session.run("CALL b2_maintain()")
    session.run("ROLLBACK")


def test_it_can_be_called_by_a_procedure(session, store):
    key = upload(session).object_key
    session.run("DELETE FROM b2_files")
    session.run("DO $$ BEGIN CALL b2_maintain(); END $$")
    assert versions(store, key) == set()
    with refused("25001"):
        session.run("DO $$ BEGIN CALL b2_maintain(); EXCEPTION WHEN data_exception THEN NULL; END $$")


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_it_sees_what_others_commit_whatever_the_default_is(session, store, level):
    key = upload(session).object_key
    session.run(f"SET default_transaction_isolation = '{level}'")
    session.run("DELETE FROM b2_files")
    maintain(session)
    assert versions(store, key) == set()


def test_it_writes_and_so_refuses_a_read_only_session(session):
    with session.database.connect(default_transaction_read_only="on") as reader:
        with refused("25006"):
            reader.run("CALL b2_maintain()")


def test_a_dry_run_says_what_is_due_and_changes_nothing(session, store):
    key = upload(session).object_key
    upload(session, "kept")
    session.run("DELETE FROM b2_files WHERE object_key = %s", key)
    let_uploads_expire(session)
    before = queue(session)
    with session.transaction():
        notices = maintain(session, "dry_run => true")
    assert 'server "b2": entries due: 1, uploads to be let go with their objects: 2' in notices
    assert queue(session) == before and len(versions(store, key)) == 1
    assert session.value("SELECT count(*) FROM b2_uploads") == 2


def test_young_entries_can_be_left_for_later(session, store):
    key = upload(session).object_key
    session.run("DELETE FROM b2_files")
    maintain(session, "older_than => '1 hour'")
    assert len(versions(store, key)) == 1
    session.run("UPDATE b2_deletions SET queued_at = queued_at - '1 hour'::interval")
    maintain(session, "older_than => '1 hour'")
    assert versions(store, key) == set()


def test_one_server_that_cannot_be_used_does_not_keep_the_others_waiting(session, store):
    session.run(
        "CREATE SERVER a FOREIGN DATA WRAPPER b2neon"
        f" OPTIONS (endpoint '{store.endpoint}', bucket 'bucket-a', region 'r')"
    )
    with session.transaction():
        session.run("SET LOCAL b2neon.allowed_endpoints = 'elsewhere.example'")
        options = store.server_options(endpoint="https://elsewhere.example")
        session.create_server("z", options, store.mapping_options())
    key = upload(session).object_key
    session.run("DELETE FROM b2_files")
    with refused("42704", message="2 servers could", detail='server "a" .*\n.*server "z"'):
        session.run("CALL b2_maintain()")
    assert versions(store, key) == set()
    with refused("42501", message='endpoint of server "z" is not allowed'):
        session.run("CALL b2_maintain(server => 'z')")
    session.run("CALL b2_maintain(server => 'b2')")


def test_a_store_that_is_away_is_no_objects_fault(session, behind):
    queue_versions(session, 3)
    behind(f"http://127.0.0.1:{listener.closed_port()}")
    with refused("08001", message="no answer from the store", hint="Check scheme, host and port"):
        session.run("CALL b2_maintain(batch_size => 2)")
    entries = queue(session)
    assert [entry.attempts for entry in entries] == [0, 0, 0]
    assert sum("request failed" in (entry.last_error or "") for entry in entries) == 2
    assert session.value("SELECT failing FROM b2_maintenance") == 2


DELETED = '<?xml version="1.0"?><DeleteResult>{}</DeleteResult>'


def refusal(key, version, code):
    return (
        f"<Error><Key>{key}</Key><VersionId>{version}</VersionId><Code>{code}</Code>"
        f"<Message>that is how it is</Message></Error>"
    )


def test_what_one_object_is_refused_for_is_its_own(session, behind):
    queue_versions(session, 3)
    body = DELETED.format(refusal("k1", "v1", "AccessDenied") + refusal("k2", "v2", "NoSuchVersion"))
    with listener.answering(listener.http("200 OK", body)) as server:
        behind(server.endpoint)
        notices = maintain(session)
    assert "versions deleted: 2, entries done: 2, refused: 1" in notices
    (entry,) = queue(session)
    assert (entry.object_key, entry.attempts) == ("k1", 1)
    assert entry.last_error == "AccessDenied: that is how it is"
    wait = session.value("SELECT next_attempt_at - now() FROM b2_deletions")
    assert 50 < wait.total_seconds() < 61


def test_what_is_refused_again_and_again_is_parked(session, behind):
    queue_versions(session, 1)
    body = DELETED.format(refusal("k1", "v1", "AccessDenied"))
    waits = []
    with listener.answering(listener.http("200 OK", body)) as server:
        behind(server.endpoint)
        for _ in range(12):
            session.run("UPDATE b2_deletions SET next_attempt_at = now()")
            notices = maintain(session)
            waits.append(
                session.value(
                    "SELECT round(extract(epoch FROM next_attempt_at - clock_timestamp()) / 60)"
                    " FROM b2_deletions WHERE next_attempt_at <> 'infinity'"
                )
                if len(waits) < 11
                else None
            )
    assert waits[:11] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert "WARNING" in notices and "entries of b2_deletions parked: 1" in notices
    row = session.row("SELECT * FROM b2_maintenance")
    assert (row.waiting, row.failing, row.parked) == (1, 0, 1)
    assert row.last_error == "AccessDenied: that is how it is"
    assert 'server "b2"' not in maintain(session)
    session.run("UPDATE b2_deletions SET next_attempt_at = now(), attempts = 0")
    assert session.row("SELECT waiting, failing, parked FROM b2_maintenance") == (1, 1, 0)


def test_a_key_that_the_store_cannot_have_does_not_keep_the_others_waiting(session, store):
    key = upload(session).object_key
    session.run("DELETE FROM b2_files")
    session.run("UPDATE b2_deletions SET all_versions = false")
    session.run(
        "INSERT INTO b2_deletions (server, object_key, version_id) VALUES"
        " ('b2', repeat('x', 2000), 'v'), ('b2', E'\\u0001', 'v'), ('b2', '', 'v')"
    )
    maintain(session)
    assert versions(store, key) == set()
    left = {entry.object_key[:1]: entry.last_error for entry in queue(session)}
    assert left.pop("\x01") == "No request can name that key."
    # Whether a key of that length is refused or is none is the store's business.
    assert set(left) <= {"x"}
    assert store.s3.head_bucket(Bucket=store.bucket)


@pytest.mark.parametrize(
    "answer, sqlstate, text",
    [
        (listener.http("200 OK", "<html>hello</html>"), "HV000", "does not say what was deleted"),
        (listener.http("200 OK", "<DeleteResult>"), "HV000", "does not say what was deleted"),
        (listener.http("200 OK", faults.with_error("InternalError", "try again")), "HV000", "try again"),
        (listener.http("503 Slow Down", faults.with_error("SlowDown")), "HV000", "SlowDown"),
        (listener.http("302 Found", Location="http://127.0.0.1:1/"), "HV000", "302"),
        (listener.http("403 Forbidden", faults.with_error("AccessDenied")), "HV000", "AccessDenied"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Del", "08006", "request failed"),
    ],
)
def test_an_answer_that_says_nothing_of_the_objects_changes_nothing(
    session, behind, answer, sqlstate, text
):
    queue_versions(session, 2)
    session.run("ALTER SERVER b2 OPTIONS (ADD request_timeout '500')")
    with listener.answering(answer) as server:
        behind(server.endpoint)
        with refused(sqlstate, detail=text):
            session.run("CALL b2_maintain()")
    assert [entry.attempts for entry in queue(session)] == [0, 0]
    assert text in queue(session)[0].last_error


@pytest.mark.parametrize(
    "marker", ["", "<NextKeyMarker>k</NextKeyMarker>", "<NextKeyMarker>%zz</NextKeyMarker>"]
)
def test_a_list_that_does_not_go_on_is_refused(session, behind, marker):
    session.run("INSERT INTO b2_deletions (server, object_key, all_versions) VALUES ('b2', 'k', true)")
    body = f"<ListVersionsResult><IsTruncated>true</IsTruncated>{marker}</ListVersionsResult>"
    with listener.answering(listener.http("200 OK", body)) as server:
        behind(server.endpoint)
        maintain(session)
    (entry,) = queue(session)
    assert entry.attempts == 1 and entry.last_error


@pytest.mark.parametrize(
    "version",
    ["<Version><Key>other</Key><VersionId>v</VersionId></Version>", "<Version><Key>k</Key></Version>"],
)
def test_a_list_of_something_else_is_refused(session, behind, version):
    session.run("INSERT INTO b2_deletions (server, object_key, all_versions) VALUES ('b2', 'k', true)")
    body = f"<ListVersionsResult>{version}</ListVersionsResult>"
    with listener.answering(listener.http("200 OK", body)) as server:
        behind(server.endpoint)
        maintain(session)
        assert not any(request.startswith("POST") for request in server.requests)
    (entry,) = queue(session)
    assert entry.attempts == 1 and "not asked for" in entry.last_error


def test_a_dead_store_is_given_up_at_once(session, behind):
    session.run(
        "INSERT INTO b2_deletions (server, object_key, all_versions)"
        " SELECT 'b2', 'k' || n, true FROM generate_series(1, 300) n"
    )
    session.run("ALTER SERVER b2 OPTIONS (ADD request_timeout '300')")
    with listener.silent() as server:
        behind(server.endpoint)
        began = time.monotonic()
        with refused("08006"):
            session.run("CALL b2_maintain()")
        assert time.monotonic() - began < 2
    assert {entry.attempts for entry in queue(session)} == {0}


def run_beside(*sessions):
    """CALL b2_maintain() in all of them at once. Returns their notices."""
    notices = [None] * len(sessions)

    def work(n):
        notices[n] = maintain(sessions[n], "batch_size => 10")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return notices


def deleted(notices):
    return int(re.search(r"is done: versions deleted: (\d+)", notices)[1])


def test_several_sessions_share_the_work(session, store, behind):
    uploaded = [upload(session, f"f{n}").object_key for n in range(60)]
    session.run("DELETE FROM b2_files")
    with DistantStore(store.endpoint, 0.05) as distant:
        behind(distant.endpoint)
        session.run(f"ALTER DATABASE \"{session.database.name}\" SET b2neon.allowed_endpoints = '{distant.endpoint}'")
        with session.database.connect() as one, session.database.connect() as two:
            counts = [deleted(notices) for notices in run_beside(one, two)]
    assert sum(counts) == 60 and min(counts) > 0
    assert {len(versions(store, key)) for key in uploaded} == {0}
    assert queue(session) == []


def test_a_time_limit_ends_it_between_two_batches(session, store, behind):
    queue_versions(session, 100)
    with DistantStore(store.endpoint, 0.2) as distant:
        behind(distant.endpoint)
        began = time.monotonic()
        maintain(session, "batch_size => 1, time_limit => 1")
        took = time.monotonic() - began
    assert 1 <= took < 2
    assert 80 < len(queue(session)) < 100


def test_a_running_call_can_be_watched_and_is_cancelled_at_once(session, store, behind):
    queue_versions(session, 1000)
    waiting = []
    with DistantStore(store.endpoint, 0.05) as distant:
        behind(distant.endpoint)
        with session.database.connect() as watcher:

            def watch():
                for _ in range(3):
                    time.sleep(0.4)
                    waiting.append(watcher.value("SELECT waiting FROM b2_maintenance"))
                watcher.run("SELECT pg_cancel_backend(%s)", session.pid)

            thread = threading.Thread(target=watch)
            thread.start()
            with refused("57014"):
                session.run("CALL b2_maintain(batch_size => 1)")
            thread.join()
    assert 1000 > waiting[0] > waiting[1] > waiting[2] > 0
    notices = "".join(session.connection.notices)
    assert 'server "b2": versions deleted: 1, entries done: 1, refused: 0' in notices
    # What was done before is done.
    assert len(queue(session)) <= waiting[2]


@pytest.mark.parametrize("state", [listener.silent, listener.trickling])
def test_a_silent_store_keeps_nobody_from_cancelling(session, behind, state):
    queue_versions(session, 1)
    with state() as server:
        behind(server.endpoint)
        session.run("SET statement_timeout = 300")
        began = time.monotonic()
        with refused("57014"):
            session.run("CALL b2_maintain()")
        assert time.monotonic() - began < 2
    assert [entry.attempts for entry in queue(session)] == [0]


def test_a_long_queue_takes_no_more_memory_than_a_short_one(session, behind):
    peaks = []
    with listener.answering(listener.http("200 OK", "<DeleteResult/>")) as server:
        behind(server.endpoint)
        for count in (3_000, 3_000, 60_000):
            with session.database.connect() as other:
                queue_versions(other, count)
            with peak_memory(session.pid) as peak:
                assert deleted(maintain(session)) == count
            peaks += peak
    assert peaks[2] - peaks[1] < 1 << 20


def test_confined_roles_see_and_start_nothing(session):
    role = session.database.create_role("user")
    session.run(
        f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}";'
        f'GRANT ALL ON ALL ROUTINES IN SCHEMA public TO "{role}";'
        f'GRANT ALL ON FOREIGN SERVER b2 TO "{role}"'
    )
    with session.database.connect(role=role) as user:
        for statement in (
            "CALL b2_maintain()",
            "CALL b2_maintain(dry_run => true)",
            "SELECT * FROM b2_maintenance",
            "SELECT waiting FROM b2_maintenance",
            "SELECT count(*) FROM b2_maintenance",
            "SELECT b2_take_over()",
            "SELECT b2_lineage_problem()",
            "SELECT * FROM b2_orphans()",
            "SELECT * FROM b2_missing()",
            "UPDATE b2_lineage SET database_oid = 0",
            "INSERT INTO b2_deletions (server, object_key) VALUES ('b2', 'k')",
        ):
            with refused("42501"):
                user.run(statement)
        assert user.rows("SELECT * FROM b2_lineage") == []
    session.run(f'DROP OWNED BY "{role}"')


def test_the_owner_of_the_tables_maintains(session, store):
    role = session.database.create_role("owner")
    member = session.database.create_role("member")
    for table in ("b2_files", "b2_uploads", "b2_deletions", "b2_identity", "b2_lineage", "b2_maintenance"):
        session.run(f'ALTER TABLE {table} OWNER TO "{role}"')
    session.run(
        f'GRANT "{role}" TO "{member}"; GRANT USAGE ON FOREIGN SERVER b2 TO "{role}";'
        f'GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO "{role}"'
    )
    key = upload(session).object_key
    session.run("DELETE FROM b2_files")
    with session.database.connect(role=member) as backend:
        assert backend.value("SELECT waiting FROM b2_maintenance") == 1
        maintain(backend)
    assert versions(store, key) == set()
    for name in (member, role):
        session.run(f'REASSIGN OWNED BY "{name}" TO CURRENT_USER; DROP OWNED BY "{name}"')


def test_the_owner_of_the_queue_deletes_with_nobody_elses_rights(session):
    role = session.database.create_role("owner")
    for table in ("b2_files", "b2_uploads", "b2_deletions"):
        session.run(f'ALTER TABLE {table} OWNER TO "{role}"')
    queue_versions(session, 1)
    with refused("42501", message="the owner of b2_deletions has no right to use server"):
        session.run("CALL b2_maintain()")
    assert len(queue(session)) == 1
    session.run(f'REASSIGN OWNED BY "{role}" TO CURRENT_USER')


def test_the_view_says_what_waits_and_why(session):
    upload(session)
    session.run("DELETE FROM b2_files")
    session.run("SELECT b2_presign_put('pending', 'text/plain', user_id => 'u')")
    (row,) = session.rows("SELECT * FROM b2_maintenance")
    assert (row.server, row.waiting, row.failing, row.parked) == ("b2", 1, 0, 0)
    assert (row.pending_uploads, row.expired_uploads) == (1, 0)
    assert row.oldest and row.last_error is None and row.lineage_problem is None
    maintain(session)
    assert session.row("SELECT waiting, oldest FROM b2_maintenance") == (0, None)
    let_uploads_expire(session)
    assert session.value("SELECT expired_uploads FROM b2_maintenance") == 2


def test_the_view_shows_what_waits_for_a_server_that_is_gone(session):
    queue_versions(session, 2)
    session.run("UPDATE b2_deletions SET server = 'gone'")
    assert session.rows("SELECT server, waiting, last_error FROM b2_maintenance ORDER BY 1") == [
        ("b2", 0, None),
        ("gone", 2, "There is no server of that name."),
    ]
    session.run(
        "INSERT INTO b2_uploads (object_key, server, user_id, file_name, content_type, expires_at)"
        " VALUES ('k', 'gone too', 'u', 'f', 'text/plain', now())"
    )
    notices = maintain(session)
    assert "WARNING" in notices and "that do not exist: 2" in notices


def test_an_entry_without_a_version_has_to_mean_all_of_them(session):
    for version in ("NULL", "''"):
        with refused("23514", constraint="b2_deletions_version_check"):
            session.run(f"INSERT INTO b2_deletions (server, object_key, version_id) VALUES ('b2', 'k', {version})")
def test_with_a_wrong_key_nothing_is_counted_against_the_objects(session, store):
    key = upload(session).object_key
    session.run("DELETE FROM b2_files")
    session.run("ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET application_key 'wrong')")
    with refused("HV000", detail="SignatureDoesNotMatch", hint="Check application_key"):
        session.run("CALL b2_maintain()")
    (entry,) = queue(session)
    assert entry.attempts == 0 and "SignatureDoesNotMatch" in entry.last_error
    session.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER b2"
        f" OPTIONS (SET application_key '{store.application_key}')"
    )
    assert "is done: versions deleted: 1," in maintain(session)
    assert versions(store, key) == set()


