"""Big tables for bench/plans.py."""

import json
import secrets
import sys
import time
from contextlib import contextmanager

from harness import closed_port, print_table, say
from psycopg2 import sql

BIG_TABLES = ("b2_files", "b2_uploads", "b2_deletions")

USERS = 10000
# Uploads that b2_maintain() finds to let go, and entries of each kind that it cannot be done with.
EXPIRED = 3000
UNFINISHED = 1000
STORED, NAMED = 500, 400

# A key as b2_presign_put() makes them, from a number.
KEY = """
    CREATE FUNCTION bench_key(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT 'files/' || lpad(to_hex(n), 8, '0') || '-' || substr(md5(n::text), 1, 4) || '-7'
            || substr(md5(n::text), 5, 3) || '-8' || substr(md5(n::text), 8, 3) || '-'
            || substr(md5(n::text), 11, 12) || '-photo.jpg' $$"""

# Every second file was registered without verification, so that its version is not known.
FILES = """
    INSERT INTO b2_files (id, object_key, user_id, upload_timestamp, server, file_name, content_type,
                          size, etag, version_id)
    SELECT n, bench_key(n), CASE n %% {users} WHEN 0 THEN %s ELSE 'user_' || n %% {users} END,
           now() - interval '2 days' - ({files} - n) * interval '1 second', 'b2', 'photo.jpg',
           'image/jpeg', 1000 + n, md5(n::text),
           CASE n %% 2 WHEN 1 THEN md5('version' || n) END
    FROM generate_series(1, {files}) n"""

# The first ones are past their grace, and belong to files of which all versions are kept: there is
# nothing to ask the store. Of the others every third is pending.
UPLOADS = """
    INSERT INTO b2_uploads (object_key, server, user_id, file_name, content_type, issued_at,
                            expires_at, registered_at)
    SELECT CASE WHEN n > {expired} AND n % 3 = 0 THEN 'pending/' ELSE '' END
               || bench_key({others} + 2 * n),
           'b2', 'user_' || n % {users}, 'photo.jpg', 'image/jpeg', t.at - interval '5 minutes', t.at,
           CASE WHEN n <= {expired} OR n % 3 > 0 THEN t.at END
    FROM generate_series(1, {uploads}) n,
         LATERAL (SELECT now() - CASE WHEN n <= {expired} THEN interval '2 days' ELSE '0' END
                         - ({others} - n) * interval '20 hours' / {others} AS at) t
    ON CONFLICT DO NOTHING"""

# All but a tenth are due. Files name what they are about by now, as after a restore; so there is
# nothing to ask the store, and what counts is the database's part.
DELETIONS = """
    INSERT INTO b2_deletions (id, server, object_key, version_id, all_versions, queued_at, attempts,
                              next_attempt_at, last_error)
    SELECT md5(n::text)::uuid, 'b2', bench_key(n),
           CASE n % 2 WHEN 1 THEN md5('version' || n) END, n % 2 = 0, t.at, a.attempts,
           CASE a.attempts WHEN 0 THEN t.at WHEN 12 THEN 'infinity' ELSE now() + interval '1 day' END,
           CASE WHEN a.attempts > 0 THEN 'AccessDenied' END
    FROM generate_series(1, {others}) n,
         LATERAL (SELECT now() - interval '2 hours'
                         + n * interval '1 hour' / {others} AS at) t,
         LATERAL (SELECT CASE n % 20 WHEN 0 THEN 12 WHEN 1 THEN 3 ELSE 0 END AS attempts) a
    ON CONFLICT DO NOTHING"""

# Entries of a server's own that stay, each for another reason.
UNFINISHED_DELETIONS = """
    INSERT INTO b2_deletions (id, server, object_key, version_id, queued_at, next_attempt_at)
    SELECT md5(s.name || n)::uuid, s.name, s.name || '/' || n, md5('version' || n),
           now() - interval '2 hours', now() - interval '1 hour'
    FROM unnest('{{away,locked,undecided}}'::text[]) s (name), generate_series(1, {unfinished}) n
    ON CONFLICT (id) DO UPDATE SET next_attempt_at = excluded.next_attempt_at, attempts = 0,
                                   last_error = NULL"""

UNDECIDED_FILES = """
    INSERT INTO b2_files (object_key, user_id, server)
    SELECT 'undecided/' || n, 'bench', 'undecided' FROM generate_series(1, {unfinished}) n"""


