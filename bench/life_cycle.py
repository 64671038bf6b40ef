"""Deletes many objects, by b2_maintain() and by boto3, and says how fast, and with how much memory.

bench/README.md says what is measured and what the columns mean."""

import argparse
import secrets
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg2
from harness import (
    MemoryPeak,
    context_memory,
    database_with_server,
    print_table,
    private_memory,
    say,
)

THREADS = 8
SESSIONS = 3
# In turns, so that a busy moment of the machine does not meet one way of deleting alone.
ROUNDS = 4
VERSIONS_PER_REQUEST = 1000
MOST_CALLS = 20
# Noise of malloc and of PostgreSQL's own caches.
MAY_GROW = 1 << 20

IMPORT = """
    INSERT INTO b2_files (object_key, user_id, server, size, etag, version_id)
    SELECT object_key, 'bench', 'b2', size, etag, version_id
    FROM b2_orphans(prefix => %s, older_than => '0')"""


@dataclass
class Kind:
    """Objects of which the entries in b2_deletions are of one kind."""

    name: str
    prefix: str
    keys: list
    is_listed: bool  # whether the store has to be asked first which versions there are


@dataclass
class Pace:
    """How many objects took how many seconds."""

    objects: int = 0
    seconds: float = 0.0
    failed: int = 0  # calls

    @contextmanager
    def clock(self, objects):
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start
        self.objects += objects

    @property
    def rate(self):
        return self.objects / self.seconds if self.seconds else 0.0


def maintain(session):
    """Calls b2_maintain() until it is done. Returns how often it raised instead."""
    for failed in range(MOST_CALLS):
        try:
            session.run("CALL b2_maintain()")
            return failed
        except psycopg2.errors.ConnectionFailure as error:
            say(f"b2_maintain() failed: {error.diag.message_detail}")
    raise TimeoutError(f"b2_maintain() has failed {MOST_CALLS} times in a row")


@dataclass
class Maintainers:
    """Sessions that call b2_maintain() at the same time, and what they need of memory."""

    name: str
    sessions: list
    starts: list = field(default_factory=list)
    contexts: list = field(default_factory=list)
    peaks: list = field(default_factory=list)  # a list for each round

    def __post_init__(self):
        for session in self.sessions:
            self.contexts.append(context_memory(session))
            self.starts.append(private_memory(session.pid))

    def work(self):
        """Returns how often the store did not answer in time."""
        with ExitStack() as stack:
            watches = [stack.enter_context(MemoryPeak(session.pid)) for session in self.sessions]
            with ThreadPoolExecutor(len(self.sessions)) as threads:
                failed = sum(threads.map(maintain, self.sessions))
        self.peaks.append([watch.peak for watch in watches])
        return failed

    def rounds_of(self, number):
        return [round_peaks[number] for round_peaks in self.peaks]

    def growth(self, number):
        """Since the first round, which fills caches and pools. Whose part in it was small has a
        share of the others' allowance."""
        return max(self.rounds_of(number)) - max(self.peaks[0])


def generated_key(prefix, number):
    """As b2_presign_put() makes them."""
    milliseconds = time.time_ns() // 1000000
    bits = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62
    return f"{prefix}{uuid.UUID(int=bits | secrets.randbits(62))}-{number:06}.jpg"


def make_kinds(count):
    prefix = f"bench-{secrets.token_hex(4)}/"
    generated, given = f"{prefix}generated/", f"{prefix}given/"
    half = count // 2
    unlisted = [f"{given}photo-{n:06}.jpg" for n in range(count - half)]
    return prefix, [
        Kind("all versions", generated, [generated_key(generated, n) for n in range(half)], True),
        Kind("known version", given, unlisted, False),
    ]


def upload(store, kinds):
    keys = [key for kind in kinds for key in kind.keys]
    pace = Pace()
    with pace.clock(len(keys)), ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(lambda key: store.upload(key, b"bench"), keys):
            pass
    return pace


def import_all(session, prefix, count):
    pace = Pace()
    with MemoryPeak(session.pid) as memory, pace.clock(count):
        session.run(IMPORT, prefix)
    imported = session.value("SELECT count(*) FROM b2_files WHERE version_id IS NOT NULL")
    assert imported == count, f"{imported} of {count} objects were imported"
    return pace, memory.peak


