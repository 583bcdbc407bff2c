"""A large bucket is listed page by page, in batches; a server that is killed in the middle goes on where it was."""
import unittest

from big_bucket import BigBucket, key_of
from harness import Folder, Server, until

PROJECT = "data:\n  big:\n    source: s3://team/data/\n    ready: { quiet: 0s }\n    bind: [{ file: data.lock.json }]\n"
CI = "test:\n  script: ['echo fine']\n"
KEYS = 6500


class Listing(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("listing")
        self.addCleanup(self.folder.remove)
        self.bucket = BigBucket("team", KEYS)
        self.addCleanup(self.bucket.close)
        self.server = Server(self.folder.path, f"s3: {{ endpoint: '{self.bucket.endpoint}', access_key: key, secret_key: secret }}\n").start()
        self.addCleanup(self.server.close)
        self.project = self.server.project("e2e/listing")

    def push(self) -> None:
        self.project.push({"tidegate.yml": PROJECT, ".gitlab-ci.yml": CI})

    def baseline(self, objects: int) -> None:
        until(f"the baseline of {objects} objects",
              lambda: f": baseline of {objects} objects" in self.server.log.read_text(errors="replace"))

    def test_it_goes_on_after_a_kill(self) -> None:
        self.bucket.hold_at = 5000
        self.push()
        self.assertTrue(self.bucket.is_held.wait(60))
        self.server.kill()
        # What is written meanwhile is no part of the baseline, though the listing comes by it.
        self.bucket.add_last()
        self.bucket.hold_at = None
        asked = len(self.bucket.asked)
        self.server.start()
        self.baseline(KEYS + 1)
        again = self.bucket.asked[asked]
        self.assertEqual(again.get("start-after"), key_of(3999), "two batches of 2000 keys were on record")
        version = self.project.version("big", 1, "live")
        self.assertEqual(version["key"], key_of(KEYS))
        until("it is listed once more", lambda: sum("start-after" not in q and "continuation-token" not in q for q in self.bucket.asked) > 2)
        self.assertEqual(len(self.project.versions("big")), 1)

    def test_one_new_object_among_many(self) -> None:
        self.push()
        self.baseline(KEYS)
        self.assertEqual(self.project.versions("big"), [])
        self.bucket.add_last()
        self.assertEqual(self.project.version("big", 1, "live")["key"], key_of(KEYS))
        self.assertTrue(all(int(q["max-keys"]) <= 1000 for q in self.bucket.asked))


if __name__ == "__main__":
    unittest.main()
