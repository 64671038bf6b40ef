"""A hot standby of a PostgreSQL server, fed by streaming replication."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from cluster import Cluster


class Standby(Cluster):
    """A copy of `primary`, which follows it until it is closed. On this machine, for the same user."""

    def __init__(self, primary):
        bindir = self.find_bindir()
        self._primary = primary
        self._directory = Path(tempfile.mkdtemp(prefix="b2neon-standby."))
        self._directory.chmod(0o777)
        self._as_owner = ["env", "-C", "/"]
        if os.geteuid() == 0:
            self._as_owner += ["runuser", "-u", os.environ["PG_OS_USER"], "--"]
        data = self._directory / "data"
        self._pg_ctl = [bindir / "pg_ctl", "-D", data, "-w", "-t", "60", "--silent"]
        address = primary.session.connection.info
        self._run(bindir / "pg_basebackup", "-D", data, "-X", "stream", "-c", "fast", "--no-sync",
                  "--write-recovery-conf", "-h", address.host, "-p", address.port, "-U", address.user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        log = self._directory / "postgresql.log"
        options = f"-c port={port} -c unix_socket_directories='{self._directory}'"
        self._run(*self._pg_ctl, "-l", log, "-o", options, "start")
        super().__init__(primary.endpoint, str(self._directory), port, log)

    def _run(self, *command):
        subprocess.run(
            [*self._as_owner, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def catch_up(self):
        """Waits until everything is there that the primary has written so far."""
        written = self._primary.session.value("SELECT pg_current_wal_lsn()")
        deadline = time.monotonic() + 60
        while not self.session.value("SELECT pg_last_wal_replay_lsn() >= %s", written):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def close(self):
        super().close()
        self._run(*self._pg_ctl, "-m", "fast", "stop")
        shutil.rmtree(self._directory)
