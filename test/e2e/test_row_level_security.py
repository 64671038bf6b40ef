"""The set-ups of docs/row-level-security.md, as they stand there, with real bytes."""

from contextlib import contextmanager

import pytest
from cluster import refused
from doc_examples import examples, run_examples
from http_request import get, put

pytestmark = pytest.mark.local

PAGE = "docs/row-level-security.md"


@pytest.fixture
def database(own_database):
    return own_database


@pytest.fixture
def set_up(cluster, store, database):
    """Runs a section of the page in `database`. `roles` go with it."""

    def run(heading, roles):
        database.roles = roles
        run_examples(cluster, database, examples(PAGE, heading), store.endpoint)

    return run


def upload(run_row, body, file_name="cat.png", content_type="image/png", user_id=None):
    """Uploads and registers in calls of `run_row`. Returns the registered row."""
    presigned = run_row(
        "SELECT * FROM b2_presign_put(%s, %s, user_id => %s, size => %s)",
        file_name,
        content_type,
        user_id,
        len(body),
    )
    assert put(presigned, body).status == 200
    return run_row("SELECT * FROM b2_register_file(%s)", presigned.object_key)


def test_a_backend_acts_for_all_users_and_does_not_see_the_key(set_up, database):
    set_up("Set-up 1: a backend that acts for all users", ["files_owner", "app"])
    with database.connect(role="app") as app:
        first = upload(app.row, b"one", user_id="user_1")
        upload(app.row, b"two", user_id="user_2")
        assert (first.user_id, first.file_name, first.size) == ("user_1", "cat.png", 3)
        for user, body in {"user_1": b"one", "user_2": b"two"}.items():
            (link,) = app.column(
                "SELECT b2_presign_get(object_key, version_id => version_id, server => server)"
                " FROM b2_files WHERE user_id = %s",
                user,
            )
            assert get(link).body == body
        app.run("INSERT INTO b2_files (object_key, user_id) VALUES ('imported', 'user_3')")
        app.run("UPDATE b2_files SET metadata = '{}'")
        app.run("DELETE FROM b2_files WHERE user_id = 'user_2'")
        assert app.value("SELECT count(*) FROM b2_deletions") == 1
        assert all(row.ok for row in app.rows("SELECT * FROM b2_check()") if row.item != "copy source")
        assert app.column("SELECT umoptions FROM pg_user_mappings") == [None]
        with refused("42501"):
            app.run("SELECT * FROM pg_user_mapping")
        app.run("SELECT b2_set_identity('current_user')")
    stranger = database.create_role("stranger")
    with database.connect(role=stranger) as session:
        with refused("42501", hint="GRANT USAGE ON FOREIGN SERVER b2 TO"):
            session.run("SELECT b2_presign_put('x', 'image/png')")
        with refused("42501"):
            session.run("SELECT * FROM b2_files")


def test_each_user_has_a_role_and_files_of_their_own(set_up, database):
    set_up("Set-up 2: a database role for each user", ["users", "alice", "bob"])
    with database.connect(role="alice") as alice, database.connect(role="bob") as bob:
        row = upload(alice.row, b"of alice")
        assert (row.user_id, row.size) == ("alice", 8)
        upload(bob.row, b"of bob", "letter.pdf", "application/pdf")
        for session, body in ((alice, b"of alice"), (bob, b"of bob")):
            (link,) = session.column("SELECT b2_presign_get(object_key) FROM b2_files")
            assert get(link).body == body
        with refused("42501"):
            bob.run("SELECT b2_presign_get(%s)", row.object_key)
        with refused("22023", message="text/html"):
            alice.run("SELECT b2_presign_put('x.html', 'text/html', size => 1)")
        with refused("22004", message="size"):
            alice.run("SELECT b2_presign_put('x.png', 'image/png')")
        with refused("22023", message="20000000"):
            alice.run("SELECT b2_presign_put('x.png', 'image/png', size => 20000001)")
        with refused("42501"):
            bob.run("INSERT INTO b2_files (object_key, user_id) VALUES ('x', 'bob')")
        bob.run("DELETE FROM b2_files")
        assert alice.value("SELECT count(*) FROM b2_files") == 1
    with database.connect() as owner:
        assert owner.column("SELECT user_id FROM b2_files") == ["alice"]
        assert owner.value("SELECT count(*) FROM b2_deletions") == 1


