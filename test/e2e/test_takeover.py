"""CREATE EXTENSION over a table b2_files that is there already, and what it leaves behind."""

import re

import psycopg2
import pytest
from cluster import refused
from http_request import get, put

# https://neon.com/docs/guides/backblaze-b2, word for word.
GUIDE_TABLE = """
CREATE TABLE IF NOT EXISTS b2_files (
    id SERIAL PRIMARY KEY,
    object_key TEXT NOT NULL UNIQUE,
    file_url TEXT,
    user_id TEXT NOT NULL,
    upload_timestamp TIMESTAMPTZ DEFAULT NOW()
)
"""
GUIDE_INSERT = "INSERT INTO b2_files (object_key, file_url, user_id) VALUES (%s, %s, %s)"
GUIDE_SELECT = """
SELECT
    id,                     -- Your database primary key
    object_key,             -- Key (path/filename) in the bucket
    file_url,               -- URL (may be NULL for private)
    user_id,                -- User associated with the file
    upload_timestamp
FROM
    b2_files
WHERE
    user_id = %s;
"""

ADDED_COLUMNS = {
    "server", "file_name", "content_type", "size", "etag", "version_id", "metadata", "verified_at"
}  # fmt: skip
TRIGGERS = [
    "b2_files_check_named",
    "b2_files_guard",
    "b2_files_queue_deletions",
    "b2_files_queue_replaced",
    "b2_files_queue_truncation",
]


def create_server(session, store, name="b2"):
    session.create_server(name, store.server_options(), store.mapping_options())


def upload_and_register(session, schema="public", name="new.txt"):
    """A file through the functions of `schema`. Returns the registered row."""
    presigned = session.row(f"SELECT * FROM {schema}.b2_presign_put(%s, 'text/plain')", name)
    assert put(presigned, name.encode()).status == 200
    registered = session.row(f"SELECT * FROM {schema}.b2_register_file(%s)", presigned.object_key)
    link = session.value(f"SELECT {schema}.b2_presign_get(%s)", presigned.object_key)
    assert get(link).body == name.encode()
    return registered


def triggers(session):
    return session.column(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass('b2_files')"
        " AND NOT tgisinternal ORDER BY 1"
    )


def policies(session):
    return session.column("SELECT policyname FROM pg_policies WHERE tablename = 'b2_files'")


def server_default(session):
    return session.value(
        "SELECT column_default FROM information_schema.columns"
        " WHERE (table_name, column_name) = ('b2_files', 'server')"
    )


def is_row_level_security_on(session):
    return session.value("SELECT relrowsecurity FROM pg_class WHERE oid = 'b2_files'::regclass")


def objects(session):
    """Everything that CREATE EXTENSION could leave behind."""
    return session.rows(
        """SELECT 'relation' AS kind, oid::regclass::text, relrowsecurity FROM pg_class
             WHERE oid >= 16384 AND relkind <> 't' AND NOT oid::regclass::text LIKE 'pg_toast%'
           UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, false
             FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0
               AND NOT attrelid::regclass::text LIKE 'pg_toast%'
           UNION ALL SELECT 'function', oid::regprocedure::text, false FROM pg_proc
             WHERE oid >= 16384
           UNION ALL SELECT 'trigger', tgname, false FROM pg_trigger
           UNION ALL SELECT 'policy', polname, false FROM pg_policy
           UNION ALL SELECT 'wrapper', fdwname, false FROM pg_foreign_data_wrapper
           UNION ALL SELECT 'extension', extname, false FROM pg_extension
           ORDER BY 1, 2"""
    )


# ---------------------------------------------------------------------------------------------
# The table of Neon's guide
# ---------------------------------------------------------------------------------------------


