"""Starts the backends of the guide."""

import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "bench-guide"
NODE_VERSION = 20  # what the AWS SDK wants
WORKERS = 2
THREADS = 4
START_SECONDS = 30


class Backend:
    def __init__(self, name, pid, port):
        self.name = name
        self.pid = pid
        self.address = f"http://127.0.0.1:{port}"

    def post(self, path, **body):
        request = urllib.request.Request(
            self.address + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)


def versions():
    python = ("gunicorn", "Flask", "boto3", "psycopg2")
    found = {name: importlib.metadata.version(name) for name in python}
    if has_node():
        found["Node.js"] = node_version()
        wanted = json.loads((HERE / "hono" / "package.json").read_text())["dependencies"]
        found.update(wanted)
    return found


def node_version():
    return subprocess.check_output(["node", "--version"], text=True).strip().lstrip("v")


def has_node():
    return bool(shutil.which("node")) and int(node_version().split(".")[0]) >= NODE_VERSION


def install_hono():
    """Its packages, in build/, where they stay for as long as they are these."""
    directory = BUILD / "hono"
    directory.mkdir(parents=True, exist_ok=True)
    lock, installed = HERE / "hono" / "package-lock.json", directory / "installed.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "hono" / name, directory)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=directory,
            check=True,
            stdout=sys.stderr,
        )
        shutil.copy(lock, installed)
    # Node looks for packages beside the program.
    shutil.copy(HERE / "hono" / "server.js", directory)
    return directory


def environment(name, store, database, role, port):
    return {
        **os.environ,
        "B2_APPLICATION_KEY_ID": store.key_id,
        "B2_APPLICATION_KEY": store.application_key,
        "B2_BUCKET_NAME": store.bucket,
        "B2_ENDPOINT_URL": store.endpoint,
        "B2_REGION": store.region,
        "PGDATABASE": database.name,
        "PGUSER": role,
        "PGAPPNAME": name,
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "NODE_ENV": "production",
        # The AWS SDK says at each start which versions it will want one day.
        "NODE_NO_WARNINGS": "1",
    }


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(command, directory, port, variables):
    """The command, from when it answers until the block ends."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, f"{command[0]} has ended"
                assert time.monotonic() < deadline, f"{command[0]} does not answer"
                time.sleep(0.1)
        yield Backend(variables["PGAPPNAME"], process.pid, port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=START_SECONDS)


def hono(store, database, role):
    port = free_port()
    variables = environment("guide, Hono", store, database, role, port)
    return running(["node", "server.js"], install_hono(), port, variables)


def flask(store, database, role, keep_connections=False):
    port = free_port()
    name = "guide, Flask, connections kept" if keep_connections else "guide, Flask"
    variables = environment(name, store, database, role, port)
    if keep_connections:
        variables["KEEP_CONNECTIONS"] = "1"
    command = [
        *("/usr/bin/python3", "-m", "gunicorn", "--log-level=warning"),
        *(f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}"),
        *("--worker-class=gthread", f"--threads={THREADS}"),
        "server:app",
    ]
    return running(command, HERE / "flask", port, variables)
