"""b2_orphans() and b2_missing(): what the bucket has and the tables have not, and the other way round."""

import threading
import time

import listener
import pytest
from bucket_of_millions import bucket_of
from cluster import refused
from distant_store import DistantStore
from http_request import get, put
from objects import PUT, maintain, upload, versions
from process_memory import peak_memory

pytestmark = pytest.mark.own_database

AT_ONCE = "older_than => '-1 minute'"


@pytest.fixture
def prefix(session, store):
    """A prefix of the test's own, which is the server's."""
    prefix = store.new_key("orphans") + "/"
    session.run(f"ALTER SERVER b2 OPTIONS (ADD key_prefix '{prefix}')")
    return prefix


def orphans(session, arguments=AT_ONCE):
    return session.rows(f"SELECT * FROM b2_orphans({arguments}) ORDER BY object_key")


def missing(session, arguments=AT_ONCE):
    return session.rows(f"SELECT * FROM b2_missing({arguments})")


def test_what_a_row_an_upload_or_the_queue_names_is_no_orphan(session, store, prefix):
    upload(session, "registered")
    put(session.row(PUT, "pending"), b"1")
    gone = upload(session, "queued").object_key
    session.run("DELETE FROM b2_files WHERE object_key = %s", gone)
    assert orphans(session) == []


def test_an_orphan_comes_with_all_that_the_store_says(session, store, prefix):
    version = store.upload(prefix + "a b", b"12345")
    (row,) = orphans(session)
    listed = store.s3.head_object(Bucket=store.bucket, Key=prefix + "a b")
    assert row[:4] == (prefix + "a b", version, 5, listed["ETag"].strip('"'))
    assert abs((row.last_modified - listed["LastModified"]).total_seconds()) < 1


def test_other_versions_of_a_registered_key_are_orphans(session, store, prefix):
    presigned = upload(session)
    session.run("DELETE FROM b2_uploads; DELETE FROM b2_deletions")
    assert orphans(session) == []
    versions = {store.upload(presigned.object_key, b"another %d" % n) for n in range(2)}
    assert {row.version_id for row in orphans(session)} == versions
    # A row that does not say which version it means could mean any.
    session.run("SET b2neon.keep_objects = on; UPDATE b2_files SET version_id = NULL")
    assert orphans(session) == []


def test_markers_and_young_objects_are_no_orphans(session, store, prefix):
    store.upload(prefix + "young", b"1")
    store.s3.delete_object(Bucket=store.bucket, Key=prefix + "marker")
    assert orphans(session, "") == []
    assert [row.object_key for row in orphans(session)] == [prefix + "young"]


def test_the_prefix_is_the_servers_own_unless_another_is_given(session, store, prefix):
    outside = store.new_key("outside")
    for key in (prefix + "x/1", prefix + "y/1", outside):
        store.upload(key, b"1")
    assert [row.object_key for row in orphans(session)] == [prefix + "x/1", prefix + "y/1"]
    assert [row.object_key for row in orphans(session, f"'{prefix}y', {AT_ONCE}")] == [prefix + "y/1"]
    assert outside in [row.object_key for row in orphans(session, f"'', {AT_ONCE}")]


def test_an_object_is_no_orphan_through_another_server_of_the_same_bucket(session, store, prefix):
    upload(session)
    session.run("DELETE FROM b2_uploads; DELETE FROM b2_deletions")
    session.create_server("same", store.server_options(key_prefix=prefix), store.mapping_options())
    assert orphans(session, f"server => 'same', {AT_ONCE}") == []


def test_orphans_can_be_queued(session, store, prefix):
    store.upload(prefix + "1", b"1")
    store.upload(prefix + "1", b"2")
    session.run(
        "INSERT INTO b2_deletions (server, object_key, version_id)"
        f" SELECT 'b2', object_key, version_id FROM b2_orphans({AT_ONCE})"
    )
    assert "is done: versions deleted: 2," in maintain(session)
    assert versions(store, prefix + "1") == set()


def test_an_existing_bucket_is_imported(session, store, prefix):
    names = ["plain", "with space", "100%", "a+b", "\u00e9\U0001f600", "q?u#e", "<&>"]
    bodies = {prefix + name: name.encode() for name in names}
    for key, body in bodies.items():
        store.upload(key, body)
    session.run(
        "INSERT INTO b2_files (object_key, user_id, server, size, etag, version_id, upload_timestamp)"
        f" SELECT object_key, 'u', 'b2', size, etag, version_id, last_modified FROM b2_orphans({AT_ONCE})"
    )
    assert orphans(session) == [] and missing(session) == []
    for key, link in session.rows(
        "SELECT object_key, b2_presign_get(object_key, version_id => version_id) FROM b2_files"
    ):
        assert get(link).body == bodies.pop(key)
    assert bodies == {}


