"""A database with all that users add to b2_files, and what has to come back of it after it was carried
elsewhere."""

from contextlib import contextmanager

from cluster import refused
from http_request import get, put

# What a user makes of b2_files, a function of theirs and a table that refers to it.
ADDITIONS = """
    ALTER TABLE b2_files ADD COLUMN album text NOT NULL DEFAULT 'none' CHECK (album <> '');
    COMMENT ON COLUMN b2_files.album IS 'added by the user';
    CREATE INDEX by_album ON b2_files (album) WHERE album <> 'none';
    CREATE POLICY shared ON b2_files FOR SELECT USING (album = 'shared');
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.metadata := NEW.metadata || '{"touched": true}'; RETURN NEW; END $$;
    CREATE TRIGGER touch BEFORE UPDATE ON b2_files FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE TABLE comments (
        file_id bigint NOT NULL REFERENCES b2_files ON DELETE CASCADE, comment text);
"""

# Who a caller is: the user of an application, named in a setting, or else the role.
IDENTITY = """
    CREATE SCHEMA auth;
    CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(nullif(current_setting('e2e.user_name', true), ''), current_user) $$;
    SELECT b2_set_identity('auth.user_id()');
"""

# What row-level security and the guards keep from a role, even where all has been granted to it.
REFUSED = [
    "SELECT b2_set_identity('current_user')",
    "INSERT INTO b2_identity (source) VALUES ('request.jwt.claims')",
    "UPDATE b2_identity SET source = 'request.jwt.claims'",
    "DELETE FROM b2_identity",
    "TRUNCATE b2_identity",
    "UPDATE b2_lineage SET timeline = 'x'",
    "INSERT INTO b2_files (object_key, user_id) VALUES ('mine', b2_user_id())",
    "UPDATE b2_files SET album = 'mine'",
    "TRUNCATE b2_files CASCADE",
    "UPDATE b2_uploads SET user_id = b2_user_id()",
    "INSERT INTO b2_deletions (server, object_key) VALUES ('b2', 'mine')",
    "CREATE TABLE workshop.spy (file_id bigint REFERENCES b2_files)",
    "CREATE TRIGGER spy BEFORE DELETE ON b2_files FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SELECT b2_presign('GET', 'mine')",
]


def privileges(acl):
    """SQL for the privileges in an access control list, sorted. MAINTAIN is left out: GRANT ALL
    covers it from PostgreSQL 17 on."""
    return f"""
        ARRAY(SELECT format('%s: %s', grantee::regrole, privilege_type) FROM aclexplode({acl})
              WHERE privilege_type <> 'MAINTAIN' ORDER BY 1)"""


