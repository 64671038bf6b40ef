"""The PostgreSQL server that the tests talk to, and what they leave behind on it: nothing."""

import os
import re
import secrets
import subprocess
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extras import NamedTupleCursor


class Session:
    """A connection in autocommit mode."""

    def __init__(self, connection):
        self.connection = connection
        self.pid = connection.info.backend_pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def _execute(self, statement, values):
        cursor = self.connection.cursor(cursor_factory=NamedTupleCursor)
        # Without values a percent sign stands for itself.
        cursor.execute(statement, values or None)
        return cursor

    def run(self, statement, *values):
        self._execute(statement, values).close()

    def rows(self, statement, *values):
        with self._execute(statement, values) as cursor:
            return cursor.fetchall()

    def row(self, statement, *values):
        (row,) = self.rows(statement, *values)
        return row

    def value(self, statement, *values):
        (value,) = self.row(statement, *values)
        return value

    def column(self, statement, *values):
        return [value for (value,) in self.rows(statement, *values)]

    @contextmanager
    def transaction(self):
        """BEGIN, then COMMIT, or ROLLBACK where the block raises."""
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            if not self.connection.closed:
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    @contextmanager
    def as_role(self, role):
        self.run(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        try:
            yield
        finally:
            self.run("RESET ROLE")

    def create_server(self, name, options, mapping):
        """A foreign server with a user mapping for PUBLIC."""
        self.run(
            sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER b2neon OPTIONS ({})").format(
                sql.Identifier(name), options_list(options)
            )
        )
        self.run(
            sql.SQL("CREATE USER MAPPING FOR PUBLIC SERVER {} OPTIONS ({})").format(
                sql.Identifier(name), options_list(mapping)
            )
        )


def options_list(options):
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.Literal(str(value)))
        for name, value in options.items()
    )


class Database:
    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.roles = []

    def connect(self, role=None, encoding=None, **settings):
        """A session as `role` (the superuser where it is None), with these settings."""
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        connection = psycopg2.connect(
            "", dbname=self.name, user=role, options=options, **self.cluster.address
        )
        connection.autocommit = True
        if encoding:
            connection.set_client_encoding(encoding)
        return Session(connection)

    def create_role(self, purpose, attributes="LOGIN"):
        """A role that goes with the database. Returns its name."""
        role = f"e2e {purpose} {secrets.token_hex(4)}"
        self.cluster.run(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(role)))
        self.roles.append(role)
        return role

    def drop(self):
        self.cluster.run(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name))
        )
        for role in reversed(self.roles):
            self.cluster.run(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


class Cluster:
    """A server, as a superuser: the one that libpq's environment variables lead to, or another. Its
    databases may talk to the store at `endpoint` and to nobody else."""

    def __init__(self, endpoint, host=None, port=None, log=None):
        self.endpoint = endpoint
        self.address = {"host": host, "port": port} if host else {}
        self.bindir = self.find_bindir()
        self.log = Path(log or os.environ["PGLOG"])
        self.reconnect()

    def reconnect(self):
        self.session = Database(self, os.environ["PGDATABASE"]).connect()
        self.run = self.session.run
        self.version = self.session.connection.server_version

    @staticmethod
    def find_bindir():
        return Path(
            subprocess.check_output([os.environ["PG_CONFIG"], "--bindir"], text=True).strip()
        )

    def close(self):
        self.session.connection.close()

    def create_database(self, owner=None, encoding=None):
        """An empty database. Encodings other than the cluster's own come with the locale C."""
        name = f"e2e {secrets.token_hex(6)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if owner:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        if encoding:
            statement += sql.SQL(
                " ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            ).format(sql.Literal(encoding))
        self.run(statement)
        self.run(
            sql.SQL("ALTER DATABASE {} SET b2neon.allowed_endpoints = {}").format(
                sql.Identifier(name), sql.Literal(self.endpoint)
            )
        )
        return Database(self, name)

    def program(self, name, *arguments, role=None):
        """Runs a client program such as psql, and returns what it prints."""
        environment = dict(os.environ, PGOPTIONS="")
        if role:
            environment["PGUSER"] = role
        result = subprocess.run(
            [self.bindir / name, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert result.returncode == 0, f"{name} failed:\n{result.stderr}"
        return result.stdout


@contextmanager
def refused(sqlstate, *, message=None, detail=None, hint=None, constraint=None):
    """The block must fail with this SQLSTATE, these texts (regular expressions), and this
    constraint name. Gives the psycopg2 exception as `.value` afterwards."""
    with pytest.raises(psycopg2.Error) as caught:
        yield caught
    error = caught.value
    assert error.pgcode == sqlstate, f"{error.pgcode}: {error}"
    diagnostics = error.diag
    for pattern, found in (
        (message, diagnostics.message_primary),
        (detail, diagnostics.message_detail),
        (hint, diagnostics.message_hint),
    ):
        assert pattern is None or re.search(pattern, found or ""), f"{pattern!r} not in {found!r}"
    assert diagnostics.constraint_name == constraint
