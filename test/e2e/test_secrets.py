"""Where an application key must not turn up: memory, statistics, plans, logs, catalogs, psql."""

import os
import pty
import secrets
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import listener
import psycopg2
import pytest
from cluster import Session, options_list, refused
from hmac_state import inner_state
from http_request import get, put
from process_memory import found_at_exit, found_in
from psycopg2 import sql

PUT = "SELECT * FROM b2_presign_put('x', 'text/plain')"
CHECK = "SELECT * FROM b2_check()"
PUT_ELSEWHERE = "SELECT * FROM b2_presign_put('x', 'text/plain', server => %s)"


class Key:
    """A fresh application key. The store knows it if it was given to `store_takes`."""

    def __init__(self):
        self.id = secrets.token_hex(10)
        self.secret = secrets.token_hex(20)

    def mapping(self):
        return {"key_id": self.id, "application_key": self.secret}

    def in_memory(self):
        """What can stand in a backend's memory: the key, and what it signs with. The latter halves,
        since malloc() writes over the beginning of what is freed."""
        return {
            "key": self.secret[20:].encode(),
            "state": inner_state(b"AWS4" + self.secret.encode())[16:],
        }


def store_takes(key, action="create"):
    # Changes to one user at the same time fail.
    admin = os.environ["S3_STORE_ADMIN"]
    subprocess.run(
        ["flock", admin, admin, "key", action, "--uid=b2neon", "--key-type=s3"]
        + [f"--access-key={key.id}", f"--secret-key={key.secret}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture
def keys():
    """A key, and one for uploads."""
    keys = [Key(), Key()]
    for key in keys:
        store_takes(key)
    yield keys
    for key in keys:
        store_takes(key, "rm")


@pytest.fixture
def owner(database, store, keys):
    """The superuser's session that has created the server `b2` with the keys."""
    key, upload_key = keys
    with database.connect() as session:
        session.run("DROP SERVER IF EXISTS b2 CASCADE")
        create_server(session, store, key, upload_key)
        yield session


def create_server(session, store, key, upload_key, name="b2", **options):
    mapping = {
        **key.mapping(),
        "upload_key_id": upload_key.id,
        "upload_application_key": upload_key.secret,
    }
    session.create_server(name, store.server_options(**options), mapping)
    session.run(f"GRANT USAGE ON FOREIGN SERVER {name} TO PUBLIC")


@pytest.fixture
def session(database, owner):
    """A superuser's session that has never seen the keys in a statement."""
    with database.connect() as session:
        yield session


@pytest.fixture(scope="module")
def confined(database):
    """A role that row-level security applies to."""
    role = database.create_role("confined")
    with database.connect() as session:
        session.run(f'GRANT SELECT, DELETE ON b2_files TO "{role}"')
    return role


def tells(text, keys):
    return any(key.secret in text for key in keys)


def upload_and_register(session):
    """Returns the object key."""
    presigned = session.row(PUT)
    assert put(presigned, b"x").status == 200
    session.run("SELECT * FROM b2_register_file(%s)", presigned.object_key)
    return presigned.object_key


def replace_key(session, key):
    session.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET application_key %s)", key.secret
    )


# ---------------------------------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------------------------------


def test_the_session_that_creates_a_mapping_has_the_keys_in_memory(owner, keys):
    """A guard for the tests below: the search finds what is there."""
    for key in keys:
        assert found_in(owner.pid, key.in_memory()) == {"key"}


