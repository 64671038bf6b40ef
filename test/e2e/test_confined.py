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
def session(database):
    with database.connect() as session:
        session.database_name = database.name
        yield session


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


# A type of the user's own, and a cast of it to the type of b2_files.id that tells who runs it.
CAST = """
    CREATE SCHEMA evil;
    GRANT USAGE ON SCHEMA evil TO PUBLIC;
    CREATE TABLE evil.caught (who text);
    GRANT INSERT ON evil.caught TO PUBLIC;
    CREATE TYPE evil.number AS ENUM ('1');
    CREATE FUNCTION evil.to_id(evil.number) RETURNS int8 LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO evil.caught VALUES (current_user);
        RAISE WARNING 'cast as %', current_user;
        RETURN 1;
    END $$;
    CREATE CAST (evil.number AS int8) WITH FUNCTION evil.to_id(evil.number) AS IMPLICIT;
    CREATE FUNCTION evil.from_id(int8) RETURNS evil.number LANGUAGE sql
        AS $$ SELECT '1'::evil.number $$;
    CREATE CAST (int8 AS evil.number) WITH FUNCTION evil.from_id(int8) AS ASSIGNMENT;
    CREATE TABLE evil.spy (id evil.number);
    INSERT INTO evil.spy VALUES ('1');
"""


def test_a_foreign_key_is_refused_before_its_rows_are_looked_at(session, alice):
    """PostgreSQL looks at them as the owner of b2_files, with casts of whoever made the key."""
    session.run(f'GRANT CREATE ON DATABASE "{session.database_name}" TO "{alice.role}"')
    alice.run(CAST)
    for statement in (
        "ALTER TABLE evil.spy ADD FOREIGN KEY (id) REFERENCES b2_files",
        "ALTER TABLE evil.spy ADD COLUMN also evil.number DEFAULT '1' REFERENCES b2_files",
    ):
        with refused("42501", message="cannot let foreign key"):
            alice.run(statement)
        assert not any("cast as" in notice for notice in alice.connection.notices)
    assert alice.rows("SELECT * FROM evil.caught") == []


def test_a_foreign_key_that_is_refused_tells_nothing_of_keys(session, alice):
    session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('is there', 'somebody')")
    for key in ("is there", "is not there"):
        alice.run("CREATE TEMP TABLE IF NOT EXISTS unrelated (x int)")
        alice.run("CREATE TABLE guess AS SELECT %s::text AS key", key)
        with refused("42501", message="cannot let foreign key"):
            alice.run("ALTER TABLE guess ADD FOREIGN KEY (key) REFERENCES b2_files (object_key)")
        alice.run("DROP TABLE guess")


def test_a_foreign_key_that_the_owner_has_made_keeps_its_type(session, alice):
    session.run(f'GRANT CREATE ON DATABASE "{session.database_name}" TO "{alice.role}"')
    session.run("CREATE TABLE comments (file_id bigint REFERENCES b2_files)")
    session.run(f'ALTER TABLE comments OWNER TO "{alice.role}"')
    alice.run(CAST)
    with refused("42501", message="cannot let foreign key"):
        alice.run("ALTER TABLE comments ALTER file_id TYPE evil.number USING '1'")
    assert alice.rows("SELECT * FROM evil.caught") == []


@pytest.mark.parametrize(
    "command",
    [
        "ALTER TABLE comments ALTER file_id TYPE evil.number",
        "ALTER TYPE row ALTER ATTRIBUTE file_id TYPE evil.number CASCADE",
        "ALTER FOREIGN TABLE parent ALTER COLUMN file_id TYPE evil.number",
    ],
)
def test_no_command_makes_a_foreign_key_anew(database, session, alice, command):
    """Each is the first one of its session, which has not loaded the library."""
    session.run(f'GRANT CREATE ON DATABASE "{session.database_name}" TO "{alice.role}"')
    alice.run(CAST)
    alice.run("CREATE TYPE row AS (file_id bigint)")
    session.run("CREATE TABLE comments (file_id bigint REFERENCES b2_files)")
    session.run(f'ALTER TABLE comments OWNER TO "{alice.role}"')
    with database.connect(role=alice.role) as hers:
        if "TYPE row" in command:
            hers.run("ALTER TABLE comments OF row")
        elif "FOREIGN" in command:
            hers.run("CREATE FOREIGN TABLE parent (file_id bigint) SERVER b2")
            hers.run("ALTER TABLE comments INHERIT parent")
    with database.connect(role=alice.role) as fresh:
        with refused("42501", message="cannot let foreign key"):
            fresh.run(command)
    assert alice.rows("SELECT * FROM evil.caught") == []