def test_the_guide_s_table_is_taken_over_with_its_rows(empty_database, store):
    old_key = store.new_key("old.txt")
    store.upload(old_key, b"old bytes")
    with empty_database.connect() as session:
        session.run(GUIDE_TABLE)
        session.run(GUIDE_INSERT, old_key, None, "user_123")
        (before,) = session.rows(GUIDE_SELECT, "user_123")

        session.run("CREATE EXTENSION b2neon")
        (notice,) = [text for text in session.connection.notices if "b2_files" in text]
        assert notice.startswith("NOTICE:")
        assert set(re.search(r"columns (.*)\.", notice).group(1).split(", ")) == ADDED_COLUMNS
        assert "Row-level security is now on" in notice

        create_server(session, store)
        assert session.rows(GUIDE_SELECT, "user_123") == [before]
        old = session.row(
            "SELECT *, b2_presign_get(object_key, version_id => version_id, server => server)"
            " AS link FROM b2_files"
        )
        assert get(old.link).body == b"old bytes"
        assert (old.server, old.metadata) == ("b2", {})
        assert old.version_id is None and old.verified_at is None

        session.run(GUIDE_INSERT, store.new_key(), "https://example.com/x", "user_123")
        assert [row.id for row in session.rows(GUIDE_SELECT, "user_123")] == [1, 2]
        registered = upload_and_register(session)
        assert registered.id == 3
        assert session.value("SELECT pg_typeof(id)::text FROM b2_files LIMIT 1") == "integer"
        assert is_row_level_security_on(session)
        assert triggers(session) == TRIGGERS


def test_the_guide_s_statements_work_on_the_table_that_the_extension_creates(
    empty_database, store
):
    with empty_database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        assert session.connection.notices == []
        session.run(GUIDE_TABLE)  # IF NOT EXISTS
        session.run(GUIDE_INSERT, "key", None, "user_123")
        (row,) = session.rows(GUIDE_SELECT, "user_123")
        assert (row.object_key, row.file_url, row.user_id) == ("key", None, "user_123")
        assert row.upload_timestamp == session.value("SELECT upload_timestamp FROM b2_files")


def test_an_old_row_is_deleted_into_the_queue(empty_database):
    with empty_database.connect() as session:
        session.run(GUIDE_TABLE)
        session.run(GUIDE_INSERT, "key", None, "user_123")
        session.run("CREATE EXTENSION b2neon")
        session.run("DELETE FROM b2_files")
        queued = session.row("SELECT server, object_key, version_id FROM b2_deletions")
        assert queued == ("b2", "key", None)


def test_an_owner_who_is_no_superuser_takes_over_a_table_of_their_own(empty_database, store):
    owner = make_owner(empty_database)
    with empty_database.connect(role=owner) as session:
        session.run(GUIDE_TABLE)
        session.run(GUIDE_INSERT, "key", None, "user_123")
        session.run("CREATE EXTENSION b2neon")
        assert any("Row-level security is now on" in text for text in session.connection.notices)
        create_server(session, store)
        assert upload_and_register(session).id == 2
        # Still theirs to change.
        session.run("ALTER TABLE b2_files ADD COLUMN album text")
        session.run("DROP TABLE b2_files")


def test_others_see_nothing_of_the_old_rows_unless_they_are_theirs(empty_database):
    reader = empty_database.create_role("reader")
    with empty_database.connect() as session:
        session.run(GUIDE_TABLE)
        session.run(f'GRANT SELECT ON b2_files TO "{reader}"')
        session.run(GUIDE_INSERT, "somebody's", None, "somebody")
        session.run(GUIDE_INSERT, "the reader's", None, reader)
        session.run("CREATE EXTENSION b2neon")
    with empty_database.connect(role=reader) as session:
        assert session.column("SELECT object_key FROM b2_files") == ["the reader's"]


def test_a_column_that_is_there_already_with_the_right_type_is_used(empty_database):
    with empty_database.connect() as session:
        session.run(GUIDE_TABLE)
        session.run("ALTER TABLE b2_files ADD COLUMN size bigint, ADD COLUMN mine text")
        session.run("INSERT INTO b2_files (object_key, user_id, size) VALUES ('key', 'x', 42)")
        session.run("CREATE EXTENSION b2neon")
        (notice,) = session.connection.notices
        assert "server, file_name, content_type, etag" in notice and "mine" not in notice
        assert session.value("SELECT size FROM b2_files") == 42