USES = {
    "a link": "SELECT b2_presign_get('x')",
    "any request": "SELECT b2_presign('HEAD', 'x')",
    "an upload": PUT,
    "a registration": "SELECT * FROM b2_register_file('{object_key}')",
    "a check": CHECK,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_session_that_signs_has_no_copy_of_a_key(session, owner, keys, use):
    presigned = owner.row(PUT)
    assert put(presigned, b"x").status == 200
    session.run(use.format(object_key=presigned.object_key))
    for key in keys:
        assert found_in(session.pid, key.in_memory()) == {"state"}


def test_a_key_without_one_for_uploads_beside_it_is_not_copied_either(session, owner, keys):
    """So short a mapping is stored in another form, of which a copy is made for reading."""
    owner.run(
        "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS"
        " (DROP upload_key_id, DROP upload_application_key)"
    )
    session.run(PUT)
    assert found_in(session.pid, keys[0].in_memory()) == {"state"}


def test_a_session_whose_request_is_refused_has_no_copy_of_a_key(session, owner):
    object_key = owner.row(PUT).object_key
    wrong = Key()
    replace_key(owner, wrong)
    with refused("HV000", detail="403"):
        session.run("SELECT * FROM b2_register_file(%s)", object_key)
    assert found_in(session.pid, wrong.in_memory()) == {"state"}


def test_a_key_that_was_replaced_is_gone_after_the_next_call(session, owner, keys):
    key, upload_key = keys
    session.run(PUT)
    new = Key()
    replace_key(owner, new)
    assert "state" in found_in(session.pid, key.in_memory())
    session.run(PUT)
    assert found_in(session.pid, key.in_memory()) == set()
    assert found_in(session.pid, new.in_memory()) == {"state"}
    assert found_in(session.pid, upload_key.in_memory()) == {"state"}


@pytest.mark.parametrize("end, left", [("COMMIT", "new"), ("ROLLBACK", "old")])
def test_a_key_that_is_replaced_in_a_transaction_is_gone_after_it(session, keys, end, left):
    states = {"old": keys[0].in_memory()["state"], "new": (new := Key()).in_memory()["state"]}
    session.run("BEGIN")
    session.run(PUT)
    replace_key(session, new)
    session.run(PUT)
    assert found_in(session.pid, states) == {"old", "new"}
    session.run(end)
    session.run(PUT)
    assert found_in(session.pid, states) == {left}


ENDS_OF_USE = {
    "the server": "DROP SERVER b2 CASCADE",
    "the mapping": "DROP USER MAPPING FOR PUBLIC SERVER b2",
    "the right to use it": "REVOKE USAGE ON FOREIGN SERVER b2 FROM PUBLIC",
}


@pytest.mark.parametrize("statement", ENDS_OF_USE.values(), ids=ENDS_OF_USE.keys())
def test_without_it_a_key_is_gone_after_the_next_transaction(session, owner, keys, statement):
    session.run(PUT)
    for key in keys:
        assert found_in(session.pid, key.in_memory()) == {"state"}
    owner.run(statement)
    session.run("SELECT 1")
    for key in keys:
        assert found_in(session.pid, key.in_memory()) == set()


EXITS = {
    "disconnecting": lambda session, owner: session.connection.close(),
    "pg_terminate_backend": lambda session, owner: owner.run(
        "SELECT pg_terminate_backend(%s)", session.pid
    ),
}


@pytest.mark.parametrize("end", EXITS.values(), ids=EXITS.keys())
def test_a_backend_that_ends_leaves_no_key_behind(session, owner, keys, end):
    session.run(PUT)
    # PostgreSQL frees no memory then: what is not wiped is still there.
    guard = secrets.token_hex(20)
    session.run("SET b2neon.server = %s", guard)
    wanted = {
        "guard": guard.encode(),
        **{f"{what} {n}": text for n in (0, 1) for what, text in keys[n].in_memory().items()},
    }
    assert found_in(session.pid, wanted) == {"guard", "state 0", "state 1"}
    with found_at_exit(session.pid, wanted) as found:
        end(session, owner)
    assert found == {"guard"}


# ---------------------------------------------------------------------------------------------
# Statistics
# ---------------------------------------------------------------------------------------------


def test_other_roles_do_not_see_a_mapping_s_text_in_pg_stat_activity(
    database, owner, keys, confined
):
    new = Key()
    replace_key(owner, new)
    query = f"SELECT query FROM pg_stat_activity WHERE pid = {owner.pid}"
    with database.connect() as superuser, database.connect(role=confined) as stranger:
        assert tells(superuser.value(query), [new])
        assert stranger.value(query) == "<insufficient privilege>"


def test_a_call_that_waits_for_the_store_shows_that_and_no_key(database, store, session, keys):
    with listener.silent() as server:
        session.run(f"SET b2neon.allowed_endpoints = '{server.endpoint}'")
        with database.connect(**{"b2neon.allowed_endpoints": server.endpoint}) as creator:
            create_server(creator, store, *keys, name="silent", endpoint=server.endpoint)
        object_key = session.row(PUT_ELSEWHERE, "silent").object_key

        def register():
            with refused("57014"):
                session.run("SELECT * FROM b2_register_file(%s)", object_key)

        waiting = threading.Thread(target=register)
        waiting.start()
        assert server.was_contacted.wait(10)
        with database.connect() as other:
            activity = other.row("SELECT * FROM pg_stat_activity WHERE pid = %s", session.pid)
            other.run("SELECT pg_cancel_backend(%s)", session.pid)
            waiting.join()
            other.run("DROP SERVER silent CASCADE")
    assert activity.wait_event_type == "Extension"
    custom = session.connection.server_version >= 170000
    assert activity.wait_event == ("B2neonHttp" if custom else "Extension")
    assert object_key in activity.query
    assert not tells(str(activity), keys)


@pytest.fixture(scope="module")
def connect_with_statistics(store):
    """Connects as a role to a cluster of its own, which has pg_stat_statements."""
    script = Path(__file__).parents[2] / "script" / "lib" / "with-cluster"
    with subprocess.Popen(
        [script, "-c", "shared_preload_libraries=pg_stat_statements"]
        + ["-c", f"b2neon.allowed_endpoints={store.endpoint}"]
        + ["bash", "-c", 'printf "%s\\n" "$PGHOST" "$PGPORT" && exec cat'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as cluster:
        host, port = (cluster.stdout.readline().strip() for _ in range(2))

        def connect(role="postgres"):
            connection = psycopg2.connect(host=host, port=port, user=role, dbname="postgres")
            connection.autocommit = True
            return Session(connection)

        with connect() as session:
            session.run("CREATE EXTENSION b2neon; CREATE EXTENSION pg_stat_statements")
            session.run("CREATE ROLE confined LOGIN; GRANT SELECT ON b2_files TO confined")
        yield connect


STATISTICS = "SELECT query FROM pg_stat_statements"


@pytest.fixture
def statistics(connect_with_statistics, store, keys):
    """A superuser's session there, with a server `b2` that was created while everything counted."""
    with connect_with_statistics() as session:
        session.run("DROP SERVER IF EXISTS b2 CASCADE")
        session.run("SET pg_stat_statements.track = 'all'")
        session.run("SELECT pg_stat_statements_reset()")
        create_server(session, store, *keys)
        yield session


def test_pg_stat_statements_has_the_text_of_a_mapping_but_of_calls_no_key(statistics, keys):
    (mapping,) = (text for text in statistics.column(STATISTICS) if "CREATE USER MAPPING" in text)
    assert all(key.secret in mapping for key in keys)

    statistics.run("SELECT pg_stat_statements_reset()")
    upload_and_register(statistics)
    statistics.run("SELECT b2_presign_get(object_key), b2_presign('GET', object_key) FROM b2_files")
    texts = str(statistics.column(STATISTICS))
    # Those of the functions' own statements are among them.
    for text in ("b2_presign_put(", "b2_register_file(", "b2_presign_get(", "INSERT INTO"):
        assert text in texts
    assert not tells(texts, keys)


def test_other_roles_do_not_see_a_mapping_s_text_in_pg_stat_statements(
    statistics, connect_with_statistics, keys
):
    with connect_with_statistics("confined") as stranger:
        stranger.run("SELECT b2_user_id()")
        texts = stranger.column(STATISTICS)
    assert "<insufficient privilege>" in texts and "SELECT b2_user_id()" in texts
    assert not tells(str(texts), keys)


def test_without_track_utility_pg_stat_statements_has_no_text_of_a_mapping(statistics):
    statistics.run("SET pg_stat_statements.track_utility = off")
    new = Key()
    replace_key(statistics, new)
    statistics.run(PUT)
    texts = str(statistics.column(STATISTICS))
    assert "b2_presign_put(" in texts
    assert not tells(texts, [new])


# ---------------------------------------------------------------------------------------------
# Plans
# ---------------------------------------------------------------------------------------------

QUERIES = (
    "SELECT b2_presign_get(object_key, version_id => version_id, server => server) FROM b2_files",
    PUT,
    "SELECT b2_user_id(), b2_default_server()",
    "DELETE FROM b2_files WHERE b2_presign_get(object_key) <> '' RETURNING b2_user_id()",
    "SELECT * FROM b2_register_file('{object_key}')",
)
QUERIES_OF_TRUSTED_CALLERS = ("SELECT b2_presign('PUT', 'x')", CHECK)


@pytest.mark.parametrize("is_confined", [False, True], ids=["owner", "confined"])
def test_a_plan_has_no_key(session, confined, keys, is_confined):
    # A plan is logged to the client here, those of the functions' own statements among them.
    session.run("LOAD 'auto_explain'")
    for setting in ("log_analyze", "log_verbose", "log_nested_statements", "log_settings"):
        session.run(f"SET auto_explain.{setting} = on")
    session.run("SET auto_explain.log_level = notice; SET auto_explain.log_min_duration = 0")
    if is_confined:
        session.run(f'SET ROLE "{confined}"')

    presigned = session.row(PUT)
    assert put(presigned, b"x").status == 200
    for query in QUERIES if is_confined else QUERIES + QUERIES_OF_TRUSTED_CALLERS:
        query = query.format(object_key=presigned.object_key)
        for form in ("TEXT", "JSON"):
            plan = session.column(
                f"EXPLAIN (ANALYZE, VERBOSE, SETTINGS, BUFFERS, FORMAT {form}) {query}"
            )
            assert "b2_" in str(plan)
            assert not tells(str(plan), keys)
    notices = "".join(session.connection.notices)
    assert "INSERT INTO" in notices
    assert not tells(notices, keys)


# ---------------------------------------------------------------------------------------------
# Errors and the server log
# ---------------------------------------------------------------------------------------------

FAILING_STATEMENTS = {
    "an unknown option": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (keyid 'x', application_key '{secret}')",
    "an unknown name for the secret": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id 'x', aplication_key '{secret}')",
    "no key id": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (application_key '{secret}')",
    "a blank in the secret": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id 'x', application_key '{secret} ')",
    "a secret that is too long": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id 'x', application_key '{secret}" + "x" * 256 + "')",
    "an empty key id": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id '', application_key '{secret}')",
    "half a key for uploads": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id 'x', application_key 'y', upload_application_key '{secret}')",
    "an option of the server": "CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id 'x', application_key '{secret}', bucket 'x')",
    "a change": "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS"
    " (SET application_key '{secret} ')",
    "a change of another option": "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS"
    " (SET application_key '{secret}', DROP key_id)",
    "a server option": "CREATE SERVER leak FOREIGN DATA WRAPPER b2neon OPTIONS"
    " (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'xxx',"
    " application_key '{secret}')",
    "a server option that is added": "ALTER SERVER b2 OPTIONS (ADD application_key '{secret}')",
    "a server option beside a wrong one": "CREATE SERVER leak FOREIGN DATA WRAPPER b2neon OPTIONS"
    " (bukket 'xxx', application_key '{secret}')",
    "a password in the endpoint": "CREATE SERVER leak FOREIGN DATA WRAPPER b2neon OPTIONS"
    " (endpoint 'https://user:{secret}@s3.us-west-004.backblazeb2.com', bucket 'xxx')",
    "an option of the wrapper": "ALTER FOREIGN DATA WRAPPER b2neon OPTIONS"
    " (ADD application_key '{secret}')",
    "code around it": "DO $do$BEGIN CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS"
    " (key_id 'x', application_key '{secret} '); END$do$",
    "code that makes it": "DO $do$BEGIN EXECUTE 'CREATE USER MAPPING FOR CURRENT_USER SERVER b2"
    " OPTIONS (key_id ''x'', aplication_key ''{secret}'')'; END$do$",
}


