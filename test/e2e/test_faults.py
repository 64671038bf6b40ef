"""Every fault of docs/faults.md has the outcome that stands there."""

import re
import time
from pathlib import Path

import faults
import psycopg2
import pytest

PAGE = Path(__file__).parents[2] / "docs/faults.md"


def table(heading):
    """The rows of the table under a heading of the page, without its first two."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


NO_ANSWER = table("Registering, where no answer comes")
REFUSED = table("Registering, where the store refuses")
IN_BODY = table("Listing, where the body is wrong")


@pytest.fixture(scope="module")
def all_faults(authority):
    return faults.without_answer(authority) | faults.refused() | faults.in_body()


@pytest.fixture
def session_at(private_database, store):
    """Gives a session in which the server `faulty` is at an endpoint of the test's choice."""
    sessions = []

    def connect(endpoint):
        session = private_database.connect(**{"b2neon.allowed_endpoints": endpoint})
        sessions.append(session)
        options = {"endpoint": endpoint, "connect_timeout": 400, "request_timeout": 2500}
        session.create_server("faulty", store.server_options(**options), store.mapping_options())
        return session

    yield connect
    for session in sessions:
        session.run("DROP SERVER faulty CASCADE")
        session.connection.close()


def test_every_fault_is_on_the_page_once(all_faults):
    assert sorted(row[0] for row in NO_ANSWER + REFUSED + IN_BODY) == sorted(all_faults)


def attempts(detail):
    return int(re.search(r"attempts: (\d+)\)", detail)[1])


# An old version of TLS is what is wanted.
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize(
    "name, sqlstate, said, expected", NO_ANSWER + REFUSED, ids=[row[0] for row in NO_ANSWER + REFUSED]
)
def test_a_registration_that_fails(all_faults, session_at, name, sqlstate, said, expected):
    with all_faults[name]() as server:
        session = session_at(server.endpoint)
        key = session.value(
            "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => 'faulty')"
        )
        began = time.monotonic()
        with pytest.raises(psycopg2.Error) as caught:
            session.run("SELECT b2_register_file(%s)", key)
        assert time.monotonic() - began < 2.5 + 0.5
        diagnostics = caught.value.diag
        assert diagnostics.sqlstate == sqlstate, caught.value
        texts = f"{caught.value} {diagnostics.message_detail} {diagnostics.message_hint}"
        assert said in texts
        if "attempts" in texts:
            made = attempts(diagnostics.message_detail)
            assert made == int(expected) if expected.isdigit() else made > 1
            heads = [request for request in server.requests if request.startswith("HEAD")]
            assert len(heads) in (0, made)
        else:
            assert len(server.requests) == int(expected)
    assert session.value("SELECT registered_at IS NULL FROM b2_uploads WHERE object_key = %s", key)


@pytest.mark.parametrize("name, item, said", IN_BODY, ids=[row[0] for row in IN_BODY])
def test_a_check_that_fails(all_faults, session_at, name, item, said):
    with all_faults[name]() as server:
        session = session_at(server.endpoint)
        rows = session.rows("SELECT * FROM b2_check(server => 'faulty')")
    failed = {row.item: row.detail for row in rows if not row.ok}
    assert said in failed[item]


def test_each_attempt_is_a_line_of_the_log_without_the_query(session_at, store):
    with faults.refused()["503"]() as server:
        session = session_at(server.endpoint)
        key = session.value(
            "SELECT object_key FROM b2_presign_put('ä b', 'text/plain', server => 'faulty')"
        )
        session.run("SET client_min_messages = debug1")
        with pytest.raises(psycopg2.Error):
            session.run("SELECT b2_register_file(%s)", key)
        lines = [line for line in session.connection.notices if "b2neon" in line]
        path = f"/{store.bucket}/{key[:-3]}%C3%A4%20b"
        for number, line in enumerate(lines, 1):
            expected = rf"DEBUG:  b2neon: HEAD {re.escape(path)}: status 503 after \d+ ms, attempt {number}\n"
            assert re.fullmatch(expected, line)
        assert len(lines) == 5
        # A presigned URL has its signature in the query.
        del session.connection.notices[:]
        session.rows("SELECT * FROM b2_check('https://app.example', server => 'faulty')")
        assert "X-Amz" not in "".join(session.connection.notices)


def test_a_connection_in_tls_is_used_again(session_at, authority):
    """Nothing that TLS itself sends on an idle connection is taken for an answer."""
    requests = []

    def behave(connection, _closing):
        requests.append("connected")
        while True:
            connection.sendall(faults.KEPT_OBJECT)
            if not connection.recv(65536):
                return
            requests.append("asked again")

    with faults.in_tls(authority.issue("kept"), behave=behave) as server:
        session = session_at(server.endpoint)
        for _ in range(20):
            key = session.value(
                "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => 'faulty')"
            )
            session.run("SELECT b2_register_file(%s)", key)
    assert requests == ["connected"] + ["asked again"] * 19


def test_what_a_certificate_says_is_ascii_in_a_message(session_at, authority):
    """It can name anything, and a message of libcurl's quotes it."""
    certificate = authority.issue("quoted", subject=None, common_name="\u00e9vil")
    with faults.in_tls(certificate) as server:
        session = session_at(server.endpoint)
        key = session.value(
            "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => 'faulty')"
        )
        with pytest.raises(psycopg2.Error) as caught:
            session.run("SELECT b2_register_file(%s)", key)
    detail = caught.value.diag.message_detail
    assert "??vil" in detail and detail.isascii()


def test_an_etag_of_kilobytes_is_not_kept(session_at):
    head = faults.http("200 OK", Content_Type="text/plain", ETag=f'"{"e" * 2000}"')
    with faults.answering(head) as server:
        session = session_at(server.endpoint)
        key = session.value(
            "SELECT object_key FROM b2_presign_put('f', 'text/plain', server => 'faulty')"
        )
        assert session.value("SELECT (b2_register_file(%s)).etag", key) is None
