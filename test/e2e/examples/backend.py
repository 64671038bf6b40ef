"""The example backends as running programs, and what they answer."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from doc_examples import ROOT
from http_request import send

EXAMPLES = ROOT / "examples"
COMMANDS = {"hono": ["npm", "start", "--silent"], "flask": [sys.executable, "app.py"]}


def install(name, directory):
    """A copy of the examples, with the packages that `name` needs. Python's are the system's."""
    shutil.copytree(EXAMPLES, directory, ignore=shutil.ignore_patterns("node_modules", ".env"))
    if name == "hono":
        subprocess.run(
            ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--silent"],
            cwd=directory / name,
            check=True,
            stdin=subprocess.DEVNULL,
        )


@dataclass
class Answer:
    status: int
    body: dict

    def is_refusal(self, status):
        return (
            self.status == status
            and self.body.keys() == {"success", "error"}
            and self.body["success"] is False
            and self.body["error"].endswith(".")
        )


class Backend:
    """One of the examples at work, with these environment variables and nothing of the store's."""

    def __init__(self, name, directory, **variables):
        self.name = name
        self._log = tempfile.TemporaryFile("w+")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "B2", "S3_STORE"))
        }
        self._process = subprocess.Popen(
            COMMANDS[name],
            cwd=Path(directory) / name,
            env={**environment, "PORT": str(self.port), **variables},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            # npm has the server as a child.
            start_new_session=True,
        )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def stop(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)

    def close(self):
        self.stop()
        self._process.wait(10)
        self._log.close()

    def send(self, method, path, body=None, **headers):
        """`headers` have underscores for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(method, f"http://127.0.0.1:{self.port}{path}", body, given)

    def ask(self, method, path, body=None, *, user=None, **headers):
        """Sends JSON (text and bytes as they stand), as `user`, and returns the answer."""
        if body is not None:
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            body = body if isinstance(body, bytes) else body.encode()
            headers = {"Content_Type": "application/json", **headers}
        if user:
            headers["X_Demo_User"] = user
        answer = self.send(method, path, body, **headers)
        assert answer.headers.get_content_type() == "application/json", answer
        return Answer(answer.status, json.loads(answer.body))

    def presign(self, file_name="test.txt", content_type="text/plain", user=None, **others):
        body = {"fileName": file_name, "contentType": content_type, **others}
        return self.ask("POST", "/presign-b2-upload", body, user=user)

    def save(self, object_key, user=None):
        return self.ask("POST", "/save-b2-metadata", {"objectKey": object_key}, user=user)

    def upload(self, body, user=None, **others):
        """The whole way of a file. Returns its object key."""
        presigned = self.presign(user=user, **others).body
        assert put(presigned, body).status == 200
        assert self.save(presigned["objectKey"], user=user).status in (200, 201)
        return presigned["objectKey"]

    def files(self, user=None, query=""):
        return self.ask("GET", "/files" + query, user=user)


def put(presigned, body, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return send("PUT", presigned["presignedUrl"], body, {**presigned["requiredHeaders"], **given})
