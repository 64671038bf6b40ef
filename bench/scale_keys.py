"""What the order of object keys means for those who insert and look up."""

import statistics
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from harness import flush_statistics, percentile, say
from scale_churn import replace_a_part
from scale_table import INDEXES, KEY_FORMS, density, empty, fill, insert_statement, sizes

SESSIONS = 8
BATCH = 100
ROUNDS = 3
REPLACED = 2  # tenths of the files
LOOKUPS = 50000
LOOKUPS_AT_ONCE = 1000
NEWEST_PART = 100  # of which one is "newest"

KEY_INDEX = "b2_files_object_key_key"
USER_INDEX = "b2_files_user_id_upload_timestamp_idx"

SIZE_COLUMNS = [
    "keys",
    "fill s",
    "table B/row",
    *(f"{columns} B/row" for columns in INDEXES.values()),
    "object_key full %",
    "user_id, upload_timestamp full %",
]
CHURN_COLUMNS = ["keys", "before B/row", "a tenth replaced", "a fifth replaced", "full %"]
INSERT_COLUMNS = [
    "keys",
    "rows/s",
    "least",
    "most",
    "p50 ms",
    "p99 ms",
    "WAL B/row",
    "page images/row",
    "checkpoints",
    "object_key misses/row",
    "other misses/row",
]
READ_COLUMNS = [
    "keys",
    "newest µs",
    "newest misses",
    "any µs",
    "any misses",
    "page p50 ms",
    "page p99 ms",
    "page misses",
]

# Blocks that were not in the shared buffers: of the index on the key, and of all else.
MISSES = """
    SELECT sum(idx_blks_read) FILTER (WHERE indexrelname = %s)::bigint AS key_index,
           (sum(idx_blks_read) FILTER (WHERE indexrelname <> %s)
            + (SELECT heap_blks_read FROM pg_statio_user_tables WHERE relname = 'b2_files'))::bigint
               AS others
    FROM pg_statio_user_indexes WHERE relname = 'b2_files'"""
LOOK_UP = """
    SELECT count(f.id) FROM unnest(%s) k (key),
         LATERAL (SELECT id FROM b2_files WHERE object_key = k.key OFFSET 0) f"""


@dataclass
class Inserting:
    """What the rounds have shown."""

    rates: list = field(default_factory=list)
    batches: list = field(default_factory=list)  # milliseconds
    counts: dict = field(default_factory=lambda: defaultdict(list))

    def row(self, form):
        counts = {name: statistics.median(values) for name, values in self.counts.items()}
        return [
            form,
            f"{statistics.median(self.rates):.0f}",
            f"{min(self.rates):.0f}",
            f"{max(self.rates):.0f}",
            f"{percentile(self.batches, 50):.1f}",
            f"{percentile(self.batches, 99):.1f}",
            f"{counts['wal']:.0f}",
            f"{counts['images']:.2f}",
            f"{counts['checkpoints']:g}",
            f"{counts['key misses']:.3f}",
            f"{counts['other misses']:.3f}",
        ]


def checkpoint_count(session):
    if session.connection.server_version >= 170000:
        return session.value("SELECT num_timed + num_requested FROM pg_stat_checkpointer")
    return session.value("SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter")


