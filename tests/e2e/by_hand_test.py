"""What people do to data: pin, skip, quarantine, replay, backfill; and what the record says of it and of coalescing."""
import json
import re
import subprocess
import unittest

from bucket import Bucket, iso, record
from harness import BINARY, DEADLINE_S, ENVIRONMENT, Folder, Server, until

CI = """test_train:
  script:
    - test "$TIDEGATE_CANDIDATE" = "true" || exit 0
    - while test -e {hold}; do sleep 0.05; done
    - cat "$TIDEGATE_DATA_TRAINING"
    - grep -v bad "$TIDEGATE_DATA_TRAINING"
"""
PROJECT = """data:
  training:
    source: s3://team/training/
    ready: {{ quiet: {quiet} }}
    bind: [{{ {bind} }}]
"""


class ByHand(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("hand")
        self.addCleanup(self.folder.remove)
        self.bucket = Bucket("team")
        self.addCleanup(self.bucket.close)
        s3 = f"s3: {{ endpoint: '{self.bucket.endpoint}', access_key: key, secret_key: secret }}\n"
        self.server = Server(self.folder.path, s3).start()
        self.addCleanup(self.server.close)
        self.hold = self.folder.path / "hold"

    def make(self, quiet: str = "0s", bind: str = "file: train.py, name: DATA_PATH") -> None:
        self.project = self.server.project("e2e/hand")
        sha = self.project.push({"train.py": 'DATA_PATH = "none"\n', ".gitlab-ci.yml": CI.format(hold=self.hold),
                                 "tidegate.yml": PROJECT.format(quiet=quiet, bind=bind)})
        self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")
        until("the baseline", lambda: ": baseline of" in self.server.log.read_text(errors="replace"))
        self.hook_token = self.project.make_token("hook")

    def land(self, name: str, body: bytes | None = None, time: float = 1_700_000_000, told: bool = True) -> None:
        made = self.bucket.put("training/" + name, name.encode() if body is None else body, time)
        if not told:
            return
        message = json.dumps({"Records": [record("team", "training/" + name, made, time=iso(made.time))]}).encode()
        headers = {"X-Tidegate-Token": self.hook_token, "Content-Type": "application/json"}
        # A server that has just been started asks to be told again.
        until("the event is taken", lambda: self.server.call("POST", "/hooks/s3/training", message, headers).status == 202)

    def cli(self, *arguments: str, code: int = 0) -> str:
        environment = ENVIRONMENT | {"TIDEGATE_URL": f"http://127.0.0.1:{self.server.port}", "TIDEGATE_PROJECT": self.project.path,
                                     "TIDEGATE_TOKEN": self.project.token}
        run = subprocess.run([BINARY, "data", *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=DEADLINE_S)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def state(self, number: int) -> str:
        return self.project.version("training", number)["state"]

    def reason(self, number: int, text: str) -> None:
        until(f"version {number} says {text!r}", lambda: text in self.project.version("training", number)["reason"])

    def test_what_became_of_many_events(self) -> None:
        self.make("2s")
        for second, name in enumerate(("a", "b", "a", "c")):
            self.land(name, time=1_700_000_000 + 10 * second)
        self.project.version("training", 4, "live")
        self.assertEqual([self.state(n) for n in (1, 2, 3)], ["superseded"] * 3)
        shown = self.cli("show", "training/4")
        self.assertRegex(shown, r"why +4 events became version 4: 4 events came between \S+Z and \S+Z, then nothing for 2\.0s; "
                                r"this one is the newest")
        self.assertEqual(shown.count("  event "), 4)
        self.assertEqual(self.cli("events", "training").count("; became version 4"), 4)
        view = json.loads(self.cli("show", "training/4", "--json"))
        self.assertEqual((view["coalesced"]["events"], view["coalesced"]["version"]), (4, 4))
        self.assertEqual({e["became"] for e in view["events"]}, {4})

    def test_a_pinned_source_stays_where_it_is(self) -> None:
        self.make()
        self.land("one")
        self.project.version("training", 1, "live")
        main = self.project.main()
        self.assertIn("say why", self.cli("pin", "training/1", "--reason", " ", code=1))
        self.assertEqual(self.cli("pin", "training/1", "--reason", "audit"), "training stays at version 1\n")
        self.land("two")
        self.reason(2, "the source is pinned to version 1 by project token #")
        self.server.kill()
        self.server.start()
        self.land("three")
        self.reason(3, ": audit")
        self.assertEqual((self.state(2), self.state(3), self.project.main()), ("waiting", "waiting", main))
        self.assertRegex(self.cli("list"), r"pinned to version 1 by project token #\d+ \(project\): audit")
        self.assertIn("training/1 is live, not 2", self.cli("pin", "training/2", "--reason", "x", code=1))
        self.assertIn("not pinned any more", self.cli("unpin", "training", "--reason", "done"))
        self.project.version("training", 3, "live")
        self.assertEqual(self.state(2), "superseded")
        self.assertIn("is not pinned", self.cli("unpin", "training", "--reason", "again", code=1))
        actions = self.cli("actions", "training")
        self.assertEqual(re.findall(r"Z (\w+) +(\S+) +project token #\d+ \(project\): (\w+)", actions),
                         [("unpin", "training", "done"), ("pin", "training/1", "audit")])

    def test_a_version_that_waits_can_be_skipped(self) -> None:
        self.make()
        self.hold.touch()
        self.land("one")
        until("it is tested", lambda: self.state(1) == "testing")
        self.land("two")
        self.land("three")
        self.assertIn("does not wait", self.cli("skip", "training/1", "--reason", "x", code=1))
        self.assertIn("skipped", self.cli("skip", "training/3", "--reason", "wrong export"))
        self.assertIn("under way", self.cli("pin", "training/1", "--reason", "x", code=1).replace("no version of training is live", "under way"))
        self.hold.unlink()
        self.project.version("training", 1, "live")
        self.project.version("training", 2, "live")
        version = self.project.version("training", 3, "skipped")
        self.assertRegex(version["reason"], r"^skipped by project token #\d+ \(project\): wrong export$")
        self.assertIn("has no version 9", self.cli("skip", "training/9", "--reason", "x", code=1))
        # It may go all the same, when somebody wants it to.
        self.cli("replay", "training/3")
        self.project.version("training", 4, "live")

    def test_what_is_in_quarantine_does_not_run_again(self) -> None:
        self.make()
        self.land("one", b"fine")
        self.project.version("training", 1, "live")
        self.land("two", b"bad")
        self.project.version("training", 2, "rejected")
        self.cli("quarantine", "training/2", "--reason", "labels are swapped")
        self.assertIn("in quarantine", self.cli("replay", "training/2", code=1))
        self.assertIn("in quarantine", self.cli("quarantine", "training/2", "--reason", "again", code=1))
        # The same bytes under another name are found out when they are hashed.
        self.land("copy-of-two", b"bad")
        self.assertRegex(self.project.version("training", 3, "rejected")["reason"],
                         r"^these bytes are in quarantine \(version 2, by project token .*labels are swapped$")
        self.server.kill()
        self.server.start()
        self.assertIn("labels are swapped", self.cli("show", "training/2"))
        self.cli("release", "training/2", "--reason", "the test was wrong")
        self.assertIn("not in quarantine", self.cli("release", "training/2", "--reason", "again", code=1))
        self.project.push({".gitlab-ci.yml": CI.format(hold=self.hold).replace("grep -v bad", "cat")})
        self.cli("replay", "training/2")
        self.project.version("training", 4, "live")

    def test_quarantine_stops_what_is_under_way(self) -> None:
        self.make()
        before = self.project.main()
        self.hold.touch()
        self.land("one")
        until("it is tested", lambda: self.project.version("training", 1)["pipeline"] and self.state(1) == "testing")
        self.land("two")
        self.cli("quarantine", "training/2", "--reason", "this one too")
        self.cli("quarantine", "training/1", "--reason", "stop it")
        self.project.version("training", 1, "rejected")
        self.assertIn("this one too", self.project.version("training", 2, "rejected")["reason"])
        self.assertEqual(self.project.main(), before)

    def test_backfill_takes_the_baseline_in_oldest_first(self) -> None:
        for day, name in enumerate(["c", "a", "b", "old", "skip.txt"]):
            self.land(name, time=1_600_000_000 if name == "old" else 1_700_000_000 + day * 86_400, told=False)
        self.make()
        self.land("new", told=True)
        self.project.version("training", 1, "live")
        self.hold.touch()
        said = self.cli("backfill", "training", "--since", "2023-01-01", "--match", "?", "--reason", "first data")
        self.assertIn("3 versions, oldest first", said)
        self.land("newer")  # runs after what was asked for, and supersedes none of it
        self.hold.unlink()
        for number, name in ((2, "c"), (3, "a"), (4, "b"), (5, "newer")):
            version = self.project.version("training", number, "live")
            self.assertEqual(version["key"], "training/" + name)
            self.assertEqual(version["by_hand"], name != "newer")
        pipelines = [self.project.version("training", n)["pipeline"] for n in (2, 3, 4, 5)]
        self.assertEqual(pipelines, sorted(pipelines), "one after the other")
        self.assertIn("0 versions", self.cli("backfill", "training", "--since", "2023-01-01", "--match", "?"))
        self.assertIn("is no time", self.cli("backfill", "training", "--since", "yesterday", code=1))
        self.assertIn("no source nowhere", self.cli("backfill", "nowhere", code=1))
        self.assertIn("2 versions", self.cli("backfill", "training"))  # what is left

    def test_data_in_a_variable_changes_no_file(self) -> None:
        self.make(bind="variable: DATA_URI")
        self.project.push({".gitlab-ci.yml": "test:\n  rules: [{ changes: [train.py] }]\n"
                           '  script:\n    - echo "uri=$DATA_URI;"\n    - cat "${TIDEGATE_DATA_TRAINING-/dev/null}"\n'
                           f"    - while test -e {self.hold}; do sleep 0.05; done\n", "train.py": "print(1)\n"})
        head = self.project.main()
        self.project.pipeline(self.project.pipeline_of(head)["id"], "success")
        self.land("one", b"first bytes")
        version = self.project.version("training", 1, "live")
        self.assertEqual((version["candidate_sha"], version["base_sha"], self.project.main()), (head, head, head))
        self.assertEqual(self.project.candidates(), [])
        self.assertEqual(version["reason"], f"main stays at {head[:8]}: its data is in a variable; only latest has moved")
        log = self.project.trace(self.project.job(version["pipeline"], "test")["id"])
        self.assertIn(f"uri={version['uri']};", log)
        self.assertIn("first bytes", log)
        # An ordinary push is tested with what is live.
        sha = self.project.push({"train.py": "print(2)\n"})
        pipeline = self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")
        self.assertIn("first bytes", self.project.trace(self.project.job(pipeline["id"], "test")["id"]))
        # The branch moves meanwhile: the data is tested again, with the code that is there now.
        self.hold.touch()
        self.land("two", b"second bytes")
        until("it is tested", lambda: self.project.version("training", 2)["pipeline"])
        moved = self.project.push({"train.py": "print(3)\n"})
        self.hold.unlink()
        version = self.project.version("training", 2, "live")
        self.assertEqual((version["candidate_sha"], version["attempt"]), (moved, 2))


if __name__ == "__main__":
    unittest.main()
