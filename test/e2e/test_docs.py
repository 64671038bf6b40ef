"""Every SQL example of the documentation runs, in the order in which it stands there."""

import pytest
from doc_examples import examples, run_examples

pytestmark = pytest.mark.local


def test_every_example_of_the_readme_runs(cluster, store, own_database):
    own_database.roles = ["alice"]
    sql = examples("README.md")
    assert len(sql) >= 4
    run_examples(cluster, own_database, sql, store.endpoint)


@pytest.mark.parametrize("page", ["functions", "configuration", "tables", "errors"])
def test_every_example_of_the_reference_runs(cluster, store, own_database, page):
    sql = examples(f"docs/{page}.md")
    assert sql
    run_examples(cluster, own_database, sql, store.endpoint)


# The recipes and pg_cron have tests of their own.
@pytest.mark.parametrize(
    "heading",
    [
        "What happens by itself",
        "b2_maintain",
        "What waits, what fails and why",
        "Copies of a database",
    ],
)
def test_every_example_on_the_life_cycle_runs(cluster, store, own_database, heading):
    sql = examples("docs/life-cycle.md", heading)
    assert sql
    run_examples(cluster, own_database, sql, store.endpoint)


# The set-ups have tests of their own.
@pytest.mark.parametrize(
    "heading", ["Confined or not", "Who the caller is: `b2_user_id()`", "Policies of your own"]
)
def test_every_example_on_row_level_security_runs(cluster, store, own_database, heading):
    sql = examples("docs/row-level-security.md", heading)
    assert sql
    run_examples(cluster, own_database, sql, store.endpoint)
