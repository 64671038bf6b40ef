"""A read replica hands out links, and nothing that has to be written down."""

import pytest
from cluster import Database, refused
from http_request import get, put
from standby import Standby


@pytest.fixture(scope="module")
def standby(cluster):
    standby = Standby(cluster)
    yield standby
    standby.close()


@pytest.fixture
def on_standby(standby, session, database):
    """A session on the copy of `database`."""
    standby.catch_up()
    with Database(standby, database.name).connect() as session:
        yield session


@pytest.fixture
def uploaded(session):
    presigned = session.row("SELECT * FROM b2_presign_put('a.txt', 'text/plain', user_id => 'u')")
    assert put(presigned, b"bytes").status == 200
    session.run("SELECT b2_register_file(%s, user_id => 'u')", presigned.object_key)
    return presigned.object_key


def test_its_links_are_those_of_the_primary(session, uploaded, on_standby):
    assert on_standby.value("SELECT pg_is_in_recovery()")
    link = on_standby.value("SELECT b2_presign_get(object_key) FROM b2_files WHERE object_key = %s", uploaded)
    assert get(link).body == b"bytes"
    for statement in (
        "SELECT b2_presign_get(%s, stable_for => 86400, version_id => 'v')",
        "SELECT presigned_url FROM b2_presign_get(ARRAY[%s], stable_for => 86400)",
        "SELECT b2_presign('GET', %s, signed_at => '2026-01-01 00:00:00+00')",
    ):
        assert on_standby.value(statement, uploaded) == session.value(statement, uploaded)


def test_a_confined_role_sees_its_own_files(own_database, standby):
    role = own_database.create_role("standby")
    with own_database.connect() as owner:
        owner.run(
            f"""INSERT INTO b2_files (object_key, user_id, server) VALUES ('mine', 'u', 'b2'), ('other', 'v', 'b2');
            ALTER TABLE b2_files ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON b2_files USING (user_id = b2_user_id());
            SELECT b2_set_identity('request.jwt.claims');
            GRANT SELECT ON b2_files TO "{role}";
            GRANT USAGE ON FOREIGN SERVER b2 TO "{role}" """
        )
    standby.catch_up()
    with Database(standby, own_database.name).connect(role) as confined:
        confined.run("""SET request.jwt.claims = '{"sub": "u"}'""")
        assert confined.column("SELECT object_key FROM b2_files") == ["mine"]
        assert "/mine?" in confined.value("SELECT b2_presign_get('mine')")
        with refused("42501", message="no file"):
            confined.run("SELECT b2_presign_get('other')")
        with refused("42501", message="no file"):
            confined.run("SELECT b2_presign_get(ARRAY['mine', 'other'])")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT b2_presign_put('a.txt', 'text/plain', user_id => 'u')",
        "SELECT b2_register_file('{key}', user_id => 'u', verify => false)",
        "SELECT b2_register_files(ARRAY['{key}'], user_id => 'u')",
        "DELETE FROM b2_files",
        "CALL b2_maintain()",
        "SELECT b2_take_over()",
        "SELECT b2_set_identity('current_user')",
    ],
)
def test_what_writes_is_refused_by_postgresql_itself(statement, session, on_standby):
    presigned = session.row("SELECT * FROM b2_presign_put('a.txt', 'text/plain', user_id => 'u')")
    with refused("25006", message=r"cannot (execute|acquire|assign|set) .*(read-only transaction|during recovery)"):
        on_standby.run(statement.format(key=presigned.object_key))
