"""b2_files with many rows, as they are after years: in the order in which the files came."""

from contextlib import contextmanager

from harness import say

CHUNK = 500000
YEARS = 3
# The largest number of users; a user has 100 files on average.
MOST_USERS = 100000
FILES_PER_USER = 100

# A number of 0 to 1 from the number of a row and a salt, the same one each time.
UNIFORM = "((hashint8extended(n, {salt}) & 268435455) / 268435456.0::float8)"
# The user with rank r has files in proportion to r ^ (-2/3): with 100,000 users the first one has 2 %
# of all files, and one in the middle has half of the average.
USER = f"'user_' || floor({{users}} * ({UNIFORM.format(salt=1)}) ^ 3)::bigint"

# As src/pg/generated_key.cpp writes them: 48 bits of time and 74 random ones.
TIME = "lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')"
UUID_BY_TIME = (
    f"substr({TIME}, 1, 8) || '-' || substr({TIME}, 9, 4) || '-7' || substr(random, 1, 3)"
    " || '-8' || substr(random, 4, 3) || '-' || substr(random, 7, 12)"
)
UUID_BY_CHANCE = (
    "substr(random, 1, 8) || '-' || substr(random, 9, 4) || '-4' || substr(random, 13, 3)"
    " || '-8' || substr(random, 16, 3) || '-' || substr(random, 19, 12)"
)
NAME = "'-IMG_' || lpad((n % 10000)::text, 4, '0') || '.jpg'"

# How an object key is made from `n`, `at`, `random` and `user_id`. With a prefix the first row's key
# comes behind all others, as it does where there is another prefix, or a key of somebody's choice.
KEY_FORMS = {
    "time": f"{UUID_BY_TIME} || {NAME}",
    "prefix, time": (f"CASE n WHEN 1 THEN 'images/' ELSE 'files/' END || {UUID_BY_TIME} || {NAME}"),
    "random": f"{UUID_BY_CHANCE} || {NAME}",
    "user, time": f"user_id || '/' || {UUID_BY_TIME} || {NAME}",
}

# A version id as long as those of B2 are.
VERSION_ID = (
    "'4_z27c88f1d182b150646ff0b16_f' || substr(random, 1, 16)"
    " || '_d20260101_m000000_c004_v0402000_t0000'"
)

INSERT = """
    INSERT INTO b2_files (object_key, user_id, upload_timestamp, server, file_name, content_type,
                          size, etag, version_id, verified_at)
    SELECT {key}, user_id, at, 'b2', 'IMG_' || lpad((n % 10000)::text, 4, '0') || '.jpg',
           'image/jpeg', 1000000 + n % 1000000, random, {version_id}, at
    FROM (SELECT n, {at} AS at, md5('{salt}' || n) AS random, {user} AS user_id
          FROM generate_series({first}::bigint, {last}) n OFFSET 0) rows"""


def user_count(files):
    return min(MOST_USERS, files // FILES_PER_USER)


def insert_statement(form, files, first, last, at=None, salt="file"):
    """Rows `first` to `last`; the last of `files` is from now, if `at` does not say otherwise."""
    at = at or f"now() - ({files} - n) * interval '{YEARS} years' / {files}"
    return INSERT.format(
        key=KEY_FORMS[form],
        version_id=VERSION_ID,
        at=at,
        salt=salt,
        user=USER.format(users=user_count(files)),
        first=first,
        last=last,
    )


@contextmanager
def without_triggers(session):
    """Neither the extension's run nor those of others."""
    session.run("SET session_replication_role = replica")
    yield
    session.run("RESET session_replication_role")


@contextmanager
def without_checkpoints(session):
    """They would take much of the time of a bulk, and write every page again and again."""
    settings = {"max_wal_size": "16GB", "checkpoint_timeout": "1h", "full_page_writes": "off"}
    for name, value in settings.items():
        session.run(f"ALTER SYSTEM SET {name} = '{value}'")
    session.run("SELECT pg_reload_conf()")
    yield
    for name in settings:
        session.run(f"ALTER SYSTEM RESET {name}")
    session.run("SELECT pg_reload_conf()")
    session.run("CHECKPOINT")


def fill(session, form, files, first, last):
    with without_triggers(session), without_checkpoints(session):
        for start in range(first, last + 1, CHUNK):
            end = min(start + CHUNK - 1, last)
            session.run(insert_statement(form, files, start, end))
            say(f"{end} rows are there")


def empty(session):
    with without_triggers(session):
        session.run("TRUNCATE b2_files, b2_uploads, b2_deletions RESTART IDENTITY")


INDEXES = {
    "b2_files_pkey": "id",
    "b2_files_object_key_key": "object_key",
    "b2_files_user_id_upload_timestamp_idx": "user_id, upload_timestamp",
}


def sizes(session):
    """Bytes of the table, without its indexes, and of each index."""
    table = session.value("SELECT pg_table_size('b2_files')")
    return [table, *(session.value("SELECT pg_relation_size(%s)", name) for name in INDEXES)]


def density(session, index):
    """How full the leaf pages of an index are, in percent."""
    return session.value("SELECT avg_leaf_density FROM pgstatindex(%s)", index)
