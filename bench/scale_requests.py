"""What applications ask of b2_files all the time: how long it takes, and by which plans."""

import json
import random
import statistics
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable

from explained import Explained, count_sequential_scans, shortened
from harness import percentile, say
from scale_table import without_triggers

PAGE_SIZE = 50
BATCH = 100
MANY = 1000
PLANS = 10
UPLOADERS = 8
IMPORTER = "importer"

COLUMNS = "SELECT object_key, file_name, b2_presign_get(object_key) FROM b2_files"
OWN = "WHERE user_id = %s"
NEWEST = f"ORDER BY upload_timestamp DESC LIMIT {PAGE_SIZE}"
# Files that were registered in one transaction have the same time.
NEWEST_OF_ALL = f"ORDER BY upload_timestamp DESC, id DESC LIMIT {PAGE_SIZE}"
AFTER = "(upload_timestamp, id) < (%s, %s)"
FIRST_PAGE = f"{COLUMNS} {OWN} {NEWEST}"
NEXT_PAGE = f"{COLUMNS} {OWN} AND {AFTER} {NEWEST_OF_ALL}"

# All that one user has imported by a single statement, so that it has one time. In the order of keys
# they come first, so that new ones are the last as they were.
IMPORT = """
    INSERT INTO b2_files (object_key, user_id, upload_timestamp, server, file_name, content_type,
                          size, etag, version_id)
    SELECT '0/' || md5(n::text) || '.jpg', %s, now() - interval '1 year', 'b2', n || '.jpg',
           'image/jpeg', n, md5(n::text), md5('version' || n)
    FROM generate_series(1, %s) n"""

PRESIGN = """
    SELECT p.object_key FROM unnest(%s) u (id),
         LATERAL b2_presign_put('IMG_0001.jpg', 'image/jpeg', 3600, user_id => u.id) p"""


@dataclass(frozen=True)
class Request:
    name: str
    statement: str
    # The values of so many executions, from the requests' source.
    values: Callable
    times: int
    # Confined executions are made for the user that their first value names.
    is_confined: bool = False
    names_user: bool = True  # whether that value is in the statement, too


