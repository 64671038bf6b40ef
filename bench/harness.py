"""What the benchmarks share: a database with the extension, the memory of backends, and tables."""

import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "e2e"))

from cluster import Cluster  # noqa: E402
from listener import closed_port  # noqa: E402, F401
from store import Store, is_real_bucket  # noqa: E402

KILOBYTE = 1024
SAMPLE_SECONDS = 0.02


@contextmanager
def database_with(server_options, mapping_options):
    """A database with the extension and the server `b2`."""
    cluster = Cluster(server_options["endpoint"])
    database = cluster.create_database()
    try:
        with database.connect() as session:
            session.run("CREATE EXTENSION b2neon")
            session.create_server("b2", server_options, mapping_options)
        yield database
    finally:
        database.drop()
        cluster.close()


@contextmanager
def database_with_server():
    """The same, and the store behind it."""
    if is_real_bucket():
        sys.exit("the benchmarks use the local store alone: unset the variables B2_...")
    store = Store()
    with database_with(store.server_options(), store.mapping_options()) as database:
        yield database, store


def say(step):
    """What is being done, for whoever waits."""
    print(f"{time.strftime('%H:%M:%S')} {step}", file=sys.stderr, flush=True)


def private_memory(pid):
    """What a process has for itself; its part of the shared buffers grows as it reads them."""
    for line in Path("/proc", str(pid), "status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * KILOBYTE
    raise ProcessLookupError(pid)


def context_memory(session):
    """What PostgreSQL itself says of its memory."""
    return session.value("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts")


def percentile(values, percent):
    """Of the values, the one that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def flush_statistics(session):
    """What the session has counted is made known to all."""
    if session.connection.server_version >= 150000:
        session.run("SELECT pg_stat_force_next_flush()")
    else:
        time.sleep(1)
        session.run("SELECT 1")
        time.sleep(1)


class MemoryPeak:
    """The most private memory that a process has while the block runs."""

    def __init__(self, pid):
        self._pid = pid
        self._over = threading.Event()
        self.peak = 0

    def __enter__(self):
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while True:
            self.peak = max(self.peak, private_memory(self._pid))
            if self._over.wait(SAMPLE_SECONDS):
                return


def print_table(heading, columns, rows):
    """The first column is text to the left, the others are to the right; a last column that ends in
    a blank is text as well."""
    lines = [columns, *([str(value) for value in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    print(f"\n{heading}\n")
    for line in lines:
        cells = [
            text.ljust(width) if column == 0 or columns[column].endswith(" ") else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths))
        ]
        print("  ".join(cells).rstrip())
    sys.stdout.flush()