class Log:
    """What the server logs from now on."""

    def __init__(self, cluster):
        self._file = cluster.log
        self._session = cluster.session
        self._start = self._file.stat().st_size

    def text(self):
        marker = secrets.token_hex(16)
        self._session.run(f"DO $$BEGIN RAISE LOG '{marker}'; END$$")
        deadline = time.monotonic() + 5
        while True:
            text = self._file.read_bytes()[self._start :].decode(errors="replace")
            if marker in text:
                return text
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextmanager
def silent_error(keys, sqlstate=""):
    """The block must fail, with an error that tells none of the keys."""
    with pytest.raises(psycopg2.Error) as caught:
        yield
    assert caught.value.pgcode.startswith(sqlstate)
    diagnostics = caught.value.diag
    parts = [name for name in dir(diagnostics) if not name.startswith("_")]
    told = [str(caught.value), *(getattr(diagnostics, name) or "" for name in parts)]
    assert not tells(" ".join(told), keys)


def test_a_mapping_that_postgresql_itself_refuses_is_logged_with_its_text(cluster, session):
    """What the README says, and a guard for the tests below: the search finds what is there."""
    log, key = Log(cluster), Key()
    with refused("42704", message='server "missing" does not exist'):
        session.run(
            "CREATE USER MAPPING FOR PUBLIC SERVER missing OPTIONS (application_key %s)", key.secret
        )
    assert tells(log.text(), [key])


