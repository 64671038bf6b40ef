"""Programs that put load on a server with CLIENTS clients at once: pgbench, and wrk."""

import re
import resource
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CLIENTS = 8
PGBENCH_THREADS = 2
WRK_SCRIPT = Path(__file__).resolve().parent / "guide" / "load.lua"


@dataclass
class Load:
    """What a run was like. Latencies are in milliseconds."""

    flows: int
    rate: float
    p50: float
    p99: float
    cpu_seconds: float  # of the program itself


def run_program(arguments):
    """Returns what it prints, and the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 0, f"{arguments[0]} failed:\n{result.stdout}"
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return result.stdout, seconds


def make_load(microseconds, rate, cpu_seconds):
    assert len(microseconds) > 1, "nothing was answered"
    cuts = statistics.quantiles(microseconds, n=100, method="inclusive")
    return Load(len(microseconds), rate, cuts[49] / 1000, cuts[98] / 1000, cpu_seconds)


def pgbench(database, role, script, *, seconds=None, flows=None):
    """Runs the script for so long, or so many flows in all, in sessions of `role`."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "script.sql")
        path.write_text(script)
        limit = ["-T", seconds] if seconds else ["-t", flows // CLIENTS]
        output, cpu_seconds = run_program(
            [
                database.cluster.bindir / "pgbench",
                *("--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}"),
                *(f"--jobs={PGBENCH_THREADS}", f"--file={path}", f"--username={role}"),
                *("--log", f"--log-prefix={directory}/log", *limit, database.name),
            ]
        )
        lines = [
            line.split() for log in Path(directory).glob("log.*") for line in log.open()
        ]
    (rate,) = re.findall(r"tps = ([\d.]+) \(without", output)
    return make_load([float(line[2]) for line in lines], float(rate), cpu_seconds)


def wrk(address, step, seconds):
    """`step` is "presign" or "register"."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "latencies")
        _, cpu_seconds = run_program(
            [
                *("wrk", f"-t{CLIENTS}", f"-c{CLIENTS}", f"-d{seconds}s", "-s", WRK_SCRIPT),
                *(address, "--", step, path),
            ]
        )
        (took, failed), *lines = [line.split() for line in path.read_text().splitlines()]
    assert failed == "0", f"{failed} requests failed"
    latencies = [float(line) for (line,) in lines]
    return make_load(latencies, len(latencies) / float(took), cpu_seconds)
