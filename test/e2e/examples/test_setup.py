"""What examples/setup.sql makes, and what it does where something is missing."""

import pytest
from cluster import refused
from example_database import set_up

pytestmark = pytest.mark.local


def test_the_backends_role_can_neither_read_the_key_nor_act_for_all(database):
    with database.connect(role="files_backend") as backend:
        assert backend.value("SELECT row_security_active('b2_files')")
        assert backend.column("SELECT umoptions FROM pg_user_mappings") == [None]
        # Without claims it is nobody.
        with refused("42501"):
            backend.rows("SELECT FROM b2_files")
        with refused("42501"):
            backend.run("SELECT b2_presign('DELETE', 'a')")
        with refused("42501"):
            backend.run("INSERT INTO b2_files (object_key, user_id) VALUES ('a', 'b')")


@pytest.mark.parametrize(
    "name",
    ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", "B2_BUCKET_NAME", "B2_ENDPOINT_URL"],
)
def test_a_missing_variable_is_told_and_leaves_nothing_behind(empty_database, store, name):
    done = set_up(empty_database, store, **{name: None})
    assert done.returncode != 0
    assert "is not set" in done.stdout
    with empty_database.connect() as session:
        assert session.rows("SELECT FROM pg_extension WHERE extname = 'b2neon'") == []


def test_a_second_run_leaves_the_first_as_it_was(database, store):
    with database.connect() as session:
        options = "SELECT umoptions FROM pg_user_mappings"
        before = session.rows(options)
        done = set_up(database, store, B2_APPLICATION_KEY="another-key")
        assert done.returncode == 0, done.stdout
        assert 'the server "b2" is there already and is used' in done.stdout
        assert session.rows(options) == before
    assert "another-key" not in done.stdout + database.cluster.log.read_text()


def test_a_slash_at_the_end_of_the_endpoint_does_no_harm(database, empty_database, store):
    store_endpoint = store.endpoint + "/"
    done = set_up(empty_database, store, B2_ENDPOINT_URL=store_endpoint)
    assert done.returncode == 0, done.stdout
    assert store.application_key not in done.stdout


@pytest.fixture
def owner(cluster, database):
    """The owner of `owned`. It goes before `database`, with which the backends' role goes."""
    cluster.run("CREATE ROLE examples_owner LOGIN CREATEROLE")
    return "examples_owner"


@pytest.fixture
def owned(cluster, owner):
    owned = cluster.create_database(owner=owner)
    owned.roles = [owner]
    with owned.connect() as session:
        session.run(f"ALTER SCHEMA public OWNER TO {owner}")
    yield owned
    owned.drop()


def test_its_owner_sets_a_database_up_in_which_the_guide_s_table_is(owned, owner, store):
    with owned.connect(role=owner) as session:
        session.run(
            "CREATE TABLE b2_files (id serial PRIMARY KEY, object_key text NOT NULL UNIQUE,"
            " file_url text, user_id text NOT NULL, upload_timestamp timestamptz DEFAULT now())"
        )
        session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('old.txt', 'user_123')")
        done = set_up(owned, store, PGUSER=owner)
        assert done.returncode == 0, done.stdout
    with owned.connect(role="files_backend") as backend, backend.transaction():
        backend.run("SELECT set_config('request.jwt.claims', '{\"sub\": \"user_123\"}', true)")
        assert backend.column("SELECT object_key FROM b2_files") == ["old.txt"]
        assert backend.value("SELECT b2_presign_get(object_key) FROM b2_files")