@pytest.mark.parametrize("statement", FAILING_STATEMENTS.values(), ids=FAILING_STATEMENTS.keys())
def test_a_failing_statement_does_not_tell_its_secret(cluster, session, statement):
    log, key = Log(cluster), Key()
    with silent_error([key]):
        session.run(statement.replace("{secret}", key.secret))
    text = log.text()
    assert f"[{session.pid}] ERROR: " in text
    assert not tells(text, [key])


CALLS = (
    "SELECT b2_user_id(), b2_default_server(), b2_set_identity('current_user')",
    "SELECT b2_presign_get('x', download_as => 'y', stable_for => 60)",
    "SELECT b2_presign('PUT', 'x', headers => '{\"X-Amz-Meta-A\": \"b\"}', query => '{\"a\": 1}')",
    PUT,
    "SELECT * FROM b2_register_file('{object_key}')",
    "SELECT * FROM b2_register_files('{{object_key}}')",
    CHECK,
    "SELECT b2_lineage_problem()",
    "SELECT b2_take_over()",
    "SELECT count(*) FROM b2_orphans()",
    "SELECT count(*) FROM b2_missing()",
    "CALL b2_maintain()",
)
FAILING_CALLS = (
    "SELECT b2_presign_get('')",
    "SELECT b2_presign_get('x', server => 'none')",
    "SELECT b2_presign('x', 'y')",
    "SELECT b2_presign('GET', 'x', headers => '[]')",
    "SELECT * FROM b2_presign_put(NULL, 'text/plain')",
    "SELECT * FROM b2_presign_put('x', 'y')",
    "SELECT * FROM b2_register_file('no such upload')",
    "SELECT * FROM b2_register_files('{no such upload}')",
    "SELECT b2_set_identity('no_such_function()')",
)


