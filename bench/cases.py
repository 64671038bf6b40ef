"""The statements that bench/plans.py runs."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Callable, Optional

BATCH = 1000


@dataclass(frozen=True)
class Case:
    name: str
    # The statement, from the filling and a generator of random numbers.
    statement: Callable
    settings: tuple = ()
    is_confined: bool = False
    commits: bool = False  # cannot be rolled back
    may_scan: bool = False  # counts, or changes a large part of a table
    expected_error: Optional[str] = None
    meanwhile: Callable = lambda filling: nullcontext()


def on_files(command, count=1, tail=""):
    """A statement for so many files in a row that no other table names."""

    def statement(filling, generator):
        first = filling.free_file(generator, count)
        return f"{command} WHERE id BETWEEN {first} AND {first + count - 1} {tail}"

    return statement


def bulk_on_files(command):
    return lambda filling, generator: on_files(command, filling.others)(filling, generator)


def delete_one(filling, generator):
    return f"DELETE FROM b2_files WHERE id = {filling.free_file(generator)}"


def delete_own(filling, generator):
    return f"DELETE FROM b2_files WHERE id = {filling.own_file(generator)}"


def insert(count):
    def statement(filling, generator):
        rows = count or filling.others
        return f"""INSERT INTO b2_files (object_key, user_id, version_id)
                   SELECT 'new/' || n, 'user_1', md5(n::text) FROM generate_series(1, {rows}) n"""

    return statement


def insert_one(filling, generator):
    return "INSERT INTO b2_files (object_key, user_id) VALUES ('new/1', 'user_1')"


def link(filling, generator):
    return f"SELECT b2_presign_get(bench_key({filling.own_file(generator)}))"


def register(filling, generator):
    key = f"'pending/' || bench_key({filling.pending_upload(generator)})"
    return f"SELECT b2_register_file({key}, verify => false)"


def register_many(filling, generator):
    keys = {filling.pending_upload(generator) for _ in range(100)}
    keys = ", ".join(f"'pending/' || bench_key({key})" for key in sorted(keys))
    return f"SELECT FROM b2_register_files(ARRAY[{keys}], verify => false)"


def delete_upload(filling, generator):
    key = f"'pending/' || bench_key({filling.pending_upload(generator)})"
    return f"DELETE FROM b2_uploads WHERE object_key = {key}"


def fixed(statement):
    return lambda filling, generator: statement


def drift(function, tail=""):
    return lambda filling, generator: (
        f"SELECT FROM {function}(prefix => '{filling.stored_prefix}'{tail})"
    )


KEEP = ("b2neon.keep_objects = on",)
DELETE = "DELETE FROM b2_files"
SET_METADATA = "UPDATE b2_files SET metadata = '{\"a\": 1}'"
SET_VERSION = "UPDATE b2_files SET version_id = md5(id::text)"
PUT = "SELECT b2_presign_put('photo.jpg', 'image/jpeg', user_id => 'user_1'"


def maintain(arguments="", server="b2"):
    return fixed(f"CALL b2_maintain(time_limit => 1, server => '{server}'{arguments})")


def make_cases():
    return [
        Case("DELETE of 1 row", delete_one),
        Case("DELETE of 1000 rows", on_files(DELETE, BATCH)),
        Case("DELETE of 1 row, confined", delete_own, is_confined=True),
        Case("DELETE of 1 row, keep_objects", delete_one, KEEP),
        Case("DELETE of 1000 rows, keep_objects", on_files(DELETE, BATCH), KEEP),
        Case("DELETE of 1 upload", delete_upload),
        Case("UPDATE of metadata", on_files(SET_METADATA)),
        Case("UPDATE of version_id", on_files(SET_VERSION)),
        Case("UPDATE of version_id, 1000 rows", on_files(SET_VERSION, BATCH)),
        Case("UPDATE of version_id, keep_objects", on_files(SET_VERSION), KEEP),
        Case("INSERT of 1 row", insert_one),
        Case("INSERT of 1000 rows", insert(BATCH)),
        Case("b2_presign_put, generated key", fixed(PUT + ")")),
        Case("b2_presign_put, given key", fixed(PUT + ", object_key => 'new/1')")),
        Case("b2_register_file, unverified", register),
        Case("b2_register_files, 100, unverified", register_many),
        Case("b2_presign_get, confined", link, is_confined=True),
        Case("b2_maintain, for 1 second", maintain(), commits=True),
        Case("b2_maintain, batches of 10", maintain(", batch_size => 10"), commits=True),
        Case("b2_maintain, batches of 10000", maintain(", batch_size => 10000"), commits=True),
        Case(
            "b2_maintain, store is away",
            maintain(server="away"),
            commits=True,
            expected_error="08001",
        ),
        Case("b2_maintain, store refuses", maintain(server="locked"), commits=True),
        Case(
            "b2_maintain, rows undecided",
            maintain(server="undecided"),
            commits=True,
            meanwhile=lambda filling: filling.undecided_files(),
        ),
        Case("b2_orphans, 500 objects", drift("b2_orphans", ", older_than => '0'")),
        Case("b2_missing, 400 files of a prefix", drift("b2_missing")),
        Case("b2_maintain, dry run", maintain(", dry_run => true"), may_scan=True),
        Case("b2_maintenance", fixed("SELECT * FROM b2_maintenance"), may_scan=True),
    ]


# The first comes between others too; all are rolled back.
BULKS = [
    Case("bulk DELETE", bulk_on_files(DELETE), may_scan=True),
    Case("bulk UPDATE of version_id", bulk_on_files(SET_VERSION), may_scan=True),
    Case("bulk INSERT", insert(0), may_scan=True),
    Case("bulk DELETE, keep_objects", bulk_on_files(DELETE), KEEP, may_scan=True),
]
