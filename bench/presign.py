"""Presigns GET URLs, by b2neon and by others, and says what one costs.

bench/README.md says what is measured and what the columns mean."""

import argparse
import statistics
import sys
import textwrap
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from harness import database_with, print_table, say
from presign_peers import plpgsql_statement, start_peers
from presigners import MAPPING_OPTIONS, SERVER_OPTIONS, TASK, Core, Statement
from psycopg2.extras import Json
from report import Bar, log_bar_chart, markdown_table, processor, significant, write_page

# Keys as b2_presign_put() makes them.
FILL = """
    INSERT INTO b2_files (object_key, user_id, server)
    SELECT gen_random_uuid() || '-photo.jpg', 'user_' || n % 1000, 'b2'
    FROM generate_series(1, {rows}) n"""
KEYS = 1000
SAMPLE_SECONDS = 0.5
WORKERS = 2

CALL = "b2_presign_get(object_key)"

TITLE = "What a presigned GET URL costs"
AXIS = "µs per URL, on a logarithmic scale"
COLUMNS = ["presigned by", "µs per URL", "least to most", "URLs/s", "to b2neon", "to the limit"]
LIMIT = "11 compressions of SHA-256"
CORE = "b2neon, signer alone"
SQL = "b2neon"
BY_WORKERS = f"b2neon, {WORKERS} parallel workers"
# What b2neon promises: to the limit at most, and by two workers at least.
MOST_TO_LIMIT = 1.5
LEAST_BY_WORKERS = 1.7

SIGNATURE = {
    f"X-Amz-{name}" for name in ("Algorithm", "Credential", "Date", "Expires", "Signature")
}
SIGNATURE.add("X-Amz-SignedHeaders")


def fill(session, rows):
    """Gives some of the keys, for those who cannot read the table."""
    session.run(FILL.format(rows=rows))
    session.run(f"ALTER TABLE b2_files SET (parallel_workers = {WORKERS})")
    session.run("VACUUM (FREEZE, ANALYZE) b2_files")
    return session.column(f"SELECT object_key FROM b2_files ORDER BY id LIMIT {KEYS}")


def parts_of(url):
    """What has to be equal. Parameters are signed in an order of their own."""
    split = urlsplit(url)
    return split.scheme, split.netloc, split.path, sorted(parse_qsl(split.query, True, True))


