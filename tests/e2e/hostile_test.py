"""Keys, hooks and messages as nobody should send them; and the same ones twice, late, and while the bucket is down."""
import json
import os
import time
import unittest

from bucket import Bucket, Object, record
from harness import Folder, Project, Server, until

TRAIN = 'DATA_PATH = "s3://team/training/none"\nprint(DATA_PATH)\n'
# The script treats the address as the user's own script would: as an argument and as a file to open.
CI = """test_train:
  script:
    - echo "$TIDEGATE_DATA_TRAINING_URI"
    - test "$TIDEGATE_CANDIDATE" = "true" || exit 0
    - test ! -e pwned && test -f "$TIDEGATE_DATA_TRAINING"
    - python3 train.py
"""
PROJECT = """data:
  training:
    source: {source}
    ready: {{ quiet: 0s }}
    bind: [{{ file: train.py, name: DATA_PATH }}]
"""
KEYS = ["plain.jsonl", "with space and + plus.jsonl", "quo\"te's.jsonl", "$(touch pwned).jsonl", "`touch pwned`;touch pwned",
        "new\nline.jsonl", "한국어 데이터.jsonl", "-rf.jsonl", "--help", "100% {{ }} %2F %zz.jsonl", "back\\slash\\n.jsonl",
        "tab\there", "\x1b[31mred", "a" * 200, "../../escape.jsonl", "deep/er/[x]*?.jsonl", "#frag?query=1&versionId=x"]