class Filling:
    """Files 1 to `files`. The first `others` are named by entries of the queue, and the second ones
    of the next `2 * others` by uploads; what comes after belongs to no other table."""

    def __init__(self, database, store, files, others):
        if files < 5 * others or others < 5 * EXPIRED:
            sys.exit(f"there must be {5 * EXPIRED} others at least, and 5 times as many files")
        self.store = store
        self.files = files
        self.others = others
        self.database = database
        self.role = database.create_role("confined")
        self.closed_endpoint = f"http://127.0.0.1:{closed_port()}"
        self._allow(store.endpoint, self.closed_endpoint)
        self.session = database.connect()
        self._numbers = {
            "files": files,
            "others": others,
            "users": USERS,
            "expired": EXPIRED,
            "unfinished": UNFINISHED,
        }

    def _allow(self, *endpoints):
        self.database.cluster.run(
            sql.SQL("ALTER DATABASE {} SET b2neon.allowed_endpoints = {}").format(
                sql.Identifier(self.database.name), sql.Literal(",".join(endpoints))
            )
        )

    def close(self):
        self.session.run(f'DROP OWNED BY "{self.role}"')
        self.session.connection.close()

    @property
    def first_free(self):
        return 3 * self.others + 1

    def free_file(self, generator, count=1):
        """The first of so many files in a row that no other table names."""
        return generator.randint(self.first_free, self.files - count)

    def own_file(self, generator):
        """A file of the confined role's."""
        return USERS * generator.randint(self.first_free // USERS + 1, self.files // USERS)

    def pending_upload(self, generator):
        """The number of the key of an upload that can be registered."""
        return self.others + 6 * generator.randint(EXPIRED // 3 + 1, self.others // 3)

    def fill(self):
        session = self.session
        session.run("SET session_replication_role = replica")
        session.run(KEY)
        rows = []
        for table, fill in (
            ("b2_files", self._fill_files),
            ("b2_uploads", self._fill_uploads),
            ("b2_deletions", self._fill_deletions),
        ):
            say(f"filling {table}")
            # It would have plans made anew while they are looked at.
            session.run(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            start = time.perf_counter()
            fill()
            session.run(f"VACUUM ANALYZE {table}")
            count = session.value(f"SELECT count(*) FROM {table}")
            size = session.value("SELECT pg_size_pretty(pg_total_relation_size(%s))", table)
            rows.append([table, count, size, f"{time.perf_counter() - start:.0f}"])
        print_table("The tables", ["table", "rows", "size", "seconds"], rows)

    def _run(self, statement, *values):
        self.session.run(statement.format(**self._numbers), *values)

    def _fill_files(self):
        self._run(FILES, self.role)
        self._store_some()
        self.session.run("SELECT setval('b2_files_id_seq', (SELECT max(id) FROM b2_files))")
        self.session.run(f'GRANT SELECT, DELETE ON b2_files TO "{self.role}"')
        self.session.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{self.role}"')

    def _fill_uploads(self):
        self._numbers["uploads"] = self.others
        self._run(UPLOADS)
        self._numbers["uploads"] = EXPIRED

    def _fill_deletions(self):
        self._create_other_servers()
        self._run(DELETIONS)
        self._run(UNFINISHED_DELETIONS)

    def _store_some(self):
        """The newest files are really there, and some objects that no file names."""
        self.stored_prefix = f"bench-{secrets.token_hex(4)}/"
        for number in range(STORED):
            key = f"{self.stored_prefix}photo-{number}.jpg"
            version = self.store.upload(key, b"bench", "image/jpeg")
            if number < NAMED:
                self.session.run(
                    "INSERT INTO b2_files (id, object_key, user_id, upload_timestamp, server,"
                    " version_id) VALUES (%s, %s, 'bench', now() - interval '2 days', 'b2', %s)",
                    self.files + 1 + number,
                    key,
                    version,
                )

    def _create_other_servers(self):
        mapping = self.store.mapping_options()
        away = self.store.server_options(endpoint=self.closed_endpoint, request_timeout=40)
        self.session.create_server("away", away, mapping)
        for name in ("locked", "undecided"):
            self.session.create_server(name, self.store.server_options(), mapping)
        self._lock("locked/*")

    def _lock(self, keys):
        """The store refuses to delete these."""
        statement = {
            "Effect": "Deny",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Principal": {"AWS": ["arn:aws:iam:::user/b2neon"]},
            "Resource": [f"arn:aws:s3:::{self.store.bucket}/{keys}"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.store.s3.put_bucket_policy(Bucket=self.store.bucket, Policy=json.dumps(policy))

    def top_up(self):
        """What b2_maintain() has worked off is there again."""
        self.session.run("DELETE FROM b2_deletions WHERE queued_at > now() - interval '30 minutes'")
        self._run(UPLOADS)
        self._run(DELETIONS)
        self._run(UNFINISHED_DELETIONS)
        self.session.run("VACUUM b2_uploads, b2_deletions")

    @contextmanager
    def undecided_files(self):
        """Rows for objects in the queue that may or may not be committed."""
        self.session.run("BEGIN")
        try:
            self._run(UNDECIDED_FILES)
            yield
        finally:
            self.session.run("ROLLBACK")