WRONG_TABLES = {
    "a view": "CREATE VIEW b2_files AS SELECT 1 AS id",
    "a materialized view": "CREATE MATERIALIZED VIEW b2_files AS SELECT 1 AS id",
    "a sequence": "CREATE SEQUENCE b2_files",
    "a composite type": "CREATE TYPE b2_files AS (id int)",
    "a partitioned table": """
        CREATE TABLE b2_files (id bigint, object_key text UNIQUE, file_url text, user_id text,
            upload_timestamp timestamptz) PARTITION BY HASH (object_key)""",
    "a partition": """
        CREATE TABLE parent (id bigint, object_key text UNIQUE, file_url text, user_id text,
            upload_timestamp timestamptz) PARTITION BY HASH (object_key);
        CREATE TABLE b2_files PARTITION OF parent FOR VALUES WITH (MODULUS 1, REMAINDER 0)""",
    "a table with children": GUIDE_TABLE + "; CREATE TABLE child () INHERITS (b2_files)",
    "an unlogged table": GUIDE_TABLE.replace("TABLE IF", "UNLOGGED TABLE IF"),
    "an object key that is not unique": GUIDE_TABLE.replace("NOT NULL UNIQUE", "NOT NULL"),
    "an object key that is unique in part": GUIDE_TABLE.replace("NOT NULL UNIQUE", "NOT NULL")
    + "; CREATE UNIQUE INDEX ON b2_files (object_key) WHERE id > 10",
    "an object key that is unique with another column": GUIDE_TABLE.replace(
        "NOT NULL UNIQUE", "NOT NULL"
    )
    + "; CREATE UNIQUE INDEX ON b2_files (object_key, user_id)",
    "an object key that is unique later": GUIDE_TABLE.replace(
        "UNIQUE", "UNIQUE DEFERRABLE INITIALLY DEFERRED"
    ),
    "an expression of the object key that is unique": GUIDE_TABLE.replace(
        "NOT NULL UNIQUE", "NOT NULL"
    )
    + "; CREATE UNIQUE INDEX ON b2_files (lower(object_key))",
    "an id that nobody fills in": GUIDE_TABLE.replace("SERIAL", "integer"),
    "no user_id": GUIDE_TABLE.replace("user_id TEXT NOT NULL,", ""),
    "an id of type uuid": GUIDE_TABLE.replace("SERIAL", "uuid"),
    "a user_id of type integer": GUIDE_TABLE.replace("user_id TEXT", "user_id integer"),
    "an object_key of type varchar": GUIDE_TABLE.replace("key TEXT", "key varchar(1024)"),
    "a timestamp without time zone": GUIDE_TABLE.replace("TIMESTAMPTZ", "TIMESTAMP"),
    "a size of type text": GUIDE_TABLE.replace("file_url TEXT", "file_url TEXT, size TEXT"),
    "metadata of type json": GUIDE_TABLE.replace("file_url TEXT", "file_url TEXT, metadata json"),
    "a type of the same name as text": """
        CREATE DOMAIN public.text AS varchar;
        CREATE TABLE b2_files (id bigint, object_key public.text UNIQUE, file_url pg_catalog.text,
            user_id pg_catalog.text, upload_timestamp timestamptz)""",
}


@pytest.mark.parametrize("statements", WRONG_TABLES.values(), ids=WRONG_TABLES.keys())
def test_what_cannot_be_taken_over_stays_as_it_is(empty_database, statements):
    with empty_database.connect() as session:
        session.run(statements)
        before = objects(session)
        with refused("42P07", message="b2_files.* exists and cannot be taken over", hint="ename"):
            session.run("CREATE EXTENSION b2neon")
        assert objects(session) == before


