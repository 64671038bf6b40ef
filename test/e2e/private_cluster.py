"""A PostgreSQL server of a test's own, which it may shut down, and which sees another name service and other
certificate authorities than the machine has."""

import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
from cluster import Cluster
from process_memory import AS_ROOT

# What the server sees in place of the machine's own files, in a mount namespace.
IN_NAMESPACE = """
    set -e
    # What is mounted here must not be seen outside.
    [ -n "$B2NEON_PRIVATE_MOUNTS" ] || mount --make-rprivate /
    mount --bind "$1" "$(realpath /etc/resolv.conf)"
    mount --bind "$2" /etc/ssl/certs
    shift 2
    exec "$@"
"""

# Of an answer that there is no such name, all but the beginning is the question (RFC 1035).
NAME_SERVER = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print("bound", flush=True)
while True:
    question, asker = server.recvfrom(512)
    if b"\\x07invalid\\x00" in question.lower():
        end = question.index(b"\\x07invalid\\x00") + 13
        flags_and_counts = bytes.fromhex("8183 0001 0000 0000 0000")
        server.sendto(question[:2] + flags_and_counts + question[12:end], asker)
"""


class NameServer:
    """Says of names in .invalid that they do not exist, and to all other questions of those who use
    `resolv_conf` it says nothing."""

    def __init__(self, directory):
        # Addresses of the loopback network that another run will hardly take too.
        address = "127." + ".".join(str(1 + secrets.randbelow(250)) for _ in range(3))
        self._process = subprocess.Popen(
            [*AS_ROOT, sys.executable, "-c", NAME_SERVER, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout.readline() == b"bound\n"
        self.resolv_conf = directory / "resolv.conf"
        # Whoever waits for an answer does not wait for long.
        self.resolv_conf.write_text(f"nameserver {address}\noptions timeout:2 attempts:1\n")

    def close(self):
        PrivateCluster.signal(self._process.pid, signal.SIGTERM)
        self._process.wait(10)


class PrivateCluster(Cluster):
    """Is given the directory of the certificate authorities that it trusts, and settings."""

    def __init__(self, endpoint, trusted, **settings):
        bindir = self.find_bindir()
        self._directory = Path(tempfile.mkdtemp(prefix="b2neon-private."))
        self._directory.chmod(0o777)
        self._name_server = NameServer(self._directory)
        owner = os.environ["PG_OS_USER"]
        self._as_owner = ["env", "-C", "/"]
        if os.geteuid() == 0:
            self._as_owner += ["runuser", "-u", owner, "--"]
        self._data = self._directory / "data"
        self._pg_ctl = [bindir / "pg_ctl", "-D", self._data, "-w", "-t", "60", "--silent"]
        self._in_namespace = [
            *AS_ROOT,
            *("unshare", "--mount", "--propagation", "unchanged", "bash", "-c", IN_NAMESPACE, "bash"),
            self._name_server.resolv_conf,
            trusted,
            *("env", "-C", "/", "runuser", "-u", owner, "--"),
        ]
        self._run(*self._as_owner, bindir / "initdb", "--no-sync", "--auth=trust", "-U", "postgres",
                  "--encoding=UTF8", "--locale=C.UTF-8", "-D", self._data)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": f"'{self._directory}'",
            "fsync": "off",
            "log_line_prefix": "'%p %e '",
            **settings,
        }
        self._options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._log_file = self._directory / "postgresql.log"
        self.start()
        super().__init__(endpoint, str(self._directory), port, self._log_file)

    def _run(self, *command):
        result = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert result.returncode == 0, f"{shlex.join(map(str, command))}:\n{result.stderr}"

    def start(self):
        self._run(
            *self._in_namespace, *self._pg_ctl, "-l", self._log_file, "-o", self._options, "start"
        )

    def postmaster_pid(self):
        return int((self._data / "postmaster.pid").read_text().split("\n")[0])

    def begin_fast_shutdown(self):
        self.signal(self.postmaster_pid(), signal.SIGINT)

    def begin_immediate_shutdown(self):
        self.signal(self.postmaster_pid(), signal.SIGQUIT)

    def wait_for_recovery(self):
        """Waits until the server, of which a process was killed, has ended all others and is there again."""
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline
            try:
                # The old session ends with the others; until then a new one would too.
                if self.session.connection.closed:
                    return self.reconnect()
                self.run("SELECT")
            except psycopg2.Error:
                pass
            time.sleep(0.01)

    def restart(self):
        """Waits for the end of a shutdown, and starts the server anew."""
        deadline = time.monotonic() + 60
        while (self._data / "postmaster.pid").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.start()
        self.reconnect()

    @staticmethod
    def signal(pid, number):
        if AS_ROOT:
            subprocess.run([*AS_ROOT, "kill", f"-{number}", str(pid)], check=True)
        else:
            os.kill(pid, number)

    def close(self):
        super().close()
        self._run(*self._as_owner, *self._pg_ctl, "-m", "fast", "stop")
        self._name_server.close()
        shutil.rmtree(self._directory)
