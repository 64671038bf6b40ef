"""with_backend.py KIND CMD...

Runs CMD with one of the example backends at work (hono or flask), which serves the page. CMD finds
  BACKEND_URL  the page, at an origin that the store's CORS rules allow
  OTHER_URL    the same page, at an origin that they do not allow
  PGDATABASE   the backend's database
The exit status is CMD's. To be run within with-s3-store, with-postgres and with-cluster.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

E2E = Path(__file__).parents[1] / "e2e"
sys.path[:0] = [str(E2E), str(E2E / "examples")]

from backend import Backend, install  # noqa: E402
from cluster import Cluster  # noqa: E402
from cors_rule import cors_rule  # noqa: E402
from example_database import set_up, url_of  # noqa: E402
from store import Store  # noqa: E402


def main(kind, *command):
    store = Store()
    cluster = Cluster(store.endpoint)
    database = cluster.create_database()
    database.roles = ["files_backend"]
    try:
        done = set_up(database, store)
        assert done.returncode == 0, done.stdout
        with tempfile.TemporaryDirectory() as directory:
            examples = Path(directory) / "examples"
            install(kind, examples)
            backend = Backend(kind, examples, DATABASE_URL=url_of(database), ALLOW_DEMO_USER="1")
            try:
                rules = {"CORSRules": [cors_rule(backend.url)]}
                store.s3.put_bucket_cors(Bucket=store.bucket, CORSConfiguration=rules)
                environment = {
                    **os.environ,
                    "BACKEND_URL": backend.url,
                    "OTHER_URL": backend.url.replace("localhost", "127.0.0.1"),
                    "PGDATABASE": database.name,
                }
                return subprocess.run(command, env=environment).returncode
            finally:
                backend.close()
    finally:
        database.drop()
        cluster.close()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: with_backend.py KIND CMD...")
    sys.exit(main(*sys.argv[1:]))
