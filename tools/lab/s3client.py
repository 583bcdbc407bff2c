"""An S3 client with the lab's settings, from the variables that `lab env` prints."""
import os
import sys

import boto3
from botocore.config import Config


def client():
    missing = [n for n in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY", "REGION") if not os.environ.get("TIDEGATE_S3_" + n)]
    if missing:
        sys.exit("no TIDEGATE_S3_%s in the environment: eval \"$(tools/lab/lab env)\" first" % missing[0])
    return boto3.client(
        "s3",
        endpoint_url=os.environ["TIDEGATE_S3_ENDPOINT"],
        aws_access_key_id=os.environ["TIDEGATE_S3_ACCESS_KEY"],
        aws_secret_access_key=os.environ["TIDEGATE_S3_SECRET_KEY"],
        region_name=os.environ["TIDEGATE_S3_REGION"],
        config=Config(s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 3}),
    )
