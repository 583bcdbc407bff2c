"""A bucket that answers as S3 does, as far as a reader of objects asks: listing, HEAD, GET, versions. It can be down.

For what must be steered from the test (down, slow, a version replaced); against real S3 servers the adapter has its own
tests. Signatures are not verified, only that there is one.
"""
import hashlib
import threading
import urllib.parse
from datetime import datetime, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from xml.sax.saxutils import escape


def iso(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Object(NamedTuple):
    version: str
    body: bytes
    etag: str
    time: float


class Bucket:
    def __init__(self, name: str):
        self.name, self.down, self.asked = name, False, 0
        self.objects: dict[str, list[Object]] = {}
        self.lock = threading.Lock()
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                bucket.answer(self)

            do_HEAD = do_GET

            def log_message(self, *arguments) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request, client_address) -> None:
                """A server that is killed drops its connections; that is no news."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def put(self, key: str, body: bytes, time: float = 1_700_000_000) -> Object:
        with self.lock:
            versions = self.objects.setdefault(key, [])
            made = Object(f"v{len(versions) + 1}.{hashlib.sha1(key.encode(errors='surrogateescape')).hexdigest()[:6]}", body,
                          hashlib.md5(body).hexdigest(), time + len(versions))
            versions.append(made)
            return made

    def answer(self, http: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        path, _, query_text = http.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query_text, keep_blank_values=True))
        bucket, _, key = urllib.parse.unquote(path, errors="surrogateescape").lstrip("/").partition("/")
        if self.down:
            return self.fault(http, 503, "SlowDown")
        if "AWS4-HMAC-SHA256" not in http.headers.get("Authorization", ""):
            return self.fault(http, 403, "AccessDenied")
        if bucket != self.name:
            return self.fault(http, 404, "NoSuchBucket")
        with self.lock:
            if not key:
                return self.send(http, 200, self.listing(query.get("prefix", "")).encode(), {})
            versions = self.objects.get(key, [])
            wanted = [o for o in versions if query.get("versionId", o.version) == o.version][-1:]
        if not wanted:
            return self.fault(http, 404, "NoSuchKey")
        head = {"ETag": f'"{wanted[0].etag}"', "x-amz-version-id": wanted[0].version,
                "Last-Modified": formatdate(wanted[0].time, usegmt=True)}
        self.send(http, 200, wanted[0].body, head)

    def listing(self, prefix: str) -> str:
        items = "".join(
            f"<Contents><Key>{urllib.parse.quote(key)}</Key><LastModified>{iso(versions[-1].time)}</LastModified>"
            f"<ETag>&quot;{versions[-1].etag}&quot;</ETag><Size>{len(versions[-1].body)}</Size></Contents>"
            for key, versions in sorted(self.objects.items()) if key.startswith(prefix))
        return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{escape(self.name)}</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{items}"
                "</ListBucketResult>")

    def fault(self, http: BaseHTTPRequestHandler, status: int, code: str) -> None:
        self.send(http, status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode(), {})

    @staticmethod
    def send(http: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        http.send_response(status)
        for name, value in headers.items():
            http.send_header(name, value)
        http.send_header("Content-Length", str(len(body)))
        http.end_headers()
        if http.command != "HEAD":
            http.wfile.write(body)


def record(bucket: str, key: str, made: Object, sequencer: str = "", time: str = "2026-01-01T00:00:00.000Z") -> dict:
    """The event record that S3 sends for an object."""
    fields = {"key": urllib.parse.quote_plus(key, errors="surrogateescape"), "size": len(made.body), "eTag": made.etag,
              "versionId": made.version}
    if sequencer:
        fields["sequencer"] = sequencer
    return {"eventVersion": "2.5", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": time,
            "eventName": "ObjectCreated:Put", "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": fields}}
