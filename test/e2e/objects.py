"""Registered files and what is in the bucket for them."""

from http_request import put

PUT = "SELECT * FROM b2_presign_put(%s, 'text/plain', user_id => 'u')"


def upload(session, name="f", body=b"1", replays=0):
    """A registered file, to whose URL was PUT `replays` times before."""
    presigned = session.row(PUT, name)
    for n in range(replays):
        assert put(presigned, b"replay %d" % n).status == 200
    assert put(presigned, body).status == 200
    session.run("SELECT b2_register_file(%s)", presigned.object_key)
    return presigned


def versions(store, key):
    """The version ids in the bucket of exactly this key, markers included."""
    pages = store.s3.get_paginator("list_object_versions").paginate(Bucket=store.bucket, Prefix=key)
    return {
        item["VersionId"]
        for page in pages
        for item in page.get("Versions", []) + page.get("DeleteMarkers", [])
        if item["Key"] == key
    }


def maintain(session, arguments=""):
    """Works off what is due. Returns the notices."""
    del session.connection.notices[:]
    session.run(f"CALL b2_maintain({arguments})")
    return "".join(session.connection.notices)


def queue(session):
    return session.rows("SELECT * FROM b2_deletions ORDER BY object_key")


def let_uploads_expire(session):
    session.run("UPDATE b2_uploads SET expires_at = '2000-01-01'")