@pytest.mark.parametrize(
    "table, row",
    [
        (GUIDE_TABLE.replace("object_key TEXT NOT NULL", "object_key TEXT"), "NULL, 'x'"),
        (GUIDE_TABLE.replace("file_url TEXT", "file_url TEXT, server name"), "'key', 'x'"),
    ],
    ids=["object_key", "server"],
)
def test_a_row_with_null_where_none_belongs_can_still_be_deleted(empty_database, table, row):
    """Such a table is refused, or it is taken over and works."""
    with empty_database.connect() as session:
        session.run(table)
        session.run(f"INSERT INTO b2_files (object_key, user_id) VALUES ({row})")
        try:
            session.run("CREATE EXTENSION b2neon")
        except psycopg2.Error as error:
            assert error.pgcode == "42P07" and error.diag.message_hint
        session.run("DELETE FROM b2_files")


def test_a_table_whose_collation_finds_keys_equal_is_not_taken_over(empty_database):
    with empty_database.connect() as session:
        session.run(
            "CREATE COLLATION ignoring_case"
            " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        session.run(GUIDE_TABLE.replace("object_key TEXT", "object_key TEXT COLLATE ignoring_case"))
        with refused("42P07", detail="deterministic collation"):
            session.run("CREATE EXTENSION b2neon")


def test_what_strangers_have_attached_to_the_table_is_named(empty_database):
    stranger = empty_database.create_role("stranger")
    with empty_database.connect() as session:
        session.run(f'{GUIDE_TABLE}; GRANT ALL ON b2_files TO "{stranger}"')
        session.run(f'GRANT ALL ON SCHEMA public TO "{stranger}"')
        with empty_database.connect(role=stranger) as theirs:
            theirs.run(
                "CREATE TABLE spy (id int REFERENCES b2_files);"
                " CREATE FUNCTION peek() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN NEW; END $$;"
                " CREATE TRIGGER peek BEFORE INSERT ON b2_files FOR EACH ROW"
                " EXECUTE FUNCTION peek()"
            )
        session.run("CREATE TABLE own (id int REFERENCES b2_files)")
        session.run("CREATE EXTENSION b2neon")
        warnings = "".join(n for n in session.connection.notices if "WARNING" in n)
    assert warnings.count("something attached") == 2
    assert "trigger peek on table b2_files" in warnings
    assert "constraint spy_id_fkey on table spy" in warnings


def test_columns_that_demand_a_value_are_named(empty_database):
    with empty_database.connect() as session:
        session.run(GUIDE_TABLE)
        session.run(
            "ALTER TABLE b2_files ALTER COLUMN file_url SET NOT NULL, ADD COLUMN album text NOT NULL,"
            " ADD COLUMN year int NOT NULL DEFAULT 2026, ADD COLUMN double int GENERATED ALWAYS AS (year * 2) STORED NOT NULL"
        )
        session.run("CREATE EXTENSION b2neon")
        (warning,) = (n for n in session.connection.notices if "WARNING" in n)
    assert "NOT NULL and without a default: file_url, album.\n" in warning
    assert "DROP NOT NULL" in warning


def test_a_table_of_another_owner_stays_as_it_is(empty_database):
    other = empty_database.create_role("other")
    owner = make_owner(empty_database)
    with empty_database.connect() as session:
        session.run(f"{GUIDE_TABLE}; ALTER TABLE b2_files OWNER TO \"{other}\"")
        before = objects(session)
        for role in (None, owner):
            with empty_database.connect(role=role) as installer:
                with refused("42P07", detail="It belongs to role", hint="Create the extension as that role"):
                    installer.run("CREATE EXTENSION b2neon")
        assert objects(session) == before


# ---------------------------------------------------------------------------------------------
# Dropping the extension, and creating it again
# ---------------------------------------------------------------------------------------------


def test_the_extension_is_not_dropped_by_accident(empty_database):
    with empty_database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        with refused("2BP01", detail="b2_files"):
            session.run("DROP EXTENSION b2neon")
        assert session.value("SELECT count(*) FROM pg_extension WHERE extname = 'b2neon'") == 1


@pytest.mark.parametrize("as_owner", [False, True], ids=["superuser", "owner"])
def test_a_dropped_extension_leaves_the_table_and_comes_back_to_it(
    empty_database, store, as_owner
):
    role = make_owner(empty_database) if as_owner else None
    reader = empty_database.create_role("reader")
    with empty_database.connect(role=role) as session:
        session.run("CREATE EXTENSION b2neon")
        create_server(session, store)
        session.run(f'GRANT SELECT ON b2_files TO "{reader}"')
        first = upload_and_register(session)
        before = objects(session)
        default = server_default(session)

        session.run("DROP EXTENSION b2neon CASCADE")
        assert session.column("SELECT object_key FROM b2_files") == [first.object_key]
        assert triggers(session) == policies(session) == []
        assert server_default(session) is None
        # It stays closed while nobody says who may see what.
        assert is_row_level_security_on(session)
        with empty_database.connect(role=reader) as others:
            assert others.rows("SELECT FROM b2_files") == []
        assert session.value("SELECT to_regclass('b2_uploads')") is None

        session.run("CREATE EXTENSION b2neon")
        assert "No column had to be added" in session.connection.notices[-1]
        assert triggers(session) == TRIGGERS
        assert policies(session) == ["b2_files_own"]
        assert server_default(session) == default == "b2_default_server()"
        assert objects(session) == before

        create_server(session, store)
        link = session.value("SELECT b2_presign_get(object_key, server => server) FROM b2_files")
        assert get(link).status == 200
        assert upload_and_register(session).id == first.id + 1


def test_the_user_s_own_policies_and_triggers_survive_the_extension(empty_database):
    with empty_database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.run("CREATE POLICY mine ON b2_files USING (user_id = 'shared')")
        session.run(
            "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER mine BEFORE UPDATE ON b2_files FOR EACH ROW EXECUTE FUNCTION mine()"
        )
        session.run("DROP EXTENSION b2neon CASCADE; CREATE EXTENSION b2neon")
        assert sorted(policies(session)) == ["b2_files_own", "mine"]
        assert triggers(session) == [*TRIGGERS, "mine"]


# ---------------------------------------------------------------------------------------------
# Other schemas and search paths
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["files", "My Files", "öffentlich", "select"])
@pytest.mark.parametrize("table", ["", GUIDE_TABLE], ids=["new", "taken over"])
def test_the_extension_works_in_any_schema(empty_database, store, schema, table):
    quoted = f'"{schema}"'
    with empty_database.connect() as session:
        session.run(f"CREATE SCHEMA {quoted}; SET search_path = {quoted}; {table}")
        session.run(f"CREATE EXTENSION b2neon SCHEMA {quoted}")
        session.run("SET search_path = ''")
        create_server(session, store)
        registered = upload_and_register(session, quoted)
        assert session.value(f"SELECT object_key FROM {quoted}.b2_files") == registered.object_key
        session.run(f"DELETE FROM {quoted}.b2_files")
        assert session.value(f"SELECT count(*) FROM {quoted}.b2_deletions") == 1
        assert session.value("SELECT to_regclass('public.b2_files')") is None


