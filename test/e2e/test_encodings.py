"""Databases that are not in UTF-8. Object keys in the bucket always are."""

import json
from urllib.parse import quote

import pytest
from cluster import refused
from http_request import get, put

# What each encoding can hold, with a key prefix for a server.
ENCODINGS = {
    "LATIN1": "Müller & Söhne ½ÿ",
    "LATIN2": "Łódź žluťoučký",
    "WIN1251": "Файл №1",
    "EUC_JP": "日本語のファイル ｶﾅ",
    "EUC_KR": "한국어 파일",
    "SQL_ASCII": "Ünïcode 日本語 😀",
}


@pytest.fixture(scope="module", params=ENCODINGS)
def encoded_database(request, cluster, store):
    database = cluster.create_database(encoding=request.param)
    database.encoding = request.param
    database.text = ENCODINGS[request.param]
    with database.connect(encoding="UTF8") as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
    yield database
    database.drop()


@pytest.fixture
def session(encoded_database):
    with encoded_database.connect(encoding="UTF8") as session:
        yield session


def test_a_file_name_goes_through_the_whole_flow(encoded_database, session, store):
    text = encoded_database.text
    body = text.encode()
    presigned = session.row(
        "SELECT * FROM b2_presign_put(%s, 'text/plain', user_id => %s, metadata => %s)",
        text + ".txt",
        text,
        json.dumps({text: "x"}, ensure_ascii=False),
    )
    assert presigned.object_key.endswith("-" + text + ".txt")
    path = presigned.presigned_url.split("?")[0]
    assert path.endswith(quote("-" + text + ".txt", safe="~"))
    assert put(presigned, body).status == 200
    assert store.download(presigned.object_key) == body

    registered = session.row("SELECT * FROM b2_register_file(%s)", presigned.object_key)
    assert registered.object_key == presigned.object_key
    assert (registered.user_id, registered.file_name) == (text, text + ".txt")
    assert registered.metadata == {text: "x"}
    assert session.row("SELECT * FROM b2_register_file(%s)", presigned.object_key) == registered

    link = session.value(
        "SELECT b2_presign_get(object_key, download_as => file_name) FROM b2_files WHERE id = %s",
        registered.id,
    )
    answer = get(link)
    assert answer.body == body
    extended = answer.headers["Content-Disposition"].rpartition("filename*=UTF-8''")[2]
    assert extended == quote(text + ".txt", safe="")

    session.run("DELETE FROM b2_files WHERE id = %s", registered.id)
    assert session.value(
        "SELECT count(*) FROM b2_deletions WHERE object_key = %s", presigned.object_key
    ) == 1


def test_a_key_prefix_and_public_urls_are_converted(encoded_database, session, store):
    prefix = store.new_key(encoded_database.text) + "/"
    options = store.server_options(key_prefix=prefix, public="true")
    session.create_server("public", options, store.mapping_options())
    presigned = session.row(
        "SELECT * FROM b2_presign_put('x', 'text/plain', server => 'public')"
    )
    assert presigned.object_key.startswith(prefix)
    assert presigned.public_file_url.startswith(
        f"{store.endpoint}/{store.bucket}/{quote(prefix, safe='/~')}"
    )
    assert put(presigned, b"x").status == 200
    assert store.keys(prefix) == [presigned.object_key]


def test_query_parameters_are_converted(encoded_database, session):
    text = encoded_database.text
    query = json.dumps({text: text}, ensure_ascii=False)
    url = session.value("SELECT b2_presign('GET', 'x', query => %s)", query)
    encoded = quote(text, safe="~")
    assert f"{encoded}={encoded}" in url.partition("?")[2].split("&")


