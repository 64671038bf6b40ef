"""Rows and objects agree after any crash: three sessions upload, register, delete and maintain at the
same time, the server dies in the middle, and then its tables must say what is in the bucket.

B2NEON_CRASH_ROUNDS is how often it dies. Every round has a seed of its own, the first of them is
B2NEON_CRASH_SEED, so that one can be tried alone; how the sessions overlap is left to chance."""

import os
import random
import secrets
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg2
import pytest
from http_request import put
from private_cluster import PrivateCluster

ROUNDS = int(os.environ.get("B2NEON_CRASH_ROUNDS", 200))
SEED = int(os.environ.get("B2NEON_CRASH_SEED", secrets.randbelow(10**9)))

# What sessions that get in each other's way may be told, and what those of a dying server are.
LEGAL = {"58P01", "P0002", "55000", "55P03", "40001", "40P01", "23505"}
DYING = {"57P01", "57P02", "57P03"}

PRESIGN = "SELECT * FROM b2_presign_put('f', 'text/plain', user_id => 'u')"
REGISTER = "SELECT object_key FROM b2_register_files(%s)"
DELETE = "DELETE FROM b2_files WHERE object_key = ANY (%s) RETURNING object_key, user_id, version_id"
INSERT = "INSERT INTO b2_files (object_key, user_id, version_id) VALUES (%s, %s, %s)"
EXPIRE = "UPDATE b2_uploads SET expires_at = '2000-01-01'"
REMEMBERED = "SELECT object_key FROM b2_uploads UNION SELECT object_key FROM b2_deletions"


class Files:
    """What all sessions know of the files."""

    def __init__(self, store):
        self.store = store
        self.prefix = f"crash-{secrets.token_hex(4)}/"
        self.keys = []
        self.spent = []  # keys to which nobody will PUT any more: their upload may expire
        self.registered = set()  # as acknowledged
        self.maybe_deleted = set()  # a crash can take back what was not committed to disk

    def in_bucket(self):
        """The pairs of key and version id that are there. Nothing may have been hidden by a marker."""
        found = set()
        pages = self.store.s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self.store.bucket, Prefix=self.prefix):
            assert page.get("DeleteMarkers", []) == []
            found |= {(item["Key"], item["VersionId"]) for item in page.get("Versions", [])}
        return found

    def check(self, session):
        """On a database in which nobody does anything."""
        versions = self.in_bucket()
        rows = dict(session.rows("SELECT object_key, version_id FROM b2_files"))
        remembered = set(session.column(REMEMBERED))
        named = set(rows.items())
        assert named - versions == set(), "rows without an object"
        forgotten = {(key, version) for key, version in versions - named if key not in remembered}
        assert forgotten == set(), "versions that nothing in the database knows"
        assert self.registered - self.maybe_deleted - rows.keys() == set(), "lost registrations"


def finish(session):
    """Lets all uploads expire, and maintenance come to its end."""
    session.run(EXPIRE)
    for _ in range(5):
        # Entries that could not be decided wait for their next attempt.
        session.run("UPDATE b2_deletions SET next_attempt_at = now()")
        session.run("CALL b2_maintain()")
        if session.column(REMEMBERED) == []:
            return
    raise AssertionError("maintenance does not come to an end")


