"""The scripts of examples/sql, as they stand there, with real bytes."""

import json
import secrets

import pytest
from cluster import refused
from doc_examples import ROOT
from http_request import get, put

SCRIPTS = ROOT / "examples" / "sql"
BYTES = bytes(range(256)) * 5


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file with a name that is none for the faint-hearted."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    file = tmp_path / "a cat's 猫 & \"friends\" 100%.png"
    file.write_bytes(BYTES)
    return file


@pytest.fixture
def run(own_database, tmp_path):
    """Runs a script with these variables of psql, and returns what it prints."""

    def run(script, role=None, **variables):
        values = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        return own_database.cluster.program(
            "psql", "-X", "-At", "-d", own_database.name, *values, "-f", SCRIPTS / script, role=role
        )

    return run


@pytest.mark.bucket
def test_a_file_goes_its_whole_way_in_psql(run, file, own_database, store, tmp_path):
    download = tmp_path / "downloaded"
    printed = run("flow.sql", file=file, content_type="image/png", download=download)
    assert download.read_bytes() == BYTES
    assert "the bytes are the same" in printed
    assert "size|1280" in printed
    assert "the link gives 404 now" in printed
    with own_database.connect() as session:
        assert session.value("SELECT count(*) FROM b2_files") == 0
        (key,) = session.column("SELECT object_key FROM b2_uploads")
    assert key.endswith("-" + file.name)
    assert not store.has(key)


def test_a_failed_upload_ends_the_script_with_the_reason(run, file, own_database):
    with own_database.connect() as session:
        session.run(
            "ALTER USER MAPPING FOR PUBLIC SERVER b2"
            " OPTIONS (ADD upload_key_id 'unknown', ADD upload_application_key 'wrong')"
        )
    with pytest.raises(AssertionError, match="error: 403(.|\n)*is not in bucket"):
        run("flow.sql", file=file)


@pytest.mark.parametrize(("given", "said"), [({}, "Say which file"), ({"file": "/not/there"}, "no such file")])
@pytest.mark.parametrize("script", ["flow.sql", "postgrest.sql"])
def test_without_a_file_nothing_begins(run, own_database, script, given, said):
    with pytest.raises(AssertionError, match=said):
        run(script, **given)
    with own_database.connect() as session:
        assert session.value("SELECT count(*) FROM b2_uploads") == 0


# As pg_session_jwt has it where it has no key of its own to check tokens with.
AUTH = """
    CREATE SCHEMA auth;
    GRANT USAGE ON SCHEMA auth TO PUBLIC;
    CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
        AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub' $$;
"""


@pytest.fixture(params=["PostgREST", "Neon's Data API"])
def api(request, run, own_database):
    """A database that is set up for it. Gives the variables of the roles' names."""
    roles = {}
    own_database.roles = ["web_user", "web_anon", "authenticator"]
    if request.param != "PostgREST":
        roles = {"user_role": "authenticated", "anon_role": "anonymous"}
        own_database.roles = ["authenticated", "anonymous", "authenticator"]
        with own_database.connect() as session:
            session.run(AUTH)
    identity = {"identity": "auth.user_id()"} if roles else {}
    for _ in range(2):  # what is there already stays
        run("postgrest_setup.sql", **identity, **roles)
    return roles


def test_users_need_no_backend(run, api, file, own_database, store, tmp_path):
    download = tmp_path / "downloaded"
    printed = run(
        "postgrest.sql",
        role="authenticator",
        file=file,
        content_type="image/png",
        download=download,
        **api,
    )
    assert download.read_bytes() == BYTES
    assert "the bytes are the same" in printed
    assert "user_id|user_1" in printed
    another_users = printed.split("-- GET /b2_files, of another user")[1]
    lines = another_users.split("\n-- GET /b2_files and POST")[0].splitlines()[1:]
    assert [line for line in lines if line not in ("BEGIN", "SET", "COMMIT")] == ["DELETE 0"]
    without_a_token = printed.split("without a token: 42501\n")[1].split("-- DELETE")[0]
    assert without_a_token.splitlines().count("42501") == 2
    with own_database.connect() as owner:
        assert owner.value("SELECT count(*) FROM b2_files") == 0
        key = owner.value("SELECT object_key FROM b2_deletions")
        assert store.has(key)
        owner.run("CALL b2_maintain()")
        assert not store.has(key)


def test_what_a_client_sends_reaches_the_functions_by_name(run, api, own_database):
    """PostgREST takes the body's fields for named arguments, and passes over none."""
    user_role = api.get("user_role", "web_user")
    with own_database.connect(role="authenticator") as session:

        def rpc(function, user, body):
            """The statement of PostgREST 12, less what it wraps around for counting and JSON."""
            types = {"size": "bigint", "object_keys": "text[]", "expires_in": "integer"}
            record = ", ".join(f"{name} {types.get(name, 'text')}" for name in body)
            arguments = ", ".join(f"{name} := body.{name}" for name in body)
            with session.transaction():
                session.run("SELECT set_config('role', %s, true)", user_role)
                claims = f'{{"sub": "{user}", "role": "{user_role}"}}'
                session.run("SELECT set_config('request.jwt.claims', %s, true)", claims)
                return session.rows(
                    f"SELECT call.* FROM json_to_record(%s::json) AS body ({record}),"
                    f" LATERAL public.{function}({arguments}) AS call",
                    json.dumps(body),
                )

        body = {"file_name": "a.txt", "content_type": "text/plain", "size": 5}
        (upload,) = rpc("b2_presign_put", "user_1", body)
        assert put(upload, b"bytes").status == 200
        (file,) = rpc("b2_register_file", "user_1", {"object_key": upload.object_key})
        assert file.user_id == "user_1"
        # The two forms of b2_presign_get differ in the names of their arguments.
        (link,) = rpc("b2_presign_get", "user_1", {"object_key": upload.object_key, "expires_in": 60})
        assert get(link.call).body == b"bytes"
        (link,) = rpc("b2_presign_get", "user_1", {"object_keys": [upload.object_key]})
        assert get(link.presigned_url).body == b"bytes"
        with refused("42501"):
            rpc("b2_presign_get", "user_2", {"object_key": upload.object_key})
        with refused("22004", message="size"):
            rpc("b2_presign_put", "user_1", {"file_name": "a.txt", "content_type": "text/plain"})
        with refused("P0002"):
            rpc("b2_register_file", "user_2", {"object_key": secrets.token_hex(8)})
