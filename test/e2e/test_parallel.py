"""Links over a large table are made by several processes."""

import json


def gather(plan):
    nodes = [plan]
    while nodes:
        node = nodes.pop()
        if node["Node Type"] == "Gather":
            return node
        nodes += node.get("Plans", [])
    return None


def test_parallel_workers_make_the_same_links(own_database):
    digest = "SELECT sum(hashtextextended({}, 0)::numeric) FROM b2_files"
    with own_database.connect(jit="off", max_parallel_workers_per_gather=2) as session:
        session.run(
            """INSERT INTO b2_files (object_key, user_id, server)
            SELECT gen_random_uuid() || '/photo.jpg', 'u', 'b2' FROM generate_series(1, 200000);
            ANALYZE b2_files"""
        )
        for call in (
            "b2_presign_get(object_key, stable_for => 86400)",
            "b2_presign('GET', object_key, signed_at => '2026-01-01 00:00:00+00')",
        ):
            explained = session.value("EXPLAIN (ANALYZE, FORMAT json) " + digest.format(call))
            plan = explained if isinstance(explained, list) else json.loads(explained)
            node = gather(plan[0]["Plan"])
            assert node and node["Workers Launched"] == 2
            in_parallel = session.value(digest.format(call))
            session.run("SET max_parallel_workers_per_gather = 0")
            assert session.value(digest.format(call)) == in_parallel
            session.run("RESET max_parallel_workers_per_gather")
