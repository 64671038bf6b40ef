"""A user's files: the list, its links, and deleting."""

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest
from http_request import get

pytestmark = pytest.mark.local

BYTES = b"listed"


def test_a_file_is_listed_with_links_that_work(backend, user):
    key = backend.upload(BYTES, user, file_name="notes.txt")
    answer = backend.files(user)
    assert answer.status == 200
    assert (answer.body["success"], answer.body["next"]) == (True, None)
    (file,) = answer.body["files"]
    assert list(file) == [
        *("id", "objectKey", "fileName", "contentType", "size", "uploadedAt", "url", "downloadUrl")
    ]
    assert re.fullmatch(r"\d+", file["id"])
    assert (file["objectKey"], file["fileName"]) == (key, "notes.txt")
    assert (file["contentType"], file["size"]) == ("text/plain", len(BYTES))
    uploaded_at = datetime.fromisoformat(file["uploadedAt"].replace("Z", "+00:00"))
    assert abs(datetime.now(timezone.utc) - uploaded_at) < timedelta(minutes=1)

    shown, saved = get(file["url"]), get(file["downloadUrl"])
    assert (shown.status, shown.body) == (saved.status, saved.body) == (200, BYTES)
    assert shown.headers.get_content_type() == "text/plain"
    assert shown.headers["Content-Disposition"] is None
    assert saved.headers["Content-Disposition"].startswith('attachment; filename="notes.txt"')


def test_a_long_name_does_not_spoil_the_list(backend, session, user):
    backend.upload(BYTES, user, file_name="long " + "n" * 900 + ".txt")
    statement = "INSERT INTO b2_files (object_key, user_id) VALUES (%s, %s)"
    session.run(statement, user + "/" + "k" * 900, user)
    files = backend.files(user).body["files"]
    assert [file["size"] for file in files] == [None, len(BYTES)]
    saved = get(files[1]["downloadUrl"])
    assert saved.headers["Content-Disposition"].endswith("nnn.txt")


def test_a_user_without_files_has_an_empty_list(backend, user):
    assert backend.files(user).body == {"success": True, "files": [], "next": None}


def test_many_files_come_in_pages_the_newest_first(backend, session, user):
    session.run(
        # Several of them at the same time, with numbers of several lengths.
        "INSERT INTO b2_files (id, object_key, user_id, upload_timestamp)"
        " SELECT %s + n, %s || n, %s, now() - make_interval(secs => n / 70 * 0.000001)"
        " FROM generate_series(1, 120) n",
        *({"hono": 10**9, "flask": 10**10}[backend.name] - 60, user + "/", user),
    )
    expected = session.column(
        "SELECT object_key FROM b2_files WHERE user_id = %s"
        " ORDER BY upload_timestamp DESC, id DESC",
        user,
    )
    pages, query = [], ""
    while query is not None:
        answer = backend.files(user, query).body
        pages.append([file["objectKey"] for file in answer["files"]])
        query = answer["next"] and f"?before={quote(answer['next'])}"
    assert [len(page) for page in pages] == [50, 50, 20]
    assert sum(pages, []) == expected


def test_a_full_last_page_has_none_after_it(backend, session, user):
    session.run(
        "INSERT INTO b2_files (object_key, user_id)"
        " SELECT %s || n, %s FROM generate_series(1, 50) n",
        *(user + "/", user),
    )
    answer = backend.files(user).body
    assert (len(answer["files"]), answer["next"]) == (50, None)


def test_a_deleted_file_leaves_the_list_and_then_the_bucket(backend, session, store, user):
    key = backend.upload(BYTES, user)
    (file,) = backend.files(user).body["files"]
    deleted = backend.ask("DELETE", f"/files/{file['id']}", user=user)
    assert (deleted.status, deleted.body) == (200, {"success": True})
    assert backend.files(user).body["files"] == []
    assert store.has(key)
    session.run("CALL b2_maintain()")
    assert not store.has(key)
    assert backend.ask("DELETE", f"/files/{file['id']}", user=user).is_refusal(404)


def test_nobody_sees_or_deletes_the_files_of_somebody_else(backend, session, user):
    key = backend.upload(BYTES, user)
    (file,) = backend.files(user).body["files"]
    stranger = f"not {user}"
    assert backend.files(stranger).body["files"] == []
    refused = backend.ask("DELETE", f"/files/{file['id']}", user=stranger)
    assert refused.is_refusal(404)
    assert refused == backend.ask("DELETE", "/files/999999999999999999", user=stranger)
    assert session.rows("SELECT FROM b2_files WHERE object_key = %s", key) == [()]


def test_a_user_s_name_is_no_sql_and_no_json(backend, session):
    for user in ("' OR true --", '", "sub": "user_123', "\\", "%s $1"):
        backend.upload(BYTES, user)
        assert len(backend.files(user).body["files"]) == 1
        assert session.value("SELECT count(*) FROM b2_files WHERE user_id = %s", user) == 1
        session.run("DELETE FROM b2_files WHERE user_id = %s", user)
