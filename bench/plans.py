"""Runs the statements of the extension on big tables, and looks at their plans.

bench/README.md says what is measured and what the columns mean. The exit status is 1 if a statement
for single rows or a batch reads one of the tables from end to end, or is compiled just in time."""

import argparse
import random
import statistics
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field

from cases import BULKS, make_cases
from explained import Explained, count_sequential_scans, shortened
from filling import BIG_TABLES, Filling
from harness import database_with_server, print_table, say

# PostgreSQL makes a plan of its own for each of the first five executions, and may keep one then.
RUNS = 7


@dataclass
class Result:
    """What is known of a case."""

    milliseconds: dict = field(default_factory=lambda: defaultdict(list))  # by phase
    rows: float = 0
    troubles: dict = field(default_factory=dict)  # (what, statement's text): phases

    def add(self, phase, milliseconds, executions, counted):
        """`counted`: the tables that the server's statistics say were read from end to end."""
        self.milliseconds[phase].append(milliseconds)
        for execution in executions:
            for scan in execution.scans:
                self.rows = max(self.rows, scan.rows)
                if scan.is_sequential:
                    counted = counted - {scan.table}
                    self._note(f"Seq Scan on {scan.table}", execution.text, phase)
            if execution.is_compiled:
                self._note("JIT", execution.text, phase)
        for table in counted:
            self._note(f"Seq Scan on {table}", "(not in a plan)", phase)

    def _note(self, trouble, text, phase):
        self.troubles.setdefault((trouble, text), set()).add(phase)


class Bench:
    def __init__(self, database, filling):
        self.database = database
        self.filling = filling
        self.random = random.Random(1)
        self.results = defaultdict(Result)
        self.inner = defaultdict(list)  # executions by the text of the statement

    @contextmanager
    def surroundings(self, session, case):
        """What comes before and after the statement, and is not measured."""
        if case.commits:
            with case.meanwhile(self.filling):
                yield
            return
        session.run("BEGIN")
        for setting in case.settings:
            session.run(f"SET LOCAL {setting}")
        if case.is_confined:
            session.run(f'SET LOCAL ROLE "{self.filling.role}"')
        try:
            yield
        finally:
            session.run("ROLLBACK")

    def run(self, explained, case, phase):
        statement = case.statement(self.filling, self.random)
        if case.commits:
            self.filling.top_up()
            count_sequential_scans(self.filling.session)
        before = count_sequential_scans(explained.session)
        with self.surroundings(explained.session, case):
            milliseconds, executions = explained.execute(statement, expected_error=case.expected_error)
        after = count_sequential_scans(explained.session)
        counted = {table for table in BIG_TABLES if after[table] > before[table]}
        self.results[case].add(phase, milliseconds, executions, counted)
        for execution in executions:
            if execution.text != " ".join(statement.split()):
                self.inner[execution.text].append(execution)

    def run_all(self, cases):
        say("each statement in a session of its own")
        for case in cases:
            with Explained(self.database) as explained:
                self.run(explained, case, "fresh")
        with Explained(self.database) as explained:
            self.run_repeatedly(explained, cases, "session")
            self.run(explained, BULKS[0], "session")
            self.run_repeatedly(explained, cases, "after bulk")
        with Explained(self.database) as explained:
            for bulk in BULKS:
                self.run(explained, bulk, "bulk first")
            self.run_repeatedly(explained, cases, "bulk first")

    def run_repeatedly(self, explained, cases, phase):
        say(f"all statements, {phase}")
        for case in cases:
            for _ in range(RUNS):
                self.run(explained, case, phase)


PHASES = ("fresh", "session", "after bulk", "bulk first")


def milliseconds_of(values):
    if not values:
        return ""
    value = statistics.median(values)
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def case_row(case, result):
    troubles = ", ".join(sorted({trouble for trouble, _ in result.troubles}))
    times = [milliseconds_of(result.milliseconds[phase]) for phase in PHASES]
    allowed = " (may)" if troubles and case.may_scan else ""
    return [case.name, *times, f"{result.rows:.0f}", troubles + allowed]


def inner_row(text, executions):
    times = [execution.milliseconds for execution in executions]
    scans = [scan for execution in executions for scan in execution.scans]
    nodes = sorted({f"{scan.node} on {scan.table}" for scan in scans})
    rows = max((scan.rows for scan in scans), default=0)
    return [
        shortened(text),
        len(times),
        f"{statistics.median(times):.2f}",
        f"{max(times):.2f}",
        f"{rows:.0f}",
        ", ".join(nodes),
    ]


def report(bench):
    columns = ["statement", *PHASES, "rows read", "troubles "]
    rows = [case_row(case, result) for case, result in bench.results.items()]
    print_table("Milliseconds (medians), and the most rows that one scan read", columns, rows)
    columns = ["within them", "times", "median ms", "most ms", "rows read", "scans "]
    touched = [
        inner_row(text, executions)
        for text, executions in sorted(bench.inner.items())
        if any(execution.scans for execution in executions)
    ]
    print_table("Statements that functions and triggers ran on the tables", columns, touched)


def failures(bench):
    """Troubles where there must be none, in words."""
    return [
        f"{case.name}: {trouble} ({', '.join(sorted(phases))}): {shortened(text)}"
        for case, result in bench.results.items()
        if not case.may_scan
        for (trouble, text), phases in result.troubles.items()
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10000000, metavar="N")
    parser.add_argument("--others", type=int, default=100000, metavar="N")
    arguments = parser.parse_args()
    with database_with_server() as (database, store):
        filling = Filling(database, store, arguments.files, arguments.others)
        filling.fill()
        bench = Bench(database, filling)
        bench.run_all(make_cases())
        filling.close()
    report(bench)
    failed = failures(bench)
    print("\n" + ("\n".join(failed) or "No plan is made for more rows than there are."))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