class Source:
    """Users, files and uploads that have not been asked for before."""

    def __init__(self, session, store, files):
        self.session = session
        self.store = store
        self._random = random.Random(1)
        self._files = files
        self._ids = iter(self._random.sample(range(1, files + 1), files // 4))

    def ids(self, count):
        return [next(self._ids) for _ in range(count)]

    def some_files(self, count):
        """Any ones, so that who has many files is met often."""
        ids = [self._random.randint(1, self._files) for _ in range(count * 5 // 4)]
        rows = self.session.rows(
            "SELECT user_id, upload_timestamp, id FROM unnest(%s) i (id) JOIN b2_files USING (id)",
            ids,
        )
        return rows[:count]

    def users(self, count):
        return [(row.user_id,) for row in self.some_files(count)]

    def uploads(self, count, are_stored=False):
        users = [user for (user,) in self.users(count)]
        keys = self.session.column(PRESIGN, users)
        if are_stored:
            with ThreadPoolExecutor(UPLOADERS) as threads:
                for _ in threads.map(self._store, keys):
                    pass
        return keys

    def _store(self, key):
        self.store.upload(key, b"bench", "image/jpeg")


def single(make, *arguments):
    """An execution for each of what `make` gives."""
    return lambda source, count: [(value,) for value in make(source, count, *arguments)]


def batched(make, size, *arguments):
    def values(source, count):
        things = make(source, count * size, *arguments)
        return [(things[start : start + size],) for start in range(0, len(things), size)]

    return values


def importer(source, count):
    return [(IMPORTER,)] * count


def after_imports(source, count):
    """From any place among the files that have one time."""
    rows = source.session.rows(
        "SELECT user_id, upload_timestamp, id FROM b2_files WHERE user_id = %s", IMPORTER
    )
    return [rows[len(rows) * n // count] for n in range(count)]


def owned_ids(source, count):
    ids = source.ids(count)
    return source.session.rows("SELECT user_id, id FROM b2_files WHERE id = ANY (%s)", ids)


def pages():
    return [
        Request("page", FIRST_PAGE, Source.users, 2000),
        Request("page, confined", FIRST_PAGE, Source.users, 2000, is_confined=True),
        Request(
            "page, confined, by the policy alone",
            f"{COLUMNS} {NEWEST}",
            Source.users,
            2000,
            is_confined=True,
            names_user=False,
        ),
        Request("next page", NEXT_PAGE, Source.some_files, 2000),
        Request("next page, confined", NEXT_PAGE, Source.some_files, 2000, is_confined=True),
        Request("page, all of one time", FIRST_PAGE, importer, 200),
        Request("next page, all of one time", NEXT_PAGE, after_imports, 200),
    ]


def changes(files):
    register = "SELECT * FROM b2_register_file(%s"
    register_many = "SELECT * FROM b2_register_files(%s"
    delete = "DELETE FROM b2_files WHERE"
    some = min(100, files // 20000)
    return [
        Request("register", f"{register}, verify => false)", single(Source.uploads), 2000),
        Request("register, verified", f"{register})", single(Source.uploads, True), 500),
        Request(
            f"register {BATCH}",
            f"{register_many}, verify => false)",
            batched(Source.uploads, BATCH),
            100,
        ),
        Request(
            f"register {BATCH}, verified",
            f"{register_many})",
            batched(Source.uploads, BATCH, True),
            100,
        ),
        Request("delete", f"{delete} id = %s", single(Source.ids), 2000),
        Request("delete, confined", f"{delete} user_id = %s AND id = %s", owned_ids, 2000, True),
        Request(f"delete {MANY}", f"{delete} id = ANY (%s)", batched(Source.ids, MANY), some),
    ]


def claims(user):
    return json.dumps({"role": "web_user", "sub": user})


class Requests:
    def __init__(self, database, session, store, files):
        self.database = database
        self.session = session
        self.files = files
        self.source = Source(session, store, files)
        self.role = database.create_role("web_user")
        self.troubles = []

    def set_up(self):
        """As docs/row-level-security.md has it for PostgREST, but for the link's function."""
        self.session.run("SELECT b2_set_identity('request.jwt.claims')")
        self.session.run(f'GRANT SELECT, DELETE ON b2_files TO "{self.role}"')
        self.session.run(f'GRANT USAGE ON FOREIGN SERVER b2 TO "{self.role}"')
        with without_triggers(self.session):
            self.session.run(IMPORT, IMPORTER, self.files // 100)
        self.session.run("VACUUM ANALYZE b2_files")

    def close(self):
        self.session.run(f'DROP OWNED BY "{self.role}"')

    def values(self, request, count):
        """What the claims are of, and what the statement takes."""
        for values in request.values(self.source, count):
            user = values[0] if request.is_confined else None
            yield user, values if request.names_user else values[1:]

    def measure(self, requests):
        """A row for the table of latencies for each."""
        self.session.run("CHECKPOINT")
        rows = []
        for request in requests:
            say(f"latency: {request.name}")
            times = self.latencies(request)
            rows.append(
                [request.name, len(times), *(f"{percentile(times, p):.2f}" for p in (50, 99))]
            )
        return rows

    def latencies(self, request):
        """Milliseconds. The first tenth is not counted."""
        warm_up = max(1, request.times // 10)
        role = self.role if request.is_confined else None
        times = []
        values = list(self.values(request, request.times + warm_up))
        with self.database.connect(role) as session:
            for user, arguments in values:
                if user:
                    session.run("SELECT set_config('request.jwt.claims', %s, false)", claims(user))
                times.append(self._time(session, request.statement, arguments))
        return times[warm_up:]

    @staticmethod
    def _time(session, statement, arguments):
        start = time.perf_counter()
        cursor = session.connection.cursor()
        cursor.execute(statement, arguments or None)
        if cursor.description:
            cursor.fetchall()
        cursor.close()
        return (time.perf_counter() - start) * 1000

    def explain(self, requests):
        """Rows for the table of plans: all statements that the requests run on the tables."""
        rows = []
        with Explained(self.database) as explained:
            for request in requests:
                say(f"plans: {request.name}")
                executions = defaultdict(list)  # by text
                for user, arguments in self.values(request, PLANS):
                    for execution in self._explain(explained, request, user, arguments):
                        executions[execution.text].append(execution)
                rows += [self._plan_row(request, same) for same in executions.values()]
        return [row for row in rows if row]

    def _explain(self, explained, request, user, arguments):
        """Rolled back."""
        session = explained.session
        before = count_sequential_scans(session)["b2_files"]
        session.run("BEGIN")
        if user:
            session.run(f'SET LOCAL ROLE "{self.role}"')
            session.run("SELECT set_config('request.jwt.claims', %s, true)", claims(user))
        _, executions = explained.execute(request.statement, *arguments)
        session.run("ROLLBACK")
        # It ends after all that it runs. Its values are not part of what it is.
        executions[-1].text = request.statement
        if count_sequential_scans(session)["b2_files"] > before:
            self._note(f"{request.name}: b2_files was read from end to end")
        return executions

    def _note(self, trouble):
        if trouble not in self.troubles:
            self.troubles.append(trouble)

    def _plan_row(self, request, executions):
        """None where they touch no table of the extension."""
        scans = [scan for execution in executions for scan in execution.scans]
        text = shortened(executions[0].text)
        for scan in scans:
            if scan.is_sequential and scan.table == "b2_files":
                self._note(f"{request.name}: Seq Scan on b2_files: {text}")
        if any(execution.is_compiled for execution in executions):
            self._note(f"{request.name}: JIT: {text}")
        sorts = {sort for execution in executions for sort in execution.sorts}
        if not scans and "b2_files" not in text:
            return None
        buffers = [execution.hits + execution.reads for execution in executions]
        nodes = sorted({f"{scan.node}: {scan.index or scan.table}" for scan in scans})
        return [
            request.name,
            f"{len(executions) / PLANS:g}",
            f"{statistics.median(buffers):g}",
            max(buffers),
            f"{statistics.median(execution.reads for execution in executions):g}",
            max((round(scan.rows) for scan in scans), default=0),
            ", ".join([*nodes, *sorted(sorts)]),
            text,
        ]