class Hostile(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("hostile")
        self.addCleanup(self.folder.remove)
        self.bucket = Bucket("team")
        self.addCleanup(self.bucket.close)
        s3 = f"s3: {{ endpoint: '{self.bucket.endpoint}', access_key: key, secret_key: secret }}\n"
        self.server = Server(self.folder.path, s3).start()
        self.addCleanup(self.server.close)

    def make(self, source: str = "s3://team/training/", path: str = "e2e/hostile") -> Project:
        project = self.server.project(path)
        sha = project.push({"train.py": TRAIN, ".gitlab-ci.yml": CI, "tidegate.yml": PROJECT.format(source=source)})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        where = source.removeprefix("file://").rstrip("/")
        until("the baseline", lambda: any(": baseline of" in line and where in line
                                          for line in self.server.log.read_text(errors="replace").splitlines()))
        self.hook_token = project.make_token("hook")
        return project

    def hook(self, body: object, source: str = "training", token: str | None = None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.call("POST", f"/hooks/s3/{source}", raw,
                                {"X-Tidegate-Token": self.hook_token if token is None else token,
                                 "Content-Type": "application/json"})

    def announce(self, *records: dict) -> dict:
        answer = self.hook({"Records": list(records)})
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json()

    def bound(self, project: Project) -> str:
        """What the code on main names, as Python reads it."""
        scope: dict = {"print": lambda *_: None}
        exec(compile(project.file("train.py"), "train.py", "exec"), scope)
        return scope["DATA_PATH"]

    def test_keys_from_a_bucket(self) -> None:
        """Each hostile key becomes one plain line of one literal, and the job gets exactly its bytes."""
        project = self.make()
        for number, name in enumerate(KEYS, 1):
            with self.subTest(key=name):
                key, before = "training/" + name, project.main()
                made = self.bucket.put(key, b"bytes of " + name.encode())
                self.assertEqual(self.announce(record("team", key, made))["new"], 1)
                version = project.version("training", number, "live")
                self.assertEqual((version["key"], version["size"]), (key, len(made.body)))
                address = self.bound(project)
                self.assertEqual(address, version["uri"])
                self.assertTrue(address.startswith("s3://team/training/"), address)
                self.assertTrue(address.isascii() and address.isprintable() and " " not in address, address)
                changed = project.git("diff", "--numstat", before, "origin/main").split()
                self.assertEqual(changed, ["1", "1", "train.py"])
        self.assertEqual(len(project.pipelines()), 1 + len(KEYS))
        pwned = [p for p in self.folder.path.rglob("pwned")]
        self.assertEqual(pwned, [])

    def test_keys_from_a_folder(self) -> None:
        landing = self.folder.path / "landing"
        landing.mkdir()
        project = self.make(f"file://{landing}/")
        names = [n for n in KEYS[:10] if "/" not in n]
        for number, name in enumerate(names, 1):
            with self.subTest(key=name):
                (landing / ".half").write_text("data")
                (landing / ".half").rename(landing / name)
                version = project.version("training", number, "live")
                self.assertEqual(version["key"], str(landing / name))
        # Bytes that are no text, and an object without any.
        (landing / os.fsdecode(b"\xff\xfe.jsonl")).write_text("data")
        self.assertEqual(project.version("training", len(names) + 1, "live")["size"], 4)
        (landing / "empty.jsonl").touch()
        self.assertEqual(project.version("training", len(names) + 2, "live")["size"], 0)
        (landing / "folder").mkdir()
        os.mkfifo(landing / "pipe")
        (landing / "link").symlink_to("/etc/passwd")
        (landing / "last.jsonl").write_text("data")
        project.version("training", len(names) + 3, "live")
        self.assertEqual(len(project.versions("training")), len(names) + 3)

    def test_hooks_that_are_refused(self) -> None:
        project = self.make()
        made = self.bucket.put("training/a", b"data")
        good = {"Records": [record("team", "training/a", made)]}
        for body in (b"", b"no json", b"{", b"[]x", b'"text"', b"null", b"{}", b'{"Records": 1}', b'{"Records": [1]}',
                     b'{"Records": [{}]}', b"\xff\xfe", b"[" * 50_000, json.dumps(good).encode()[:-5]):
            self.assertEqual(self.hook(body).status, 400, body[:40])
        for changed in ({"eventTime": "yesterday"}, {"s3": {}}, {"s3": {"bucket": {"name": "team"}, "object": {"key": "%zz"}}},
                        {"s3": {"bucket": {"name": "team"}, "object": {"key": "a", "size": -1}}},
                        {"s3": {"bucket": {"name": "team"}, "object": {"key": "a" * 5000}}}):
            answer = self.hook({"Records": [good["Records"][0] | changed]})
            self.assertEqual(answer.status, 400, changed)
            self.assertIn("Records[0]", answer.json()["message"])
        other = self.server.project("e2e/other")
        for token in ("", "wrong", project.token, project.make_token("trigger"), "\u00fcmlaut".encode().decode("latin-1")):
            self.assertEqual(self.hook(good, token=token).status, 401, token)
        self.assertEqual(self.hook(good, token=other.make_token("hook")).status, 404)
        for source in ("unknown", "%00", "..%2f..", "a" * 5000):
            self.assertIn(self.hook(good, source=source).status, (400, 404, 414, 431), source[:20])
        self.assertEqual(self.hook(b" " * (2 << 20)).status, 413)
        self.assertEqual(project.versions("training"), [])
        test_message = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "team"}
        self.assertEqual((self.hook(test_message).status, self.hook(test_message).json()), (202, {"new": 0}))
        self.assertEqual(self.announce(*good["Records"])["new"], 1)
        project.version("training", 1, "live")

    def test_what_is_not_wanted_is_noted_and_does_not_run(self) -> None:
        project = self.make()
        made = self.bucket.put("elsewhere/a", b"data")
        self.assertEqual(self.announce(record("team", "elsewhere/a", made))["filtered"], 1)
        self.assertEqual(self.announce(record("other", "training/a", made))["filtered"], 1)
        self.assertEqual(self.announce(record("team", "training/", Object("", b"", "", 0)))["filtered"], 1)
        deleted = record("team", "training/a", made) | {"eventName": "ObjectRemoved:Delete"}
        self.assertEqual(self.announce(deleted)["new"], 0)
        self.assertEqual(project.versions("training"), [])
        self.assertEqual({e["verdict"] for e in project.own("/events?source=training")}, {"filtered", "ignored"})

    def test_the_same_event_again_and_out_of_order(self) -> None:
        project = self.make()
        old = self.bucket.put("training/a", b"old")
        middle = self.bucket.put("training/a", b"middle")
        new = self.bucket.put("training/a", b"newer")
        told = record("team", "training/a", new, "0A00", "2026-01-01T00:00:10.000Z")
        late = record("team", "training/a", old, "09", "2026-01-01T00:00:00.000Z")
        first = self.announce(told, told)  # the listing may have been quicker
        self.assertEqual((first["new"] + first["duplicate"], first["superseded"]), (2, 0))
        for _ in range(4):
            self.assertEqual(self.announce(told), {"new": 0, "duplicate": 1, "superseded": 0, "filtered": 0, "members": 0})
        self.assertEqual(self.announce(late), {"new": 0, "duplicate": 0, "superseded": 1, "filtered": 0, "members": 0})
        # The shorter sequencer is padded on the right: 0A is the same mark as 0A00, no news.
        same = record("team", "training/a", middle, "0A", "2026-01-01T00:00:10.000Z")
        self.assertEqual(self.announce(same)["superseded"], 1)
        version = project.version("training", 1, "live")
        self.assertEqual((version["object_version"], version["size"]), (new.version, 5))
        newest = self.bucket.put("training/a", b"newest")
        self.assertEqual(self.announce(record("team", "training/a", newest, "0B", "2026-01-01T00:00:20.000Z"))["new"], 1)
        project.version("training", 2, "live")
        self.assertEqual((len(project.versions("training")), len(project.pipelines())), (2, 3))

    def test_two_providers_and_clocks_that_are_wrong(self) -> None:
        project = self.make()
        first = self.bucket.put("training/a", b"first")
        ahead = record("team", "training/a", first, "0A", "2100-01-01T00:00:00.000Z")
        answer = self.announce(ahead)  # the listing may have been quicker
        self.assertEqual(answer["new"] + answer["duplicate"], 1)
        minio = ahead | {"eventSource": "minio:s3", "eventVersion": "2.0", "eventName": "s3:ObjectCreated:Put"}
        self.assertEqual(self.announce(minio), {"new": 0, "duplicate": 1, "superseded": 0, "filtered": 0, "members": 0})
        project.version("training", 1, "live")
        # The clock has been set right since: what comes now is not taken for older.
        second = self.bucket.put("training/a", b"second")
        today = time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime())
        told = record("team", "training/a", second, "0B", today)
        answer = self.announce(told)
        self.assertEqual(answer["new"] + answer["duplicate"], 1)
        self.assertEqual(project.version("training", 2, "live")["size"], 6)
        # A key that is new comes from whatever time.
        old = self.bucket.put("training/b", b"of the year 2000")
        self.announce(record("team", "training/b", old, "01", "2000-01-01T00:00:00.000Z"))
        project.version("training", 3, "live")
        self.assertEqual(len(project.versions("training")), 3)

    def test_an_object_that_no_event_told_of(self) -> None:
        self.bucket.put("training/before", b"was there before the first push")
        project = self.make()
        made = self.bucket.put("training/quiet", b"no event")
        version = project.version("training", 1, "live")
        self.assertEqual((version["key"], version["object_version"]), ("training/quiet", made.version))
        self.assertEqual(self.announce(record("team", "training/quiet", made))["duplicate"], 1)
        self.assertEqual(len(project.versions("training")), 1)

    def test_the_bucket_is_down(self) -> None:
        """The hook is taken and durable; the version says why it waits; a restart loses nothing; then it goes on."""
        project = self.make()
        made = self.bucket.put("training/a", b"data")
        self.bucket.down = True
        self.assertEqual(self.announce(record("team", "training/a", made))["new"], 1)
        until("it says why it waits", lambda: "trying again" in project.version("training", 1)["reason"])
        version = project.version("training", 1, "fetching")
        self.assertIn("503", version["reason"])
        before = project.main()
        # A push works meanwhile, and has one pipeline, although its data cannot be fetched.
        sha = project.push({"more.txt": "more\n"})
        project.pipeline(project.pipeline_of(sha)["id"])
        self.assertNotEqual(before, sha)
        self.server.kill()
        self.server.start()
        until("it says so again", lambda: "503" in project.version("training", 1)["reason"])
        self.bucket.down = False
        project.version("training", 1, "live")
        self.assertEqual([p["sha"] for p in project.pipelines()].count(sha), 1)
        self.assertEqual(len(project.pipelines()), 3)

    def test_an_event_while_the_server_starts_is_not_told_that_there_is_no_source(self) -> None:
        project = self.make()
        made = self.bucket.put("training/a", b"data")
        for _ in range(5):
            self.server.kill()
            self.server.start()
            answer = self.hook({"Records": [record("team", "training/a", made)]})
            self.assertIn(answer.status, (202, 503), answer.body)
        until("it is taken", lambda: self.hook({"Records": [record("team", "training/a", made)]}).status == 202)
        project.version("training", 1, "live")
        self.assertEqual((len(project.versions("training")), len(project.pipelines())), (1, 2))

    def test_an_object_that_is_gone_when_its_turn_comes(self) -> None:
        project = self.make()
        self.assertEqual(self.announce(record("team", "training/gone", Object("v1", b"x", "etag", 0)))["new"], 1)
        version = project.version("training", 1, "rejected")
        self.assertIn("404", version["reason"])
        made = self.bucket.put("training/lie", b"four")
        lie = made._replace(etag="0" * 32)
        self.announce(record("team", "training/lie", lie))
        self.assertIn("replaced", project.version("training", 2, "rejected")["reason"])
        self.assertEqual(len(project.pipelines()), 1)


if __name__ == "__main__":
    unittest.main()