IMPORT = """
    INSERT INTO b2_files (object_key, user_id, server, size, etag, version_id, upload_timestamp)
    SELECT object_key, 'u', 'b2', size, etag, version_id, last_modified FROM b2_orphans()
"""


def at(session, server):
    session.run(f"SET b2neon.allowed_endpoints = '{server.endpoint}'")
    session.run(f"ALTER SERVER b2 OPTIONS (SET endpoint '{server.endpoint}')")


def test_a_hundred_thousand_objects_are_imported(session):
    with bucket_of(100_000) as server:
        at(session, server)
        session.run(IMPORT)
        assert session.value("SELECT count(*) FROM b2_files") == 100_000
        assert session.row(
            "SELECT object_key, version_id, size, etag FROM b2_files ORDER BY 1 OFFSET 54321 LIMIT 1"
        ) == ("o000054321", "v54321", 54321, "e54321")
        assert session.rows("SELECT * FROM b2_orphans()") == []


def test_a_bucket_of_a_million_objects_takes_no_memory(session):
    count = "SELECT count(*) FROM b2_orphans()"
    peaks = []
    # Both are more than work_mem has room for.
    for size in (100_000, 1_000_000):
        with bucket_of(size) as server:
            at(session, server)
            with peak_memory(session.pid) as peak:
                assert session.value(count) == size
        peaks += peak
    assert peaks[1] - peaks[0] < 1 << 20


def test_a_search_is_cancelled_at_once(session, store):
    with bucket_of(100_000_000) as server:
        at(session, server)
        session.run("SET statement_timeout = 500")
        began = time.monotonic()
        with refused("57014"):
            session.run("SELECT count(*) FROM b2_orphans()")
        assert time.monotonic() - began < 2


def test_a_refused_list_says_what_the_key_needs(session, store):
    session.run("ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET application_key 'wrong')")
    with refused("HV000", message="could not list the versions", hint="application_key"):
        session.run("SELECT * FROM b2_orphans()")


@pytest.mark.parametrize(
    "body",
    [
        "<html/>",
        "<ListVersionsResult>",
        "<ListVersionsResult><Version><Key></Key></Version></ListVersionsResult>",
        "<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>",
        "<ListVersionsResult><Version><Key>a</Key><Size>x</Size></Version></ListVersionsResult>",
    ],
)
def test_a_list_that_is_none_is_refused(session, body):
    with listener.answering(listener.http("200 OK", body)) as server:
        at(session, server)
        with refused("HV000", message="could not list the versions"):
            session.run("SELECT * FROM b2_orphans()")


def test_a_list_that_goes_in_circles_is_refused(session):
    body = (
        "<ListVersionsResult><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>k</NextKeyMarker></ListVersionsResult>"
    )
    with listener.answering(listener.http("200 OK", body)) as server:
        at(session, server)
        with refused("HV000", message="could not list the versions"):
            session.run("SELECT * FROM b2_orphans()")


def test_a_file_whose_object_is_gone_is_missing(session, store):
    upload(session, "present")
    gone = upload(session, "gone")
    version = session.value("SELECT version_id FROM b2_files WHERE object_key = %s", gone.object_key)
    assert missing(session) == []
    store.s3.delete_object(Bucket=store.bucket, Key=gone.object_key, VersionId=version)
    (row,) = missing(session)
    assert (row.object_key, row.version_id, row.size) == (gone.object_key, version, 1)
    assert missing(session, "") == []
    assert missing(session, f"'elsewhere/', {AT_ONCE}") == []


def test_a_hidden_file_is_missing_only_where_its_row_names_no_version(session, store):
    key = upload(session).object_key
    store.s3.delete_object(Bucket=store.bucket, Key=key)
    assert missing(session) == []
    session.run("SET b2neon.keep_objects = on; UPDATE b2_files SET version_id = NULL")
    assert [row.object_key for row in missing(session)] == [key]


def test_a_row_that_is_deleted_meanwhile_is_not_missing(session, store):
    session.run(
        "INSERT INTO b2_files (object_key, user_id, version_id) VALUES ('nowhere', 'u', NULL)"
    )
    with DistantStore(store.endpoint, 0.5) as distant:
        at(session, distant)
        with session.database.connect() as other:
            thread = threading.Timer(0.2, other.run, ["DELETE FROM b2_files"])
            thread.start()
            assert missing(session) == []
            thread.join()


def test_hundreds_of_rows_are_looked_for_side_by_side(session, store):
    session.run(
        "INSERT INTO b2_files (object_key, user_id) SELECT 'none/' || n, 'u' FROM generate_series(1, 450) n"
    )
    with DistantStore(store.endpoint, 0.02) as distant:
        at(session, distant)
        assert len(missing(session)) == 450
        assert 1 < distant.most_open <= 20


def test_a_store_that_does_not_say_whether_an_object_is_there(session, store):
    upload(session)
    session.run("ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET application_key 'wrong')")
    with refused("HV000", message="refused to show object"):
        missing(session)
