"""pg_upgrade carries databases with all that users add to b2_files to a new major version."""

import tempfile

import pytest
from cluster import refused
from pg_upgrade import NEW, OLD, pg_upgrade, running
from store import Store
from origin import FINGERPRINT, Origin

# A database for each test.
ORIGINS = {
    "of a superuser": {},
    "in a schema of its own": {"schema": "My Files"},
    "of an owner who is no superuser": {"role": "owner"},
    "to be dumped": {},
    "to be dropped": {},
}


def create_origin(cluster, store, role=None, **options):
    database = cluster.create_database()
    if role:
        role = database.create_role(role, "LOGIN CREATEDB")
        cluster.run(f'ALTER DATABASE "{database.name}" OWNER TO "{role}"')
    return Origin(cluster, store, database, role=role, **options)


@pytest.fixture(scope="module")
def origins():
    """The origins, made in the old cluster, now in the new one."""
    store = Store()
    with running(OLD, store.endpoint) as old:
        origins = {name: create_origin(old, store, **how) for name, how in ORIGINS.items()}
    # The new cluster allows Backblaze's endpoints alone until it is told otherwise.
    pg_upgrade()
    with running(NEW, store.endpoint) as new:
        assert new.version // 10000 > old.version // 10000
        for origin in origins.values():
            origin.cluster = new
            origin.database.cluster = new
            # The tables keep their owner, but pg_upgrade gives all extensions to who runs it.
            (extension,) = origin.fingerprint["extension"]
            origin.fingerprint["extension"] = [extension._replace(extowner="postgres")]
        yield origins


@pytest.mark.parametrize(
    "name",
    ["of a superuser", "in a schema of its own", "of an owner who is no superuser"],
)
def test_pg_upgrade_brings_everything_over(origins, name):
    origins[name].assert_is_back(origins[name].database)


def test_an_upgraded_database_is_another_one_until_it_takes_over(origins):
    origin = origins["of a superuser"]
    with origin.connect(origin.database) as session:
        with refused("55000", detail="system identifier", hint="b2_take_over"):
            session.run("CALL b2_maintain()")
        session.run("SELECT b2_take_over()")
        assert session.value("SELECT b2_lineage_problem()") is None


def test_an_upgraded_database_can_be_dumped_and_restored(origins):
    origin = origins["to be dumped"]
    with tempfile.TemporaryDirectory(prefix="b2neon-dump.") as directory:
        origin.dump(f"{directory}/dump")
        with origin.target() as database:
            origin.restore_plain(database, f"{directory}/dump")
            origin.assert_is_back(database)


def test_the_extension_can_be_dropped_and_created_again_in_an_upgraded_database(origins):
    origin = origins["to be dropped"]
    with origin.connect(origin.database) as session:
        session.run("DROP EXTENSION b2neon CASCADE")
        assert session.rows("SELECT FROM pg_event_trigger") == []
        session.run("CREATE EXTENSION b2neon")
        for name in ("members", "event triggers", "columns", "policies", "triggers", "files"):
            assert session.rows(FINGERPRINT[name]) == origin.fingerprint[name], name
