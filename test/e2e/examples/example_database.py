"""Databases that examples/setup.sql has set up for the local store."""

import os
import subprocess
from urllib.parse import quote

from backend import EXAMPLES


def set_up(database, store, **variables):
    """Runs examples/setup.sql as README.md says. A variable that is None is not set."""
    environment = {
        **os.environ,
        "B2_APPLICATION_KEY_ID": store.key_id,
        "B2_APPLICATION_KEY": store.application_key,
        "B2_BUCKET_NAME": store.bucket,
        "B2_ENDPOINT_URL": store.endpoint,
        "B2_REGION": store.region,
        **variables,
    }
    return subprocess.run(
        [database.cluster.bindir / "psql", "-X", "-d", database.name, "-f", EXAMPLES / "setup.sql"],
        env={name: value for name, value in environment.items() if value is not None},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def url_of(database):
    return f"postgresql://files_backend@127.0.0.1:{os.environ['PGPORT']}/{quote(database.name)}"