def verify(session, way):
    """The URL must be for a key in the table, and the one that b2neon makes for it with the same
    time and further parameters."""
    url = way.url()
    split = urlsplit(url)
    parameters = dict(parse_qsl(split.query))
    key = unquote(split.path).removeprefix(f"/{TASK['bucket']}/")
    others = {name: value for name, value in parameters.items() if name not in SIGNATURE}
    signed_at = datetime.strptime(parameters["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    expected = session.value(
        "SELECT b2_presign('GET', %s, %s, query => %s::jsonb, signed_at => %s)",
        key,
        TASK["expires_in"],
        Json(others),
        signed_at.astimezone(timezone.utc),
    )
    if not session.value("SELECT count(*) FROM b2_files WHERE object_key = %s", key):
        sys.exit(f"{way.label} has presigned for a key that it was not given:\n{url}")
    if parts_of(url) != parts_of(expected):
        sys.exit(f"{way.label} and b2_presign() differ:\n{url}\n{expected}")


class Figures:
    """Microseconds for each URL: a list for each way, with a value for each round."""

    def __init__(self):
        self.microseconds = {}
        self.statements = {}
        self.core = {}

    def add(self, label, microseconds):
        self.microseconds.setdefault(label, []).append(microseconds)

    def add_sample(self, label, sample):
        if sample.seconds <= 0:
            sys.exit(f"{label}: there are too few rows to tell presigning from the rest")
        self.add(label, sample.seconds / sample.urls * 1e6)
        self.statements.setdefault(label, []).append(sample.statement_seconds)

    def add_core(self, sample):
        self.core = sample
        self.add(LIMIT, sample["compressions_ns"] / 1000)
        self.add(CORE, sample["core_ns"] / 1000)

    def median(self, label):
        return statistics.median(self.microseconds[label])

    def ratio(self, label, to):
        """The median of the ratios within each round."""
        return ratio(self.microseconds[label], self.microseconds[to])


def ratio(these, those):
    return statistics.median(one / other for one, other in zip(these, those))


def measure(ways, core, session, rounds):
    """Everything once in each round, there and back, so that no single one meets a busy moment. The
    limit is next to b2neon either way."""
    figures = Figures()
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        is_back = number % 2 == 1
        if not is_back:
            figures.add_core(core.sample())
        for way in reversed(ways) if is_back else ways:
            figures.add_sample(way.label, way.sample())
            verify(session, way)
        if is_back:
            figures.add_core(core.sample())
    return figures


def table_rows(figures, order):
    rows = []
    for label in order:
        values = figures.microseconds[label]
        median = statistics.median(values)
        rows.append(
            [
                label,
                significant(median),
                f"{significant(min(values))} to {significant(max(values))}",
                f"{round(1e6 / median):,}".replace(",", " "),
                significant(figures.ratio(label, SQL)),
                significant(figures.ratio(label, LIMIT)),
            ]
        )
    return rows


def environment(session, ways, core):
    versions = {
        "PostgreSQL": session.value("SHOW server_version").split()[0],
        "b2neon": session.value("SELECT extversion FROM pg_extension WHERE extname = 'b2neon'"),
        "OpenSSL": core["openssl"].split()[1],
    }
    for way in ways:
        versions.update(way.versions)
    text = f"{processor()}; " + ", ".join(f"{name} {version}" for name, version in versions.items())
    text += f"; b2neon hashes with OpenSSL's {core['sha256']} interface"
    return text + "."


def verdicts(figures):
    """Sentences, and whether all promises were kept."""
    speed_up = ratio(figures.statements[SQL], figures.statements[BY_WORKERS])
    is_kept = speed_up >= LEAST_BY_WORKERS
    sentences = [
        f"{WORKERS} parallel workers are {speed_up:.2f} times as fast as one process, by the time of"
        f" the whole statement: {'at least' if is_kept else 'NOT'} {LEAST_BY_WORKERS}."
    ]
    to_limit = figures.ratio(SQL, LIMIT)
    is_below = to_limit <= MOST_TO_LIMIT
    sentences.append(
        f"b2neon in SQL takes {to_limit:.2f} times the limit:"
        f" {'at most' if is_below else 'NOT'} {MOST_TO_LIMIT}."
    )
    return sentences, is_kept and is_below


def paragraph(text):
    return textwrap.fill(text, 120)


def write_report(directory, setting, rows, sentences, bars):
    chart = f"![{TITLE}](presign.svg)"
    table = markdown_table(COLUMNS, rows)
    parts = [f"# {TITLE}", paragraph(setting), chart, table, paragraph(" ".join(sentences))]
    write_page(directory, "presign", parts)
    (directory / "presign.svg").write_text(log_bar_chart(TITLE, processor(), AXIS, bars))


def bars_of(figures, order):
    kinds = {LIMIT: "limit", CORE: "ours", SQL: "ours", BY_WORKERS: "ours"}
    bars = []
    for label in order:
        median = figures.median(label)
        bars.append(Bar(label, median, f"{significant(median)} µs", kinds.get(label, "")))
    return bars


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000000, metavar="N")
    parser.add_argument("--rounds", type=int, default=11, metavar="N")
    parser.add_argument("--write", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    core = Core()
    with ExitStack() as stack:
        database = stack.enter_context(database_with(SERVER_OPTIONS, MAPPING_OPTIONS))
        session = stack.enter_context(database.connect())
        say(f"{arguments.rows} rows")
        keys = fill(session, arguments.rows)
        say("the peers")
        ways = [
            Statement(SQL, database, CALL),
            Statement(BY_WORKERS, database, CALL, workers=WORKERS),
            plpgsql_statement(database),
            *start_peers(keys, SAMPLE_SECONDS),
        ]
        for way in ways:
            stack.callback(way.close)
            verify(session, way)
        figures = measure(ways, core, session, arguments.rounds)
        setting = environment(session, ways, figures.core)
    order = sorted(figures.microseconds, key=figures.median)
    rows = table_rows(figures, order)
    sentences, is_kept = verdicts(figures)
    print_table(f"{TITLE}: {arguments.rounds} rounds", COLUMNS, rows)
    print("\n" + "\n".join([paragraph(setting), *sentences]))
    if arguments.write:
        write_report(arguments.write, setting, rows, sentences, bars_of(figures, order))
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
