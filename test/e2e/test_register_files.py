"""b2_register_files(): many uploads, all or none, asked for side by side."""

import threading
import time

import listener
import pytest
from cluster import refused
from distant_store import DistantStore
from http_request import get

PRESIGN = (
    "SELECT object_key FROM generate_series(1, %s) n,"
    " b2_presign_put('f' || n, 'text/plain', user_id => 'u', server => %s)"
)


@pytest.fixture
def uploads(session, store):
    """Makes so many uploads for a server, whose objects are in the bucket. Gives their keys."""

    def make(count, server="b2"):
        keys = session.column(PRESIGN, count, server)
        for key in keys:
            store.s3.put_object(
                Bucket=store.bucket, Key=key, Body=key.encode(), ContentType="text/plain"
            )
        return keys

    yield make
    session.run("DELETE FROM b2_files")


def register(session, keys, arguments=""):
    return session.rows(f"SELECT * FROM b2_register_files(%s{arguments})", keys)


def files(session):
    return session.value("SELECT count(*) FROM b2_files")


def test_there_is_a_row_for_each_file_in_the_order_of_the_keys(session, uploads):
    keys = uploads(25)
    keys = keys[::2] + keys[1::2]
    rows = register(session, keys)
    assert [row.object_key for row in rows] == keys
    assert all(row.size == len(row.object_key) and row.verified_at for row in rows)
    assert rows == session.rows(
        "SELECT id, object_key, file_url, user_id, upload_timestamp, server, file_name, content_type,"
        " size, etag, version_id, metadata, verified_at FROM b2_files ORDER BY array_position(%s, object_key)",
        keys,
    )
    link = session.value(
        "SELECT b2_presign_get(object_key, version_id => version_id) FROM b2_files WHERE object_key = %s",
        keys[0],
    )
    assert get(link).body == keys[0].encode()


def test_the_columns_are_those_of_the_single_form(session):
    columns = session.column(
        "SELECT proargnames[array_position(proargmodes, 'o'):] || proallargtypes"
        "[array_position(proargmodes, 'o'):]::text[] FROM pg_proc WHERE proname ~ '^b2_register_files?$'"
    )
    assert len(columns) == 2 and columns[0] == columns[1]


def test_no_keys_are_no_rows(session):
    assert register(session, "{}") == []


def test_a_key_that_is_there_twice_has_one_row(session, uploads):
    keys = uploads(3)
    assert len(register(session, [keys[1], keys[0], keys[1], keys[2], keys[0]])) == 3


def test_what_is_registered_already_is_returned_as_it_is(session, uploads):
    keys = uploads(4)
    (first,) = register(session, keys[2:3])
    rows = register(session, keys)
    assert [row.object_key for row in rows] == keys
    assert rows[2] == first
    assert register(session, keys) == rows


def test_all_failures_are_told_and_nothing_is_recorded(session, store, uploads):
    keys = uploads(12)
    missing, changed, unknown = keys[3], keys[7], "no such upload"
    store.s3.delete_object(Bucket=store.bucket, Key=missing)
    store.s3.put_object(Bucket=store.bucket, Key=changed, Body=b"x", ContentType="image/png")
    hint = "Without these, the others can be registered"
    with refused("P0002", message="could not register 3 of 13 files", hint=hint) as caught:
        register(session, [unknown, *keys])
    assert caught.value.diag.message_detail.split("\n") == [
        f'"{unknown}": no pending upload',
        f'"{missing}": is not in bucket "{store.bucket}"',
        f'"{changed}": does not have the declared content type: Declared was "text/plain", found was'
        ' "image/png".',
    ]
    assert files(session) == 0
    with refused("P0002", message="could not register 1 of 1", hint="It was never issued"):
        register(session, [unknown])
    # The first failure decides on what clients branch on.
    with refused("23514", constraint="content_type"):
        register(session, [changed, missing])
    rest = [key for key in keys if key not in (missing, changed)]
    assert len(register(session, rest)) == 10


def test_thousands_of_failures_are_told_and_ten_are_logged(session, cluster):
    deleted = session.column(PRESIGN, 500, "b2")
    register(session, deleted, ", verify => false")
    session.run("DELETE FROM b2_files")
    keys = [key for n, key in enumerate(deleted) for key in (f"unknown {n}", key)] * 2
    before = cluster.log.read_text(errors="replace").count("... and 990 more")
    with refused("P0002", message="could not register 1000 of 1000 files") as caught:
        register(session, keys)
    lines = caught.value.diag.message_detail.split("\n")
    assert lines[0] == '"unknown 0": no pending upload'
    assert lines[1].startswith(f'"{deleted[0]}": no pending upload: it was registered')
    assert len(lines) == 1000
    assert cluster.log.read_text(errors="replace").count("... and 990 more") == before + 1


def test_a_store_that_is_ill_is_asked_no_further(session, store):
    with listener.answering(listener.http("503 Slow Down", Retry_After="120")) as ill:
        session.run(f"SET b2neon.allowed_endpoints = '{ill.endpoint}'")
        session.create_server(
            "ill", store.server_options(endpoint=ill.endpoint), store.mapping_options()
        )
        keys = session.column(PRESIGN, 100, "ill")
        with refused(
            "HV000",
            message='the store of server "ill" cannot answer now',
            detail="HTTP status 503 .* of 100 files were not asked for any more",
            hint="a pause of 120 seconds",
        ):
            register(session, keys)
        assert len(ill.requests) <= 40
        session.run("DROP SERVER ill CASCADE; RESET b2neon.allowed_endpoints")