FINGERPRINT = {
    "columns": """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON (adrelid, adnum) = (attrelid, attnum)
        WHERE attrelid = 'b2_files'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1""",
    "constraints": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE 'b2_files'::regclass IN (conrelid, confrelid) AND contype <> 'n' ORDER BY 1""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'b2_files' ORDER BY 1",
    "policies": """
        SELECT p.*, obj_description(o.oid, 'pg_policy') FROM pg_policies p
        JOIN pg_policy o ON o.polname = p.policyname ORDER BY policyname""",
    "triggers": """
        SELECT tgname, tgenabled, pg_get_triggerdef(oid), obj_description(oid, 'pg_trigger')
        FROM pg_trigger WHERE tgrelid = 'b2_files'::regclass AND NOT tgisinternal ORDER BY 1""",
    "event triggers": """
        SELECT evtname, evtevent, evtenabled, evttags, evtfoid::regproc::text,
               evtowner::regrole::text, obj_description(oid, 'pg_event_trigger')
        FROM pg_event_trigger ORDER BY 1""",
    "tables": f"""
        SELECT relname, relrowsecurity, relforcerowsecurity, relowner::regrole::text,
               {privileges("coalesce(relacl, acldefault('r', relowner))")} AS privileges,
               obj_description(oid, 'pg_class')
        FROM pg_class
        WHERE relname IN ('b2_files', 'b2_uploads', 'b2_deletions', 'b2_identity', 'b2_lineage',
                          'b2_maintenance') ORDER BY 1""",
    "functions": f"""
        SELECT oid::regprocedure::text, proowner::regrole::text, provolatile, proparallel,
               {privileges("coalesce(proacl, acldefault('f', proowner))")} AS privileges
        FROM pg_proc WHERE proname ~ '^b2' OR pronamespace = 'auth'::regnamespace ORDER BY 1""",
    # The row types of tables count from PostgreSQL 17 on.
    "members": """
        SELECT pg_describe_object(classid, objid, 0) AS member FROM pg_depend
        WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
          AND classid <> 'pg_type'::regclass
          AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'b2neon') ORDER BY 1""",
    "extension": """
        SELECT extversion, extowner::regrole::text, extnamespace::regnamespace::text
        FROM pg_extension WHERE extname = 'b2neon'""",
    # pg_dump sorts options.
    "servers": """
        SELECT srvname, ARRAY(SELECT unnest(srvoptions) ORDER BY 1), srvacl::text
        FROM pg_foreign_server ORDER BY 1""",
    "mappings": """
        SELECT srvname, usename, ARRAY(SELECT unnest(umoptions) ORDER BY 1)
        FROM pg_user_mappings ORDER BY 1, 2""",
    "files": "SELECT to_jsonb(f) AS file FROM b2_files f ORDER BY id",
    "uploads": "SELECT to_jsonb(u) AS upload FROM b2_uploads u ORDER BY object_key",
    "deletions": "SELECT to_jsonb(d) AS deletion FROM b2_deletions d ORDER BY id",
    "identity": "SELECT to_jsonb(i) AS identity FROM b2_identity i",
    "lineage": "SELECT to_jsonb(l) AS lineage FROM b2_lineage l",
    "comments": "SELECT * FROM comments",
    # Apart from the time of signing.
    "links": """
        SELECT regexp_replace(
            b2_presign_get(object_key, version_id => version_id, server => server),
            'X-Amz-(Date|Signature)=[^&]*|%2F[0-9]{8}%2F', '', 'g') AS link
        FROM b2_files ORDER BY id""",
    "signatures": """
        SELECT b2_presign('GET', object_key, signed_at => '2024-01-01 00:00:00Z', server => server)
        FROM b2_files ORDER BY id""",
}


def fingerprint(session):
    return {name: session.rows(query) for name, query in FINGERPRINT.items()}