# Everything here raises, so that whoever calls it instead of the original fails.
HOSTILE = """
    CREATE FUNCTION {schema}.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.trap(name, name) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.trap(text, name) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.trap(oid, regclass) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.trap_text(text, text) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE OPERATOR {schema}.= (LEFTARG = text, RIGHTARG = text, FUNCTION = {schema}.trap);
    CREATE OPERATOR {schema}.= (LEFTARG = name, RIGHTARG = name, FUNCTION = {schema}.trap);
    CREATE OPERATOR {schema}.= (LEFTARG = text, RIGHTARG = name, FUNCTION = {schema}.trap);
    CREATE OPERATOR {schema}.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = {schema}.trap);
    CREATE OPERATOR {schema}.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = {schema}.trap);
    CREATE OPERATOR {schema}.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = {schema}.trap_text);
    CREATE FUNCTION {schema}.now() RETURNS timestamptz LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.to_regclass(text) RETURNS regclass LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.format(text, text) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.format_type(oid, integer) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
"""
# What the extension brings itself, and so cannot be in its own schema.
HOSTILE_NAMESAKES = """
    CREATE FUNCTION {schema}.b2_user_id() RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE FUNCTION {schema}.b2_default_server() RETURNS name LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
    CREATE TABLE {schema}.b2_files (object_key integer, server integer, version_id integer);
    CREATE TABLE {schema}.b2_uploads (object_key integer);
    CREATE TABLE {schema}.b2_deletions (object_key integer);
"""


