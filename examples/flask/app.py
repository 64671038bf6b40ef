"""File uploads to Backblaze B2. The database does the work: see README.md."""

import json
import os
import re

from flask import Flask, abort, request, send_from_directory

from database import query_as
from errors import explain
from user import current_user_id

MAX_BODY = 16 * 1024
PAGE_SIZE = 50

app = Flask(__name__, static_folder=None)
app.json.sort_keys = False


@app.errorhandler(Exception)
def answer_to_error(error):
    status, sentence = explain(error)
    return {"success": False, "error": sentence}, status


@app.post("/presign-b2-upload")
def presign_b2_upload():
    """1. Where may the client PUT a file, and with which headers?"""
    user, body = signed_in(), json_body()
    (upload,) = query_as(
        user,
        """
        SELECT presigned_url AS "presignedUrl", object_key AS "objectKey",
               public_file_url AS "publicFileUrl", headers AS "requiredHeaders", 300 AS "expiresIn"
        FROM b2_presign_put(%s, %s, expires_in => 300, size => %s::bigint, content_md5 => %s)
        """,
        field(body, "fileName", is_text, "a text"),
        field(body, "contentType", is_text, "a text"),
        field(body, "size", is_size, "a number of bytes", optional=True),
        field(body, "contentMd5", is_text, "a text", optional=True),
    )
    return {"success": True, **upload}


@app.post("/save-b2-metadata")
def save_b2_metadata():
    """2. The client says that it has done so. The database asks B2, and records what is there; so
    it has no use for the publicFileUrl that clients may send."""
    user, body = signed_in(), json_body()
    query_as(
        user, "SELECT FROM b2_register_file(%s)", field(body, "objectKey", is_text, "a text")
    )
    return {"success": True}, 201


@app.get("/files")
def list_files():
    """3. The user's files, the newest first, with links that live for an hour. `before` is the
    `next` of another answer."""
    user = signed_in()
    before = re.fullmatch(r"([\w:.-]+)_(\d{1,18})", request.args.get("before") or "infinity_0", re.A)
    if before is None:
        abort(400, "before must be the next of another answer.")
    rows = query_as(
        user,
        """
        SELECT row_to_json(f) AS file
        FROM (SELECT id::text, object_key AS "objectKey", name AS "fileName",
                     content_type AS "contentType", size,
                     to_char(upload_timestamp AT TIME ZONE 'UTC',
                             'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "uploadedAt",
                     b2_presign_get(object_key, 3600) AS url,
                     b2_presign_get(object_key, 3600, download_as => right(name, 60))
                       AS "downloadUrl"
              FROM b2_files, coalesce(file_name, object_key) AS name
              WHERE (upload_timestamp, b2_files.id) < (%s::timestamptz, %s::bigint)
              ORDER BY upload_timestamp DESC, b2_files.id DESC LIMIT %s) f
        """,
        *before.groups(),
        PAGE_SIZE + 1,
    )
    files = [row["file"] for row in rows[:PAGE_SIZE]]
    more = len(rows) > PAGE_SIZE
    last = f"{files[-1]['uploadedAt']}_{files[-1]['id']}" if more else None
    return {"success": True, "files": files, "next": last}


@app.delete("/files/<int(max=999999999999999999):file_id>")
def delete_file(file_id):
    """4. The row goes now, and the object with the next b2_maintain()."""
    if not query_as(signed_in(), "DELETE FROM b2_files WHERE id = %s RETURNING id", file_id):
        abort(404, "You have no such file.")
    return {"success": True}


@app.get("/", defaults={"name": "index.html"})
@app.get("/<name>")
def page(name):
    """The page that uses all this."""
    return send_from_directory("../browser", name)


def signed_in():
    user = current_user_id(request)
    if user is None:
        abort(401, "Please sign in first.")
    return user


def json_body():
    """Browsers do not send application/json to other sites unasked: this keeps forged forms out,
    too."""
    if request.mimetype != "application/json":
        abort(415, "The request must be JSON, with Content-Type: application/json.")
    body = request.stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        abort(413, "The request is too large.")
    try:
        body = json.loads(body.decode())
    except (ValueError, RecursionError):
        abort(400, "The request is not valid JSON.")
    if not isinstance(body, dict):
        abort(400, "The request must be a JSON object.")
    return body


def field(body, name, is_right, what, optional=False):
    value = body.get(name)
    if value is None and not optional:
        abort(400, f"{name} is missing.")
    if value is not None and not is_right(value):
        abort(400, f"{name} must be {what}.")
    return value


def is_text(value):
    """PostgreSQL's texts have neither the character 0 nor half a character."""
    return isinstance(value, str) and value != "" and not re.search("[\0\ud800-\udfff]", value)


def is_size(value):
    return type(value) in (int, float) and 0 <= value < 2**53 and value == int(value)


if __name__ == "__main__":
    port = int(os.environ.get("PORT") or 3000)
    if os.environ.get("ALLOW_DEMO_USER") == "1":
        print("Anybody can be anybody here: replace user.py.")
    app.run(host="127.0.0.1", port=port)
