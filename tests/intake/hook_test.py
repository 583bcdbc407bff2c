"""The webhook: signed bodies, tokens of one source, every envelope, and events as nobody should send them."""
import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))
from bucket import Bucket, record  # noqa: E402
from harness import BINARY, ENVIRONMENT, Answer, Folder, Server, until  # noqa: E402

PROJECT = """data:
  training:
    source: s3://team/training/
    ready: { quiet: 1h }
  curriculum:
    source: s3://team/curriculum/
    ready: { quiet: 1h }
"""
NEW, DUPLICATE, SUPERSEDED, FILTERED = ({"new": n, "duplicate": d, "superseded": s, "filtered": f, "members": 0}
                                        for n, d, s, f in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))


class Hook(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("hook")
        cls.bucket = Bucket("team")
        cls.server = Server(cls.folder.path,
                            f"s3: {{ endpoint: '{cls.bucket.endpoint}', access_key: key, secret_key: secret }}\n")
        cls.server.config.write_text(cls.server.config.read_text().replace("reconcile_every: 1s", "reconcile_every: 1h"))
        cls.server.start()
        cls.project = cls.server.project("e2e/hook")
        cls.project.push({"tidegate.yml": PROJECT})
        until("both baselines", lambda: cls.server.log.read_text(errors="replace").count(": baseline of ") >= 2)
        cls.token = cls.project.make_token("hook")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        cls.bucket.close()
        cls.folder.remove()

    def post(self, body: object, headers: dict[str, str] | None = None, source: str = "training") -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.call("POST", f"/hooks/s3/{source}", raw, {"X-Tidegate-Token": self.token} if headers is None else headers)

    def signature(self, body: bytes, at: float | None = None, token: str | None = None) -> dict[str, str]:
        token, stamp = token or self.token, str(int(time.time() if at is None else at))
        mac = hmac.new(token.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Tidegate-Key": hashlib.sha256(token.encode()).hexdigest(), "X-Tidegate-Timestamp": stamp,
                "X-Tidegate-Signature": "sha256=" + mac}

    def event(self, name: str, **changes) -> dict:
        made = self.bucket.put("training/" + name, name.encode(errors="surrogateescape"))
        return record("team", "training/" + name, made) | changes

    def source_token(self, source: str) -> str:
        return self.server.ask("POST", f"/api/tidegate/v1/projects/{self.project.id}/tokens",
                               {"kind": "hook", "name": source, "source": source})["token"]

    def test_a_signed_body_needs_no_token(self) -> None:
        body = json.dumps({"Records": [self.event("signed")]}).encode()
        good = self.signature(body)
        self.assertEqual(self.post(body, good).json(), NEW)
        self.assertEqual(self.post(body, good).json(), DUPLICATE, "what is repeated changes nothing")
        other = self.server.project("e2e/hook-other")
        refused = {
            "another body": (body + b" ", good), "another time": (body, good | {"X-Tidegate-Timestamp": str(int(time.time()) + 1)}),
            "an old one": (body, self.signature(body, time.time() - 301)), "one of the future": (body, self.signature(body, time.time() + 330)),
            "of the year 2000": (body, self.signature(body, 946_684_800)), "of the year 2100": (body, self.signature(body, 4_102_444_800)),
            "no key": (body, {k: v for k, v in good.items() if k != "X-Tidegate-Key"}),
            "no time": (body, {k: v for k, v in good.items() if k != "X-Tidegate-Timestamp"}),
            "an empty one": (body, good | {"X-Tidegate-Signature": ""}), "an unknown key": (body, good | {"X-Tidegate-Key": "0" * 64}),
            "a token that is no hook's": (body, self.signature(body, token=self.project.token)),
            "the token beside a wrong one": (body, good | {"X-Tidegate-Signature": "sha256=" + "0" * 64, "X-Tidegate-Token": self.token}),
        }
        for what, (sent, headers) in refused.items():
            self.assertEqual(self.post(sent, headers).status, 401, what)
        self.assertEqual(self.post(body, self.signature(body, token=other.make_token("hook"))).status, 404)

    def test_a_token_of_one_source(self) -> None:
        token = self.source_token("training")
        body = {"Records": [self.event("of-one-source")]}
        self.assertEqual(self.post(body, {"X-Tidegate-Token": token}).status, 202)
        self.assertEqual(self.post(body, {"X-Tidegate-Token": token}, "curriculum").status, 401)
        self.assertEqual(self.post(body, {"X-Tidegate-Token": token}, "team").status, 401)
        raw = json.dumps(body).encode()
        self.assertEqual(self.post(raw, self.signature(raw, token=token), "curriculum").status, 401)
        listed = self.server.ask("GET", f"/api/tidegate/v1/projects/{self.project.id}/tokens")
        self.assertIn("training", [t["source"] for t in listed])
        self.assertNotIn(token, json.dumps(listed))
        wrong = self.server.call("POST", f"/api/tidegate/v1/projects/{self.project.id}/tokens?kind=trigger&source=training",
                                 headers={"PRIVATE-TOKEN": self.server.token})
        self.assertEqual(wrong.status, 400)

    def test_envelopes(self) -> None:
        def records(name: str) -> str:
            return json.dumps({"Records": [self.event(name)]})
        self.assertEqual(self.post({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": records("in sqs")}]}).json(), NEW)
        self.assertEqual(self.post({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": records("in sns")}}]}).json(), NEW)
        nested = json.dumps({"Type": "Notification", "Message": records("in both")})
        self.assertEqual(self.post({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": nested}]}).json(), NEW)
        made = self.bucket.put("training/a+b%2Bc", b"bridge")
        bridge = {"version": "0", "detail-type": "Object Created", "source": "aws.s3", "time": "2026-01-01T00:00:00Z",
                  "detail": {"bucket": {"name": "team"}, "reason": "PutObject", "object": {
                      "key": "training/a+b%2Bc", "size": 6, "etag": made.etag, "version-id": made.version, "sequencer": "0a"}}}
        self.assertEqual(self.post(bridge).json(), NEW)
        self.assertEqual(self.post({"Records": [record("team", "training/a+b%2Bc", made)]}).json(), DUPLICATE, "by two ways: one")
        self.assertEqual(self.post(bridge | {"detail-type": "Object Deleted"}).json(), {"new": 0})

    def test_sns_that_is_forged(self) -> None:
        message = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Timestamp": "2026-01-01T00:00:00Z",
                   "Message": json.dumps({"Records": [self.event("forged")]}), "SignatureVersion": "2", "Signature": "AAAA",
                   "SigningCertURL": f"http://127.0.0.1:{self.server.port}/x.pem"}
        for url in (message["SigningCertURL"], "https://sns.us-east-1.amazonaws.com.example/x.pem", "https://user@sns.us-east-1.amazonaws.com/x.pem"):
            self.assertEqual(self.post(message | {"SigningCertURL": url}).status, 401, url)
        subscribe = message | {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": self.bucket.endpoint + "/"}
        asked = self.bucket.asked
        self.assertEqual(self.post(subscribe).status, 401)
        self.assertEqual(self.bucket.asked, asked, "nothing was fetched")
        self.assertEqual(self.post({k: v for k, v in message.items() if k != "Signature"}).status, 400)
        raw = json.dumps(message).encode()
        self.assertEqual(self.post(raw, self.signature(raw)).json(), NEW, "who signs the body vouches for it")

    def test_the_test_event_is_kept_and_shown(self) -> None:
        said = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2014-10-13T15:57:02.089Z", "Bucket": "team"}
        before = {c["count"] for c in self.project.own("/data")["contacts"] if c["kind"] == "test"}
        self.assertEqual(before, set())
        for _ in range(3):
            self.assertEqual(self.post(said).json(), {"new": 0})
        self.server.kill()
        self.server.start()
        contact = self.project.own("/data?source=training")["contacts"][0]
        self.assertEqual((contact["kind"], contact["source"], contact["subject"], contact["count"]), ("test", "training", "team", 3))
        self.assertIn("2014-10-13T15:57:02.089Z", contact["detail"])
        shown = subprocess.run([BINARY, "data", "list", "training"], capture_output=True, text=True, check=True, env=ENVIRONMENT | {
            "TIDEGATE_URL": f"http://127.0.0.1:{self.server.port}", "TIDEGATE_TOKEN": self.project.token, "TIDEGATE_PROJECT": "e2e/hook"})
        self.assertRegex(shown.stdout, r"connected training .* team by hook: test event of Amazon S3")
        until("the project is read", lambda: self.project.own("/data")["sources"])

    def test_five_times_reversed_and_with_equal_sequencers(self) -> None:
        def at(second: int, sequencer: str, provider: str = "aws:s3") -> dict:
            made = self.bucket.put("training/order", f"{second} {sequencer} {provider}".encode())
            return record("team", "training/order", made, sequencer, f"2026-01-01T00:00:{second:02}.000Z") | {"eventSource": provider}
        first, second, third = at(1, "01"), at(2, "02"), at(3, "03")
        self.assertEqual(self.post({"Records": [third]}).json(), NEW)
        self.assertEqual(self.post({"Records": [second]}).json(), SUPERSEDED)
        self.assertEqual(self.post({"Records": [first]}).json(), SUPERSEDED)
        for _ in range(5):
            self.assertEqual(self.post({"Records": [third]}).json(), DUPLICATE)
        self.assertEqual(self.post({"Records": [at(4, "03")]}).json(), NEW, "an equal sequencer and a later time")
        self.assertEqual(self.post({"Records": [at(3, "0300")]}).json(), SUPERSEDED)
        self.assertEqual(self.post({"Records": [at(5, "0001", "minio:s3")]}).json(), NEW, "another provider's sequencer says nothing")
        self.assertEqual(self.post({"Records": [at(2, "FF", "minio:s3") | {"eventSource": "aws:s3"}]}).json(), SUPERSEDED)

    def test_clocks_of_other_centuries(self) -> None:
        def event(year: int, sequencer: str = "") -> dict:
            made = self.bucket.put("training/clock", f"{year}{time.monotonic()}".encode())
            return record("team", "training/clock", made, sequencer, f"{year}-06-01T00:00:00.000Z")
        self.assertEqual(self.post({"Records": [event(2000)]}).json(), NEW)
        self.assertEqual(self.post({"Records": [event(2100)]}).json(), NEW)
        self.assertEqual(self.post({"Records": [event(2101)]}).json(), NEW)
        self.assertEqual(self.post({"Records": [event(2000)]}).json(), SUPERSEDED)
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 60))
        made = self.bucket.put("training/clock", b"now")
        self.assertEqual(self.post({"Records": [record("team", "training/clock", made, "", now)]}).json(), NEW,
                         "a clock that ran a century ahead does not make the present look old")

    def test_keys(self) -> None:
        for name in ("a b", "a+b", "100%", "%2F%zz", "quo\"te's", "$(touch pwned)", "new\nline", "../../etc/passwd", "-rf", "\u1112\u1161\u11ab",
                     "한국어", "k" * 1015, "\udcff\udcfe"):
            with self.subTest(key=name):
                self.assertEqual(self.post({"Records": [self.event(name)]}).json(), NEW)
        nul = record("team", "training/a\0b", self.bucket.put("training/x", b"x"))
        self.assertEqual(self.post({"Records": [nul]}).json(), FILTERED)

    def test_huge_and_deep(self) -> None:
        self.assertEqual(self.post(b"[" * 100_000).status, 400)
        self.assertEqual(self.post(b'{"a":' * 100_000 + b"1" + b"}" * 100_000).status, 400)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        connection.putrequest("POST", "/hooks/s3/training")
        connection.putheader("X-Tidegate-Token", self.token)
        connection.putheader("Content-Length", str(100 << 20))
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413, "before it is sent")
        connection.close()


if __name__ == "__main__":
    unittest.main()