def delete_rows(session, kind):
    pace = Pace()
    with MemoryPeak(session.pid) as memory, pace.clock(len(kind.keys)):
        session.run("DELETE FROM b2_files WHERE starts_with(object_key, %s)", kind.prefix)
    return pace, memory.peak


def park_all(session):
    """Nothing is due until it is its turn."""
    session.run("UPDATE b2_deletions SET next_attempt_at = 'infinity'")


def let_be_due(session, keys):
    session.run("UPDATE b2_deletions SET next_attempt_at = now() WHERE object_key = ANY (%s)", keys)
    # What was parked has left dead rows in front of those that are due.
    session.run("VACUUM b2_deletions")


def delete_by_maintain(session, maintainers, keys, pace):
    let_be_due(session, keys)
    with pace.clock(len(keys)):
        pace.failed += maintainers.work()
    left = session.value("SELECT count(*) FROM b2_deletions WHERE object_key = ANY (%s)", keys)
    assert left == 0, f"b2_maintain() has left {left} of {len(keys)} entries"


def all_versions(store, key):
    pages = store.s3.get_paginator("list_object_versions").paginate(
        Bucket=store.bucket, Prefix=key
    )
    items = [item for page in pages for item in page.get("Versions", [])]
    return [(item["Key"], item["VersionId"]) for item in items if item["Key"] == key]


def delete_versions(store, versions):
    for start in range(0, len(versions), VERSIONS_PER_REQUEST):
        part = versions[start : start + VERSIONS_PER_REQUEST]
        objects = [{"Key": key, "VersionId": version} for key, version in part]
        answer = store.s3.delete_objects(
            Bucket=store.bucket, Delete={"Objects": objects, "Quiet": True}
        )
        assert not answer.get("Errors"), answer["Errors"][0]


def list_all_versions(store, keys, thread_count):
    with ThreadPoolExecutor(thread_count) as threads:
        pages = threads.map(lambda key: all_versions(store, key), keys)
        return [version for page in pages for version in page]


def delete_by_boto3(session, store, keys, listing_threads, pace):
    """The clock counts the store's part alone. No threads: the versions are known."""
    known = session.rows(
        "SELECT object_key, version_id FROM b2_deletions WHERE object_key = ANY (%s)", keys
    )
    assert len(known) == len(keys)
    with pace.clock(len(keys)):
        if listing_threads:
            known = list_all_versions(store, keys, listing_threads)
        delete_versions(store, known)
    session.run("DELETE FROM b2_deletions WHERE object_key = ANY (%s)", keys)


