"""How b2_files does with millions of rows: latencies and plans, growth, and the order of keys.

bench/README.md says what is measured and what the columns mean. The exit status is 1 if a request
reads b2_files from end to end, or is compiled just in time."""

import argparse
import os
import sys
from pathlib import Path

from harness import database_with_server, print_table, say
from report import markdown_table, processor, write_page
from scale_churn import COLUMNS as GROWTH_COLUMNS
from scale_churn import churn, growth_row
from scale_index import SIZE_COLUMNS as INDEX_COLUMNS
from scale_index import TIME_COLUMNS, compare_indexes
from scale_keys import CHURN_COLUMNS, INSERT_COLUMNS, READ_COLUMNS, SIZE_COLUMNS, Keys
from scale_requests import Requests, changes, pages
from scale_table import fill

FEWEST_FILES = 100000
LATENCY_COLUMNS = ["request", "times", "p50 ms", "p99 ms"]
PLAN_COLUMNS = [
    "request",
    "runs",
    "buffers",
    "most",
    "not shared",
    "most rows",
    "scans ",
    "statement ",
]


class Scale:
    def __init__(self, database, store, files):
        self.database = database
        self.store = store
        self.files = files
        self.session = database.connect()
        self.tables = []

    def show(self, heading, columns, rows):
        print_table(heading, columns, rows)
        self.tables.append((heading, columns, rows))

    def fill_in_steps(self):
        """Returns nothing; b2_files is vacuumed and analyzed at each step, and never by itself."""
        self.session.run("ALTER TABLE b2_files SET (autovacuum_enabled = off)")
        rows, last = [], 0
        for part in (10, 2, 1):
            first, last = last + 1, self.files // part
            fill(self.session, "time", self.files, first, last)
            self.session.run("VACUUM ANALYZE b2_files")
            rows.append(growth_row(self.session, f"{last} files"))
        self.show("Bytes per row", GROWTH_COLUMNS, rows)

    def run(self):
        """Troubles, in words."""
        self.session.run("CREATE EXTENSION pgstattuple")
        self.fill_in_steps()
        requests = Requests(self.database, self.session, self.store, self.files)
        requests.set_up()
        asked = [*pages(), *changes(self.files)]
        self.show("Latencies", LATENCY_COLUMNS, requests.measure(asked))
        self.show("Plans", PLAN_COLUMNS, requests.explain(asked))
        rows = churn(self.session, self.files)
        self.show("Bytes per row, as files go and come", GROWTH_COLUMNS, rows)
        built, times = compare_indexes(self.session, requests, pages())
        self.show("The index of a user's files", INDEX_COLUMNS, built)
        self.show("Pages, without and with the id in that index", TIME_COLUMNS, times)
        keys = Keys(self.database, self.session, self.files)
        confined_page = pages()[1]
        sizes, inserting, reading, churned = keys.compare(requests, confined_page)
        self.show("Order of keys: size", SIZE_COLUMNS, sizes)
        self.show("Order of keys: inserting", INSERT_COLUMNS, inserting)
        self.show("Order of keys: reading", READ_COLUMNS, reading)
        self.show("Order of keys: index as files go and come", CHURN_COLUMNS, churned)
        requests.close()
        return requests.troubles


def write(directory, heading, tables):
    parts = [f"# {heading}"]
    for title, columns, rows in tables:
        parts += [f"## {title}", markdown_table(columns, rows)]
    write_page(directory, "scale", parts)


def setting(session):
    """What the figures depend on, in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    version = session.value("SELECT extversion FROM pg_extension WHERE extname = 'b2neon'")
    return (
        f"{processor()}, {memory:.0f} GiB, PostgreSQL {session.value('SHOW server_version').split()[0]}"
        f" with shared_buffers of {session.value('SHOW shared_buffers')}, b2neon {version}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10000000, metavar="N")
    parser.add_argument("--write", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.files < FEWEST_FILES:
        sys.exit(f"there must be {FEWEST_FILES} files at least")
    with database_with_server() as (database, store):
        scale = Scale(database, store, arguments.files)
        troubles = scale.run()
        heading = f"b2_files with {arguments.files} rows: {setting(scale.session)}"
        scale.session.connection.close()
    if arguments.write:
        write(arguments.write, heading, scale.tables)
        say(f"written: {arguments.write / 'scale.md'}")
    print("\n" + ("\n".join(troubles) or "No request reads b2_files from end to end."))
    sys.exit(bool(troubles))


if __name__ == "__main__":
    main()
