"""Times b2_presign_get() as a confined role calls it, with many keys, for the first time, and on a
read replica.

bench/README.md says what is measured and what the columns mean."""

import argparse
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from harness import database_with, print_table, say
from presigners import MAPPING_OPTIONS, SERVER_OPTIONS, Statement
from report import markdown_table, processor, significant, write_page

from cluster import Database
from standby import Standby

TITLE = "Other ways to call b2_presign_get()"
COLUMNS = ["call", "µs", "least to most", "at most"]

USERS = 100
KEYS = 1000  # of each user
REPEATED = 20
FILL = """
    INSERT INTO b2_files (object_key, user_id, server)
    SELECT gen_random_uuid() || '-photo.jpg', 'user_' || n % {users}, 'b2'
    FROM generate_series(1, {rows}) n"""

# By `key`, or by `keys` and `n`, so that no result can be used twice.
ONE_BY_ONE = "FROM unnest(%s) key, generate_series(1, {repeated}) n"
AT_ONCE = "FROM generate_series(1, {repeated}) n, LATERAL {keys} f"


@dataclass
class Way:
    label: str
    sample: Callable  # microseconds
    most: Callable = None  # what is promised, of the ways by label
    values: list = field(default_factory=list)

    def median(self):
        return statistics.median(self.values)


def timed(session, statement, *values):
    """The statement's one value, and the microseconds it took."""
    start = time.perf_counter()
    value = session.value(statement, *values)
    return value, (time.perf_counter() - start) * 1e6


def microseconds_per_url(session, keys, from_clause, with_call, without_call):
    """Of the statement with the call, less those of the statement without."""
    (_, without) = timed(session, f"SELECT count({without_call}) {from_clause[0]}", keys)
    (urls, seconds) = timed(session, f"SELECT count({with_call}) {from_clause[1]}", keys)
    if urls != REPEATED * len(keys):
        sys.exit(f"{urls} URLs instead of {REPEATED * len(keys)}")
    return (seconds - without) / urls


def one_key_a_call(session, keys):
    clause = ONE_BY_ONE.format(repeated=REPEATED)
    return lambda: microseconds_per_url(
        session, keys, (clause, clause), "b2_presign_get(key)", "key"
    )


def many_keys_a_call(session, keys):
    without = AT_ONCE.format(repeated=REPEATED, keys="unnest(%s)")
    with_call = AT_ONCE.format(repeated=REPEATED, keys="b2_presign_get(%s, 300 + n)")
    return lambda: microseconds_per_url(session, keys, (without, with_call), "presigned_url", "f")


def first_call(database, key):
    """In a session of its own, with the library loaded: what the first call takes longer than a
    statement that calls nothing."""

    def sample():
        with database.connect(jit="off") as session:
            session.run("LOAD 'b2neon'")
            session.value("SELECT length(%s)", key)
            _, without = timed(session, "SELECT length(%s)", key)
            _, with_call = timed(session, "SELECT length(b2_presign_get(%s))", key)
            return with_call - without

    return sample


def each_row(statement):
    def sample():
        done = statement.sample()
        return done.seconds / done.urls * 1e6

    return sample


def confined_session(database, user):
    """As a role that sees the rows of `user` by the policy that the extension makes."""
    role = database.create_role("confined")
    with database.connect() as owner:
        owner.run(f'GRANT SELECT ON b2_files TO "{role}"; GRANT USAGE ON FOREIGN SERVER b2 TO "{role}"')
    session = database.connect(role, jit="off")
    session.run(f"""SET request.jwt.claims = '{{"sub": "{user}"}}'""")
    return session


def ways_of(stack, database):
    session = stack.enter_context(database.connect(jit="off"))
    session.run(FILL.format(users=USERS, rows=USERS * KEYS))
    session.run("SELECT b2_set_identity('request.jwt.claims')")
    session.run("VACUUM (FREEZE, ANALYZE) b2_files")
    keys = session.column("SELECT object_key FROM b2_files WHERE user_id = 'user_7'")
    confined = stack.enter_context(confined_session(database, "user_7"))
    say("a read replica")
    standby = Standby(database.cluster)
    stack.callback(standby.close)
    standby.catch_up()
    on_primary = Statement("on the primary", database, "b2_presign_get(object_key)")
    on_standby = Statement(
        "on the read replica", Database(standby, database.name), "b2_presign_get(object_key)"
    )
    stack.callback(on_primary.close)
    stack.callback(on_standby.close)
    return session, [
        Way("on the primary, a column of 100,000 rows", each_row(on_primary)),
        # Side by side they differ by what a machine's noise makes of it.
        Way("on a read replica, the same", each_row(on_standby), lambda ways: 1.1 * ways[0].median()),
        Way("confined, one key a call", one_key_a_call(confined, keys), lambda _: 15),
        Way(f"confined, {KEYS} keys a call, for each", many_keys_a_call(confined, keys), lambda _: 3),
        Way(f"not confined, {KEYS} keys a call, for each", many_keys_a_call(session, keys)),
        Way("first call of a session", first_call(database, keys[0]), lambda _: 1000),
    ]


def table_rows(ways):
    return [
        [
            way.label,
            significant(way.median()),
            f"{significant(min(way.values))} to {significant(max(way.values))}",
            significant(way.most(ways)) if way.most else "",
        ]
        for way in ways
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, metavar="N")
    parser.add_argument("--write", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        database = stack.enter_context(database_with(SERVER_OPTIONS, MAPPING_OPTIONS))
        session, ways = ways_of(stack, database)
        for way in ways:
            way.sample()
        say(f"{arguments.rounds} rounds")
        for _ in range(arguments.rounds):
            for way in ways:
                way.values.append(way.sample())
        version = session.value("SHOW server_version").split()[0]
    setting = f"{processor()}; PostgreSQL {version}; medians of {arguments.rounds} rounds."
    rows = table_rows(ways)
    print_table(TITLE, COLUMNS, rows)
    print("\n" + setting)
    if arguments.write:
        write_page(arguments.write, "calls", [f"# {TITLE}", setting, markdown_table(COLUMNS, rows)])
    too_slow = [way.label for way in ways if way.most and way.median() > way.most(ways)]
    for label in too_slow:
        print(f"NOT as promised: {label}")
    sys.exit(bool(too_slow))


if __name__ == "__main__":
    main()
