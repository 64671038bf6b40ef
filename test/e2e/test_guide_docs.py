"""Every SQL example of the guides runs, in the order in which it stands there."""

import pytest
from doc_examples import examples, run_examples

pytestmark = pytest.mark.local


@pytest.mark.parametrize(
    "page, roles",
    [("quickstart", []), ("coming-from-the-guide", []), ("operations", ["files_monitor"])],
)
def test_every_example_runs(cluster, store, own_database, page, roles):
    own_database.roles = list(roles)
    sql = examples(f"docs/{page}.md")
    assert sql
    run_examples(cluster, own_database, sql, store.endpoint)


# What the monitoring query is to notice, and how that comes about.
COLUMNS = "server, object_key, version_id, next_attempt_at, queued_at"
QUEUE = f"INSERT INTO b2_deletions ({COLUMNS}) VALUES"
TROUBLE = {
    "this database does not delete": "UPDATE b2_lineage SET system_identifier = '1'",
    "the store refuses for good": f"{QUEUE} ('b2', 'x', 'v', 'infinity', now())",
    "deletions are late": f"{QUEUE} ('b2', 'x', 'v', now(), now() - interval '2 hours')",
}


@pytest.mark.own_database
@pytest.mark.parametrize("alert", TROUBLE)
def test_the_monitoring_query_gives_a_row_for_each_trouble_and_else_none(session, alert):
    query = examples("docs/operations.md", "What to watch")[0]
    session.run(f"{QUEUE} ('b2', 'on its way', 'v', now(), now())")
    assert session.rows(query) == []
    session.run(TROUBLE[alert])
    (row,) = session.rows(query)
    assert row.server == "b2" and row.alert.startswith(alert)


@pytest.mark.own_database
def test_the_query_for_mappings_finds_the_application_keys(session):
    (query,) = examples("docs/operations.md", "Changing the application key")
    assert session.rows(query) == [("b2", "public")]


@pytest.mark.own_database
def test_the_guide_s_answer_is_one_statement(session):
    (statement,) = examples("docs/coming-from-the-guide.md", "Keeping the two endpoints")
    answer = session.value(statement)
    assert answer.keys() == {"success", "presignedUrl", "objectKey", "publicFileUrl"}
    assert answer["objectKey"] in answer["presignedUrl"]