def test_a_role_does_not_take_itself_out_of_policies(database, session, alice):
    group = database.create_role("group", "NOLOGIN")
    session.run(f'GRANT "{group}" TO "{alice.role}"')
    session.run("INSERT INTO b2_files (object_key, user_id) VALUES ('secret', 'somebody')")
    session.run("CREATE POLICY everyone ON b2_files FOR SELECT USING (true)")
    for name, role in (("hers", alice.role), ("theirs", group)):
        session.run(
            f'CREATE POLICY {name} ON b2_files AS RESTRICTIVE TO "{role}"'
            " USING (user_id <> 'somebody')"
        )
        with database.connect(role=alice.role) as fresh:
            with refused("42501", detail=f'Policy "{name}"'):
                fresh.run(f'DROP OWNED BY "{role}"')
            assert fresh.rows("SELECT FROM b2_files") == []
    session.run(f'DROP OWNED BY "{group}"')
    assert session.column("SELECT polname FROM pg_policy ORDER BY 1") == [
        "b2_files_own",
        "everyone",
        "hers",
    ]


def test_a_file_can_be_registered_within_a_row_expression(session, alice):
    """PostgreSQL makes a call for each column of (function()).*"""
    presigned = alice.row("SELECT * FROM b2_presign_put('x', 'text/plain')")
    assert put(presigned, b"x").status == 200
    row = alice.row("SELECT (b2_register_file(%s)).*", presigned.object_key)
    assert (row.object_key, row.size) == (presigned.object_key, 1)


def test_a_row_without_a_server_has_no_link(session, alice):
    row = upload(session, user_id=alice.role)
    assert alice.value("SELECT b2_presign_get(%s)", row.object_key)
    session.run("ALTER TABLE b2_files ALTER server DROP NOT NULL")
    session.run("UPDATE b2_files SET server = NULL")
    with refused("42501", message="can see"):
        alice.run("SELECT b2_presign_get(%s)", row.object_key)


def test_keys_that_a_collation_finds_equal_are_not_the_same_key(session, alice):
    session.run(
        "CREATE COLLATION ignoring_case"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    session.run("ALTER TABLE b2_files ALTER object_key TYPE text COLLATE ignoring_case")
    session.run(
        "INSERT INTO b2_files (object_key, user_id) VALUES ('docs/report.pdf', %s)", alice.role
    )
    assert alice.value("SELECT b2_presign_get('docs/report.pdf')")
    with refused("42501", message="can see"):
        alice.run("SELECT b2_presign_get('DOCS/Report.pdf')")


def test_rights_through_the_ownership_of_the_database_go_with_it(database, session):
    owner = database.create_role("owner")
    session.run(f'ALTER DATABASE "{session.database_name}" OWNER TO "{owner}"')
    session.run("ALTER TABLE b2_files OWNER TO pg_database_owner")
    with database.connect(role=owner) as hers:
        assert hers.value("SELECT b2_presign('GET', 'x')")
        session.run(f'ALTER DATABASE "{session.database_name}" OWNER TO postgres')
        with refused("42501", message="not allowed"):
            hers.run("SELECT b2_presign('GET', 'x')")


def test_without_b2_files_nobody_brings_a_key(session, alice):
    session.run("ALTER TABLE b2_files RENAME TO elsewhere")
    mapping = "OPTIONS (key_id 'x', application_key 'y')"
    with refused("42501", message="cannot choose the application key"):
        alice.run(f"CREATE USER MAPPING FOR CURRENT_USER SERVER b2 {mapping}")


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE TRIGGER aaa BEFORE INSERT ON b2_uploads FOR EACH ROW EXECUTE FUNCTION steal()",
        "CREATE TABLE spy (id bigint REFERENCES b2_files)",
    ],
    ids=["trigger", "foreign key"],
)
def test_what_a_refresh_of_a_view_defines_is_seen_as_well(session, alice, definition):
    """PostgreSQL keeps no list of the commands within REFRESH MATERIALIZED VIEW."""
    alice.run(
        f"""
        CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN NEW.user_id := 'stolen'; RETURN NEW; END $$;
        CREATE FUNCTION define() RETURNS int LANGUAGE plpgsql
            SET search_path = public
            AS $$ BEGIN
                IF to_regclass('armed') IS NOT NULL THEN {definition}; END IF; RETURN 1;
            END $$;
        CREATE MATERIALIZED VIEW view AS SELECT define();
        CREATE TABLE armed ();
        """
    )
    with refused("42501", message='cannot .* table "b2_'):
        alice.run("REFRESH MATERIALIZED VIEW view")


def test_functions_work_where_a_procedure_has_just_committed(session, alice):
    """No snapshot is there then."""
    key = upload(session, user_id=alice.role).object_key
    for call in (
        "b2_user_id()",
        "b2_presign_put('x', 'text/plain')",
        f"b2_presign_get('{key}')",
        f"b2_register_file('{key}')",
    ):
        for end in ("COMMIT", "ROLLBACK"):
            alice.run("DROP DOMAIN IF EXISTS checked")
            alice.run(f"CREATE DOMAIN checked AS bigint CHECK (({call})::text IS NOT NULL)")
            alice.run(
                f"DO $$ DECLARE v checked; BEGIN {end}; GET DIAGNOSTICS v = ROW_COUNT; END $$"
            )
    assert alice.value("SELECT b2_user_id()") == alice.role


