"""What it would change if the index of a user's files had the id in it, too."""

import time

USER_INDEX = "b2_files_user_id_upload_timestamp_idx"
WITHOUT_ID = "user_id, upload_timestamp DESC"
WITH_ID = f"{WITHOUT_ID}, id DESC"

SIZE_COLUMNS = ["index, made anew", "seconds", "bytes per row"]
TIME_COLUMNS = ["request", "times", "p50 ms", "p99 ms", "with id: p50 ms", "p99 ms"]


def make_index(session, columns):
    """It takes the place of the one that is there."""
    session.run(f"DROP INDEX {USER_INDEX}")
    start = time.perf_counter()
    session.run(f"CREATE INDEX {USER_INDEX} ON b2_files ({columns})")
    seconds = time.perf_counter() - start
    session.run("VACUUM ANALYZE b2_files")
    size = session.value(
        "SELECT pg_relation_size(%s) / (SELECT count(*) FROM b2_files)::float8", USER_INDEX
    )
    return [columns, f"{seconds:.0f}", f"{size:.1f}"]


def compare_indexes(session, requests, pages):
    """The rows of two tables."""
    built = [make_index(session, WITHOUT_ID)]
    without = requests.measure(pages)
    built.append(make_index(session, WITH_ID))
    with_id = requests.measure(pages)
    make_index(session, WITHOUT_ID)
    return built, [[*row, *other[2:]] for row, other in zip(without, with_id)]