def test_a_length_is_counted_in_utf_8(encoded_database, session):
    """1024 bytes of UTF-8, which may be fewer or more in the database."""
    text = encoded_database.text
    letter = max(text, key=lambda character: len(character.encode()))
    size = len(letter.encode())
    fits = letter * (1024 // size) + "x" * (1024 % size)
    assert session.value("SELECT b2_presign_get(%s)", fits)
    with refused("22023", detail="longer than 1024 bytes of UTF-8"):
        session.run("SELECT b2_presign_get(%s)", fits + "x")


def test_an_error_quotes_what_it_is_about(encoded_database, session):
    text = encoded_database.text
    with refused("P0002", message=f'"{text}"'):
        session.run("SELECT b2_register_file(%s)", text)
    with refused("22023", message=f'"{text}/\\.\\."'):
        session.run("SELECT b2_presign_get(%s)", text + "/..")


OUR_ERRORS = {
    "SELECT b2_presign_get('x', server => 'nosuch')": "42704",
    "SELECT b2_presign_get('x', server => 'keyless')": "42704",
    "SELECT b2_presign_get(repeat('x', 2000))": "22023",
    "SELECT b2_register_file(repeat('x', 500))": "P0002",
    "SELECT b2_presign_get('x', content_type => repeat('x', 300))": "22023",
    "CREATE SERVER x FOREIGN DATA WRAPPER b2neon OPTIONS (endpoint 'x', bucket 'xxx')": "22023",
    "CREATE SERVER x FOREIGN DATA WRAPPER b2neon OPTIONS (nosuch 'x')": "HV00D",
    "CREATE USER MAPPING FOR CURRENT_USER SERVER keyless OPTIONS (key_id 'x')": "HV002",
    "SET b2neon.allowed_endpoints = '://'": "22023",
}


def assert_errors_arrive(session, store):
    """PostgreSQL converts messages from the database's encoding to the client's. Where that fails,
    the client gets another error instead. So our own texts have to be ASCII."""
    options = f"endpoint '{store.endpoint}', bucket 'xxx', region 'x'"
    session.run("DROP SERVER IF EXISTS keyless")
    session.run(f"CREATE SERVER keyless FOREIGN DATA WRAPPER b2neon OPTIONS ({options})")
    for statement, sqlstate in OUR_ERRORS.items():
        with refused(sqlstate) as caught:
            session.run(statement)
        diagnostics = caught.value.diag
        for text in (
            diagnostics.message_primary,
            diagnostics.message_detail,
            diagnostics.message_hint,
        ):
            assert (text or "").isascii(), statement


def test_errors_arrive_at_a_client_with_utf_8(session, store):
    assert_errors_arrive(session, store)


def test_errors_arrive_at_a_client_with_the_database_s_encoding(encoded_database, store):
    with encoded_database.connect() as session:
        assert_errors_arrive(session, store)


@pytest.mark.parametrize("client_encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
def test_errors_arrive_from_a_database_in_utf_8(database, store, client_encoding):
    with database.connect(encoding=client_encoding) as session:
        assert_errors_arrive(session, store)


@pytest.mark.parametrize(
    "encoded_database, literal, sqlstate",
    [
        ("SQL_ASCII", r"E'\xff'", "22021"),
        ("SQL_ASCII", r"E'a\xe4'", "22021"),
        ("SQL_ASCII", r"E'\xed\xa0\x80'", "22021"),  # half of a surrogate pair
        ("SQL_ASCII", r"E'\xc0\xaf'", "22021"),  # a slash in two bytes
        ("SQL_ASCII", r"E'\xe6\x97'", "22021"),
        ("EUC_JP", r"E'\xff'", "22021"),
        ("WIN1251", r"E'\x98'", "22P05"),  # the one byte without a character
    ],
    indirect=["encoded_database"],
)
def test_bytes_that_have_no_utf_8_are_refused(encoded_database, session, literal, sqlstate):
    for call in (
        f"b2_presign_get({literal})",
        f"b2_presign('GET', {literal})",
        f"b2_presign_put('x', 'text/plain', object_key => {literal})",
        f"b2_presign_put({literal}, 'text/plain')",
        f"b2_presign_get('x', download_as => {literal})",
    ):
        with refused(sqlstate):
            session.run("SELECT " + call)


def test_the_same_file_has_the_same_url_in_every_encoding(encoded_database, session, database):
    statement = (
        "SELECT b2_presign('GET', %s, signed_at => '2024-01-01 00:00:00Z',"
        " query => '{\"versionId\": \"1\"}')"
    )
    with database.connect() as other:
        text = encoded_database.text
        assert session.value(statement, text) == other.value(statement, text)
