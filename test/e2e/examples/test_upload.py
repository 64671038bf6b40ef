"""Presigning and recording, beyond what the guide has."""

import base64
import hashlib

import pytest
from backend import put

pytestmark = pytest.mark.local

BYTES = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MD5 = base64.b64encode(hashlib.md5(BYTES).digest()).decode()


def test_an_answer_has_these_fields_and_no_others(backend, user):
    answer = backend.presign("a picture.png", "image/png", user=user)
    assert answer.status == 200
    assert list(answer.body) == [
        "success",
        "presignedUrl",
        "objectKey",
        "publicFileUrl",
        "requiredHeaders",
        "expiresIn",
    ]
    assert answer.body["requiredHeaders"] == {"Content-Type": "image/png"}
    assert answer.body["expiresIn"] == 300


def test_declared_size_and_md5_are_bound(backend, user):
    presigned = backend.presign(
        "a.png", "image/png", user=user, size=len(BYTES), contentMd5=MD5
    ).body
    assert presigned["requiredHeaders"] == {"Content-Type": "image/png", "Content-MD5": MD5}
    assert put(presigned, BYTES + b"!").status == 403
    assert put(presigned, BYTES[::-1]).status == 400
    assert put(presigned, BYTES).status == 200
    assert backend.save(presigned["objectKey"], user).body == {"success": True}


def test_optional_fields_may_be_null_and_others_are_ignored(backend, user):
    assert backend.presign(user=user, size=None, contentMd5=None, album="cats").status == 200
    assert backend.presign(user=user, size=5.0).status == 200
    assert backend.presign(user=user, size=0).status == 200


def test_names_in_all_languages_come_back_as_they_were(backend, user):
    name = 'Ärger "mit" 🐈.txt'
    backend.upload(BYTES, user, file_name=name)
    assert [file["fileName"] for file in backend.files(user).body["files"]] == [name]


def test_what_was_not_uploaded_is_not_recorded_yet(backend, user):
    presigned = backend.presign(user=user).body
    answer = backend.save(presigned["objectKey"], user)
    assert answer.is_refusal(409)
    assert answer.body["error"] == "The file has not been uploaded yet."
    assert put(presigned, BYTES).status == 200
    assert backend.save(presigned["objectKey"], user).body == {"success": True}


def test_recording_a_file_again_changes_nothing(backend, session, user):
    key = backend.upload(BYTES, user)
    before = session.row("SELECT * FROM b2_files WHERE object_key = %s", key)
    again = backend.save(key, user)
    assert again.body == {"success": True}
    assert session.row("SELECT * FROM b2_files WHERE object_key = %s", key) == before


def test_a_url_of_the_client_s_is_not_recorded(backend, session, user):
    presigned = backend.presign(user=user).body
    assert put(presigned, BYTES).status == 200
    lie = {"objectKey": presigned["objectKey"], "publicFileUrl": "https://evil.example"}
    assert backend.ask("POST", "/save-b2-metadata", lie, user=user).body == {"success": True}
    statement = "SELECT file_url FROM b2_files WHERE object_key = %s"
    assert session.value(statement, presigned["objectKey"]) is None


@pytest.mark.parametrize("recorded", [False, True])
def test_an_upload_of_somebody_else_s_looks_like_none(backend, user, recorded):
    key = backend.upload(BYTES, user) if recorded else backend.presign(user=user).body["objectKey"]
    stranger = backend.save(key, "a-stranger")
    assert stranger.is_refusal(404)
    assert stranger == backend.save("no-such-key", "a-stranger")


def test_a_file_that_was_deleted_is_not_recorded_again(backend, user):
    key = backend.upload(BYTES, user)
    (file,) = backend.files(user).body["files"]
    assert backend.ask("DELETE", f"/files/{file['id']}", user=user).status == 200
    assert backend.save(key, user).is_refusal(404)


@pytest.mark.parametrize(
    "column, value, expected",
    [
        ("size", 7, "Declared was 7 bytes, found was 264 bytes."),
        ("content_type", "image/gif", 'Declared was "image/gif", found was "image/png".'),
        ("content_md5", "kAFQmDzST7DWlj99KOF/cg==", "Declared was kAFQmDzST7DWlj99KOF/cg==, in"),
    ],
)
def test_what_is_not_as_declared_is_said(backend, session, user, column, value, expected):
    presigned = backend.presign("a.png", "image/png", user=user).body
    assert put(presigned, BYTES).status == 200
    # A store that checks signatures takes nothing else, so this is done to the declaration.
    key = presigned["objectKey"]
    session.run(f"UPDATE b2_uploads SET {column} = %s WHERE object_key = %s", value, key)
    answer = backend.save(key, user)
    assert answer.is_refusal(409)
    assert expected in answer.body["error"]


def test_an_upload_can_be_recorded_too_late(backend, session, user):
    presigned = backend.presign(user=user).body
    session.run(
        "UPDATE b2_uploads SET expires_at = now() - interval '2 days' WHERE object_key = %s",
        presigned["objectKey"],
    )
    answer = backend.save(presigned["objectKey"], user)
    assert answer.is_refusal(409)
    assert answer.body["error"].startswith("Too late to register object key")
