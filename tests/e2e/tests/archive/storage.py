"""Object storage as its owner sees it: storage.py URL make BUCKET [locked] | list BUCKET | remove BUCKET |
get BUCKET FOLDER. Prints JSON."""

import datetime
import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

url, what, bucket, *rest = sys.argv[1:]
s3 = boto3.client(
    "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
)


def versions():
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        yield from page.get("Versions", [])


if what == "make":
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket="locked" in rest)
    print("{}")
elif what == "list":
    found = []
    for one in versions():
        kept = s3.head_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        left = kept["ObjectLockRetainUntilDate"] - datetime.datetime.now(datetime.timezone.utc)
        held = kept.get("ObjectLockLegalHoldStatus") == "ON"
        found.append({"name": one["Key"], "mode": kept["ObjectLockMode"], "days": left.days, "held": held})
    print(json.dumps(found))
elif what == "remove":
    one = next(versions())
    try:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        print(json.dumps({"refused": False}))
    except ClientError as error:
        print(json.dumps({"refused": error.response["Error"]["Code"] == "AccessDenied"}))
elif what == "get":
    for one in versions():
        if one["IsLatest"]:
            path = os.path.join(rest[0], one["Key"])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            s3.download_file(bucket, one["Key"], path)
    print("{}")
