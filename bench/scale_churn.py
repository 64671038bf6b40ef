"""How b2_files grows where files go and others come."""

import time

from harness import flush_statistics, say
from scale_table import INDEXES, YEARS, insert_statement, sizes, without_triggers

STEP = 10000
PART = 10  # a tenth of the files goes and comes
VACUUM = "autovacuum_enabled = on, autovacuum_vacuum_scale_factor = 0.05"
PATIENCE = 3600

COLUMNS = ["state", "rows", "table", *INDEXES.values(), "total"]


def growth_row(session, state):
    """Bytes by the number of rows that there are."""
    rows = session.value("SELECT count(*) FROM b2_files")
    found = sizes(session)
    return [state, rows, *(f"{size / rows:.1f}" for size in [*found, sum(found)])]


def replace_a_part(session, files, round_number, form="time", vacuum_between=False):
    """Every tenth row goes, wherever it is, and others come, with the times of months to come: what
    is inserted within a millisecond is not in order, and should not be more than it is in life."""
    say(f"a {PART}th of the files goes, and as many come, round {round_number + 1}")
    last = session.value("SELECT max(id) FROM b2_files")
    gone = "DELETE FROM b2_files WHERE id BETWEEN %s AND %s AND id %% %s = %s"
    at = f"now() + n * interval '{YEARS} years' / {files}"
    with without_triggers(session):
        for start in range(0, last + 1, STEP):
            session.run(gone, start, start + STEP - 1, PART, round_number)
        if vacuum_between:
            session.run("VACUUM b2_files")
        # The first row is a special one in some forms.
        first, end = files * round_number // PART + 2, files * (round_number + 1) // PART + 2
        for start in range(first, end, STEP):
            last = min(start + STEP, end) - 1
            session.run(insert_statement(form, files, start, last, at, f"round {round_number}"))
    flush_statistics(session)


def wait_for_autovacuum(session):
    """Seconds until it has done what it does on its own, at its usual pace."""
    say("waiting for autovacuum")
    start = time.perf_counter()
    session.run("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    session.run("SELECT pg_reload_conf()")
    session.run(f"ALTER TABLE b2_files SET ({VACUUM})")
    count = "SELECT autovacuum_count FROM pg_stat_user_tables WHERE relname = 'b2_files'"
    before = session.value(count)
    while session.value(count) == before:
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError("autovacuum does not come")
        time.sleep(1)
    session.run("ALTER TABLE b2_files RESET (autovacuum_vacuum_scale_factor)")
    session.run("ALTER TABLE b2_files SET (autovacuum_enabled = off)")
    return time.perf_counter() - start


def churn(session, files):
    """Rows for the table of growth."""
    rows = [growth_row(session, "before")]
    replace_a_part(session, files, 0)
    rows.append(growth_row(session, "a tenth replaced"))
    seconds = wait_for_autovacuum(session)
    rows.append(growth_row(session, f"autovacuum, {seconds:.0f} s"))
    replace_a_part(session, files, 1)
    rows.append(growth_row(session, "another tenth replaced"))
    return rows