@pytest.fixture
def hostile_database(empty_database):
    """A database whose schema `hostile` is full of traps."""
    with empty_database.connect() as session:
        session.run(
            "CREATE SCHEMA hostile; GRANT USAGE ON SCHEMA hostile TO PUBLIC;"
            + HOSTILE.format(schema="hostile")
            + HOSTILE_NAMESAKES.format(schema="hostile")
        )
        session.run("SET search_path = hostile, pg_catalog")
        with refused("P0001", message="trapped as"):
            session.run("SELECT 'a'::text = 'b'::text")
    return empty_database


@pytest.mark.parametrize("table", ["", GUIDE_TABLE], ids=["new", "taken over"])
@pytest.mark.parametrize(
    "path", ["", "hostile, public", "hostile, pg_catalog, public, pg_temp"], ids=len
)
def test_the_search_path_has_no_say_in_the_installation(hostile_database, store, table, path):
    with hostile_database.connect() as session:
        session.run(f"SET search_path = public; {table}")
        session.run("SELECT pg_catalog.set_config('search_path', %s, false)", path)
        session.run("CREATE EXTENSION b2neon SCHEMA public")
        session.run("SET search_path = public")
        create_server(session, store)
        upload_and_register(session)


@pytest.mark.parametrize(
    "path", ["", "hostile, public", "hostile, pg_catalog, public, pg_temp"], ids=len
)
@pytest.mark.parametrize("confined", [False, True], ids=["owner", "confined"])
def test_the_search_path_has_no_say_in_the_functions(hostile_database, store, path, confined):
    role = hostile_database.create_role("user") if confined else None
    with hostile_database.connect() as session:
        session.run("CREATE EXTENSION b2neon SCHEMA public")
        create_server(session, store)
        session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
        if confined:
            session.run(f'GRANT SELECT, DELETE ON b2_files TO "{role}"')
    with hostile_database.connect(role=role) as session:
        session.run("SELECT pg_catalog.set_config('search_path', %s, false)", path)
        for _ in range(2):  # the second time with the kept plans
            upload_and_register(session)
        session.run("DELETE FROM public.b2_files")
    with hostile_database.connect() as session:
        assert session.value("SELECT count(*) FROM b2_deletions") == 2


def test_operators_in_the_extension_s_own_schema_have_no_say(empty_database, store):
    owner = make_owner(empty_database)
    user = empty_database.create_role("user")
    with empty_database.connect(role=owner) as session:
        session.run("CREATE SCHEMA files; GRANT USAGE ON SCHEMA files TO PUBLIC")
        session.run(HOSTILE.format(schema="files"))
        session.run("SET search_path = files, pg_catalog")
        with refused("P0001", message="trapped as"):
            session.run("SELECT 'a'::text = 'b'::text")
        session.run("CREATE EXTENSION b2neon SCHEMA files")
        create_server(session, store)
        session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
        session.run(f'GRANT SELECT, DELETE ON b2_files TO "{user}"')
        upload_and_register(session, "files")
        session.run("DELETE FROM files.b2_files")
    with empty_database.connect(role=user) as session:
        session.run("SET search_path = files, pg_catalog")
        upload_and_register(session, "files")
        session.run("DELETE FROM files.b2_files")


@pytest.mark.parametrize(
    "obstacle",
    [
        "CREATE FUNCTION b2_user_id() RETURNS text LANGUAGE sql AS $$ SELECT 'admin' $$",
        "CREATE FUNCTION b2_default_server() RETURNS name LANGUAGE sql AS $$ SELECT 'x'::name $$",
        "CREATE TABLE b2_uploads (object_key text)",
        "CREATE TABLE b2_deletions (object_key text)",
        "CREATE FUNCTION b2neon_guard() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NULL; END'",
    ],
)
def test_nothing_else_of_ours_is_taken_over(empty_database, obstacle):
    with empty_database.connect() as session:
        session.run(obstacle)
        before = objects(session)
        with pytest.raises(psycopg2.Error) as caught:
            session.run("CREATE EXTENSION b2neon")
        assert caught.value.pgcode in ("42723", "42P07")
        assert objects(session) == before