class Worker:
    """A session that does one thing after the other until the server dies."""

    def __init__(self, session, files, seed):
        self.session, self.files = session, files
        self.random = random.Random(seed)

    def work(self, over):
        actions = [self.upload, self.register] * 4 + [self.maintain] * 3
        actions += [self.delete, self.expire] * 2 + [self.move]
        while not self.session.connection.closed and not over.is_set():
            try:
                self.random.choice(actions)()
            except psycopg2.Error as error:
                code = error.pgcode
                if code is None or code in DYING or code.startswith("08"):
                    assert self.is_lost(), f"{code}: {error}"
                else:
                    assert code in LEGAL, f"{code}: {error}"

    def is_lost(self):
        # That a connection is gone may turn out only when it is used again.
        with suppress(psycopg2.Error):
            self.session.run("SELECT")
        return self.session.connection.closed

    def some(self, keys):
        recent = keys[-12:]
        return self.random.sample(recent, min(len(recent), self.random.randint(1, 3)))

    def linger(self):
        """Before COMMIT, so that the others meet what is not decided yet."""
        time.sleep(self.random.choice((0, 0, 0.03)))

    def upload(self):
        presigned = self.session.row(PRESIGN)
        self.put(presigned, self.random.choice((0, 1, 1, 2, 3)))
        self.files.keys.append(presigned.object_key)
        if self.random.random() < 0.4:
            self.session.run("SELECT b2_register_file(%s)", presigned.object_key)
            self.files.registered.add(presigned.object_key)
        self.put(presigned, self.random.choice((0, 0, 1)))
        self.files.spent.append(presigned.object_key)

    def put(self, presigned, times):
        for _ in range(times):
            assert put(presigned, b"%d" % self.random.getrandbits(64)).status == 200

    def register(self):
        with self.session.transaction():
            keys = self.session.column(REGISTER, self.some(self.files.keys))
            self.linger()
        self.files.registered.update(keys)

    def delete(self):
        # A row that comes back must have its object, too.
        with self.session.transaction():
            self.session.run(f"SET LOCAL synchronous_commit = {self.random.choice(('on', 'off'))}")
            keys = [row.object_key for row in self.session.rows(DELETE, self.some(self.files.keys))]
            self.linger()
            if self.random.random() < 0.3:
                # The COMMIT that follows is for nothing.
                self.session.run("ROLLBACK")
                keys = []
            self.files.maybe_deleted.update(keys)

    def move(self):
        """Rows are written anew, so that what they name is queued although it is not to go."""
        with self.session.transaction():
            for row in self.session.rows(DELETE, self.some(self.files.keys)):
                self.session.run(INSERT, *row)
            self.linger()

    def expire(self):
        """Or what b2_maintain() does then, at once and for longer than it takes there."""
        statement = self.random.choice((EXPIRE, "DELETE FROM b2_uploads"))
        with self.session.transaction():
            self.session.run(statement + " WHERE object_key = ANY (%s)", self.some(self.files.spent))
            self.linger()

    def maintain(self):
        self.session.run(f"SET synchronous_commit = {self.random.choice(('on', 'off'))}")
        try:
            self.session.run("CALL b2_maintain(%s)", self.random.randint(1, 5))
        finally:
            with suppress(psycopg2.Error):
                self.session.run("RESET synchronous_commit")


@pytest.fixture
def mortal_database(store, authority):
    """On a server of its own, which dies again and again."""
    cluster = PrivateCluster(store.endpoint, authority.trusted)
    yield cluster.create_database()
    cluster.close()


def crash(cluster, sessions, chance):
    """One backend is killed, and the postmaster lets all others go; or all end at once."""
    if chance.random() < 0.5:
        cluster.signal(chance.choice(sessions).pid, signal.SIGKILL)
        cluster.wait_for_recovery()
    else:
        cluster.begin_immediate_shutdown()
        cluster.restart()


def crash_at_work(database, files, chance):
    sessions = [database.connect(deadlock_timeout="100ms") for _ in range(3)]
    workers = [Worker(session, files, chance.random()) for session in sessions]
    over = threading.Event()
    with ThreadPoolExecutor(len(workers)) as pool:
        outcomes = [pool.submit(worker.work, over) for worker in workers]
        try:
            time.sleep(chance.uniform(0.05, 0.7))
            crash(database.cluster, sessions, chance)
        finally:
            over.set()
    for outcome in outcomes:
        outcome.result()
    files.spent = list(files.keys)


def run_round(database, files, seed, is_last):
    chance = random.Random(seed)
    crash_at_work(database, files, chance)
    # Maintenance that does not come to an end is to fail, not to last.
    with database.connect(statement_timeout="60s") as session:
        files.check(session)
        # Mostly the next round goes on with what this one has left undone.
        if chance.random() < 0.2 or is_last:
            finish(session)
            # With nothing else remembered, exactly the versions that rows name are left.
            files.check(session)


def test_rows_and_objects_agree_after_any_crash(mortal_database, store):
    files = Files(store)
    with mortal_database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        options = store.server_options(key_prefix=files.prefix)
        session.create_server("b2", options, store.mapping_options())
    for n in range(ROUNDS):
        try:
            run_round(mortal_database, files, SEED + n, n == ROUNDS - 1)
        except Exception as error:
            raise AssertionError(
                f"round {n + 1} of {ROUNDS} has failed, after others with B2NEON_CRASH_SEED={SEED};"
                f" alone: B2NEON_CRASH_SEED={SEED + n} B2NEON_CRASH_ROUNDS=1"
            ) from error
    with mortal_database.connect() as session:
        session.run("DELETE FROM b2_files")
        finish(session)
    assert files.in_bucket() == set()
