"""Every SQL example of the documentation runs, in the order in which it stands there."""

import pytest
from doc_examples import examples, run_examples
from doc_pages import pages

pytestmark = pytest.mark.local

WHOLE_PAGES = ["configuration", "errors", "functions", "performance", "tables"]
# By test_guide_docs.py, test_cors.py and, section by section, here and in other files.
OTHER_PAGES = ["coming-from-the-guide", "cors", "life-cycle", "operations", "quickstart", "row-level-security"]


def test_no_page_is_left_out():
    with_examples = {page for page in pages() if examples(page)}
    assert with_examples == {"README.md", *(f"docs/{page}.md" for page in WHOLE_PAGES + OTHER_PAGES)}


def test_every_example_of_the_readme_runs(cluster, store, own_database):
    own_database.roles = ["alice"]
    sql = examples("README.md")
    assert len(sql) >= 4
    run_examples(cluster, own_database, sql, store.endpoint)


@pytest.mark.parametrize("page", WHOLE_PAGES)
def test_every_example_of_a_page_runs(cluster, store, own_database, page):
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
