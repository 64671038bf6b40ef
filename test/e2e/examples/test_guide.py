"""The steps of Neon's guide, with its own curl commands, against both examples.
Source: https://neon.com/docs/guides/backblaze-b2, "Testing the upload workflow"."""

import json
import subprocess

import pytest
from example_database import set_up, url_of

pytestmark = pytest.mark.local

# The guide's commands as they stand there.
PRESIGN = """
curl -X POST http://localhost:3000/presign-b2-upload \\
     -H "Content-Type: application/json" \\
     -d '{"fileName": "test-b2.png", "contentType": "image/png"}'
"""
UPLOAD = """
curl -X PUT "<PRESIGNED_URL>" \\
     --upload-file /path/to/your/test-b2.png \\
     -H "Content-Type: image/png"
"""
SAVE = """
curl -X POST http://localhost:3000/save-b2-metadata \\
     -H "Content-Type: application/json" \\
     -d '{"objectKey": "<OBJECT_KEY>", "publicFileUrl": "<PUBLIC_URL>"}'
"""

BYTES = b"\x89PNG\r\n\x1a\n the picture of the guide's reader"


@pytest.fixture
def run(tmp_path):
    """Runs a command of the guide in a shell, with what its reader puts in. Gives the status of the
    answer, and its body."""
    (tmp_path / ".curlrc").write_text('silent\nnoproxy = "*"\nwrite-out = "\\n%{http_code}"\n')
    (tmp_path / "test-b2.png").write_bytes(BYTES)

    def run(backend, command, **reader):
        values = {"http://localhost:3000": backend.url, "/path/to/your": str(tmp_path)}
        values |= {f"<{name}>": value for name, value in reader.items()}
        for name, value in values.items():
            command = command.replace(name, value)
        printed = subprocess.run(
            ["bash", "-c", command],
            check=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        body, _, status = printed.rpartition("\n")
        return int(status), body

    return run


@pytest.fixture(scope="session")
def public_database(cluster, store, database):
    """Goes before `database`, with which the role goes."""
    public_database = cluster.create_database()
    done = set_up(public_database, store, B2_BUCKET_IS_PUBLIC="true")
    assert done.returncode == 0, done.stdout
    yield public_database
    public_database.drop()


def assert_saved(answer, kind):
    status, body = answer
    assert json.loads(body) == {"success": True}
    # As in the guide, which has one status in JavaScript and another in Python.
    assert status == {"hono": 200, "flask": 201}[kind]


def test_the_commands_of_the_guide_upload_and_record_a_file(
    public_database, start, kind, store, run
):
    backend = start(url_of(public_database), ALLOW_DEMO_USER="1")
    status, body = run(backend, PRESIGN)
    presigned = json.loads(body)
    assert (status, presigned["success"]) == (200, True)
    key, public_url = presigned["objectKey"], presigned["publicFileUrl"]
    assert key.endswith("-test-b2.png")
    assert public_url == f"{store.endpoint}/{store.bucket}/{key}"
    assert presigned["presignedUrl"].startswith(public_url + "?")

    assert run(backend, UPLOAD, PRESIGNED_URL=presigned["presignedUrl"])[0] == 200
    assert_saved(run(backend, SAVE, OBJECT_KEY=key, PUBLIC_URL=public_url), kind)

    # "The file appears in your B2 bucket", and "A new row appears in your b2_files table".
    assert store.download(key) == BYTES
    with public_database.connect() as session:
        # The guide's query.
        row = session.row(
            "SELECT id, object_key, file_url, user_id, upload_timestamp"
            " FROM b2_files WHERE user_id = 'user_123' AND object_key = %s",
            key,
        )
        assert row.file_url == public_url
        row = session.row("SELECT * FROM b2_files WHERE object_key = %s", key)
    assert (row.size, row.content_type) == (len(BYTES), "image/png")
    assert row.verified_at is not None


def test_the_commands_of_the_guide_work_with_a_private_bucket(backend, kind, store, run):
    """Its publicFileUrl is null, and readers paste what they see."""
    presigned = json.loads(run(backend, PRESIGN)[1])
    assert presigned["publicFileUrl"] is None
    assert run(backend, UPLOAD, PRESIGNED_URL=presigned["presignedUrl"])[0] == 200
    assert_saved(run(backend, SAVE, OBJECT_KEY=presigned["objectKey"], PUBLIC_URL="null"), kind)
    assert store.download(presigned["objectKey"]) == BYTES


def test_the_content_type_must_be_the_one_that_was_signed_as_in_the_guide(backend, run):
    url = json.loads(run(backend, PRESIGN)[1])["presignedUrl"]
    assert run(backend, UPLOAD.replace("image/png", "text/html"), PRESIGNED_URL=url)[0] == 403
    assert run(backend, UPLOAD, PRESIGNED_URL=url)[0] == 200


def test_a_file_that_the_guide_s_reader_forgot_to_upload_is_not_recorded(backend, run):
    presigned = json.loads(run(backend, PRESIGN)[1])
    status, body = run(backend, SAVE, OBJECT_KEY=presigned["objectKey"], PUBLIC_URL="null")
    assert (status, json.loads(body)["success"]) == (409, False)
