"""pg_dump and pg_restore carry a database with all that users add to b2_files."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
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
    "tables": """
        SELECT relname, relrowsecurity, relforcerowsecurity, relowner::regrole::text,
               relacl::text, obj_description(oid, 'pg_class')
        FROM pg_class WHERE relname IN ('b2_files', 'b2_uploads', 'b2_deletions') ORDER BY 1""",
    "members": """
        SELECT pg_describe_object(classid, objid, 0) AS member FROM pg_depend
        WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
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
    "comments": "SELECT * FROM comments",
}


def fingerprint(session):
    return {name: session.rows(query) for name, query in FINGERPRINT.items()}


class Origin:
    """A database with rows in every table, and what has to come back of it."""

    def __init__(self, cluster, store, database, role=None, schema="public"):
        self.cluster, self.store, self.database = cluster, store, database
        self.role, self.schema = role, schema
        self.reader = database.create_role("reader")
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
            session.run(f'GRANT SELECT, DELETE ON b2_files TO "{self.reader}"')

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
        for table, rows in {"files": 2, "uploads": 4, "deletions": 1, "comments": 2}.items():
            assert len(self.fingerprint[table]) == rows
        for added in ("album", "by_album", "shared", "touch", "comments"):
            assert added in str(self.fingerprint)

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

    def connect(self, database):
        session = database.connect(role=self.role)
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
            self._assert_works(session)
        with database.connect(role=self.reader) as session:
            session.run(f'SET search_path = "{self.schema}"')
            self._assert_reader_is_confined(session)

    def _assert_works(self, session):
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
        assert session.value("SELECT count(*) FROM b2_files") == 2
        with refused("42501"):
            session.run("UPDATE b2_files SET album = 'mine'")
        with refused("42501"):
            session.run("SELECT b2_presign('GET', 'x')")
        with refused("42501"):
            session.run("SELECT FROM b2_uploads")
        assert get(session.value("SELECT b2_presign_get(%s)", self.kept)).status == 200


@pytest.fixture(scope="module")
def origin(cluster, store):
    database = cluster.create_database()
    yield Origin(cluster, store, database)
    database.drop()


@pytest.fixture
def archive():
    """A path for pg_dump to write to."""
    directory = Path(tempfile.mkdtemp(prefix="b2neon-dump."))
    yield directory / "dump"
    shutil.rmtree(directory)


@pytest.mark.parametrize("options", [[], ["--column-inserts"]], ids=["COPY", "INSERT"])
def test_a_plain_dump_brings_everything_back(origin, archive, options):
    origin.dump(archive, *options)
    with origin.target() as database:
        origin.restore_plain(database, archive)
        origin.assert_is_back(database)


@pytest.mark.parametrize("format, options", [("custom", []), ("directory", ["--jobs=2"])])
def test_an_archive_brings_everything_back(origin, archive, format, options):
    origin.dump(archive, f"--format={format}")
    with origin.target() as database:
        origin.restore(database, archive, *options)
        origin.assert_is_back(database)


def test_a_plain_dump_with_clean_replaces_what_is_there(origin, archive):
    origin.dump(archive, "--clean")
    with origin.target() as database:
        first = archive.with_name("first")
        origin.dump(first)
        origin.restore_plain(database, first)
        with origin.connect(database) as session:
            session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('to go', 'x')")
        origin.restore_plain(database, archive)
        origin.assert_is_back(database)


def test_an_archive_restored_with_clean_replaces_what_is_there(origin, archive):
    origin.dump(archive, "--format=custom")
    with origin.target() as database:
        origin.restore(database, archive, "--clean", "--if-exists")
        with origin.connect(database) as session:
            session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('to go', 'x')")
        origin.restore(database, archive, "--clean")
        origin.assert_is_back(database)


def test_the_data_alone_goes_into_a_restored_schema(origin, archive):
    schema = archive.with_name("schema")
    origin.dump(schema, "--schema-only")
    origin.dump(archive, "--data-only")
    with origin.target() as database:
        origin.restore_plain(database, schema)
        with origin.connect(database) as session:
            for table in ("b2_files", "b2_uploads", "b2_deletions"):
                assert session.value(f"SELECT count(*) FROM {table}") == 0
            assert session.value(
                "SELECT relrowsecurity FROM pg_class WHERE oid = 'b2_files'::regclass"
            )
        origin.restore_plain(database, archive)
        origin.assert_is_back(database)


def test_an_archive_can_be_restored_section_by_section(origin, archive):
    origin.dump(archive, "--format=custom")
    with origin.target() as database:
        for section in ("pre-data", "data", "post-data"):
            origin.restore(database, archive, f"--section={section}")
        origin.assert_is_back(database)


def test_a_dump_of_a_dump_is_the_same(origin, archive):
    first, second = archive.with_name("first"), archive.with_name("second")
    origin.dump(first)
    with origin.target() as database:
        origin.restore_plain(database, first)
        origin.cluster.program("pg_dump", f"--file={second}", database.name)
        assert statements(first) == statements(second)


def statements(script):
    """The script without what pg_dump makes up for each run."""
    lines = script.read_text().splitlines()
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]


def test_an_extension_in_a_schema_of_its_own_comes_back(cluster, store, archive):
    database = cluster.create_database()
    try:
        origin = Origin(cluster, store, database, schema="My Files")
        origin.dump(archive)
        with origin.target() as target:
            origin.restore_plain(target, archive)
            origin.assert_is_back(target)
    finally:
        database.drop()


@pytest.mark.parametrize("format", ["plain", "custom"])
def test_an_owner_who_is_no_superuser_can_dump_and_restore(
    cluster, store, empty_database, archive, format
):
    owner = empty_database.create_role("owner", "LOGIN CREATEDB")
    cluster.run(f'ALTER DATABASE "{empty_database.name}" OWNER TO "{owner}"')
    origin = Origin(cluster, store, empty_database, role=owner)
    origin.dump(archive, f"--format={format}")
    with origin.target() as database:
        if format == "plain":
            origin.restore_plain(database, archive)
        else:
            origin.restore(database, archive)
        origin.assert_is_back(database)