def slices(keys, count):
    return [keys[len(keys) * n // count : len(keys) * (n + 1) // count] for n in range(count)]


def check_entries(session, kind):
    """Whether the trigger has made entries of the kind that is to be measured."""
    are_listed = session.column(
        "SELECT DISTINCT all_versions FROM b2_deletions WHERE starts_with(object_key, %s)",
        kind.prefix,
    )
    assert are_listed == [kind.is_listed], are_listed


def compare(database, session, store, kind):
    """Rows for the table of paces, and for that of memory."""
    check_entries(session, kind)
    listing_threads = (1, THREADS) if kind.is_listed else (0,)
    single, several, by_boto3 = Pace(), Pace(), [Pace() for _ in listing_threads]
    with ExitStack() as stack:
        # Just-in-time compilation loads a library of a hundred megabytes.
        sessions = [
            stack.enter_context(database.connect(jit="off")) for _ in range(1 + SESSIONS)
        ]
        one = Maintainers(f"{kind.name}, alone", sessions[:1])
        many = Maintainers(f"{kind.name}, one of {SESSIONS}", sessions[1:])
        parts = iter(slices(kind.keys, 3 * ROUNDS))
        for number in range(ROUNDS):
            say(f"deleting objects, {kind.name}, round {number + 1} of {ROUNDS}")
            delete_by_maintain(session, one, next(parts), single)
            delete_by_maintain(session, many, next(parts), several)
            shares = slices(next(parts), len(by_boto3))
            for share, threads, pace in zip(shares, listing_threads, by_boto3):
                delete_by_boto3(session, store, share, threads, pace)
        memory = memory_rows(one) + memory_rows(many)
    rows = [
        pace_row(f"{kind.name}: b2_maintain(), 1 session", single, by_boto3[0]),
        pace_row(f"{kind.name}: b2_maintain(), {SESSIONS} sessions", several, by_boto3[0]),
        pace_row(f"{kind.name}: boto3, 1 thread", by_boto3[0], by_boto3[0]),
    ]
    if kind.is_listed:
        step = f"{kind.name}: boto3, {THREADS} threads that list"
        rows.append(pace_row(step, by_boto3[1], by_boto3[0]))
    return rows, memory


def mebibytes(size):
    return f"{size / (1 << 20):.1f}"


def memory_rows(maintainers):
    rows = []
    for number, session in enumerate(maintainers.sessions):
        rounds = maintainers.rounds_of(number)
        growth = maintainers.growth(number)
        sizes = [
            maintainers.starts[number],
            rounds[0],
            max(rounds),
            private_memory(session.pid),
            context_memory(session) - maintainers.contexts[number],
        ]
        verdict = "grows" if growth > MAY_GROW else "constant"
        rows.append([maintainers.name, *map(mebibytes, sizes), verdict])
    return rows


def leftovers(session, store, prefix):
    """What should not be there any more, in words."""
    answer = store.s3.list_object_versions(Bucket=store.bucket, Prefix=prefix, MaxKeys=10)
    found = answer.get("Versions", []) + answer.get("DeleteMarkers", [])
    left = [f"the bucket still has {item['Key']}" for item in found]
    for table in ("b2_files", "b2_uploads", "b2_deletions"):
        count = session.value(f"SELECT count(*) FROM {table}")
        if count:
            left.append(f"{table} still has {count} rows")
    return left


def pace_row(step, pace, reference=None):
    ratio = f"{pace.rate / reference.rate:.2f}" if reference else ""
    return [step, pace.objects, f"{pace.seconds:.1f}", f"{pace.rate:.0f}", ratio, pace.failed]


def measure(database, store, count):
    prefix, kinds = make_kinds(count)
    say("uploading")
    with database.connect() as session:
        # Keys that begin with it, and go on as generated ones do, are those of b2neon's own making.
        session.run(f"ALTER SERVER b2 OPTIONS (ADD key_prefix '{kinds[0].prefix}')")
        rows = [pace_row(f"upload, boto3, {THREADS} threads", upload(store, kinds))]
        say("importing, and deleting rows")
        imported, import_peak = import_all(session, prefix, count)
        rows.append(pace_row("import: INSERT ... SELECT FROM b2_orphans()", imported))
        peaks = [["import", mebibytes(import_peak)]]
        for kind in kinds:
            deleted, peak = delete_rows(session, kind)
            rows.append(pace_row(f"DELETE FROM b2_files, {kind.name}", deleted))
            peaks.append([f"DELETE, {kind.name}", mebibytes(peak)])
        park_all(session)
        memory = []
        for kind in kinds:
            its_rows, its_memory = compare(database, session, store, kind)
            rows += its_rows
            memory += its_memory
        return rows, peaks, memory, leftovers(session, store, prefix)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=100000, metavar="N")
    count = parser.parse_args().objects
    with database_with_server() as (database, store):
        rows, peaks, memory, left = measure(database, store, count)
    columns = ["step", "objects", "seconds", "objects/s", "to boto3", "failed"]
    print_table(f"{count} objects", columns, rows)
    print_table("Private memory of the backend, MiB", ["statement", "peak"], peaks)
    columns = ["b2_maintain()", "start", "first round", "peak", "end", "contexts", "verdict "]
    print_table(f"Private memory of backends, MiB, in {ROUNDS} rounds", columns, memory)
    print("\n" + ("\n".join(left) or "Bucket and tables are empty."))
    failed = any(row[-1] for row in rows)
    sys.exit(bool(left) or failed or any(row[-1] == "grows" for row in memory))


if __name__ == "__main__":
    main()
