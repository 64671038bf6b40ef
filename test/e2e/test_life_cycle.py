"""Rows and objects live and die together: what is in the bucket at the end is what the tables say."""

from datetime import timedelta

import psycopg2.extras
import pytest
from cluster import refused
from http_request import get, put
from objects import PUT, let_uploads_expire, maintain, queue, upload, versions

pytestmark = pytest.mark.own_database


def test_a_deleted_row_takes_all_versions_of_its_object(session, store):
    kept, gone = upload(session, "kept"), upload(session, "gone", replays=2)
    assert len(versions(store, gone.object_key)) == 3
    session.run("DELETE FROM b2_files WHERE object_key = %s", gone.object_key)
    assert "is done: versions deleted: 3," in maintain(session)
    assert versions(store, gone.object_key) == set()
    assert len(versions(store, kept.object_key)) == 1
    assert queue(session) == []


def test_a_delete_that_is_rolled_back_deletes_nothing(session, store):
    kept = upload(session)
    session.run("BEGIN")
    session.run("DELETE FROM b2_files")
    session.run("ROLLBACK")
    assert "is done: versions deleted: 0," in maintain(session)
    assert len(versions(store, kept.object_key)) == 1


def test_a_truncation_takes_all(session, store):
    keys = [upload(session, f"f{n}").object_key for n in range(5)]
    session.run("TRUNCATE b2_files")
    assert "is done: versions deleted: 5," in maintain(session, "2")
    assert [versions(store, key) for key in keys] == [set()] * 5


def test_a_cascade_takes_what_it_should(session, store):
    session.run("CREATE TABLE users (id text PRIMARY KEY); INSERT INTO users VALUES ('u'), ('v')")
    session.run("ALTER TABLE b2_files ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE")
    key = upload(session).object_key
    session.run("DELETE FROM users WHERE id = 'v'")
    maintain(session)
    assert len(versions(store, key)) == 1
    session.run("DELETE FROM users WHERE id = 'u'")
    maintain(session)
    assert versions(store, key) == set()


def test_a_longer_key_is_another_object(session, store):
    session.run("SELECT b2_presign_put('f', 'text/plain', object_key => 'k', user_id => 'u')")
    for key in ("k", "k/2", "kk"):
        store.s3.put_object(Bucket=store.bucket, Key=key, Body=b"1", ContentType="text/plain")
    session.run("SELECT b2_register_file('k')")
    session.run("DELETE FROM b2_files")
    maintain(session)
    assert [len(versions(store, key)) for key in ("k", "k/2", "kk")] == [0, 1, 1]
    for key in ("k/2", "kk"):
        (version,) = versions(store, key)
        store.s3.delete_object(Bucket=store.bucket, Key=key, VersionId=version)


def test_an_upload_that_was_never_registered_goes_after_its_grace(session, store):
    presigned = session.row(PUT, "f")
    assert put(presigned, b"1").status == 200
    maintain(session)
    assert len(versions(store, presigned.object_key)) == 1
    let_uploads_expire(session)
    assert "uploads let go: 1" in maintain(session)
    assert versions(store, presigned.object_key) == set()
    assert session.value("SELECT count(*) FROM b2_uploads") == 0


def test_replays_go_after_the_grace_and_the_registered_version_stays(session, store):
    presigned = upload(session, body=b"registered", replays=2)
    for n in range(2):
        assert put(presigned, b"later %d" % n).status == 200
    let_uploads_expire(session)
    assert "is done: versions deleted: 4," in maintain(session)
    version = session.value("SELECT version_id FROM b2_files")
    assert versions(store, presigned.object_key) == {version}
    link = session.value("SELECT b2_presign_get(object_key, version_id => version_id) FROM b2_files")
    assert get(link).body == b"registered"


def test_replays_after_the_row_was_deleted_go_too(session, store):
    presigned = upload(session)
    session.run("DELETE FROM b2_files")
    maintain(session)
    assert put(presigned, b"again").status == 200
    maintain(session)
    assert len(versions(store, presigned.object_key)) == 1
    let_uploads_expire(session)
    maintain(session)
    assert versions(store, presigned.object_key) == set()


def test_an_upload_that_is_given_up_goes_now_and_when_its_url_has_expired(session, store):
    presigned = session.row(PUT, "f")
    put(presigned, b"1")
    session.run("DELETE FROM b2_uploads")
    maintain(session)
    assert versions(store, presigned.object_key) == set()
    put(presigned, b"2")
    (entry,) = queue(session)
    # The default of upload_grace.
    assert entry.next_attempt_at - presigned.expires_at == timedelta(days=1)
    session.run("UPDATE b2_deletions SET next_attempt_at = now()")
    maintain(session)
    assert versions(store, presigned.object_key) == set()