@pytest.fixture
def detailed_log(cluster, session):
    """A log with all that PostgreSQL can say of `session`, but for log_statement."""
    assert session.value("SHOW log_statement") == "none"
    session.run("SET log_min_messages = debug5; SET log_error_verbosity = verbose")
    return Log(cluster)


def assert_silent(log, session, keys):
    text = log.text()
    assert f"[{session.pid}] DEBUG: " in text
    assert not tells(text, keys)


def test_a_detailed_log_of_every_function_has_no_key(detailed_log, session, confined, keys):
    functions = session.column(
        "SELECT proname FROM pg_proc WHERE proname ~ '^b2_'"
        " AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)"
    )
    assert [name for name in functions if name not in str(CALLS)] == []
    object_key = upload_and_register(session)
    for call in CALLS:
        session.run(call.replace("{object_key}", object_key))
    with session.as_role(confined):
        session.run("SELECT b2_presign_get(%s)", upload_and_register(session))
        session.run("DELETE FROM b2_files")
    assert_silent(detailed_log, session, keys)


@pytest.mark.parametrize("is_confined", [False, True], ids=["owner", "confined"])
def test_a_call_that_fails_tells_no_key(detailed_log, session, confined, keys, is_confined):
    if is_confined:
        session.run(f'SET ROLE "{confined}"')
    for call in FAILING_CALLS:
        with silent_error(keys):
            session.run(call)
    assert_silent(detailed_log, session, keys)


