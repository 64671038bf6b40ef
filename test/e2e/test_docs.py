"""Every SQL example of the README runs, in the order in which it stands there."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
ROLES = ["alice", "app", "files_owner"]


@pytest.fixture
def readme_database(cluster, store):
    database = cluster.create_database()
    with database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
    database.roles = ROLES
    yield database
    database.drop()


@pytest.mark.local
def test_every_sql_example_of_the_readme_runs(cluster, store, readme_database, tmp_path):
    examples = re.findall(r"^```sql\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) >= 10
    script = tmp_path / "readme.sql"
    # The examples use Backblaze's host names too, which the tests do not allow by default.
    script.write_text(
        f"SET b2neon.allowed_endpoints = '*.backblazeb2.com, {store.endpoint}';\n"
        + "\n".join(examples)
    )
    cluster.program(
        "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", readme_database.name, "-f", str(script)
    )
