"""What the demo does in the bucket beside uploading: clear PREFIX… | head KEY. Runs in the lab's Python."""

import json
import os
import sys

from s3client import client


def clear(s3, bucket: str, prefixes: list[str]) -> int:
    removed = 0
    for prefix in prefixes:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
                removed += 1
    return removed


def main(arguments: list[str]) -> None:
    s3, bucket = client(), os.environ["TIDEGATE_S3_BUCKET"]
    if arguments[:1] == ["clear"]:
        print(clear(s3, bucket, arguments[1:]))
    elif arguments[:1] == ["head"] and len(arguments) == 2:
        found = s3.head_object(Bucket=bucket, Key=arguments[1])
        print(json.dumps({"version": found.get("VersionId"), "etag": found["ETag"].strip('"'),
                          "size": found["ContentLength"], "time": found["LastModified"].isoformat()}))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
