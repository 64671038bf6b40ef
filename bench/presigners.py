"""The ways of presigning that bench/presign.py compares: in SQL, by a process, by the core."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"

# Made up, and as long as Backblaze's.
TASK = {
    "endpoint": "https://s3.us-west-004.backblazeb2.com",
    "region": "us-west-004",
    "bucket": "my-neon-app-b2-files",
    "key_id": "0041234567890ab0000000001",
    "application_key": "K004madeUpForTheBenchmark000000",
    "expires_in": 300,
}

WITHOUT = "SELECT count(object_key) FROM b2_files"
WITH = "SELECT count({call}) FROM b2_files"


@dataclass
class Sample:
    urls: int
    seconds: float  # for the URLs alone
    statement_seconds: float = 0.0  # in SQL: for the whole statement


class Statement:
    """A call in SQL for each row of b2_files. What the same statement takes without it does not
    count."""

    def __init__(self, label, database, call, values=(), workers=0):
        self.label = label
        self.versions = {}
        self._call, self._values, self._workers = call, values, workers
        self._session = database.connect(
            jit="off",
            max_parallel_workers_per_gather=workers,
            # The leader would be one process more than there are workers.
            parallel_leader_participation="off",
            parallel_setup_cost=0,
            parallel_tuple_cost=0,
        )
        self._pair = [(WITHOUT, ()), (WITH.format(call=call), values)]
        self._check_workers()

    def url(self):
        statement = f"SELECT {self._call} FROM b2_files LIMIT 1"
        return self._session.value(statement, *self._values)

    def sample(self):
        (rows, without), (urls, seconds) = (self._timed(*statement) for statement in self._pair)
        if urls != rows:
            sys.exit(f"{self.label}: {urls} URLs for {rows} rows")
        return Sample(urls, seconds - without, seconds)

    def _timed(self, statement, values):
        start = time.perf_counter()
        count = self._session.value(statement, *values)
        return count, time.perf_counter() - start

    def _check_workers(self):
        """A plan may be for workers that the server then does not have."""
        for statement, values in self._pair:
            (plan,) = self._session.value(f"EXPLAIN (ANALYZE, FORMAT json) {statement}", *values)
            launched = workers_launched(plan["Plan"])
            if launched != self._workers:
                sys.exit(f"{self.label}: {launched} workers instead of {self._workers}")

    def close(self):
        self._session.connection.close()


def workers_launched(node):
    """By all nodes of a plan."""
    below = sum(workers_launched(child) for child in node.get("Plans", ()))
    return node.get("Workers Launched", 0) + below


class Peer:
    """A process of its own, of which each sample is about as long as `seconds`."""

    def __init__(self, label, command, keys, seconds, **environment):
        self.label = label
        self._seconds = seconds
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        hello = self._ask(json.dumps({**TASK, "keys": keys}))
        self.versions = hello["versions"]
        self._url = hello["url"]
        self._warm_up()

    def _ask(self, line):
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"{self.label}: the process has ended with status {self._process.wait()}")
        return json.loads(answer)

    def url(self):
        """The last one that it made."""
        return self._url

    def _warm_up(self):
        """Until compilers and caches have settled; gives the size of the samples."""
        self._count = 100
        end = time.monotonic() + 4 * self._seconds
        while time.monotonic() < end:
            sample = self.sample()
            self._count = max(1, round(sample.urls * self._seconds / sample.seconds))
            self._count = min(self._count, 10 * sample.urls)

    def sample(self):
        answer = self._ask(self._count)
        self._url = answer["url"]
        return Sample(answer["urls"], answer["seconds"])

    def close(self):
        self._process.stdin.close()
        self._process.wait()


class Core:
    """The signer without PostgreSQL, and the compressions of SHA-256 that it cannot do without."""

    def __init__(self):
        source = Path(__file__).resolve().parent.parent
        directory = BUILD / "core"
        options = ["-DB2NEON_BENCH=ON", "-DBUILD_TESTING=OFF", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"]
        run(["cmake", "-S", source, "-B", directory, *options])
        run(["cmake", "--build", directory, "--parallel", str(os.cpu_count()), "--target", "presign_bench"])
        self._program = directory / "presign_bench"

    def sample(self):
        return json.loads(run([self._program]))


def run(command, **options):
    """What the command prints; ends with what it says where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
