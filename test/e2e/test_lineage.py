"""A copy of a database never deletes the files of its original."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster import Cluster, Database, refused
from objects import maintain, queue, upload, versions
from psycopg2 import sql

DELETING = ("CALL b2_maintain()", "CALL b2_maintain(dry_run => true)", "SELECT * FROM b2_orphans()")


@pytest.fixture
def original(own_database, store):
    """A database with an object that waits for its deletion, whose key is `key`."""
    with own_database.connect() as session:
        own_database.key = upload(session).object_key
        session.run("DELETE FROM b2_files")
    return own_database


@contextmanager
def copied(original):
    """A copy that PostgreSQL itself makes."""
    name = original.name + " copy"
    original.cluster.run(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(original.name)
        )
    )
    copy = Database(original.cluster, name)
    copy_settings(original.cluster, name)
    yield copy
    copy.drop()


def copy_settings(cluster, name):
    cluster.run(
        sql.SQL("ALTER DATABASE {} SET b2neon.allowed_endpoints = {}").format(
            sql.Identifier(name), sql.Literal(cluster.endpoint)
        )
    )


def assert_deletes_nothing(copy, store, key, detail):
    with copy.connect() as session:
        for statement in DELETING:
            with refused("55000", message="a copy of the database", detail=detail, hint="b2_take_over"):
                session.run(statement)
        assert len(versions(store, key)) == 1 and len(queue(session)) == 1
        rows = session.rows("SELECT ok, detail FROM b2_check() WHERE item = 'lineage'")
        assert [row.ok for row in rows] == [False] and "b2_take_over()" in rows[0].detail
        assert session.value("SELECT lineage_problem FROM b2_maintenance")


def assert_takes_over(copy, store, key):
    with copy.connect() as session:
        session.run("SELECT b2_take_over()")
        assert session.value("SELECT lineage_problem FROM b2_maintenance") is None
        maintain(session)
    assert versions(store, key) == set()


def test_the_original_says_that_it_is_one(original):
    with original.connect() as session:
        assert session.value("SELECT b2_lineage_problem()") is None
        rows = session.rows("SELECT ok FROM b2_check() WHERE item = 'lineage'")
        assert [row.ok for row in rows] == [True]


def test_what_was_pending_has_its_grace_anew_in_another_database(original):
    with original.connect() as session:
        session.run("SELECT b2_presign_put('f', 'text/plain', user_id => 'u')")
        session.run("UPDATE b2_uploads SET expires_at = '2000-01-01'")
        session.run("SELECT b2_take_over()")
        maintained = "SELECT count(*) FROM b2_uploads WHERE expires_at = now() AND registered_at IS NULL"
        assert session.value("SELECT count(*) FROM b2_uploads WHERE expires_at > '2000-01-01'") == 0
        session.run("UPDATE b2_lineage SET database_oid = 1")
        with session.transaction():
            session.run("SELECT b2_take_over()")
            assert session.value(maintained) == 1
            assert session.value("SELECT count(*) FROM b2_uploads WHERE expires_at = '2000-01-01'") == 1


def test_a_copy_by_template(original, store):
    with copied(original) as copy:
        assert_deletes_nothing(copy, store, original.key, "OID .* of this cluster, and this is")
        assert_takes_over(copy, store, original.key)


def test_another_name_is_no_other_database(original, store):
    name = original.name + " renamed"
    original.cluster.run(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(original.name), sql.Identifier(name)
        )
    )
    original.name = name
    with original.connect() as session:
        maintain(session)
    assert versions(store, original.key) == set()


def restore(original, target):
    """Dumps and restores a database; nothing is queued by that."""
    with tempfile.NamedTemporaryFile(suffix=".dump") as dump:
        original.cluster.program("pg_dump", "-d", original.name, "-f", dump.name)
        address = target.cluster.address
        options = ["-h", address["host"], "-p", str(address["port"])] if address else []
        options += ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target.name, "-f", dump.name]
        original.cluster.program("psql", *options)


def test_a_dump_restored_beside_it(original, store):
    target = original.cluster.create_database()
    restore(original, target)
    assert_deletes_nothing(target, store, original.key, "with OID")
    assert_takes_over(target, store, original.key)
    target.drop()


def test_a_dump_restored_in_another_cluster(original, store, private_cluster):
    target = private_cluster.create_database()
    restore(original, target)
    assert_deletes_nothing(target, store, original.key, "system identifier")
    assert_takes_over(target, store, original.key)
    target.drop()


@pytest.mark.parametrize("options", [[], ["--data-only"], ["--enable-row-security"]])
def test_a_dump_restored_over_a_new_extension(original, store, options):
    target = original.cluster.create_database()
    with target.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
    with tempfile.NamedTemporaryFile(suffix=".dump") as dump:
        original.cluster.program("pg_dump", "-d", original.name, "-f", dump.name, *options)
        original.cluster.program("psql", "-X", "-q", "-d", target.name, "-f", dump.name)
    assert_deletes_nothing(target, store, original.key, "with OID")
    assert_takes_over(target, store, original.key)
    target.drop()


def test_an_extension_made_as_while_restoring_knows_no_original(empty_database):
    with empty_database.connect(row_security="off") as session:
        session.run("CREATE EXTENSION b2neon")
        with refused("55000", detail="It is not known", hint="b2_take_over"):
            session.run("CALL b2_maintain()")


@pytest.mark.parametrize("timeline", ["de200bd42b49cc1814412c7e592dd6e9", ""])
def test_a_branch_of_neon(original, store, timeline):
    """A branch has everything from its parent but the timeline."""
    parent = "0fbf00d0ccb4ae33afe0ea4c29e7e1c5"
    with original.connect(**{"neon.timeline_id": parent}) as session:
        session.run("SELECT b2_take_over()")
        assert session.value("SELECT b2_lineage_problem()") is None
    original.cluster.run(
        sql.SQL("ALTER DATABASE {} SET neon.timeline_id = {}").format(
            sql.Identifier(original.name), sql.Literal(timeline)
        )
    )
    assert_deletes_nothing(original, store, original.key, f"timeline {parent}, and this is")
    assert_takes_over(original, store, original.key)


class PhysicalCopy:
    """A standby of the cluster that the environment leads to."""

    def __init__(self, original):
        self._directory = Path(tempfile.mkdtemp(prefix="b2neon-standby."))
        owner = os.environ["PG_OS_USER"]
        self._as_owner = ["env", "-C", "/"]
        if os.geteuid() == 0:
            shutil.chown(self._directory, owner)
            self._as_owner += ["runuser", "-u", owner, "--"]
        self._bindir = original.bindir
        self._data = self._directory / "data"
        self._run("pg_basebackup", "-D", self._data, "-R", "-c", "fast", "-X", "stream",
                  "-h", os.environ["PGHOST"], "-p", os.environ["PGPORT"], "-U", os.environ["PGUSER"])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = f"-c port={port} -c listen_addresses= -c unix_socket_directories={self._directory}"
        self._control("start", "-l", self._directory / "log", "-o", options)
        self.cluster = Cluster(original.endpoint, str(self._directory), port, self._directory / "log")

    def _run(self, program, *arguments):
        command = [*self._as_owner, self._bindir / program, *arguments]
        result = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert result.returncode == 0, result.stderr

    def _control(self, action, *arguments):
        self._run("pg_ctl", "-D", self._data, "-w", "--silent", action, *arguments)

    def promote(self):
        self._control("promote")

    def close(self):
        self.cluster.close()
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self._directory)


def test_a_promoted_standby_goes_on_by_itself(original, store):
    standby = PhysicalCopy(original.cluster)
    try:
        copy = Database(standby.cluster, original.name)
        with copy.connect() as session:
            assert session.value("SELECT lineage_problem FROM b2_maintenance") is None
            with refused("25006"):
                session.run("CALL b2_maintain()")
            assert len(versions(store, original.key)) == 1
        standby.promote()
        with copy.connect() as session:
            maintain(session)
        assert versions(store, original.key) == set()
    finally:
        standby.close()
