"""Presigns with boto3, or with the signer alone that boto3 has inside, as bench/presign.py asks.

In: a line of JSON that says where and what, then a line with a number for each sample.
Out: a line of JSON about itself, then one for each sample."""

import json
import sys
import time
from itertools import cycle, islice

import boto3
import botocore
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials


def by_client(task):
    """What the documentation shows, with one client, and without the validation of parameters."""
    client = boto3.client(
        "s3",
        endpoint_url=task["endpoint"],
        region_name=task["region"],
        aws_access_key_id=task["key_id"],
        aws_secret_access_key=task["application_key"],
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            parameter_validation=False,
        ),
    )
    bucket, expires_in = task["bucket"], task["expires_in"]

    def presign(key):
        return client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=expires_in
        )

    return presign


def by_signer(task):
    """Less than the client does: no quoting of the key, no choice of endpoint, no events."""
    credentials = Credentials(task["key_id"], task["application_key"])
    signer = S3SigV4QueryAuth(credentials, "s3", task["region"], expires=task["expires_in"])
    prefix = f"{task['endpoint']}/{task['bucket']}/"

    def presign(key):
        request = AWSRequest("GET", prefix + key)
        signer.add_auth(request)
        return request.url

    return presign


def answer(**values):
    print(json.dumps(values), flush=True)


def main():
    task = json.loads(sys.stdin.readline())
    presign = {"client": by_client, "signer": by_signer}[sys.argv[1]](task)
    keys = cycle(task["keys"])
    versions = {
        "Python": ".".join(map(str, sys.version_info[:3])),
        "boto3": boto3.__version__,
        "botocore": botocore.__version__,
    }
    answer(versions=versions, url=presign(next(keys)))
    for line in sys.stdin:
        count = int(line)
        start = time.perf_counter()
        for key in islice(keys, count):
            url = presign(key)
        answer(seconds=time.perf_counter() - start, urls=count, url=url)


if __name__ == "__main__":
    main()
