"""Reads the object that a script is bound to.

A bound path is a URI: ``s3://bucket/key``, ``s3://bucket/key?versionId=V`` or ``file:///path``. Where its bytes come
from depends on where the script runs:

* In a pipeline job the gate has put the exact object, read-only and verified, into the container and says where in
  ``TIDEGATE_DATA_<SOURCE>``. The job holds no bucket credentials.
* On a training or graph host there is no such variable: the object is fetched with boto3, which takes its endpoint and
  credentials from the host's environment (``AWS_ENDPOINT_URL_S3``, ``AWS_ACCESS_KEY_ID``, ...).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

# A bound object is read into memory whole; one larger than this is a mistake, not a data set.
MAX_BYTES = 256 * 1024 * 1024


class DataError(Exception):
    """The bound object cannot be read; the message says which one and why."""


@dataclass(frozen=True)
class S3Object:
    """One object in a bucket; ``version`` is None for "whatever is newest"."""

    bucket: str
    key: str
    version: str | None


def parse_s3(uri: str) -> S3Object:
    """Splits an S3 URI; key and version are percent-encoded in it, so ``a%20b.jsonl`` names the key ``a b.jsonl``."""
    if not uri.startswith("s3://"):
        raise DataError(f"{uri!r} is not an s3:// URI")
    place, mark, query = uri[len("s3://"):].partition("?")
    bucket, _, key = place.partition("/")
    if not bucket or not key:
        raise DataError(f"{uri!r} names no object; s3://bucket/key is wanted")
    version = query.removeprefix("versionId=")
    if mark and (version == query or not version or "&" in version):
        raise DataError(f"{uri!r} ends in something other than ?versionId=...")
    try:
        return S3Object(bucket, unquote(key, errors="strict"), unquote(version, errors="strict") or None)
    except UnicodeDecodeError as error:
        raise DataError(f"{uri!r} does not name its key in UTF-8") from error


def read_object(source: str, uri: str) -> bytes:
    """The bytes of the object that ``uri`` names; ``source`` is its name in tidegate.yml ("training", "curriculum")."""
    mounted = os.environ.get(f"TIDEGATE_DATA_{source.upper()}")
    if mounted:
        return _read_file(Path(mounted))
    if uri.startswith("file://"):
        return _read_file(Path(unquote(urlsplit(uri).path)))
    return _read_s3(parse_s3(uri))


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{path} has {size} bytes; at most {MAX_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _read_s3(wanted: S3Object) -> bytes:
    # Imported here because a pipeline job never needs it.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    where = f"s3://{wanted.bucket}/{wanted.key}" + (f" (version {wanted.version})" if wanted.version else "")
    settings = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
    arguments = {"Bucket": wanted.bucket, "Key": wanted.key}
    if wanted.version:
        arguments["VersionId"] = wanted.version
    try:
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        answer = boto3.client("s3", config=settings, region_name=region).get_object(**arguments)
        if answer["ContentLength"] > MAX_BYTES:
            raise DataError(f"{where} has {answer['ContentLength']} bytes; at most {MAX_BYTES} are read")
        return answer["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise DataError(f"cannot read {where}: {error}") from error