# ---------------------------------------------------------------------------------------------
# Installers who are no superusers
# ---------------------------------------------------------------------------------------------


def make_owner(database):
    """A role that is no superuser, and owns the database."""
    owner = database.create_role("owner")
    database.cluster.run(f'ALTER DATABASE "{database.name}" OWNER TO "{owner}"')
    return owner


def test_an_installer_who_is_no_superuser_owns_all_tables(empty_database):
    owner = make_owner(empty_database)
    with empty_database.connect(role=owner) as session:
        session.run("CREATE EXTENSION b2neon")
        members = session.rows(
            """SELECT d.classid::regclass::text AS catalog,
                      pg_describe_object(d.classid, d.objid, 0) AS object,
                      pg_get_userbyid(coalesce(c.relowner, t.typowner)) AS owner
               FROM pg_depend d
               LEFT JOIN pg_class c ON (d.classid, d.objid) = ('pg_class'::regclass, c.oid)
               LEFT JOIN pg_type t ON (d.classid, d.objid) = ('pg_type'::regclass, t.oid)
               WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                 AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'b2neon')"""
        )
        assert len(members) >= 10
        for member in members:
            if member.catalog in ("pg_class", "pg_type"):
                assert member.owner == owner, member
            else:
                assert member.catalog in (
                    "pg_proc",
                    "pg_foreign_data_wrapper",
                    "pg_event_trigger",
                ), member
        assert session.column(
            """SELECT DISTINCT l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
               WHERE p.proname LIKE 'b2%'"""
        ) == ["c"]
        assert session.rows("SELECT FROM pg_proc WHERE proname LIKE 'b2%' AND prosecdef") == []
        # What is no member, or depends on one.
        assert session.column(
            """SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class
               WHERE relname LIKE 'b2%' OR oid IN (
                   SELECT reltoastrelid FROM pg_class WHERE relname LIKE 'b2%')"""
        ) == [owner]
        assert session.column(
            "SELECT DISTINCT pg_get_userbyid(typowner) FROM pg_type WHERE typname ~ '^_?b2'"
        ) == [owner]
        assert session.value(
            "SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'b2neon'"
        ) == owner


def test_an_installer_who_is_no_superuser_can_do_everything(empty_database, store):
    owner = make_owner(empty_database)
    app = empty_database.create_role("app")
    with empty_database.connect(role=owner) as session:
        session.run("CREATE EXTENSION b2neon")
        create_server(session, store)
        upload_and_register(session)
        session.run("CREATE POLICY mine ON b2_files USING (true)")
        session.run("ALTER TABLE b2_files ADD COLUMN album text")
        session.run("DELETE FROM b2_files")
        assert session.value("SELECT count(*) FROM b2_deletions") == 1
        session.run("DELETE FROM b2_deletions; DELETE FROM b2_uploads")
        session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
        session.run("DROP EXTENSION b2neon CASCADE")
        session.run("CREATE EXTENSION b2neon")
        create_server(session, store)
        session.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{app}"')
    # A backend's own role, which is trusted as a member of the owner's.
    empty_database.cluster.run(f'GRANT "{owner}" TO "{app}"')
    with empty_database.connect(role=app) as session:
        upload_and_register(session)
        session.run("SELECT b2_presign('DELETE', 'x')")


def test_a_role_without_rights_on_the_database_cannot_install(empty_database):
    role = empty_database.create_role("nobody")
    with empty_database.connect(role=role) as session:
        with refused("42501"):
            session.run("CREATE EXTENSION b2neon")


