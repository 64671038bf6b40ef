"""The recipes of docs/life-cycle.md, and what is in the bucket afterwards."""

import time
from contextlib import suppress

import psycopg2
import pytest
from doc_examples import examples, run_examples
from http_request import get, put
from objects import maintain, upload, versions
from private_cluster import PrivateCluster

pytestmark = [pytest.mark.local, pytest.mark.own_database]

PAGE = "docs/life-cycle.md"
PUT = "SELECT * FROM b2_presign_put('f', 'text/plain', user_id => %s)"


def file_of(session, user, body=b"1"):
    presigned = session.row(PUT, user)
    assert put(presigned, body).status == 200
    session.run("SELECT b2_register_file(%s)", presigned.object_key)
    return presigned


def follow(cluster, session, store, *steps):
    run_examples(cluster, session.database, steps, store.endpoint)


def test_delete_a_user(cluster, store, session):
    delete, look = examples(PAGE, "Recipe: delete a user")
    file, pending = file_of(session, "user_123"), session.row(PUT, "user_123")
    other = file_of(session, "user_456")
    for presigned in (file, pending):
        assert put(presigned, b"again").status == 200
    follow(cluster, session, store, delete)
    assert versions(store, file.object_key) == versions(store, pending.object_key) == set()
    # The URLs are good yet, and so the view does not say that it is over.
    for presigned in (file, pending):
        assert put(presigned, b"and again").status == 200
    assert len(session.rows(look)) == 1
    session.run("UPDATE b2_deletions SET next_attempt_at = now()")
    maintain(session)
    assert versions(store, file.object_key) == versions(store, pending.object_key) == set()
    assert session.rows(look) == []
    assert len(versions(store, other.object_key)) == 1
    assert session.column("SELECT DISTINCT user_id FROM b2_files NATURAL FULL JOIN b2_uploads") == ["user_456"]


def test_a_staging_copy(cluster, store, store_admin, session):
    (recipe,) = examples(PAGE, "Recipe: a staging copy")
    file, pending, gone = (file_of(session, "u"), session.row(PUT, "u"), file_of(session, "u"))
    put(pending, b"production's")
    session.run("DELETE FROM b2_files WHERE object_key = %s", gone.object_key)
    keys = [presigned.object_key for presigned in (file, pending, gone)]
    session.run("UPDATE b2_uploads SET expires_at = '2000-01-01'; UPDATE b2_lineage SET database_oid = 1")
    store.s3.create_bucket(Bucket="staging-files")
    store.s3.put_bucket_versioning(
        Bucket="staging-files", VersioningConfiguration={"Status": "Enabled"}
    )
    with store_admin.reader(store) as (reader, reader_key):
        for placeholder, value in {
            "0041234567890ab0000000002": reader,
            "K004-reads-only": reader_key,
            "https://s3.us-west-004.backblazeb2.com": store.endpoint,
            "my-staging-files'": f"staging-files', region '{store.region}'",
            "0041234567890ab0000000003": store.key_id,
            "K004-staging": store.application_key,
        }.items():
            assert recipe.count(placeholder) == 1
            recipe = recipe.replace(placeholder, value)
        follow(cluster, session, store, recipe)
        before = {key: versions(store, key) for key in keys}
        with session.database.connect() as staging:
            link = "SELECT b2_presign_get(object_key, server => server) FROM b2_files"
            assert get(staging.value(link)).body == b"1"
            own = file_of(staging, "u")
            assert own.presigned_url.startswith(f"{store.endpoint}/staging-files/")
            staging.run("DELETE FROM b2_files")
            maintain(staging, "server => 'staging'")
            listed = store.s3.list_object_versions(Bucket="staging-files")
            assert "Versions" not in listed and "DeleteMarkers" not in listed
            # Even if it is tried.
            # Stores refuse the whole request, or each object.
            with suppress(psycopg2.errors.FdwError):
                staging.run("CALL b2_maintain()")
            error = "SELECT last_error FROM b2_maintenance WHERE server = 'b2'"
            assert "AccessDenied" in staging.value(error)
        assert {key: versions(store, key) for key in keys} == before
        assert all(before.values())


def test_after_a_disaster(cluster, store, session):
    register, compare = examples(PAGE, "Recipe: after a disaster")
    prefix = store.new_key("disaster") + "/"
    session.run(f"ALTER SERVER b2 OPTIONS (ADD key_prefix '{prefix}')")
    kept, deleted, pending, unused = (
        file_of(session, "u"), file_of(session, "u"), session.row(PUT, "u"), session.row(PUT, "u")
    )
    session.run("CREATE TABLE backup_files AS TABLE b2_files; CREATE TABLE backup_uploads AS TABLE b2_uploads")
    # After the backup one file is deleted, one registered that was pending, and one is new.
    session.run("DELETE FROM b2_files WHERE object_key = %s", deleted.object_key)
    session.run("UPDATE b2_uploads SET expires_at = '2000-01-01' WHERE object_key = %s", deleted.object_key)
    maintain(session)
    put(pending, b"registered since")
    session.run("SELECT b2_register_file(%s)", pending.object_key)
    new = file_of(session, "u")
    session.run(
        "SET b2neon.keep_objects = on; TRUNCATE b2_files, b2_uploads, b2_deletions, b2_lineage;"
        "INSERT INTO b2_uploads TABLE backup_uploads; INSERT INTO b2_files TABLE backup_files;"
        "RESET b2neon.keep_objects"
    )
    follow(cluster, session, store, register, compare)
    files = dict(session.rows("SELECT object_key, user_id FROM b2_files"))
    assert files == {kept.object_key: "u", pending.object_key: "u", new.object_key: "unknown"}
    session.run("UPDATE b2_uploads SET expires_at = '2000-01-01'")
    maintain(session)
    assert {len(versions(store, key)) for key in files} == {1}
    assert versions(store, unused.object_key) == set()


def test_pg_cron(store, authority):
    (schedule,) = examples(PAGE, "On a schedule")
    cluster = PrivateCluster(
        store.endpoint,
        authority.trusted,
        **{"shared_preload_libraries": "pg_cron", "cron.host": "127.0.0.1"},
    )
    try:
        database = cluster.create_database()
        with database.connect() as session:
            session.run("CREATE EXTENSION b2neon")
            session.create_server("b2", store.server_options(), store.mapping_options())
            key = upload(session).object_key
            session.run("DELETE FROM b2_files")
            cluster.run("CREATE EXTENSION pg_cron")
            owner = database.create_role("owner")
            for table in ("b2_files", "b2_uploads", "b2_deletions", "b2_identity", "b2_lineage"):
                session.run(f'ALTER TABLE {table} OWNER TO "{owner}"')
            session.run(f'GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO "{owner}"')
            session.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{owner}"')
            for placeholder, name in (("my_database", database.name), ("files_owner", owner)):
                assert schedule.count(placeholder) == 1
                schedule = schedule.replace(placeholder, name)
            cluster.run(schedule)
            deadline = time.monotonic() + 75
            while session.value("SELECT waiting FROM b2_maintenance") > 0:
                assert time.monotonic() < deadline
                time.sleep(0.5)
        assert versions(store, key) == set()
        done = "SELECT count(*) FROM cron.job_run_details WHERE status = 'succeeded'"
        while cluster.session.value(done) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        cluster.close()
