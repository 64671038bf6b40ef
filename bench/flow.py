"""Presigns uploads and registers them, with b2neon and with the backends of Neon's guide.

bench/README.md says what is measured and what the columns mean."""

import argparse
import os
import signal
import statistics
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from contestants import B2neon, Guide, Uploader
from guide import backends
from harness import database_with_server, print_table, private_memory, say
from load import CLIENTS, Load
from processes import MemoryWatch, tree, tree_cpu_seconds
from report import Bar, log_bar_chart, markdown_table, processor, write_page

# PostgreSQL's processes that end are waited for by then.
SETTLE_SECONDS = 0.2
MEBIBYTE = 1 << 20

COLUMNS = [
    *("", "flows/s", "ratio", "p50 ms", "p99 ms", "CPU µs", "CPU ratio", "client µs"),
    *("backend MiB", "sessions MiB"),
]

PRESIGN, REGISTER = "presign", "presign and register"
TITLE = "An upload presigned, and registered"


@dataclass
class Round:
    load: Load
    server_seconds: float  # of CPU time
    backend_memory: int  # bytes
    sessions: int
    session_memory: int  # bytes, of all of them

    @property
    def rate(self):
        return self.load.rate

    @property
    def server_microseconds(self):
        """For each flow."""
        return self.server_seconds / self.load.flows * 1e6

    @property
    def client_microseconds(self):
        return self.load.cpu_seconds / self.load.flows * 1e6


class Bench:
    """Looks at the server's processes, and at those of the backends."""

    def __init__(self, cluster):
        self._session = cluster.session
        pid_file = Path(os.environ["PGDATA"], "postmaster.pid")
        self._postmaster = int(pid_file.read_text().split()[0])

    def compare(self, scenario, contestants, rounds):
        """The rounds of each contestant. They take turns, so that no single one meets a busy moment
        of the machine."""
        results = [[] for _ in contestants]
        for number in range(rounds):
            say(f"{scenario}, round {number + 1} of {rounds}")
            for contestant, its_rounds in zip(contestants, results):
                its_rounds.append(self._measure(contestant))
        return results

    def _measure(self, contestant):
        contestant.prepare()
        pid = contestant.backend_pid
        before = self._cpu_seconds(pid)
        with MemoryWatch(lambda: self._sessions(contestant), private_memory) as watch:
            load = contestant.run()
        used = self._cpu_seconds(pid) - before
        say(f"{contestant.name}: {load.rate:.0f} flows/s")
        backend_memory = sum(map(private_memory, tree(pid))) if pid else 0
        return Round(load, used, backend_memory, watch.count, watch.last)

    def _cpu_seconds(self, backend_pid):
        time.sleep(SETTLE_SECONDS)
        roots = [self._postmaster, backend_pid] if backend_pid else [self._postmaster]
        return sum(map(tree_cpu_seconds, roots))

    def _sessions(self, contestant):
        return self._session.column(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s",
            contestant.application_name,
        )


def median(rounds, pick):
    return statistics.median(map(pick, rounds))


def ratio(rounds, reference, pick):
    """Round by round, because the machine may be faster in one than in another."""
    return statistics.median(pick(one) / pick(other) for one, other in zip(rounds, reference))


def sessions_cell(rounds):
    count = median(rounds, lambda one: one.sessions)
    if not count:
        return ""
    each = statistics.median(
        one.session_memory / one.sessions for one in rounds if one.sessions
    )
    return f"{count:.0f} x {each / MEBIBYTE:.1f}"


def table_row(contestant, rounds, reference):
    backend = median(rounds, lambda one: one.backend_memory)
    return [
        contestant.name,
        f"{median(rounds, lambda one: one.rate):.0f}",
        f"{ratio(rounds, reference, lambda one: one.rate):.2f}",
        f"{median(rounds, lambda one: one.load.p50):.2f}",
        f"{median(rounds, lambda one: one.load.p99):.2f}",
        f"{median(rounds, lambda one: one.server_microseconds):.0f}",
        f"{ratio(rounds, reference, lambda one: one.server_microseconds):.2f}",
        f"{median(rounds, lambda one: one.client_microseconds):.0f}",
        f"{backend / MEBIBYTE:.0f}" if backend else "",
        sessions_cell(rounds),
    ]


def measure(database, guide_database, store, rounds, seconds):
    """For each scenario a table row for each contestant."""
    uploader = Uploader(store.endpoint)
    b2neon = B2neon(database, uploader)
    guide = Guide(guide_database, store, uploader)
    bench = Bench(database.cluster)
    with guide.running() as (presigning, registering):
        scenarios = {
            PRESIGN: [
                b2neon.presigns(seconds),
                *[guide.contestant(one, "presign", seconds) for one in presigning],
            ],
            REGISTER: [
                b2neon.registers(seconds),
                b2neon.registers_verified(seconds),
                *[guide.contestant(one, "register", seconds) for one in registering],
            ],
        }
        tables = {}
        for scenario, contestants in scenarios.items():
            results = bench.compare(scenario, contestants, rounds)
            tables[scenario] = [table_row(*pair, results[0]) for pair in zip(contestants, results)]
    b2neon.check()
    return tables


def setting(session, rounds, seconds):
    versions = {
        "PostgreSQL": session.value("SHOW server_version").split()[0],
        "b2neon": session.value("SELECT extversion FROM pg_extension WHERE extname = 'b2neon'"),
        **backends.versions(),
    }
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{processor()}; {listed}; {CLIENTS} clients, medians of {rounds} rounds of {seconds} s."


def write_report(directory, text, tables):
    parts = [f"# {TITLE}", textwrap.fill(text, 120), f"![{TITLE}](flow.svg)"]
    for scenario, rows in tables.items():
        parts += [f"## {scenario.capitalize()}", markdown_table(COLUMNS, rows)]
    bars = [
        Bar(name, float(rate), rate, "ours" if name.startswith("b2neon") else "")
        for name, rate, *_ in sorted(tables[REGISTER], key=lambda row: -float(row[1]))
    ]
    subtitle = f"{processor()}, for the {CLIENTS} clients and the store too"
    chart = log_bar_chart(TITLE, subtitle, "flows per second, to presign and register", bars)
    write_page(directory, "flow", parts)
    (directory / "flow.svg").write_text(chart)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=int, default=5, metavar="S")
    parser.add_argument("--write", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    # So that the backends are ended too.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with database_with_server() as (database, store):
        cluster = database.cluster
        # As on a server whose data is to stay: b2_presign_put() writes, and the guide does not.
        cluster.run("ALTER SYSTEM SET fsync = on")
        cluster.run("SELECT pg_reload_conf()")
        with database.connect() as session:
            text = setting(session, arguments.rounds, arguments.seconds)
        guide_database = cluster.create_database()
        try:
            tables = measure(
                database, guide_database, store, arguments.rounds, arguments.seconds
            )
        finally:
            guide_database.drop()
    for scenario, rows in tables.items():
        print_table(scenario, COLUMNS, rows)
    print("\n" + textwrap.fill(text, 120))
    if arguments.write:
        write_report(arguments.write, text, tables)


if __name__ == "__main__":
    main()
