"""Two PostgreSQL servers of different major versions, and pg_upgrade from one to the other."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from cluster import Cluster

VARIABLES = ("PG_CONFIG", "PGHOST", "PGPORT", "PGDATA", "PGLOG", "PG_CTL")
NEW = {name: os.environ[name] for name in VARIABLES}
OLD = {name: os.environ[f"OLD_{name}"] for name in VARIABLES}


@contextmanager
def running(server, endpoint):
    """The Cluster at `server`, OLD or NEW, to which libpq's environment variables lead within the
    block."""
    os.environ.update(server)
    cluster = Cluster(endpoint)
    try:
        yield cluster
    finally:
        cluster.close()


def bindir(server):
    return subprocess.check_output([server["PG_CONFIG"], "--bindir"], text=True).strip()


def control(server, action):
    subprocess.run([*server["PG_CTL"].split(), action, "--silent"], check=True)


def pg_upgrade():
    """Stops both servers, upgrades the old cluster into the new one, and starts that."""
    control(OLD, "stop")
    control(NEW, "stop")
    directory = tempfile.mkdtemp(prefix="b2neon-upgrade.")
    try:
        _run_pg_upgrade(directory)
    finally:
        shutil.rmtree(directory)
    control(NEW, "start")


def _run_pg_upgrade(directory):
    command = [
        f"{bindir(NEW)}/pg_upgrade",
        f"--old-bindir={bindir(OLD)}",
        f"--new-bindir={bindir(NEW)}",
        f"--old-datadir={OLD['PGDATA']}",
        f"--new-datadir={NEW['PGDATA']}",
        "--username=postgres",
    ]
    # Like the servers, it refuses root, and writes to its working directory.
    if os.geteuid() == 0:
        shutil.chown(directory, os.environ["PG_OS_USER"])
        command = ["runuser", "-u", os.environ["PG_OS_USER"], "--", *command]
    result = subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, f"pg_upgrade failed:\n{result.stdout}{_logs()}"


def _logs():
    """What pg_upgrade has logged, which it keeps where it has failed."""
    logs = Path(NEW["PGDATA"], "pg_upgrade_output.d").rglob("*.log")
    return "".join(f"\n{log.name}:\n{log.read_text()[-2000:]}" for log in logs)
