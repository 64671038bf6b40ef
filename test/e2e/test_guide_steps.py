"""Who follows the guides in psql, with curl, gets where they lead."""

import pytest
from doc_examples import examples
from http_request import get

pytestmark = pytest.mark.local

PICTURE = b"a picture"


@pytest.fixture
def psql(empty_database, store, tmp_path, monkeypatch):
    """Runs parts of a script in psql in a new database, with the guides' files in the directory,
    and the bucket and its key in the environment. The first error is a failure."""
    environment = {
        "B2_APPLICATION_KEY_ID": store.key_id,
        "B2_APPLICATION_KEY": store.application_key,
        "B2_BUCKET_NAME": store.bucket,
        "B2_ENDPOINT_URL": store.endpoint,
        "no_proxy": "*",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in "cat.png", "test-b2.png":
        (tmp_path / name).write_bytes(PICTURE)

    # This store is not Backblaze's: its host name does not have the region.
    here = {
        "https://s3.us-west-004.backblazeb2.com": store.endpoint,
        "bucket 'my-neon-app-b2-files'": f"bucket '{store.bucket}', region '{store.region}'",
        "bucket :'bucket'": f"bucket :'bucket', region '{store.region}'",
    }

    def run(*parts):
        script = "\n".join(parts)
        for said, meant in here.items():
            script = script.replace(said, meant)
        path = tmp_path / "script.sql"
        path.write_text(f"\\cd {tmp_path}\n{script}")
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", empty_database.name, "-f", str(path)]
        return empty_database.cluster.program("psql", *options)

    return run


def for_psql(page, heading):
    """Those examples that have commands of psql's own."""
    found = [text for text in examples(page, heading, "text") if "\\g" in text]
    assert found
    return found


def test_the_quickstart_leads_to_a_file_in_the_bucket_and_then_to_none(psql, empty_database):
    page = "docs/quickstart.md"
    psql(
        "CREATE EXTENSION b2neon;",
        *for_psql(page, "4. Tell Postgres about them"),
        *examples(page, "5. Check"),
        *for_psql(page, "6. Upload"),
    )
    (listing,) = examples(page, "7. List, with links")
    with empty_database.connect() as session:
        assert session.value("SELECT verified_at FROM b2_files")
        (file,) = session.rows(listing)
        assert (file.file_name, file.size) == ("cat.png", len(PICTURE))
        assert get(file.link).body == PICTURE
        psql(*examples(page, "8. Delete"))
        assert session.rows(listing) == []
        assert session.value("SELECT sum(waiting) FROM b2_maintenance") == 0
    assert get(file.link).status == 404


def test_the_steps_of_neons_guide_lead_to_a_verified_row(psql, empty_database):
    psql("CREATE EXTENSION b2neon;", *for_psql("docs/coming-from-the-guide.md", "Step by step"))
    with empty_database.connect() as session:
        file = session.row("SELECT * FROM b2_files")
    assert (file.file_name, file.user_id, file.size) == ("test-b2.png", "user_123", len(PICTURE))
    assert file.verified_at
