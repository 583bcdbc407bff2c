"""Several objects as one dataset version: a manifest or a marker says when it is complete."""
import hashlib
import json
import unittest
import urllib.parse

from bucket import Bucket, Object, iso, record
from harness import Folder, Project, Server, until

CI = """test_train:
  script:
    - test "$TIDEGATE_CANDIDATE" = "true" || exit 0
    - cd "$TIDEGATE_DATA_TRAINING"
    - find . -type f | LC_ALL=C sort | while IFS= read -r f; do sha256sum "$f"; done
    - echo "bound to $TIDEGATE_DATA_TRAINING_URI"
    - test ! -e bad
"""
PROJECT = """data:
  training:
    source: {source}
    ready: {ready}
    bind: [{{ file: train.py, name: DATA_PATH }}]
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def set_hash(files: dict[str, bytes]) -> str:
    """The hash of a set, worked out from its description in the reference."""
    lines = [f"{sha256(body)} {len(body)} {urllib.parse.quote(name, safe='/-._~')}\n"
             for name, body in sorted(files.items(), key=lambda item: item[0].encode())]
    return sha256(("tidegate-set/1\n" + "".join(lines)).encode())


class Sets(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("sets")
        self.addCleanup(self.folder.remove)
        self.bucket = Bucket("team")
        self.addCleanup(self.bucket.close)
        s3 = f"s3: {{ endpoint: '{self.bucket.endpoint}', access_key: key, secret_key: secret }}\n"
        self.server = Server(self.folder.path, s3).start()
        self.addCleanup(self.server.close)

    def make(self, ready: str, source: str = "s3://team/training/") -> Project:
        self.project = self.server.project("e2e/sets")
        sha = self.project.push({"train.py": 'DATA_PATH = "none"\n', ".gitlab-ci.yml": CI,
                                 "tidegate.yml": PROJECT.format(source=source, ready=ready)})
        self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")
        until("the baseline", lambda: ": baseline of" in self.server.log.read_text(errors="replace"))
        self.hook_token = self.project.make_token("hook")
        return self.project

    def land(self, key: str, body: bytes, time: float = 1_700_000_000) -> Object:
        """Into the bucket, and told."""
        made = self.bucket.put("training/" + key, body, time)
        self.tell(key, made)
        return made

    def tell(self, key: str, made: Object) -> None:
        message = json.dumps({"Records": [record("team", "training/" + key, made, time=iso(made.time))]}).encode()
        headers = {"X-Tidegate-Token": self.hook_token, "Content-Type": "application/json"}
        # A server that has just been started asks to be told again.
        until("the event is taken", lambda: self.server.call("POST", "/hooks/s3/training", message, headers).status == 202)

    def manifest(self, files: dict[str, bytes], **more: object) -> bytes:
        return json.dumps({"members": [{"key": k, "size": len(b), "sha256": sha256(b)} | more for k, b in files.items()]}).encode()

    def waits_for(self, number: int, text: str) -> dict:
        return until(f"version {number} says {text!r}; it says {self.project.version('training', number)['reason']!r}",
                     lambda: (v := self.project.version("training", number)) and text in v["reason"] and v)

    def shown(self, number: int) -> dict:
        return self.project.own(f"/data/training/{number}")

    def log_of(self, version: dict) -> str:
        return self.project.trace(self.project.job(version["pipeline"], "test_train")["id"])

    def is_live(self, number: int, files: dict[str, bytes]) -> dict:
        """It is live with exactly these files, and the job saw exactly them."""
        version = self.project.version("training", number, "live")
        self.assertEqual((version["sha256"], version["size"]), (set_hash(files), sum(map(len, files.values()))))
        log = self.log_of(version)
        for name, body in files.items():
            self.assertIn(f"{sha256(body)}  ./{name}", log)
        self.assertEqual(log.count("  ./"), len(files))
        self.assertIn("bound to " + version["uri"], log)
        self.assertIn(version["uri"], self.project.file("train.py").decode())
        self.assertEqual({m["name"]: m["found"]["sha256"] for m in self.shown(number)["members"]},
                         {name: sha256(body) for name, body in files.items()})
        return version

    def test_a_manifest_waits_for_its_members(self) -> None:
        project = self.make('{ manifest: "**/*.manifest.json" }')
        files = {"a.jsonl": b"first", "deep/b c+%.jsonl": b"second", "한.jsonl": b"third"}
        self.land("may/a.jsonl", b"first")
        made = self.land("may/x.manifest.json", self.manifest(files))
        self.waits_for(1, "2 of 3 objects are missing: deep/b c+%.jsonl, ")
        self.assertEqual(len(project.pipelines()), 1)
        self.land("may/deep/b c+%.jsonl", b"other!")
        self.land("may/한.jsonl", b"wrong length")
        self.waits_for(1, "한.jsonl has 12 bytes, the manifest says 5")
        # Of the right length, but not of the right bytes: found when it is hashed.
        self.land("may/한.jsonl", b"THIRD")
        self.waits_for(1, f"has SHA-256 {sha256(b'other!')}, the manifest says {sha256(b'second')}")
        self.land("may/deep/b c+%.jsonl", b"second")
        self.waits_for(1, f"has SHA-256 {sha256(b'THIRD')}")
        self.server.kill()
        self.server.start()
        self.waits_for(1, f"has SHA-256 {sha256(b'THIRD')}")
        self.land("may/한.jsonl", b"third")
        version = self.is_live(1, files)
        self.assertEqual(version["uri"], f"s3://team/training/may/x.manifest.json?versionId={made.version}")
        shown = self.shown(1)
        self.assertTrue(shown["coalesced"]["because"].startswith("all 3 objects of the set are there; it landed at "), shown["coalesced"])
        self.assertEqual({e["verdict"] for e in shown["events"]}, {"new", "member"})
        self.assertEqual({e["became"] for e in shown["events"]}, {1})

    def test_a_member_that_no_event_tells_of(self) -> None:
        self.make('{ manifest: "*.manifest.json" }')
        files = {"a": b"one", "b": b""}
        self.land("x.manifest.json", self.manifest(files))
        self.waits_for(1, "2 of 2 objects are missing")
        for name, body in files.items():
            self.bucket.put("training/" + name, body)
        self.is_live(1, files)

    def test_the_newest_complete_set_runs(self) -> None:
        project = self.make('{ manifest: "*.manifest.json" }')
        self.land("1.manifest.json", self.manifest({"one": b"1"}), 1_700_000_001)
        self.waits_for(1, "missing")
        self.land("3.manifest.json", self.manifest({"three": b"3"}), 1_700_000_300)
        self.waits_for(2, "missing")
        for name in ("one", "three"):
            self.assertEqual(project.version("training", 1 if name == "one" else 2)["state"], "waiting")
        self.land("three", b"3")
        self.is_live(2, {"three": b"3"})
        self.assertEqual(project.version("training", 1, "superseded")["because"], "")
        self.assertEqual(len([e for e in self.shown(2)["events"] if e["verdict"] == "new"]), 2)

    def test_manifests_that_can_never_be_a_set(self) -> None:
        project = self.make('{ manifest: "*.manifest.json" }')
        for number, (body, says) in enumerate([
                (b"no json", "not JSON"), (b'{"members": []}', "lists no members"), (b"[" * 100_000, "not JSON"),
                (b'{"members": [{"key": "../../etc/passwd"}]}', '".."'),
                (b'{"members": [{"key": "s3://other/training/a"}]}', "not in bucket"),
                (b'{"members": [{"key": "s3://team/secret/a"}]}', "not below training/"),
                (b'{"members": [{"key": "a"}, {"key": "a/b"}]}', "is an object too"),
                (b'{"members": [{"key": "a", "size": "big"}]}', "members[0].size")], 1):
            self.land(f"{number}.manifest.json", body)
            self.assertIn(says, project.version("training", number, "rejected")["reason"])
        self.assertEqual(len(project.pipelines()), 1)

    def test_a_marker_takes_its_folder(self) -> None:
        project = self.make("{ marker: _SUCCESS }")
        files = {"part-0": b"zero", "year=2026/part-1": b"one"}
        for name, body in files.items():
            self.land("may/" + name, body)
        self.land("june/part-0", b"of another folder")
        self.assertEqual(project.versions("training"), [])
        made = self.land("may/_SUCCESS", b"")
        version = self.is_live(1, files)
        self.assertEqual(version["uri"], f"s3://team/training/may/?versionId={made.version}")
        # Written after the marker: not taken, until there is a new marker.
        self.land("june/part-1", b"late", 1_800_000_000)
        self.land("june/_SUCCESS", b"", 1_700_000_100)
        self.waits_for(2, "part-1 was written after the marker")
        self.land("june/_SUCCESS", b"", 1_800_000_100)
        self.is_live(3, {"part-0": b"of another folder", "part-1": b"late"})
        self.assertEqual(project.version("training", 2)["state"], "superseded")
        self.land("july/_SUCCESS", b"")
        self.assertIn("holds no objects", project.version("training", 4, "rejected")["reason"])

    def test_a_folder_with_a_marker(self) -> None:
        landing = self.folder.path / "landing"
        (landing / "may").mkdir(parents=True)
        self.make("{ marker: DONE }", f"file://{landing}/")
        (landing / "may/a").write_bytes(b"1")
        (landing / "may/DONE").touch()
        version = self.is_live(1, {"a": b"1"})
        self.assertEqual(version["uri"], f"file://{landing}/may/")

    def test_a_set_that_fails_its_tests_or_is_too_large(self) -> None:
        project = self.make("{ manifest: '*.manifest.json' }")
        before = project.main()
        self.land("bad", b"1")
        self.land("1.manifest.json", self.manifest({"bad": b"1"}))
        self.assertIn("test_train", project.version("training", 1, "rejected")["reason"])
        self.assertEqual(project.main(), before)
        project.push({"tidegate.yml": PROJECT.format(source="s3://team/training/", ready="{ manifest: '*.manifest.json' }")
                      + "    max_size: 5\n"})
        self.land("a", b"123")
        self.land("b", b"456")
        until("the new tidegate.yml is read", lambda: project.own("/data")["sources"][0]["max_size"] == 5)
        self.land("2.manifest.json", self.manifest({"a": b"123", "b": b"456"}))
        self.assertIn("the set has 6 bytes, more than max_size 5", project.version("training", 2, "rejected")["reason"])


if __name__ == "__main__":
    unittest.main()