def test_a_bucket_that_does_not_exist_is_told_once(session, store):
    session.create_server(
        "none", store.server_options(bucket="no-such-bucket"), store.mapping_options()
    )
    keys = session.column(PRESIGN, 30, "none")
    with refused("HV000", message="does not exist", detail="code NoSuchBucket"):
        register(session, keys)
    session.run("DROP SERVER none CASCADE")


def test_without_verification_nothing_is_asked(session, uploads):
    keys = session.column(PRESIGN, 3, "b2")
    rows = register(session, keys, ", verify => false")
    assert [row.verified_at for row in rows] == [None] * 3


def test_a_user_and_a_server_must_be_those_of_the_uploads(session, uploads):
    keys = uploads(2)
    with refused("P0002", message="could not register 2 of 2"):
        register(session, keys, ", user_id => 'other'")
    assert len(register(session, keys, ", user_id => 'u', server => 'b2'")) == 2


def test_keys_are_checked(session):
    for keys, sqlstate, message in (
        (None, "22004", "object_keys must not be NULL"),
        (["a", None], "22004", "object_keys must not contain NULL"),
        (["a", ""], "22023", "invalid element of object_keys"),
        ([["a", "b"], ["c", "d"]], "22023", "one dimension"),
        (["a\nb"], "22023", "invalid element"),
        (["x" * 1025], "22023", "invalid element"),
    ):
        with refused(sqlstate, message=message):
            register(session, keys)
    with refused("22023", message="at most 100000 elements"):
        session.run("SELECT b2_register_files(array_fill('a'::text, ARRAY[100001]))")


def test_a_confined_caller_registers_their_own_alone(database, session, store, uploads):
    role = database.create_role("user")
    session.run(f'GRANT SELECT ON b2_files TO "{role}"')
    with database.connect(role=role) as user:
        keys = user.column(
            "SELECT object_key FROM generate_series(1, 3) n, b2_presign_put('f' || n, 'text/plain')"
        )
        for key in keys:
            store.s3.put_object(
                Bucket=store.bucket, Key=key, Body=b"abc", ContentType="text/plain"
            )
        with refused("P0002", message="could not register 1 of 4"):
            register(user, [*keys, uploads(1)[0]])
        with refused("42501", message="without verification"):
            register(user, keys, ", verify => false")
        with refused("42501", message='for user "u"'):
            register(user, keys, ", user_id => 'u'")
        assert {row.user_id for row in register(user, keys)} == {role}
    session.run(f'REVOKE ALL ON b2_files FROM "{role}"')


def test_a_confined_caller_is_told_of_a_bucket_without_versions(database, session, store):
    name = f"{store.bucket}-plain"
    store.s3.create_bucket(Bucket=name)
    session.create_server("plain", store.server_options(bucket=name), store.mapping_options())
    role = database.create_role("user")
    session.run(f'GRANT SELECT ON b2_files TO "{role}"; GRANT USAGE ON FOREIGN SERVER plain TO PUBLIC')
    with database.connect(role=role) as user:
        key = user.value(
            "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => 'plain')"
        )
        store.s3.put_object(Bucket=name, Key=key, Body=b"1", ContentType="text/plain")
        with refused("55000", hint="Switch the bucket's versioning on") as caught:
            register(user, [key])
        assert caught.value.diag.message_detail == f'"{key}": its bucket keeps no versions'
    store.s3.delete_object(Bucket=name, Key=key)
    store.s3.delete_bucket(Bucket=name)
    session.run("DROP SERVER plain CASCADE")
    session.run(f'REVOKE ALL ON b2_files FROM "{role}"')


def test_two_sessions_with_the_same_files_do_not_stop_each_other(database, session, uploads):
    """They write in the same order, whatever the order of the keys."""
    keys = session.column(PRESIGN, 200, "b2")
    results = []

    def run(order):
        with database.connect(deadlock_timeout="10ms") as other:
            results.append(len(register(other, order, ", verify => false")))

    threads = [threading.Thread(target=run, args=(order,)) for order in (keys, keys[::-1]) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [200] * 6


@pytest.fixture
def distant_store(session, store):
    """The store at a distance of 50 ms, behind the server `distant`."""
    with DistantStore(store.endpoint, 0.05) as distant:
        session.run(
            f"SET b2neon.allowed_endpoints = '{store.endpoint},{distant.endpoint}'"
        )
        session.create_server(
            "distant", store.server_options(endpoint=distant.endpoint), store.mapping_options()
        )
        yield distant
        session.run("DROP SERVER distant CASCADE")
        session.run("RESET b2neon.allowed_endpoints")


def timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_two_hundred_together_are_ten_times_as_fast_as_one_by_one(session, uploads, distant_store):
    one_by_one, together = uploads(200, "distant"), uploads(200, "distant")
    slow = timed(lambda: [session.run("SELECT b2_register_file(%s)", key) for key in one_by_one])
    assert distant_store.connections == 1
    fast = timed(lambda: register(session, together))
    assert files(session) == 400
    assert distant_store.request_count == 400
    assert 10 <= distant_store.most_open <= 20
    print(f"one by one {slow:.2f} s, together {fast:.2f} s: {slow / fast:.1f} times as fast")
    assert slow / fast >= 10


def test_a_thousand_requests_need_one_connection(session, uploads, store):
    with DistantStore(store.endpoint, 0.0001) as near:
        session.run(f"SET b2neon.allowed_endpoints = '{store.endpoint},{near.endpoint}'")
        session.create_server(
            "near", store.server_options(endpoint=near.endpoint), store.mapping_options()
        )
        keys = uploads(1000, "near")
        for key in keys:
            session.run("SELECT b2_register_file(%s)", key)
        assert (near.request_count, near.connections) == (1000, 1)
        session.run("DROP SERVER near CASCADE")
    session.run("RESET b2neon.allowed_endpoints")
