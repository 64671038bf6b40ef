"""pg_dump and pg_restore carry a database with all that users add to b2_files."""

import shutil
import tempfile
from pathlib import Path

import pytest
from origin import FINGERPRINT, Origin


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
            for table in ("b2_files", "b2_uploads", "b2_deletions", "b2_identity"):
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


@pytest.fixture
def origin_of_an_owner(cluster, store, empty_database):
    """An Origin that belongs to a role which is no superuser."""
    owner = empty_database.create_role("owner", "LOGIN CREATEDB")
    cluster.run(f'ALTER DATABASE "{empty_database.name}" OWNER TO "{owner}"')
    return Origin(cluster, store, empty_database, role=owner)


@pytest.mark.parametrize("format", ["plain", "custom"])
def test_an_owner_who_is_no_superuser_can_dump_and_restore(origin_of_an_owner, archive, format):
    origin = origin_of_an_owner
    origin.dump(archive, f"--format={format}")
    with origin.target() as database:
        if format == "plain":
            origin.restore_plain(database, archive)
        else:
            origin.restore(database, archive)
        origin.assert_is_back(database)


@pytest.mark.parametrize("attributes", ["LOGIN", "LOGIN SUPERUSER"])
def test_a_dump_restored_without_owners_works_for_another_role(
    origin_of_an_owner, archive, attributes
):
    origin = origin_of_an_owner
    origin.dump(archive, "--no-owner")
    chosen = origin.fingerprint["identity"]
    origin.role = origin.database.create_role("heir", attributes)
    with origin.target() as database:
        origin.restore_plain(database, archive)
        with origin.connect(database) as session:
            assert session.rows(FINGERPRINT["identity"]) == chosen
            assert session.value(
                "SELECT proowner::regrole = %s::regrole FROM pg_proc"
                " WHERE oid = 'auth.user_id()'::regprocedure",
                f'"{origin.role}"',
            )
        origin.assert_works(database)


def test_an_owners_dump_restored_by_a_superuser_works(origin_of_an_owner, archive):
    origin = origin_of_an_owner
    origin.dump(archive)
    origin.role = None
    with origin.target() as database:
        origin.restore_plain(database, archive)
        origin.assert_works(database)
