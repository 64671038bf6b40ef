"""The S3 store behind the tests: the local one, or a real bucket of Backblaze B2."""

import json
import os
import secrets
import subprocess
from contextlib import contextmanager

# Plain bodies, as the extension's users send them; read by newer versions of boto3 alone.
os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

REAL_BUCKET_VARIABLES = (
    "B2_APPLICATION_KEY_ID",
    "B2_APPLICATION_KEY",
    "B2_BUCKET_NAME",
    "B2_ENDPOINT_URL",
)


def is_real_bucket():
    return all(os.environ.get(name) for name in REAL_BUCKET_VARIABLES)


class Store:
    """A bucket, and the key to it. In a real one every key of ours begins with `prefix`."""

    def __init__(self):
        if is_real_bucket():
            self.key_id, self.application_key, self.bucket, self.endpoint = (
                os.environ[name] for name in REAL_BUCKET_VARIABLES
            )
            self.endpoint = self.endpoint.rstrip("/")
            labels = self.endpoint.split(".")
            self.region = labels[1] if labels[-2:] == ["backblazeb2", "com"] else "us-east-1"
            self.prefix = f"b2neon-e2e-{secrets.token_hex(6)}/"
            proxies = None
        else:
            self.endpoint = os.environ["S3_STORE_ENDPOINT"]
            self.key_id = os.environ["S3_STORE_KEY_ID"]
            self.application_key = os.environ["S3_STORE_APPLICATION_KEY"]
            self.bucket = os.environ["S3_STORE_BUCKET"]
            self.region = os.environ["S3_STORE_REGION"]
            self.prefix = ""
            proxies = {}
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.application_key,
            config=Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, proxies=proxies
            ),
        )

    def server_options(self, **others):
        options = {"endpoint": self.endpoint, "bucket": self.bucket, "region": self.region}
        if self.prefix:
            options["key_prefix"] = self.prefix
        return {**options, **others}

    def mapping_options(self, **others):
        return {"key_id": self.key_id, "application_key": self.application_key, **others}

    def new_key(self, name="file"):
        return f"{self.prefix}{secrets.token_hex(8)}/{name}"

    def upload(self, key, body, content_type="text/plain"):
        """Puts an object there behind the database's back. Returns its version id."""
        answer = self.s3.put_object(
            Bucket=self.bucket, Key=key, Body=body, ContentType=content_type
        )
        return answer.get("VersionId")

    def download(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def has(self, key):
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def keys(self, prefix):
        """All keys that begin with `prefix`."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def remove_ours(self):
        """Deletes every version of every key under the prefix, which must not be empty."""
        assert self.prefix
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        for page in pages:
            for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
                self.s3.delete_object(
                    Bucket=self.bucket, Key=item["Key"], VersionId=item["VersionId"]
                )


class StoreAdmin:
    """The local store's administrator, who can make more users."""

    def __init__(self):
        self._command = os.environ["S3_STORE_ADMIN"]
        self._endpoint = os.environ["S3_STORE_ENDPOINT"]
        self._region = os.environ["S3_STORE_REGION"]

    def create_user(self):
        """Another user, who has no rights yet: name, key id and application key."""
        name = f"other-{secrets.token_hex(4)}"
        key_id, application_key = secrets.token_hex(10), secrets.token_hex(20)
        subprocess.run(
            [
                self._command,
                "user",
                "create",
                f"--uid={name}",
                f"--display-name={name}",
                f"--access-key={key_id}",
                f"--secret-key={application_key}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return name, key_id, application_key

    def bucket_of_another_user(self):
        """The name of a bucket that the usual key has no access to."""
        name, key_id, application_key = self.create_user()
        boto3.client(
            "s3",
            endpoint_url=self._endpoint,
            region_name=self._region,
            aws_access_key_id=key_id,
            aws_secret_access_key=application_key,
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        ).create_bucket(Bucket=name)
        return name

    @contextmanager
    def reader(self, store):
        """The key id and application key of a user who can read the store's bucket, and do nothing
        else."""
        name, key_id, application_key = self.create_user()
        arn = f"arn:aws:s3:::{store.bucket}"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam:::user/{name}"]},
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucketVersions"],
            "Resource": [arn, f"{arn}/*"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        store.s3.put_bucket_policy(Bucket=store.bucket, Policy=json.dumps(policy))
        try:
            yield key_id, application_key
        finally:
            store.s3.delete_bucket_policy(Bucket=store.bucket)

    @contextmanager
    def uploader(self, store):
        """The key id and application key of a user who can put objects into the store's bucket, and
        do nothing else."""
        name, key_id, application_key = self.create_user()
        # Unlike at B2, whoever has put an object owns it here, and nobody else can read it.
        objects = f"arn:aws:s3:::{store.bucket}/*"
        uploader = {"Principal": {"AWS": [f"arn:aws:iam:::user/{name}"]}, "Resource": [objects]}
        owner = {"Principal": {"AWS": ["arn:aws:iam:::user/b2neon"]}, "Resource": [objects]}
        statements = [
            {"Effect": "Allow", "Action": ["s3:PutObject"], **uploader},
            {"Effect": "Deny", "Action": ["s3:GetObject", "s3:GetObjectVersion"], **uploader},
            {"Effect": "Allow", "Action": ["s3:*"], **owner},
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        store.s3.put_bucket_policy(Bucket=store.bucket, Policy=json.dumps(policy))
        try:
            yield key_id, application_key
        finally:
            store.s3.delete_bucket_policy(Bucket=store.bucket)
