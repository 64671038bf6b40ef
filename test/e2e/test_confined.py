"""Confined roles in sessions of their own, where nothing leads back to a superuser."""

import threading

import listener
import pytest
from cluster import refused
from http_request import get, put


@pytest.fixture
def database(own_database):
    with own_database.connect() as session:
        session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
    return own_database


@pytest.fixture
def alice(database, session):
    """A user's session. `role` is its name."""
    role = database.create_role("alice")
    session.run(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"')
    session.run(f'GRANT ALL ON SCHEMA public TO "{role}"')
    with database.connect(role=role) as alice:
        alice.role = role
        yield alice


def upload(session, name="file.txt", body=b"text", **arguments):
    """Uploads and registers. Returns the row."""
    user_id = arguments.get("user_id")
    presigned = session.row(
        "SELECT * FROM b2_presign_put(%s, 'text/plain', user_id => %s)", name, user_id
    )
    assert put(presigned, body).status == 200
    return session.row("SELECT * FROM b2_register_file(%s)", presigned.object_key)


def test_a_user_becomes_nobody_else(database, session, alice):
    bob = database.create_role("bob")
    upload(session, user_id=bob)
    for statement in (
        f'SET ROLE "{bob}"',
        f'SET SESSION AUTHORIZATION "{bob}"',
        "SET ROLE postgres",
        f"SELECT set_config('role', '{bob}', false)",
        f"SELECT set_config('session_authorization', '{bob}', false)",
    ):
        with refused("42501"):
            alice.run(statement)
    alice.run(f"SET request.jwt.claims = '{{\"sub\": \"{bob}\"}}'")
    with refused("42501"):
        alice.run(f'ALTER ROLE "{alice.role}" SET request.jwt.claims = \'{{"sub": "{bob}"}}\'')
    with database.connect(role=alice.role) as again:
        assert again.value("SELECT b2_user_id()") == alice.role
        assert again.rows("SELECT FROM b2_files") == []


def test_a_setting_in_the_connection_string_changes_nobody(database, alice):
    settings = {"request.jwt.claims": '{"sub":"bob"}', "row_security": "off"}
    with database.connect(role=alice.role, **settings) as hers:
        assert hers.value("SELECT b2_user_id()") == alice.role
        with refused("42501"):
            hers.run("SELECT b2_presign('GET', 'x')")


def test_a_table_that_the_owner_lets_refer_to_b2_files_can_be_altered(database, session, alice):
    row = upload(session, user_id=alice.role)
    session.run("CREATE TABLE comments (file_id bigint REFERENCES b2_files ON DELETE CASCADE)")
    session.run(f'ALTER TABLE comments OWNER TO "{alice.role}"')
    alice.run("ALTER TABLE comments ADD comment text")
    alice.run("INSERT INTO comments VALUES (%s, 'nice')", row.id)
    with refused("42501", message="cannot let foreign key"):
        alice.run("ALTER TABLE comments ADD also bigint REFERENCES b2_files")
    session.run("DELETE FROM b2_files")
    assert alice.rows("SELECT FROM comments") == []


@pytest.mark.parametrize("source", ["auth.user_id()", "request.jwt.claims", "current_user"])
def test_parallel_workers_know_who_the_caller_is(cluster, session, alice, source):
    session.run("CREATE SCHEMA auth")
    session.run("GRANT USAGE ON SCHEMA auth TO PUBLIC")
    session.run(
        "CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS"
        " $$ BEGIN RETURN current_setting('request.jwt.claims')::json ->> 'sub'; END $$"
    )
    session.run("SELECT b2_set_identity(%s)", source)
    user = alice.role if source == "current_user" else "user_1"
    row = upload(session, user_id=user)
    upload(session, user_id="user_2")
    alice.run("SET request.jwt.claims = '{\"sub\": \"user_1\"}'")
    alice.run(
        "SET debug_parallel_query = on"
        if cluster.version >= 160000
        else "SET force_parallel_mode = on"
    )
    plan = str(alice.rows("EXPLAIN (ANALYZE, VERBOSE) SELECT b2_user_id()"))
    assert "Workers Launched: 1" in plan
    assert alice.value("SELECT b2_user_id()") == user
    links = alice.column("SELECT b2_presign_get(object_key) FROM b2_files")
    assert [get(link).body for link in links] == [b"text"]
    assert f"versionId={row.version_id}" in links[0]


def test_a_choice_of_identity_counts_at_the_next_statement_of_every_session(session, alice):
    alice.run("SET request.jwt.claims = '{\"sub\": \"user_1\"}'")
    assert alice.value("SELECT b2_user_id()") == alice.role
    session.run("SELECT b2_set_identity('request.jwt.claims')")
    assert alice.value("SELECT b2_user_id()") == "user_1"
    session.run("BEGIN")
    session.run("SELECT b2_set_identity('current_user')")
    assert alice.value("SELECT b2_user_id()") == "user_1"
    session.run("COMMIT")
    assert alice.value("SELECT b2_user_id()") == alice.role


def test_a_function_that_fails_leaves_the_session_as_it_was(session, alice):
    session.run("CREATE SCHEMA auth")
    session.run(
        "CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS"
        " $$ SELECT (1 / current_setting('e2e.divisor')::int)::text $$"
    )
    session.run("SELECT b2_set_identity('auth.user_id()')")
    alice.run("SET e2e.divisor = '0'")
    alice.run("SET search_path = public, auth")
    for _ in range(3):
        with refused("22012"):
            alice.run("SELECT * FROM b2_files")
    assert alice.value("SELECT current_setting('search_path')") == "public, auth"
    alice.run("SET e2e.divisor = '1'")
    assert alice.value("SELECT b2_user_id()") == "1"


def test_a_function_that_calls_b2_user_id_again_comes_to_an_end(session, alice):
    session.run("CREATE SCHEMA auth")
    session.run(
        "CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS"
        " $$ BEGIN RETURN public.b2_user_id(); END $$"
    )
    session.run("SELECT b2_set_identity('auth.user_id()')")
    with refused("54001"):
        alice.run("SELECT b2_user_id()")
    assert alice.value("SELECT 1") == 1


def test_a_function_that_changes_the_role_changes_it_for_nobody(session, alice):
    session.run("CREATE SCHEMA auth")
    session.run(
        "CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS"
        " $$ BEGIN PERFORM set_config('search_path', 'public', false);"
        " PERFORM set_config('e2e.left', 'behind', false); RETURN 'user_1'; END $$"
    )
    session.run("SELECT b2_set_identity('auth.user_id()')")
    alice.run("SET search_path = public, pg_catalog")
    assert alice.value("SELECT b2_user_id()") == "user_1"
    assert alice.value("SELECT current_setting('search_path')") == "public, pg_catalog"
    assert not alice.value("SELECT current_setting('e2e.left', true)")


def test_a_store_that_redirects_is_not_followed(session, alice):
    presigned = alice.row("SELECT * FROM b2_presign_put('x', 'text/plain')")
    with listener.silent() as other:
        redirect = (
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n"
            f"Location: {other.endpoint}/latest/meta-data\r\n\r\n"
        )
        with listener.answering(redirect.encode()) as store:
            session.run(
                f"ALTER DATABASE \"{session.value('SELECT current_database()')}\""
                f" SET b2neon.allowed_endpoints = '{store.endpoint}'"
            )
            session.run(f"SET b2neon.allowed_endpoints = '{store.endpoint}'")
            session.run(f"ALTER SERVER b2 OPTIONS (SET endpoint '{store.endpoint}')")
            with session.as_role(alice.role):
                with refused("HV000", detail="302"):
                    session.run("SELECT b2_register_file(%s)", presigned.object_key)
            assert store.was_contacted.is_set()
        assert not other.was_contacted.is_set()


def test_users_who_work_at_the_same_time_stay_apart(database, session):
    users = [database.create_role(f"user {number}") for number in range(4)]
    for user in users:
        session.run(f'GRANT SELECT, DELETE ON b2_files TO "{user}"')
    failures = []

    def work(user):
        try:
            with database.connect(role=user) as own:
                for number in range(5):
                    body = f"{user} {number}".encode()
                    row = upload(own, body=body)
                    assert row.user_id == user
                    bodies = [
                        get(link).body
                        for link in own.column(
                            "SELECT b2_presign_get(object_key) FROM b2_files ORDER BY id"
                        )
                    ]
                    assert bodies == [f"{user} {n}".encode() for n in range(number + 1)]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert session.value("SELECT count(*) FROM b2_files") == 20
