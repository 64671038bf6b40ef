"""What presigns uploads and registers them: b2neon's SQL, and the backends of Neon's guide."""

import http.client
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Callable

from guide import backends
from harness import say
from load import CLIENTS, Load, pgbench, wrk
from psycopg2 import sql

UPLOAD_THREADS = 8
TRIAL_FLOWS = 400
WARM_UP_SECONDS = 1

PRESIGN = "SELECT * FROM b2_presign_put('cat.png', 'image/png', user_id => 'user_123')"
PRESIGN_AND_REGISTER = rf"""
    {PRESIGN} \gset
    SELECT * FROM b2_register_file(:object_key, user_id => 'user_123', verify => false);
"""
# What is registered is an object that was uploaded before, another one each time.
PRESIGN_AND_REGISTER_VERIFIED = f"""
    {PRESIGN};
    SELECT file.*
    FROM uploaded, b2_register_file(uploaded.object_key, user_id => 'user_123') AS file
    WHERE uploaded.number = (SELECT nextval('next_uploaded'));
"""
PRESIGN_MANY = """
    SELECT object_key, presigned_url FROM generate_series(1, %s) AS number,
    b2_presign_put('cat-' || number || '.png', 'image/png', 3600, user_id => 'user_123')
"""
GUIDE_TABLE = """
    CREATE TABLE b2_files (
        id serial PRIMARY KEY,
        object_key text NOT NULL UNIQUE,
        file_url text,
        user_id text NOT NULL,
        upload_timestamp timestamptz DEFAULT now())
"""


@dataclass
class Contestant:
    name: str
    application_name: str  # of its sessions in PostgreSQL
    run: Callable[[], Load]
    backend_pid: int = None
    prepare: Callable[[], None] = lambda: None


class Uploader:
    """PUTs with presigned URLs, with a connection for each thread."""

    def __init__(self, endpoint):
        self._host = urllib.parse.urlsplit(endpoint).netloc
        self._mine = threading.local()

    def put(self, url):
        if not hasattr(self._mine, "connection"):
            self._mine.connection = http.client.HTTPConnection(self._host)
        self._mine.connection.request("PUT", url, b"meow", {"Content-Type": "image/png"})
        answer = self._mine.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"the upload failed: {answer.status} {body[:1000]}"

    def put_all(self, urls):
        with ThreadPoolExecutor(UPLOAD_THREADS) as threads:
            for _ in threads.map(self.put, urls):
                pass


class B2neon:
    """A role that acts for all users, set up as docs/row-level-security.md has it."""

    def __init__(self, database, uploader):
        self._database = database
        self._uploader = uploader
        self._uploaded = 0
        self._role = database.create_role("app")
        owner = database.create_role("owner", "NOLOGIN")
        with database.connect() as session:
            for statement in (
                "ALTER SERVER b2 OPTIONS (ADD public 'true')",
                "CREATE TABLE uploaded (number bigint PRIMARY KEY, object_key text NOT NULL)",
                "CREATE SEQUENCE next_uploaded",
                "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
                "GRANT USAGE ON FOREIGN SERVER b2 TO {owner}",
                "ALTER TABLE b2_files OWNER TO {owner}",
                "ALTER TABLE b2_uploads OWNER TO {owner}",
                "ALTER TABLE b2_deletions OWNER TO {owner}",
                "ALTER TABLE b2_identity OWNER TO {owner}",
                "ALTER TABLE b2_lineage OWNER TO {owner}",
                "ALTER TABLE uploaded OWNER TO {owner}",
                "ALTER SEQUENCE next_uploaded OWNER TO {owner}",
                "GRANT {owner} TO {app}",
            ):
                names = {"owner": sql.Identifier(owner), "app": sql.Identifier(self._role)}
                session.run(sql.SQL(statement).format(**names))

    def presigns(self, seconds):
        return self._contestant("b2neon", PRESIGN, seconds=seconds)

    def registers(self, seconds):
        return self._contestant("b2neon, unverified", PRESIGN_AND_REGISTER, seconds=seconds)

    def registers_verified(self, seconds):
        """The same number of flows each time, because the objects have to be there."""
        say("trying out how many objects are needed")
        self._upload(TRIAL_FLOWS)
        trial = self._pgbench(PRESIGN_AND_REGISTER_VERIFIED, flows=TRIAL_FLOWS)
        flows = round(trial.rate * seconds / CLIENTS) * CLIENTS
        contestant = self._contestant(
            "b2neon, verified", PRESIGN_AND_REGISTER_VERIFIED, flows=flows
        )
        contestant.prepare = partial(self._upload, flows)
        return contestant

    def check(self):
        """Whether all that was uploaded is registered now."""
        with self._database.connect() as session:
            found = session.value("SELECT count(*) FROM b2_files WHERE verified_at IS NOT NULL")
        assert found == self._uploaded, f"{found} of {self._uploaded} uploads were registered"

    def _pgbench(self, script, **limit):
        return pgbench(self._database, self._role, script, **limit)

    def _contestant(self, name, script, **limit):
        return Contestant(name, "pgbench", partial(self._pgbench, script, **limit))

    def _upload(self, count):
        """Objects of pending uploads, to be registered."""
        say(f"uploading {count} objects")
        self._uploaded += count
        with self._database.connect(self._role) as session:
            uploads = session.rows(PRESIGN_MANY, count)
            self._uploader.put_all([upload.presigned_url for upload in uploads])
            session.run("TRUNCATE uploaded")
            session.run("ALTER SEQUENCE next_uploaded RESTART")
            session.run(
                "INSERT INTO uploaded SELECT * FROM unnest(%s, %s)",
                list(range(1, count + 1)),
                [upload.object_key for upload in uploads],
            )
            session.run("VACUUM ANALYZE uploaded")


class Guide:
    """The guide's backends, on a table of their own."""

    def __init__(self, database, store, uploader):
        self._database = database
        self._uploader = uploader
        role = database.create_role("guide")
        with database.connect() as session:
            session.run(GUIDE_TABLE)
            statement = sql.SQL("ALTER TABLE b2_files OWNER TO {}")
            session.run(statement.format(sql.Identifier(role)))
        self._where = store, database, role

    @contextmanager
    def running(self):
        """Two lists: the backends that are compared at presigning, and those at registering."""
        with ExitStack() as stack:

            def start(backend):
                backend = stack.enter_context(backend)
                self._check(backend)
                return backend

            plain = [start(backends.flask(*self._where))]
            if backends.has_node():
                plain.insert(0, start(backends.hono(*self._where)))
            else:
                say(f"node {backends.NODE_VERSION} is missing, so Hono is left out")
            yield plain, [*plain, start(backends.flask(*self._where, keep_connections=True))]

    def contestant(self, backend, step, seconds):
        # Just-in-time compilation, imports, pools.
        wrk(backend.address, step, WARM_UP_SECONDS)
        run = partial(wrk, backend.address, step, seconds)
        return Contestant(backend.name, backend.name, run, backend.pid)

    def _check(self, backend):
        """Whether it does what it is there for."""
        upload = backend.post("/presign-b2-upload", fileName="cat.png", contentType="image/png")
        self._uploader.put(upload["presignedUrl"])
        key, url = upload["objectKey"], upload["publicFileUrl"]
        answer = backend.post("/save-b2-metadata", objectKey=key, publicFileUrl=url)
        assert answer == {"success": True}, answer
        with self._database.connect() as session:
            row = session.row("SELECT file_url, user_id FROM b2_files WHERE object_key = %s", key)
        assert row == (url, "user_123"), row
