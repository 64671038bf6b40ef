"""What docs/frameworks.md has for Django works as it stands there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doc_examples import examples

PROGRAM = Path(__file__).with_name("django_project.py")

# All of b2_files that a migration could have changed.
SHAPE = """
    SELECT relrowsecurity, relowner::regrole::text AS owner,
        ARRAY(SELECT format('%s %s %s', attname, format_type(atttypid, atttypmod), attnotnull)
              FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 ORDER BY attnum) AS columns,
        ARRAY(SELECT pg_get_triggerdef(oid) FROM pg_trigger
              WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY 1) AS triggers,
        ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1) AS policies,
        ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint
              WHERE conrelid = c.oid AND contype <> 'n' ORDER BY 1) AS constraints,
        ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = c.oid ORDER BY 1) AS indexes
    FROM pg_class c WHERE c.oid = 'b2_files'::regclass"""


@pytest.fixture
def django(tmp_path):
    """Runs a command in a database, in a project with the page's models, migration and functions."""
    models, migration, functions = examples("docs/frameworks.md", "Django", language="python")
    migrations = tmp_path / "gallery" / "migrations"
    migrations.mkdir(parents=True)
    for directory in (migrations, migrations.parent):
        (directory / "__init__.py").touch()
    (migrations / "0001_b2neon.py").write_text(migration)
    (tmp_path / "gallery" / "models.py").write_text(models)
    (tmp_path / "gallery" / "files.py").write_text(functions)

    def django(database, *command):
        result = subprocess.run(
            [sys.executable, "-W", "ignore", PROGRAM, tmp_path, database, *command],
            env=dict(os.environ, PGOPTIONS=""),
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    django("postgres", "makemigrations", "gallery", "--name", "photos")
    return django


def test_django_migrates_around_the_table_and_refers_to_it(django, own_database):
    with own_database.connect() as session:
        before = session.row(SHAPE)
        sql = django(own_database.name, "sqlmigrate", "gallery", "0002")
        assert sql.count("b2_files") - sql.count("fk_b2_files") == sql.count('REFERENCES "b2_files"') == 1
        django(own_database.name, "migrate")
        assert session.row(SHAPE) == before
    # It exits with 1 where it would make another migration.
    django(own_database.name, "makemigrations", "gallery", "--check", "--dry-run")


def test_django_makes_the_extension_in_a_database_of_its_own(django, empty_database):
    django(empty_database.name, "migrate")
    with empty_database.connect() as session:
        assert session.value("SELECT count(*) FROM b2_files") == 0
        assert session.value("SELECT extname FROM pg_extension WHERE extname = 'b2neon'")


def test_a_file_goes_its_whole_way_in_django(django, own_database):
    django(own_database.name, "migrate")
    assert json.loads(django(own_database.name, "flow")) == {
        "put": 200,
        "size": 11,
        "metadata": {},
        "body": "from Django",
        "is_protected": True,
        "after": 404,
    }
