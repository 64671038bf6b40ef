"""The steps of Neon's guide, with its requests and with curl, against both examples."""

import json
import subprocess

import pytest
from example_database import set_up, url_of

pytestmark = pytest.mark.local

BYTES = b"a file of the guide's reader\n"


def curl(*arguments):
    """The status of the answer, and its body."""
    printed = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    body, _, status = printed.rpartition("\n")
    return int(status), body


def post(url, body):
    arguments = ["-X", "POST", url, "-H", "Content-Type: application/json", "-d", json.dumps(body)]
    status, answer = curl(*arguments)
    return status, json.loads(answer)


@pytest.fixture(scope="session")
def public_database(cluster, store, database):
    """Goes before `database`, with which the role goes."""
    public_database = cluster.create_database()
    done = set_up(public_database, store, B2_BUCKET_IS_PUBLIC="true")
    assert done.returncode == 0, done.stdout
    yield public_database
    public_database.drop()


@pytest.mark.parametrize("how", ["--upload-file", "--data-binary"])
def test_the_requests_of_the_guide_upload_and_record_a_file(
    public_database, start, kind, store, tmp_path, how
):
    backend = start(url_of(public_database), ALLOW_DEMO_USER="1")
    request = {"fileName": "test.txt", "contentType": "text/plain"}
    status, presigned = post(f"{backend.url}/presign-b2-upload", request)
    assert (status, presigned["success"]) == (200, True)
    assert presigned["objectKey"].endswith("-test.txt")
    assert presigned["publicFileUrl"] == f"{store.endpoint}/{store.bucket}/{presigned['objectKey']}"
    assert presigned["presignedUrl"].startswith(presigned["publicFileUrl"] + "?")

    file = tmp_path / "test.txt"
    file.write_bytes(BYTES)
    source = str(file) if how == "--upload-file" else f"@{file}"
    headers = ["-H", "Content-Type: text/plain"]
    assert curl("-X", "PUT", presigned["presignedUrl"], how, source, *headers)[0] == 200

    keys = {name: presigned[name] for name in ("objectKey", "publicFileUrl")}
    status, saved = post(f"{backend.url}/save-b2-metadata", keys)
    assert saved == {"success": True}
    # As in the guide, which has one status in JavaScript and another in Python.
    assert status == {"hono": 200, "flask": 201}[kind]

    assert store.download(presigned["objectKey"]) == BYTES
    with public_database.connect() as session:
        row = session.row("SELECT * FROM b2_files WHERE object_key = %s", presigned["objectKey"])
    assert (row.user_id, row.file_url) == ("user_123", presigned["publicFileUrl"])
    assert (row.size, row.content_type) == (len(BYTES), "text/plain")
    assert row.verified_at is not None


def test_the_content_type_must_be_the_one_that_was_signed_as_in_the_guide(backend, tmp_path):
    request = {"fileName": "test.txt", "contentType": "text/plain"}
    presigned = post(f"{backend.url}/presign-b2-upload", request)[1]
    (tmp_path / "test.txt").write_bytes(BYTES)
    put = ["-X", "PUT", presigned["presignedUrl"], "--upload-file", str(tmp_path / "test.txt")]
    assert curl(*put, "-H", "Content-Type: text/html")[0] == 403
    assert curl(*put, "-H", "Content-Type: text/plain")[0] == 200


def test_a_private_bucket_has_no_public_url(backend):
    presigned = backend.presign()
    assert presigned.status == 200
    assert presigned.body["publicFileUrl"] is None
