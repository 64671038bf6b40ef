"""The peers of bench/presign.py: builds and starts them."""

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from presigners import BUILD, TASK, Peer, Statement, run

PEERS = Path(__file__).resolve().parent / "peers"


def build_js():
    """A directory with the program and, from the lock file, what it needs."""
    directory = BUILD / "js"
    shutil.copytree(PEERS / "js", directory, dirs_exist_ok=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund"]
    run(["npm", "ci", *options], cwd=directory)
    return directory / "presign.mjs"


def build_minio():
    """With Debian's sources of the library, whose version is the package's."""
    package = "golang-github-minio-minio-go-v7-dev"
    version = run(["dpkg-query", "--show", "--showformat=${Version}", package]).split("-")[0]
    program = BUILD / "minio_peer"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOFLAGS": "",
        "GOCACHE": str(BUILD / "go-cache"),
    }
    flags = f"-ldflags=-X main.minioGo={version}"
    source = PEERS / "minio" / "main.go"
    run(["go", "build", flags, "-o", program, source], env=environment)
    return program


def start_peers(keys, seconds):
    """The libraries of other languages, each as it is documented, and where it can be had, the signer
    alone that is inside."""
    boto3 = ["/usr/bin/python3", str(PEERS / "boto3_peer.py")]
    js = ["node", str(build_js())]
    quiet = {"NODE_NO_WARNINGS": "1"}
    return [
        # On one thread it is a little faster than on two.
        Peer("minio-go", [str(build_minio())], keys, seconds, GOMAXPROCS="1"),
        Peer("AWS SDK for JavaScript, signer alone", [*js, "signer"], keys, seconds, **quiet),
        Peer("AWS SDK for JavaScript", [*js, "client"], keys, seconds, **quiet),
        Peer("boto3, signer alone", [*boto3, "signer"], keys, seconds),
        Peer("boto3", [*boto3, "client"], keys, seconds),
    ]


def plpgsql_statement(database):
    """With what is the same for all URLs worked out before, and not counted."""
    with database.connect() as session:
        session.run((PEERS / "plpgsql.sql").read_text())
        task = {
            **TASK,
            "host": urlsplit(TASK["endpoint"]).netloc,
            "signed_at": datetime.now(timezone.utc),
        }
        names = ["host", "region", "bucket", "key_id", "application_key", "expires_in", "signed_at"]
        parts = session.row(
            f"SELECT * FROM bench_presign_parts({', '.join(['%s'] * len(names))})",
            *(task[name] for name in names),
        )
        version = session.value("SELECT extversion FROM pg_extension WHERE extname = 'pgcrypto'")
    call = f"bench_presign_get(object_key, {', '.join(['%s'] * len(parts))})"
    statement = Statement("PL/pgSQL with pgcrypto", database, call, parts)
    statement.versions["pgcrypto"] = version
    return statement