class Keys:
    def __init__(self, database, session, files):
        self.database = database
        self.session = session
        self.files = files
        self.batches = files // 40 // BATCH  # a round
        self._next_row = files + 1
        self._lock = threading.Lock()

    def fill(self, form):
        """A row for the table of sizes."""
        say(f"keys by {form}")
        empty(self.session)
        start = time.perf_counter()
        fill(self.session, form, self.files, 1, self.files)
        seconds = time.perf_counter() - start
        self.session.run("VACUUM ANALYZE b2_files")
        return [
            form,
            f"{seconds:.0f}",
            *(f"{size / self.files:.1f}" for size in sizes(self.session)),
            f"{density(self.session, KEY_INDEX):.0f}",
            f"{density(self.session, USER_INDEX):.0f}",
        ]

    def _first_of_batch(self):
        with self._lock:
            first = self._next_row
            self._next_row += BATCH
        return first

    def _insert(self, form):
        """Milliseconds of each batch of one session."""
        times = []
        with self.database.connect() as session:
            batch = insert_statement(
                form, self.files, "$1", f"$1 + {BATCH - 1}", "clock_timestamp()"
            )
            session.run(f"PREPARE batch (bigint) AS {batch}")
            for _ in range(self.batches // SESSIONS):
                start = time.perf_counter()
                session.run("EXECUTE batch (%s)", self._first_of_batch())
                times.append((time.perf_counter() - start) * 1000)
            flush_statistics(session)
        return times

    def _counts(self):
        misses = self.session.row(MISSES, KEY_INDEX, KEY_INDEX)
        return {
            "wal": self.session.value("SELECT pg_current_wal_lsn() - '0/0'"),
            "images": self.session.value("SELECT wal_fpi FROM pg_stat_wal"),
            "checkpoints": checkpoint_count(self.session),
            "key misses": misses.key_index,
            "other misses": misses.others,
        }

    def insert(self, form):
        """A row for the table of inserting."""
        result = Inserting()
        rows = self.batches // SESSIONS * SESSIONS * BATCH
        for number in range(ROUNDS):
            say(f"inserting, keys by {form}, round {number + 1} of {ROUNDS}")
            self.session.run("CHECKPOINT")
            before = self._counts()
            start = time.perf_counter()
            with ThreadPoolExecutor(SESSIONS) as threads:
                for times in threads.map(self._insert, [form] * SESSIONS):
                    result.batches += times
            result.rates.append(rows / (time.perf_counter() - start))
            for name, count in self._counts().items():
                by = 1 if name == "checkpoints" else rows
                result.counts[name].append((count - before[name]) / by)
        return result.row(form)

    def _some_keys(self, part):
        """Of the newest so-many-th part of the rows."""
        return self.session.column(
            "SELECT object_key FROM (SELECT max(id) AS last FROM b2_files) m,"
            " LATERAL (SELECT m.last - floor(random() * %s)::bigint AS id"
            "          FROM generate_series(1, %s) OFFSET 0) i JOIN b2_files USING (id)",
            self.files // part,
            LOOKUPS * 11 // 10,
        )

    def _look_up(self, part):
        """Microseconds of a look-up, many in a statement, in the median of the statements, and
        blocks missed in the index. The first tenth only warms up."""
        keys = self._some_keys(part)
        counted = len(keys) - len(keys) // 11
        times = []
        with self.database.connect() as session:
            session.run(LOOK_UP, keys[counted:])
            before = self._key_misses(session)
            for first in range(0, counted, LOOKUPS_AT_ONCE):
                some = keys[first : min(first + LOOKUPS_AT_ONCE, counted)]
                start = time.perf_counter()
                session.run(LOOK_UP, some)
                times.append((time.perf_counter() - start) * 1000000 / len(some))
            misses = self._key_misses(session) - before
        return statistics.median(times), misses / counted

    def _key_misses(self, session):
        flush_statistics(session)
        return self.session.row(MISSES, KEY_INDEX, KEY_INDEX).key_index

    def read(self, form, requests, page):
        """A row for the table of reading."""
        say(f"reading, keys by {form}")
        self.session.run("CHECKPOINT")
        newest, newest_misses = self._look_up(NEWEST_PART)
        anyone, any_misses = self._look_up(1)
        before = self._key_misses(self.session)
        times = requests.latencies(page)
        misses = (self._key_misses(self.session) - before) / (page.times * 11 // 10)
        return [
            form,
            f"{newest:.1f}",
            f"{newest_misses:.2f}",
            f"{anyone:.1f}",
            f"{any_misses:.2f}",
            *(f"{percentile(times, p):.2f}" for p in (50, 99)),
            f"{misses:.1f}",
        ]

    def churn(self, form):
        """A row for the table of growth. Between what goes and what comes there is a VACUUM."""
        sizes = [self._key_bytes()]
        for number in range(REPLACED):
            replace_a_part(self.session, self.files, number, form, vacuum_between=True)
            sizes.append(self._key_bytes())
        return [
            form,
            *(f"{size:.1f}" for size in sizes),
            f"{density(self.session, KEY_INDEX):.0f}",
        ]

    def _key_bytes(self):
        return self.session.value(
            "SELECT pg_relation_size(%s) / count(*)::float8 FROM b2_files", KEY_INDEX
        )

    def compare(self, requests, page):
        """The rows of four tables."""
        tables = [], [], [], []
        for form in KEY_FORMS:
            tables[0].append(self.fill(form))
            tables[1].append(self.insert(form))
            tables[2].append(self.read(form, requests, page))
            tables[3].append(self.churn(form))
        return tables
