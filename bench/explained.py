"""A session that shows the plans of all that it runs, functions and triggers included."""

import json
import time
from collections import deque
from dataclasses import dataclass

import psycopg2
from filling import BIG_TABLES
from harness import flush_statistics

# How much of a statement's text is shown, of its beginning and of its end.
HEAD, TAIL = 60, 35

EXPLAIN_EVERYTHING = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_level": "notice",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
}


@dataclass
class Scan:
    table: str
    node: str
    rows: float  # that were looked at
    index: str = ""

    @property
    def is_sequential(self):
        return self.node == "Seq Scan"


@dataclass
class Execution:
    """One statement, or one that a function or trigger runs for it."""

    text: str
    milliseconds: float
    scans: list
    sorts: list  # kinds of them
    is_compiled: bool
    hits: int  # buffers that were there
    reads: int  # buffers that had to be fetched


def scans_of(plan):
    if plan.get("Relation Name") in BIG_TABLES:
        removed = plan.get("Rows Removed by Filter", 0)
        removed += plan.get("Rows Removed by Index Recheck", 0)
        loops = plan.get("Actual Loops", 1)
        if "Scan" in plan["Node Type"]:
            rows = (plan.get("Actual Rows", 0) + removed) * loops
            yield Scan(plan["Relation Name"], plan["Node Type"], rows, index_of(plan))
    for child in plan.get("Plans", []):
        yield from scans_of(child)


def index_of(plan):
    """The node below a bitmap scan names it."""
    below = [index_of(child) for child in plan.get("Plans", []) if "Index Name" in child]
    return plan.get("Index Name") or ", ".join(below)


def sorts_of(plan):
    if plan["Node Type"].endswith("Sort"):
        yield plan["Node Type"]
    for child in plan.get("Plans", []):
        yield from sorts_of(child)


def read_execution(notice):
    """None where the notice is another one."""
    head, brace, rest = notice.partition("{")
    if "duration:" not in head:
        return None
    explained, _ = json.JSONDecoder().raw_decode(brace + rest)
    milliseconds = float(head.split("duration:")[1].split()[0])
    plan = explained["Plan"]
    return Execution(
        text=" ".join(explained["Query Text"].split()),
        milliseconds=milliseconds,
        scans=list(scans_of(plan)),
        sorts=list(sorts_of(plan)),
        is_compiled="JIT" in explained,
        hits=plan["Shared Hit Blocks"],
        reads=plan["Shared Read Blocks"],
    )


class Explained:
    """A session that shows the plans of all it runs."""

    def __init__(self, database):
        self.session = database.connect()
        self.session.connection.notices = deque()
        self.session.run("LOAD 'auto_explain'")
        for name, value in EXPLAIN_EVERYTHING.items():
            self.session.run(f"SET {name} = {value}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.connection.close()

    def execute(self, statement, *values, expected_error=None):
        """Milliseconds, and what was executed."""
        notices = self.session.connection.notices
        notices.clear()
        start = time.perf_counter()
        try:
            self.session.run(statement, *values)
            assert not expected_error, f"{statement}: no error {expected_error}"
        except psycopg2.Error as error:
            # The end of the connection has no code.
            if not expected_error or error.pgcode != expected_error:
                raise
        milliseconds = (time.perf_counter() - start) * 1000
        executions = [read_execution(notice) for notice in notices]
        return milliseconds, [execution for execution in executions if execution]


def count_sequential_scans(session):
    flush_statistics(session)
    return dict(
        session.rows(
            "SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE relname = ANY (%s)",
            list(BIG_TABLES),
        )
    )


def shortened(text):
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} ... {text[-TAIL:]}"
