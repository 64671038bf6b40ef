"""The connections to the database."""

import json
import os

from psycopg import OperationalError
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

if not os.environ.get("DATABASE_URL"):
    raise SystemExit("DATABASE_URL is not set; see README.md")


class LivePool(ConnectionPool):
    """Gives out no connection that has broken while nobody used it. (From psycopg_pool 3.2 on, the
    argument check does this.)"""

    def getconn(self, timeout=None):
        while True:
            connection = super().getconn(timeout)
            try:
                connection.execute("")
                return connection
            except OperationalError:
                self.putconn(connection)


pool = LivePool(
    os.environ["DATABASE_URL"],
    # Not every pooler keeps prepared statements.
    kwargs={"row_factory": dict_row, "connect_timeout": 5, "prepare_threshold": None},
    min_size=1,
    max_size=10,
    timeout=5,
    reconnect_timeout=5,
    open=True,
)


def query_as(user_id, statement, *values):
    """Runs one statement in a transaction in which b2_user_id() is `user_id`, within 20 seconds.
    Returns the rows."""
    with pool.connection() as connection:
        claims = json.dumps({"sub": user_id})
        # For the transaction alone: a pooler in front of the database then mixes nothing up.
        connection.execute(
            "SELECT set_config('request.jwt.claims', %s, true),"
            " set_config('statement_timeout', '20s', true)",
            [claims],
        )
        return connection.execute(statement, values).fetchall()
