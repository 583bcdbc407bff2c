"""A bucket of very many objects that answers as S3 does, as far as a reader of listings asks. Its keys are worked out, not held.

It can hold a listing at a page until it is let go, and it knows what it was asked.
"""
import hashlib
import http.server
import threading
import time
import urllib.parse
from email.utils import formatdate

PER_FOLDER = 1000
BODY = b"{}\n"
ETAG = hashlib.md5(BODY).hexdigest()
OLD = 1_767_225_600  # 2026-01-01


def key_of(number: int) -> str:
    return f"data/{number // PER_FOLDER:05}/{number % PER_FOLDER:06}.jsonl"


def number_of(key: str) -> int:
    folder, name = key.removeprefix("data/").removesuffix(".jsonl").split("/")
    return int(folder) * PER_FOLDER + int(name)


class BigBucket:
    def __init__(self, name: str, keys: int):
        self.name, self.keys = name, keys
        self.added: float | None = None     # when the last object of all was added
        self.asked: list[dict[str, str]] = []  # queries of listings
        self.hold_at: int | None = None     # pages that begin at this key or later wait
        self.is_held, self.let_go = threading.Event(), threading.Event()
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path.count("/") > 1:
                    number = number_of("data/" + path.partition("/data/")[2])
                    return self.answer(BODY, {"ETag": f'"{ETAG}"', "Last-Modified": formatdate(bucket.time_of(number), usegmt=True)})
                asked = dict(urllib.parse.parse_qsl(query))
                bucket.asked.append(asked)
                self.answer(bucket.page(asked.get("continuation-token") or asked.get("start-after", ""), int(asked.get("max-keys", 1000))),
                            {"Content-Type": "application/xml"})

            do_HEAD = do_GET

            def answer(self, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *arguments) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address) -> None:
                """Clients are killed here on purpose."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_last(self) -> None:
        self.added = time.time()

    def time_of(self, number: int) -> float:
        return self.added if number >= self.keys and self.added else OLD

    def page(self, after: str, size: int) -> bytes:
        first = number_of(after) + 1 if after else 0
        if self.hold_at is not None and first >= self.hold_at:
            self.is_held.set()
            self.let_go.wait()
        count = self.keys + (self.added is not None)
        end = min(first + size, count)
        items = "".join(f"<Contents><Key>{key_of(n)}</Key><LastModified>{self.iso(n)}</LastModified>"
                        f"<ETag>&quot;{ETAG}&quot;</ETag><Size>{len(BODY)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
                        for n in range(first, end))
        token = f"<NextContinuationToken>{key_of(end - 1)}</NextContinuationToken>" if end < count else ""
        return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{self.name}</Name><Prefix>data/</Prefix><KeyCount>{max(0, end - first)}</KeyCount>"
                f"<IsTruncated>{str(end < count).lower()}</IsTruncated>{token}{items}</ListBucketResult>").encode()

    def iso(self, number: int) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.time_of(number)))