class Origin:
    """A database with rows in every table, and what has to come back of it."""

    def __init__(self, cluster, store, database, role=None, schema="public"):
        self.cluster, self.store, self.database = cluster, store, database
        self.role, self.schema = role, schema
        self.reader = database.create_role("reader")
        self.granted_all = database.create_role("granted all")
        with self.connect(database) as session:
            if schema != "public":
                session.run(f'CREATE SCHEMA "{schema}"')
            session.run(f'CREATE EXTENSION b2neon SCHEMA "{schema}"')
            session.create_server("b2", store.server_options(), store.mapping_options())
            session.create_server(
                "second", store.server_options(public="true"), store.mapping_options()
            )
            session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
            session.run(f'GRANT USAGE ON SCHEMA "{schema}" TO PUBLIC')
            session.run(ADDITIONS)
            session.run(IDENTITY)
            session.run(f'GRANT SELECT, DELETE ON b2_files TO "{self.reader}"')
            self._grant_all(session)

            kept, shared, deleted, self.pending = (
                self._upload(session, name, user, server)
                for name, user, server in [
                    ("kept 'ä'.txt", self.reader, "b2"),
                    ("shared.txt", "somebody", "second"),
                    ("deleted.txt", "somebody", "b2"),
                    ("pending.txt", "somebody", "b2"),
                ]
            )
            for key in (kept, shared, deleted):
                session.run("SELECT b2_register_file(%s)", key)
            session.run("UPDATE b2_files SET album = 'shared' WHERE object_key = %s", shared)
            session.run("INSERT INTO comments SELECT id, 'nice' FROM b2_files")
            session.run("DELETE FROM b2_files WHERE object_key = %s", deleted)
            self.kept = kept
            self.fingerprint = fingerprint(session)
        for part, rows in {
            "files": 2,
            "uploads": 4,
            "deletions": 1,
            "identity": 1,
            "comments": 2,
            "event triggers": 1,
        }.items():
            assert len(self.fingerprint[part]) == rows
        for added in ("album", "by_album", "shared", "touch", "comments"):
            assert added in str(self.fingerprint)

    def _grant_all(self, session):
        """Grants all that the extension's owner can grant."""
        role, schema = f'"{self.granted_all}"', f'"{self.schema}"'
        session.run(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}")
        session.run("CREATE SCHEMA workshop")
        session.run(f"GRANT ALL ON SCHEMA workshop TO {role}")
        # The functions belong to a superuser.
        if self.role is None:
            session.run(f"GRANT ALL ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}")

    @staticmethod
    def _upload(session, name, user, server):
        presigned = session.row(
            "SELECT * FROM b2_presign_put(%s, 'text/plain', 3600, %s, server => %s)",
            name,
            user,
            server,
        )
        assert put(presigned, name.encode()).status == 200
        return presigned.object_key

    def connect(self, database, role=None, **settings):
        """A session as `role`, or else as the owner."""
        session = database.connect(role=role or self.role, **settings)
        session.run(f'SET search_path = "{self.schema}"')
        return session

    def dump(self, target, *options):
        """Runs pg_dump; `target` is where its output goes."""
        self.cluster.program(
            "pg_dump", *options, f"--file={target}", self.database.name, role=self.role
        )

    def restore_plain(self, database, script):
        self.cluster.program(
            "psql",
            "-X",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            f"--file={script}",
            database.name,
            role=self.role,
        )

    def restore(self, database, archive, *options):
        self.cluster.program(
            "pg_restore",
            "--exit-on-error",
            *options,
            f"--dbname={database.name}",
            archive,
            role=self.role,
        )

    @contextmanager
    def target(self):
        database = self.cluster.create_database(owner=self.role)
        try:
            yield database
        finally:
            database.drop()

    def assert_is_back(self, database):
        with self.connect(database) as session:
            found = fingerprint(session)
            for name, rows in self.fingerprint.items():
                assert found[name] == rows, name
        self.assert_works(database)

    def assert_works(self, database):
        with self.connect(database) as session:
            self._assert_owner_goes_on(session)
        with self.connect(database, self.reader) as session:
            self._assert_reader_is_confined(session)
        with self.connect(database, self.reader, **{"e2e.user_name": "somebody"}) as session:
            self._assert_is_somebody(session)
        with self.connect(database, self.granted_all) as session:
            self._assert_is_confined_whatever_is_granted(session)

    def _assert_owner_goes_on(self, session):
        link = session.value("SELECT b2_presign_get(%s)", self.kept)
        assert get(link).body == "kept 'ä'.txt".encode()

        # Numbers go on where they were.
        last_file, queued = session.row(
            "SELECT (SELECT max(id) FROM b2_files) AS file,"
            " (SELECT count(*) FROM b2_deletions) AS queued"
        )
        registered = session.row("SELECT * FROM b2_register_file(%s)", self.pending)
        assert registered.size == len("pending.txt")
        assert registered.id > last_file
        session.run("DELETE FROM b2_files WHERE id = %s", registered.id)
        assert session.value("SELECT count(*) FROM b2_deletions") == queued + 1

        # A pending upload that was registered stays registered.
        with refused("P0002", detail="deleted since"):
            session.run("SELECT b2_register_file(%s)", self.pending)
        assert session.value(
            "UPDATE b2_files SET album = 'touched' WHERE object_key = %s"
            " RETURNING metadata -> 'touched'",
            self.kept,
        )

    def _assert_reader_is_confined(self, session):
        assert session.value("SELECT b2_user_id()") == self.reader
        assert session.value("SELECT count(*) FROM b2_files") == 2
        with refused("42501"):
            session.run("SELECT b2_set_identity('current_user')")
        with refused("42501"):
            session.run("UPDATE b2_files SET album = 'mine'")
        with refused("42501"):
            session.run("SELECT b2_presign('GET', 'x')")
        with refused("42501"):
            session.run("SELECT FROM b2_uploads")
        assert get(session.value("SELECT b2_presign_get(%s)", self.kept)).status == 200

    def _assert_is_somebody(self, session):
        assert session.value("SELECT b2_user_id()") == "somebody"
        assert session.column("SELECT file_name FROM b2_files") == ["shared.txt"]
        with refused("42501", message="that role"):
            session.value("SELECT b2_presign_get(%s)", self.kept)

    def _assert_is_confined_whatever_is_granted(self, session):
        for statement in REFUSED:
            with refused("42501"):
                session.run(statement)
        assert session.value("SELECT b2_user_id()") == self.granted_all
        assert session.column("SELECT file_name FROM b2_files") == ["shared.txt"]
        for table in ("b2_uploads", "b2_deletions", "b2_identity"):
            assert session.value(f"SELECT count(*) FROM {table}") == 0