def test_a_file_without_a_version_keeps_all_versions(session, store):
    presigned = session.row(PUT, "f")
    for n in range(2):
        put(presigned, b"%d" % n)
    session.run("SELECT b2_register_file(%s, verify => false)", presigned.object_key)
    let_uploads_expire(session)
    maintain(session)
    assert len(versions(store, presigned.object_key)) == 2
    session.run("DELETE FROM b2_files")
    maintain(session)
    assert versions(store, presigned.object_key) == set()


def test_what_a_changed_row_names_no_longer_goes(session, store):
    old, new = upload(session, "old"), upload(session, "new")
    session.run("UPDATE b2_files SET user_id = 'other'")
    assert queue(session) == []
    version = session.value("SELECT version_id FROM b2_files WHERE object_key = %s", new.object_key)
    with session.transaction():
        session.run("SET LOCAL b2neon.keep_objects = on")
        session.run("DELETE FROM b2_files WHERE object_key = %s", new.object_key)
    session.run("UPDATE b2_files SET object_key = %s, version_id = %s", new.object_key, version)
    maintain(session)
    assert versions(store, old.object_key) == set()
    assert versions(store, new.object_key) == {version}


def test_the_owner_can_keep_objects_on_purpose(session, store):
    key = upload(session).object_key
    with session.transaction():
        session.run("SET LOCAL b2neon.keep_objects = on")
        session.run("DELETE FROM b2_files")
    assert queue(session) == []
    maintain(session)
    assert len(versions(store, key)) == 1


def test_a_confined_role_cannot_keep_objects(session, store):
    role = session.database.create_role("user")
    session.run(f'GRANT SELECT, DELETE ON b2_files TO "{role}"; GRANT USAGE ON FOREIGN SERVER b2 TO "{role}"')
    with session.database.connect(role=role) as user:
        presigned = user.row("SELECT * FROM b2_presign_put('f', 'text/plain')")
        put(presigned, b"1")
        user.run("SELECT b2_register_file(%s)", presigned.object_key)
        user.run("SET b2neon.keep_objects = on")
        user.run("DELETE FROM b2_files")
    assert [row.object_key for row in queue(session)] == [presigned.object_key]
    session.run(f'DROP OWNED BY "{role}"')


def test_an_object_that_is_being_deleted_cannot_be_named(session, store):
    key = upload(session).object_key
    row = session.row("DELETE FROM b2_files RETURNING object_key, user_id, version_id")
    insert = "INSERT INTO b2_files (object_key, user_id, version_id) VALUES (%s, %s, %s)"
    with session.database.connect() as other:
        with other.transaction():
            other.run("SELECT FROM b2_deletions FOR UPDATE")
            with refused("55P03", message="being deleted"):
                session.run(insert, *row)
    session.run(insert, *row)
    maintain(session)
    assert versions(store, key) == {row.version_id}
    assert queue(session) == []


def test_a_key_of_ones_own_choice_leaves_what_was_there_before(session, store):
    key = store.new_key("chosen")
    before = store.upload(key, b"somebody else's")
    # Some stores say when a version was made in whole seconds.
    between = session.value("SELECT clock_timestamp() FROM pg_sleep(0.1)")
    session.run("SELECT pg_sleep(1.1)")
    presigned = session.row(
        "SELECT * FROM b2_presign_put('f', 'text/plain', user_id => 'u', object_key => %s)", key
    )
    assert put(presigned, b"ours").status == 200
    session.run("SELECT b2_register_file(%s)", key)
    session.run("DELETE FROM b2_files")
    assert session.value("SELECT since = issued_at FROM b2_deletions, b2_uploads")
    # The clocks of database and store can differ by as much as the store accepts.
    session.run("UPDATE b2_deletions SET since = %s + interval '15 minutes'", between)
    maintain(session)
    assert versions(store, key) == {before}


def test_a_key_whose_object_is_to_be_deleted_cannot_be_used_again(session):
    issue = "SELECT b2_presign_put('f', 'text/plain', user_id => 'u', object_key => 'again')"
    session.run(issue)
    let_uploads_expire(session)
    session.run("DELETE FROM b2_uploads")
    with refused("23505", message="is taken", detail="waits in b2_deletions"):
        session.run(issue)
    maintain(session)
    session.run(issue)


@pytest.mark.parametrize(
    "name", ["a b", "it's", 'say "x"', "100%", "a+b", "a?b#c", "<a>&b;", " x ", "\U0001f600"]
)
def test_a_key_can_have_any_character(session, store, name):
    key = upload(session, name, replays=1).object_key
    session.run("DELETE FROM b2_files")
    assert "is done: versions deleted: 2," in maintain(session)
    assert versions(store, key) == set()


def test_keys_of_a_database_in_latin1(cluster, store):
    database = cluster.create_database(encoding="LATIN1")
    with database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
        key = upload(session, "résumé").object_key
        session.run("DELETE FROM b2_files")
        maintain(session)
        assert versions(store, key) == set()
    database.drop()