def test_a_detailed_log_of_user_mappings_has_no_key(detailed_log, session, keys):
    new = Key()
    replace_key(session, new)
    for statement in FAILING_STATEMENTS.values():
        with silent_error([new]):
            session.run(statement.replace("{secret}", new.secret))
    assert_silent(detailed_log, session, [*keys, new])


def failures(session, server):
    """What b2_check() says is wrong."""
    checks = session.rows("SELECT * FROM b2_check(server => %s)", server)
    assert not all(check.ok for check in checks)
    return str(checks)


def test_a_store_that_fails_is_told_of_without_a_key(detailed_log, store, session, keys):
    without_size = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    with listener.silent() as silent, listener.answering(without_size) as strange:
        stores = {
            silent.endpoint: "08006",
            strange.endpoint: "08P01",
            f"http://127.0.0.1:{listener.closed_port()}": "08001",
        }
        session.run("SET b2neon.allowed_endpoints = %s", ", ".join(stores))
        for endpoint, sqlstate in stores.items():
            options = {"endpoint": endpoint, "request_timeout": 300}
            create_server(session, store, *keys, name="failing", **options)
            object_key = session.row(PUT_ELSEWHERE, "failing").object_key
            with silent_error(keys, sqlstate):
                session.run("SELECT * FROM b2_register_file(%s)", object_key)
            assert not tells(failures(session, "failing"), keys)
            session.run("DROP SERVER failing CASCADE")
    assert_silent(detailed_log, session, keys)


def test_a_store_that_refuses_the_key_is_told_of_without_it(detailed_log, session, owner):
    object_key, wrong = owner.row(PUT).object_key, Key()
    replace_key(owner, wrong)
    for allowed, sqlstate in (("DEFAULT", "HV000"), ("''", "42501")):
        session.run(f"SET b2neon.allowed_endpoints = {allowed}")
        with silent_error([wrong], sqlstate):
            session.run("SELECT * FROM b2_register_file(%s)", object_key)
        assert not tells(failures(session, "b2"), [wrong])
    assert_silent(detailed_log, session, [wrong])


# ---------------------------------------------------------------------------------------------
# Catalogs
# ---------------------------------------------------------------------------------------------

VIEWS = (
    "SELECT * FROM pg_user_mappings",
    "SELECT * FROM information_schema.user_mapping_options",
)


@pytest.mark.parametrize("query", VIEWS)
def test_a_view_shows_mappings_without_their_keys(database, owner, keys, confined, query):
    assert all(key.secret in str(owner.rows(query)) for key in keys)
    with database.connect(role=confined) as stranger:
        rows = stranger.rows(query)
        assert "b2" in str(rows)
        assert not tells(str(rows), keys)


def test_a_role_that_uses_a_mapping_can_neither_read_nor_change_it(
    database, owner, keys, confined
):
    with database.connect(role=confined) as stranger:
        assert not tells(str(stranger.rows("SELECT * FROM pg_foreign_server")), keys)
        for statement in (
            "SELECT umoptions FROM pg_user_mapping",
            "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET key_id 'x')",
            "DROP USER MAPPING FOR PUBLIC SERVER b2",
            "ALTER SERVER b2 OPTIONS (SET endpoint 'https://s3.us-west-004.backblazeb2.com')",
        ):
            with refused("42501"):
                stranger.run(statement)


