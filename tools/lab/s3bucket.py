"""Makes a bucket with versions, when it is not there. Argument: its name."""
import sys

from s3client import client

bucket = sys.argv[1]
s3 = client()
if bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
status = s3.get_bucket_versioning(Bucket=bucket).get("Status")
if status != "Enabled":
    sys.exit("versioning of %s is %r" % (bucket, status))
