"""docs/errors.md has every SQLSTATE that b2neon raises, and no other."""

import re
import subprocess

import pytest
from doc_examples import ROOT
from doc_pages import code_spans, pages, prose, rows

pytestmark = pytest.mark.local

PAGE = "docs/errors.md"

SQLSTATE = re.compile(r"(?=\w*\d)[0-9A-Z]{5}")

# Those that a reader meets because of a call, and that PostgreSQL raises by itself.
FROM_POSTGRES = {
    "23502": "ExecConstraints(), for a column of the user's own",
    "25006": "PreventCommandIfReadOnly()",
    "57014": "CHECK_FOR_INTERRUPTS(), while waiting for the store too",
    "57P01": "CHECK_FOR_INTERRUPTS(), while waiting for the store too",
    "42883": "regprocedurein(), for the source of b2_set_identity()",
}


@pytest.fixture(scope="module")
def conditions(cluster):
    """PostgreSQL's own list: the SQLSTATE and PL/pgSQL's name of each macro."""
    pg_config = cluster.bindir / "pg_config"
    directory = subprocess.run(
        [pg_config, "--sharedir"], capture_output=True, text=True, check=True
    )
    with open(f"{directory.stdout.strip()}/errcodes.txt") as file:
        lines = re.findall(r"^(\w{5}) +[ESW] +(ERRCODE_\w+) +(\w+)$", file.read(), re.MULTILINE)
    assert len(lines) > 200
    return {macro: (sqlstate, name) for sqlstate, macro, name in lines}


def source(pattern):
    return "\n".join(path.read_text() for path in sorted(ROOT.glob(pattern)))


@pytest.fixture(scope="module")
def raised(conditions):
    code = source("src/pg/*.cpp") + source("src/pg/*.h")
    # What is compared with was raised elsewhere.
    macros = set(re.findall(r"(?<![!=]= )\bERRCODE_\w+", code))
    if "elog(ERROR" in code:
        macros.add("ERRCODE_INTERNAL_ERROR")
    sqlstates = {conditions[macro][0] for macro in macros}

    by_name = {name: sqlstate for sqlstate, name in conditions.values()}
    for statement in re.findall(r"RAISE EXCEPTION .*?;", source("sql/*.sql"), re.DOTALL):
        (name,) = re.findall(r"ERRCODE = '(\w+)'", statement) or ["raise_exception"]
        sqlstates.add(by_name[name])
    assert {"22023", "58P01", "42P07", "XX000"} <= sqlstates
    return sqlstates


@pytest.fixture(scope="module")
def described():
    """SQLSTATE and name of each row."""
    found = [[cell.strip("`") for cell in row[:2]] for row in rows(prose(PAGE), of="SQLSTATE")]
    return {(sqlstate, name) for sqlstate, name in found if sqlstate != "any other"}


def test_every_sqlstate_that_is_raised_is_described(raised, described):
    assert raised - {sqlstate for sqlstate, _ in described} == set()


def test_no_sqlstate_is_named_that_nobody_raises(raised):
    named = {span for span in code_spans(prose(PAGE)) if SQLSTATE.fullmatch(span)}
    assert named - raised == set(FROM_POSTGRES)


def test_names_are_those_of_postgres(conditions, described):
    assert described - set(conditions.values()) == set()


@pytest.mark.parametrize("page", pages())
def test_what_another_page_names_is_described(page, described):
    named = {span for span in code_spans(prose(page)) if SQLSTATE.fullmatch(span)}
    assert named - {sqlstate for sqlstate, _ in described} == set()