@pytest.mark.parametrize("command", [r"\deu+", r"\des+"])
def test_psql_lists_servers_and_mappings_without_keys(
    cluster, database, owner, keys, confined, command
):
    arguments = ["-X", "-d", database.name, "-c", command]
    if command == r"\deu+":
        assert all(key.secret in cluster.program("psql", *arguments) for key in keys)
    listed = cluster.program("psql", *arguments, role=confined)
    assert "b2" in listed
    assert not tells(listed, keys)


def test_a_key_that_a_confined_role_brings_is_refused_and_not_logged(cluster, database, confined):
    log, key = Log(cluster), Key()
    with database.connect(role=confined) as stranger:
        with silent_error([key], "42501"):
            stranger.run(
                sql.SQL("CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS ({})").format(
                    options_list(key.mapping())
                )
            )
    logged = log.text()
    assert "cannot choose the application key" in logged
    assert not tells(logged, [key])


def test_a_mapping_of_its_own_with_a_wrong_key_opens_nothing(database, owner, keys, confined):
    with database.connect(role=confined) as stranger:
        link = "SELECT b2_presign_get(%s)"
        object_key = upload_and_register(stranger)
        assert get(stranger.value(link, object_key)).status == 200
        uploaded = stranger.row(PUT)
        assert put(uploaded, b"x").status == 200

        # The key's id is known from links.
        wrong = {**Key().mapping(), "key_id": keys[0].id}
        mapping_for = sql.SQL("USER MAPPING FOR {} SERVER b2").format(sql.Identifier(confined))
        owner.run(
            sql.SQL("CREATE {} OPTIONS ({})").format(mapping_for, options_list(wrong))
        )
        visible = str(stranger.rows("SELECT * FROM pg_user_mappings"))
        assert wrong["application_key"] in visible
        assert not tells(visible, keys)
        assert get(stranger.value(link, object_key)).status == 403
        assert put(stranger.row(PUT), b"x").status == 403
        with refused("HV000", detail="403"):
            stranger.run("SELECT * FROM b2_register_file(%s)", uploaded.object_key)

        stranger.run("DROP USER MAPPING FOR CURRENT_USER SERVER b2")
        stranger.run("SELECT * FROM b2_register_file(%s)", uploaded.object_key)
        stranger.run("DELETE FROM b2_files")


# ---------------------------------------------------------------------------------------------
# psql's history
# ---------------------------------------------------------------------------------------------


def type_into_psql(cluster, database, lines, **environment):
    """An interactive session, which ends with the lines. Returns what the terminal shows."""
    terminal, line = pty.openpty()
    psql = subprocess.Popen(
        [cluster.bindir / "psql", "-X", "-d", database.name],
        stdin=line,
        stdout=line,
        stderr=line,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb", "PAGER": "cat", **environment},
    )
    os.close(line)
    os.write(terminal, "".join(f"{text}\n" for text in [*lines, r"\q"]).encode())
    shown = b""
    try:
        while part := os.read(terminal, 65536):
            shown += part
    except OSError:
        pass  # Linux says so when nobody is left at the other end.
    os.close(terminal)
    psql.wait(10)
    return shown.decode()


def test_a_key_that_came_by_getenv_is_not_in_psql_s_history(cluster, database, owner, tmp_path):
    if cluster.version < 150000:
        pytest.skip(r"this psql has no \getenv")
    key, typed = Key(), Key()
    history = tmp_path / "history"
    options = r"OPTIONS (key_id 'x', application_key :'application_key');"
    shown = type_into_psql(
        cluster,
        database,
        [
            r"\getenv application_key B2_APPLICATION_KEY",
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER missing {options}",
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER b2 {options}",
            f"SELECT '{typed.secret}';",
        ],
        B2_APPLICATION_KEY=key.secret,
        PSQL_HISTORY=str(history),
    )
    assert 'server "missing" does not exist' in shown
    assert tells(str(owner.rows("SELECT * FROM pg_user_mappings")), [key])
    assert tells(history.read_text(), [typed])
    assert not tells(history.read_text() + shown, [key])