def test_markers_and_hundreds_of_versions_of_a_key_go(session, store):
    presigned = session.row(PUT, "many")
    store.s3.delete_object(Bucket=store.bucket, Key=presigned.object_key)
    for n in range(230):
        store.upload(presigned.object_key, b"%d" % n)
    store.s3.delete_object(Bucket=store.bucket, Key=presigned.object_key)
    let_uploads_expire(session)
    session.run("DELETE FROM b2_uploads")
    assert "is done: versions deleted: 232," in maintain(session)
    assert versions(store, presigned.object_key) == set()
    assert queue(session) == []


def test_more_objects_than_one_request_can_name(session, store):
    ids = {store.new_key(f"{n}"): None for n in range(1100)}
    for key in ids:
        ids[key] = store.upload(key, b"1")
    session.run(
        "INSERT INTO b2_files (object_key, version_id, user_id) "
        "SELECT key, value, 'u' FROM jsonb_each_text(%s)",
        psycopg2.extras.Json(ids),
    )
    session.run("DELETE FROM b2_files")
    assert not session.value("SELECT bool_or(all_versions) FROM b2_deletions")
    assert "is done: versions deleted: 1100," in maintain(session, "10000")
    assert [versions(store, key) for key in list(ids)[::100]] == [set()] * 11


def test_a_file_that_is_kept_stays_when_its_upload_is_let_go(session, store):
    presigned = upload(session)
    with session.transaction():
        session.run("SET LOCAL b2neon.keep_objects = on")
        session.run("TRUNCATE b2_files")
    let_uploads_expire(session)
    assert "uploads let go: 1" in maintain(session)
    assert len(versions(store, presigned.object_key)) == 1


@pytest.mark.parametrize(
    "change", ["DELETE FROM b2_files", "TRUNCATE b2_files", "UPDATE b2_files SET object_key = 'other'"]
)
def test_what_was_queued_before_does_not_take_what_is_kept(session, store, change):
    key = upload(session, replays=1).object_key
    let_uploads_expire(session)
    # The upload is let go, and all versions but the registered one are queued.
    maintain(session, "older_than => '1 day'")
    assert len(queue(session)) == 1
    with session.transaction():
        session.run("SET LOCAL b2neon.keep_objects = on")
        session.run(change)
    assert queue(session) == []
    maintain(session)
    assert len(versions(store, key)) == 2


def test_a_cascade_keeps_nothing_for_a_confined_role(session):
    role = session.database.create_role("user")
    upload(session)
    session.run("CREATE TABLE users (id text PRIMARY KEY); INSERT INTO users VALUES ('u')")
    session.run("ALTER TABLE b2_files ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE")
    session.run(f'GRANT SELECT, DELETE ON users TO "{role}"')
    with session.database.connect(role=role, **{"b2neon.keep_objects": "on"}) as user:
        user.run("DELETE FROM users")
    assert len(queue(session)) == 1
    session.run(f'DROP OWNED BY "{role}"')


def test_two_servers_can_be_one_bucket(session, store):
    """What a row names through one of them is not deleted through the other."""
    options = store.server_options(endpoint=store.endpoint + "/")
    session.create_server("same", options, store.mapping_options())
    key = upload(session).object_key
    session.run("UPDATE b2_files SET server = 'same'")
    (entry,) = queue(session)
    assert entry.server == "b2"
    maintain(session)
    assert queue(session) == [] and len(versions(store, key)) == 1
    session.run("DELETE FROM b2_files")
    maintain(session)
    assert versions(store, key) == set()


def test_a_table_without_a_unique_index_says_what_is_in_use_no_more(session):
    upload(session)
    session.run("DELETE FROM b2_files")
    session.run("ALTER TABLE b2_files DROP CONSTRAINT b2_files_object_key_key")
    with refused("55000", message="no unique index on object_key"):
        session.run("CALL b2_maintain()")
    assert len(queue(session)) == 1


@pytest.mark.parametrize("change", ["ALTER SERVER b2 RENAME TO other", "DROP SERVER b2 CASCADE"])
def test_a_row_whose_server_is_not_there_counts_for_all_of_them(session, store, change):
    key = upload(session).object_key
    session.run(change)
    if "DROP" in change:
        session.create_server("other", store.server_options(), store.mapping_options())
    orphans = "SELECT count(*) FROM b2_orphans(older_than => '-1 minute', server => 'other') WHERE object_key = %s"
    assert session.value(orphans, key) == 0
    session.run("INSERT INTO b2_deletions (server, object_key, all_versions) VALUES ('other', %s, true)", key)
    maintain(session)
    assert queue(session) == [] and len(versions(store, key)) == 1


def test_a_row_without_a_server_counts_for_all_of_them(session, store):
    key = upload(session).object_key
    row = session.row("DELETE FROM b2_files RETURNING object_key, user_id, version_id")
    session.run("ALTER TABLE b2_files ALTER server DROP NOT NULL")
    session.run(
        "INSERT INTO b2_files (object_key, user_id, version_id, server) VALUES (%s, %s, %s, NULL)", *row
    )
    maintain(session)
    assert queue(session) == [] and len(versions(store, key)) == 1