class Gateway:
    """Speaks to the database as PostgREST does: one login, and for each request a transaction with
    its role and claims."""

    def __init__(self, session, role, claims):
        self.session, self.role, self.claims = session, role, claims

    @contextmanager
    def request(self):
        with self.session.transaction():
            self.session.run(
                "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                self.role,
                self.claims,
            )
            yield self.session

    def row(self, *statement):
        with self.request() as session:
            return session.row(*statement)

    def rows(self, *statement):
        with self.request() as session:
            return session.rows(*statement)


def test_postgrest_speaks_for_users_by_their_claims(set_up, database):
    set_up(
        "Set-up 3: PostgREST, with the claims of a token",
        ["web_user", "web_anon", "authenticator"],
    )
    with database.connect(role="authenticator") as session:
        one = Gateway(session, "web_user", '{"role": "web_user", "sub": "user_1"}')
        two = Gateway(session, "web_user", '{"role": "web_user", "sub": "user_2"}')
        row = upload(one.row, b"of one", "one.png")
        upload(two.row, b"of two", "two.png")
        assert row.user_id == "user_1"
        for user, name, body in ((one, "one.png", b"of one"), (two, "two.png", b"of two")):
            (file,) = user.rows("SELECT file_name, link(b2_files) FROM b2_files")
            answer = get(file.link)
            assert (file.file_name, answer.body) == (name, body)
            assert name in answer.headers["Content-Disposition"]
        with refused("42501"):
            two.rows("SELECT b2_presign_get(%s)", row.object_key)
        with refused("42501"):
            two.rows("SELECT b2_presign_put('x', 'image/png', user_id => 'user_1')")

        # The claims of one request are gone with it.
        with refused("42501"):
            session.run("SELECT * FROM b2_files")
        for claims in ("", "{}", '{"role": "web_user"}', '{"sub": ""}'):
            nobody = Gateway(session, "web_user", claims)
            for statement in ("SELECT * FROM b2_files", "SELECT b2_presign_put('x', 'image/png')"):
                with refused("42501", message="no user is signed in"):
                    nobody.rows(statement)
        anonymous = Gateway(session, "web_anon", '{"role": "web_anon"}')
        for statement in (
            "SELECT * FROM b2_files",
            "SELECT b2_presign_put('x', 'image/png')",
            "SELECT b2_presign_get('x')",
            "SELECT b2_register_file('x')",
        ):
            with refused("42501"):
                anonymous.rows(statement)
        one.rows("SELECT set_config('request.jwt.claims', '{\"sub\": \"user_2\"}', true)")
        (left,) = one.rows("DELETE FROM b2_files RETURNING user_id")
        assert left.user_id == "user_1"


STAND_IN = """
    CREATE SCHEMA auth;
    CREATE TABLE auth.sessions (token text PRIMARY KEY, sub text NOT NULL);
    INSERT INTO auth.sessions VALUES ('token of one', 'user_1'), ('token of two', 'user_2');
    -- As in pg_session_jwt: the user of the token that was checked, or NULL.
    CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$ SELECT sub FROM auth.sessions WHERE token = current_setting('e2e.token', true) $$;
    GRANT USAGE ON SCHEMA auth TO PUBLIC;
    CREATE ROLE authenticated LOGIN;
    CREATE ROLE anonymous LOGIN;
"""


def test_neon_s_auth_user_id_says_who_is_who(set_up, database):
    with database.connect() as session:
        session.run(STAND_IN)
    database.roles = ["authenticated", "anonymous"]
    name = "authenticated"
    # The page's example is of a request that is signed in.
    with database.connect() as session:
        session.run(f"ALTER DATABASE \"{database.name}\" SET e2e.token = 'token of one'")
    set_up("Set-up 4: Neon's `auth.user_id()`", ["authenticated", "anonymous"])

    with database.connect(role=name) as one, database.connect(role=name) as two:
        one.run("SET e2e.token = 'token of one'")
        two.run("SET e2e.token = 'token of two'")
        row = upload(one.row, b"of one")
        upload(two.row, b"of two")
        assert row.user_id == "user_1"
        for session, body in ((one, b"of one"), (two, b"of two")):
            (link,) = session.column("SELECT b2_presign_get(object_key) FROM b2_files")
            assert get(link).body == body
        with refused("42501"):
            two.run("SELECT b2_presign_get(%s)", row.object_key)
        two.run("SET request.jwt.claims = '{\"sub\": \"user_1\"}'")
        assert two.value("SELECT b2_user_id()") == "user_2"
        two.run("SET e2e.token = 'forged'")
        with refused("42501", message="no user is signed in"):
            two.run("SELECT * FROM b2_files")
        with refused("42501"):
            two.run("SELECT * FROM auth.sessions")
    with database.connect(role="anonymous") as nobody:
        with refused("42501"):
            nobody.run("SELECT * FROM b2_files")
