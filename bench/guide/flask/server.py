"""The guide's backend in Python: Flask and boto3, for gunicorn.

With KEEP_CONNECTIONS a thread keeps its connection to the database, otherwise each request makes one,
as in the guide."""

import os
import threading
import uuid
from contextlib import contextmanager

import boto3
import psycopg2
from botocore.config import Config
from flask import Flask, jsonify, request

BUCKET = os.environ["B2_BUCKET_NAME"]
ENDPOINT = os.environ["B2_ENDPOINT_URL"]
KEEP_CONNECTIONS = bool(os.environ.get("KEEP_CONNECTIONS"))

app = Flask(__name__)
store = boto3.client(
    "s3",
    endpoint_url=ENDPOINT,
    region_name=os.environ["B2_REGION"],
    aws_access_key_id=os.environ["B2_APPLICATION_KEY_ID"],
    aws_secret_access_key=os.environ["B2_APPLICATION_KEY"],
    # Older versions presign with version 2 by default, which B2 does not know.
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)
of_this_thread = threading.local()


def current_user_id():
    """Where an application finds out who asks."""
    return "user_123"


@contextmanager
def database_connection():
    if KEEP_CONNECTIONS:
        if not hasattr(of_this_thread, "connection"):
            of_this_thread.connection = psycopg2.connect("")
        yield of_this_thread.connection
        return
    connection = psycopg2.connect("")  # libpq's variables say where
    try:
        yield connection
    finally:
        connection.close()


@app.errorhandler(Exception)
def failed(error):
    app.logger.error("%r", error)
    return jsonify(success=False, error="failed"), 500


@app.post("/presign-b2-upload")
def presign():
    body = request.get_json()
    file_name, content_type = body.get("fileName"), body.get("contentType")
    if not file_name or not content_type:
        raise ValueError("fileName or contentType is missing")
    object_key = f"{uuid.uuid4()}-{file_name}"
    presigned_url = store.generate_presigned_url(
        "put_object",
        Params={"Bucket": BUCKET, "Key": object_key, "ContentType": content_type},
        ExpiresIn=300,
    )
    return jsonify(
        success=True,
        presignedUrl=presigned_url,
        objectKey=object_key,
        publicFileUrl=f"{ENDPOINT}/{BUCKET}/{object_key}",
    )


@app.post("/save-b2-metadata")
def save():
    body = request.get_json()
    object_key, file_url = body.get("objectKey"), body.get("publicFileUrl")
    if not object_key or not file_url:
        raise ValueError("objectKey or publicFileUrl is missing")
    with database_connection() as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO b2_files (object_key, file_url, user_id) VALUES (%s, %s, %s)",
                (object_key, file_url, current_user_id()),
            )
        connection.commit()
    return jsonify(success=True), 201
