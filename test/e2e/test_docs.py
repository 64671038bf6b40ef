"""Every SQL example of the documentation runs, in the order in which it stands there."""

import pytest
from doc_examples import examples, run_examples

pytestmark = pytest.mark.local


@pytest.fixture
def documented_database(cluster, store):
    database = cluster.create_database()
    with database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
    yield database
    database.drop()


def test_every_example_of_the_readme_runs(cluster, store, documented_database):
    documented_database.roles = ["alice"]
    sql = examples("README.md")
    assert len(sql) >= 10
    run_examples(cluster, documented_database, sql, store.endpoint)


# The set-ups have tests of their own.
@pytest.mark.parametrize("heading", ["Confined or not", "Policies of your own"])
def test_every_example_on_row_level_security_runs(cluster, store, documented_database, heading):
    sql = examples("docs/row-level-security.md", heading)
    assert sql
    run_examples(cluster, documented_database, sql, store.endpoint)
