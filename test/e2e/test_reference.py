"""The reference says all of it: every function, option and setting, and no other."""

import pytest
from doc_pages import code_spans, rows, sections

pytestmark = pytest.mark.local

# The arguments with their types in their order, and the columns of the result.
FUNCTIONS = """
SELECT p.proname AS name, array_agg(a.name || ' ' || CASE a.type
           WHEN 'timestamptz'::regtype THEN 'timestamptz' ELSE format_type(a.type, NULL) END
           ORDER BY a.position) FILTER (WHERE a.mode = 'i') AS arguments,
       array_agg(a.name) FILTER (WHERE a.mode = 'o') AS columns
FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
LEFT JOIN LATERAL (
    SELECT * FROM unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]),
                         coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs])))
    WITH ORDINALITY AS u (name, type, mode, position)) a ON p.proargnames IS NOT NULL
WHERE e.extname = 'b2neon' GROUP BY p.oid, p.proname ORDER BY p.proname
"""


def functions(session, prefix):
    found = [row for row in session.rows(FUNCTIONS) if row.name.startswith(prefix)]
    assert len(found) > 5
    return found


def described_arguments(section):
    return [row[0].strip("`") for row in rows(section, of="argument")]


def is_described(function, section):
    return described_arguments(section) == (function.arguments or []) and set(
        function.columns or []
    ) <= set(code_spans(section))


def test_every_function_has_a_section_with_its_arguments_and_columns(session):
    reference = sections("docs/functions.md")
    missing = [
        function
        for function in functions(session, "b2_")
        if not any(
            heading.split()[0] == function.name and is_described(function, section)
            for heading, section in reference.items()
        )
    ]
    assert missing == []


def test_every_section_is_for_a_function_that_exists(session):
    named = {heading.split()[0] for heading in sections("docs/functions.md")}
    existing = {function.name for function in functions(session, "b2_")}
    assert {name for name in named if name.startswith("b2_")} == existing


def test_every_internal_function_is_in_the_list_of_them(session):
    section = sections("docs/functions.md")["Internal functions"]
    spans = code_spans(section)
    for function in functions(session, "b2neon_"):
        assert f"{function.name}({', '.join(function.arguments or [])})" in spans
        assert set(function.columns or []) <= set(spans)


def valid_options(session, statement):
    """Those that the hint lists when one is given that does not exist."""
    with pytest.raises(Exception, match="invalid option") as refusal:
        session.run(statement)
    _, _, names = refusal.value.diag.message_hint.partition("Valid options are: ")
    return names.rstrip(".").split(", ")


@pytest.mark.parametrize(
    "heading, statement",
    [
        ("Server options", "ALTER SERVER b2 OPTIONS (nonsense '1')"),
        ("User mapping options", "ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (nonsense '1')"),
    ],
)
def test_every_option_is_described(session, heading, statement):
    section = sections("docs/configuration.md")[heading]
    described = [name for row in rows(section) for name in code_spans(row[0])]
    assert described == valid_options(session, statement)


def test_every_setting_is_described_with_its_default(session):
    session.run("LOAD 'b2neon'")
    settings = session.rows("SELECT name, boot_val FROM pg_settings WHERE name LIKE 'b2neon.%'")
    section = sections("docs/configuration.md")["Settings"]
    described = {row[0].strip("`"): row[1].strip("`") for row in rows(section)}
    assert described == dict(settings)


TABLES = ["b2_files", "b2_uploads", "b2_deletions", "b2_identity", "b2_lineage"]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described_with_its_type(session, table):
    section = sections("docs/tables.md")[table]
    described = [name for row in rows(section) for name in code_spans(row[0])]
    columns = session.column(
        "SELECT attname || ' ' || replace(format_type(atttypid, NULL), 'timestamp with time zone', "
        "'timestamptz') FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum",
        table,
    )
    assert described == columns