# Each way in which a table runs code of its owner's. spring() leaves a mark that no rollback takes
# back.
TRAP = """
    CREATE SEQUENCE sprung_as_superuser;
    GRANT ALL ON SEQUENCE sprung_as_superuser TO PUBLIC;
    CREATE FUNCTION spring() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
                PERFORM pg_catalog.nextval('public.sprung_as_superuser');
            END IF;
            RETURN '';
        END $$;
    CREATE FUNCTION spring_immutably(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN RETURN public.spring() || $1; END $$;
    CREATE FUNCTION spring_as_trigger() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM public.spring(); RETURN coalesce(NEW, OLD); END $$;
"""
TRAPPED_TABLES = {
    "a check": GUIDE_TABLE
    + "; ALTER TABLE b2_files ADD CHECK (spring() = '') NOT VALID,"
    " ADD CHECK (spring_immutably(user_id) IS NOT NULL)",
    "defaults": GUIDE_TABLE
    + "; ALTER TABLE b2_files ALTER user_id SET DEFAULT spring(),"
    " ADD COLUMN metadata jsonb NOT NULL DEFAULT ('\"' || spring() || '\"')::jsonb,"
    " ADD COLUMN server name DEFAULT spring()::name, ADD COLUMN etag text DEFAULT spring()",
    "a generated column": GUIDE_TABLE.replace(
        "file_url TEXT", "file_url TEXT GENERATED ALWAYS AS (spring_immutably(object_key)) STORED"
    ),
    "row triggers": GUIDE_TABLE
    + "; CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON b2_files"
    " FOR EACH ROW EXECUTE FUNCTION spring_as_trigger()",
    "statement triggers": GUIDE_TABLE
    + "; CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON b2_files"
    " FOR EACH STATEMENT EXECUTE FUNCTION spring_as_trigger()",
    "rules": GUIDE_TABLE
    + "; CREATE RULE a AS ON INSERT TO b2_files DO ALSO SELECT spring();"
    " CREATE RULE b AS ON UPDATE TO b2_files DO ALSO SELECT spring()",
    "indexes": GUIDE_TABLE
    + "; CREATE INDEX ON b2_files (spring_immutably(user_id));"
    " CREATE INDEX b2_files_user_id_upload_timestamp_idx ON b2_files (spring_immutably(object_key))"
    " WHERE spring_immutably(user_id) <> 'x'",
    "a policy": GUIDE_TABLE
    + "; CREATE POLICY a ON b2_files USING (spring() = '');"
    " ALTER TABLE b2_files ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "statistics": GUIDE_TABLE
    + "; CREATE STATISTICS s ON (spring_immutably(user_id)), user_id FROM b2_files",
}


@pytest.mark.parametrize("table", TRAPPED_TABLES.values(), ids=TRAPPED_TABLES.keys())
def test_a_table_s_own_code_never_runs_as_a_superuser(empty_database, store, table):
    owner = make_owner(empty_database)
    with empty_database.connect(role=owner) as session:
        session.run(TRAP)
        session.run(table)
        columns = "object_key, user_id"
        session.run(f"INSERT INTO b2_files ({columns}) VALUES ('old', 'user_123')")
        session.run("CREATE EXTENSION b2neon")
        create_server(session, store)
        presigned = session.row("SELECT * FROM b2_presign_put('a', 'text/plain')")
        assert put(presigned, b"a").status == 200
        try:
            session.run("SELECT b2_register_file(%s)", presigned.object_key)
        except psycopg2.Error as error:
            # With a generated file_url or a rule, nothing can be registered.
            assert error.pgcode in ("428C9", "0A000")
    with empty_database.connect() as session:
        # Even for a superuser, the functions write with the owner's rights.
        presigned = session.row("SELECT * FROM b2_presign_put('b', 'text/plain')")
        assert put(presigned, b"b").status == 200
        try:
            session.run("SELECT b2_register_file(%s)", presigned.object_key)
        except psycopg2.Error as error:
            assert error.pgcode in ("428C9", "0A000")
        assert not session.value("SELECT is_called FROM sprung_as_superuser")
        # The trap works.
        session.run("SELECT spring()")
        assert session.value("SELECT is_called FROM sprung_as_superuser")