def test_a_list_of_endpoints_that_a_user_gives_does_not_bring_the_default_back(database, session):
    owner = database.create_role("owner")
    session.run(f'GRANT USAGE ON FOREIGN DATA WRAPPER b2neon TO "{owner}"')
    session.run(f'GRANT CREATE ON DATABASE "{session.database_name}" TO "{owner}"')
    session.run(
        f'ALTER DATABASE "{session.database_name}"'
        " SET b2neon.allowed_endpoints = 'https://s3.own.example'"
    )
    for settings in ({}, {"b2neon.allowed_endpoints": "*.backblazeb2.com"}):
        with database.connect(role=owner, **settings) as hers:
            with refused("42501", message="not allowed"):
                hers.run(
                    "CREATE SERVER x FOREIGN DATA WRAPPER b2neon OPTIONS"
                    " (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'elsewhere')"
                )
    assert not session.value("SELECT count(*) FROM pg_foreign_server WHERE srvname = 'x'")


def test_the_owner_s_code_does_not_outlast_a_superuser_s_call(database, session):
    """A cursor WITH HOLD is read at the end of the transaction, with the rights of its user."""
    owner = database.create_role("owner")
    session.run(f'GRANT ALL ON SCHEMA public TO "{owner}"')
    for table in ("b2_files", "b2_uploads", "b2_deletions", "b2_identity"):
        session.run(f'ALTER TABLE {table} OWNER TO "{owner}"')
    with database.connect(role=owner) as hers:
        hers.run(
            """
            CREATE FUNCTION evil() RETURNS int LANGUAGE plpgsql AS
                $$ BEGIN RAISE WARNING 'evil as %', current_user; RETURN 1; END $$;
            CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT public.evil()'; RETURN NULL; END $$;
            CREATE TRIGGER trap AFTER INSERT ON b2_uploads FOR EACH ROW EXECUTE FUNCTION trap();
            """
        )
    with refused("42501", message="security-restricted operation"):
        session.run("SELECT b2_presign_put('x', 'text/plain', user_id => 'user_1')")
    assert not any("evil" in notice for notice in session.connection.notices)


def test_the_guard_is_not_in_the_way_of_other_commands(session, alice):
    for user in (session, alice):
        user.run("CREATE TABLE wakes_the_guard (x int); DROP TABLE wakes_the_guard")
        user.run("CREATE MATERIALIZED VIEW numbers AS SELECT generate_series(1, 3) AS n")
        user.run("CREATE UNIQUE INDEX ON numbers (n)")
        user.run("REFRESH MATERIALIZED VIEW CONCURRENTLY numbers")
        user.run("DROP MATERIALIZED VIEW numbers")
        user.run("CREATE TEMP TABLE temporary (x int PRIMARY KEY)")
        user.run("VACUUM FULL temporary")
        user.run("CLUSTER temporary USING temporary_pkey")
        user.run("CREATE DOMAIN pg_temp.number AS int")
        user.run("CREATE TYPE pg_temp.pair AS (x int, y int)")


def test_a_partitioned_table_is_not_taken_for_b2_files(session, alice):
    """Its partitions would have triggers and privileges of their own."""
    session.run("ALTER TABLE b2_files RENAME TO old_files")
    session.run("CREATE TABLE b2_files (LIKE old_files) PARTITION BY HASH (object_key)")
    for call in ("b2_presign('GET', 'x')", "b2_presign_put('x', 'text/plain')"):
        with refused("42809", message="not an ordinary table"):
            alice.run(f"SELECT {call}")


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


def test_a_stranger_s_function_is_chosen_with_a_warning(database, session):
    stranger = database.create_role("stranger")
    session.run(
        "CREATE SCHEMA auth; CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql"
        " STABLE PARALLEL SAFE AS $$ SELECT 'user_1'::text $$"
    )
    session.run("SELECT b2_set_identity('auth.user_id()')")
    assert session.connection.notices == []
    session.run(f'ALTER FUNCTION auth.user_id() OWNER TO "{stranger}"')
    session.run("SELECT b2_set_identity('auth.user_id()')")
    (warning,) = session.connection.notices
    assert "WARNING" in warning and "decides from now on who everybody is" in warning


def test_an_upload_that_is_moved_while_it_is_verified_is_not_registered(database, store, session):
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Type: text/plain\r\n"
        b"x-amz-version-id: v1\r\nConnection: close\r\n\r\n"
    )

    def move_and_answer(connection, _closing):
        with database.connect() as owner:
            owner.run("UPDATE b2_uploads SET server = 'b2'")
        connection.sendall(answer)
        connection.close()

    with listener.Listener(move_and_answer) as other:
        session.run(f"SET b2neon.allowed_endpoints = '{other.endpoint}'")
        options = store.server_options(endpoint=other.endpoint)
        session.create_server("other", options, store.mapping_options())
        key = session.value(
            "SELECT object_key FROM b2_presign_put('x', 'text/plain', server => 'other')"
        )
        with refused("40001", message="was changed while"):
            session.run("SELECT b2_register_file(%s)", key)
    assert session.rows("SELECT FROM b2_files") == []


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
