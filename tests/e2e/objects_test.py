"""Objects as nobody should name or treat them, put by boto3 into a real S3 server (versitygw) that tells the hook itself."""
import base64
import hashlib
import json
import os
import subprocess
import unicodedata
import unittest
from pathlib import Path

from harness import ENVIRONMENT, Folder, Project, Server, free_port, until

LAB = Path(os.environ.get("TIDEGATE_LAB", Path.home() / ".cache/tidegate/lab"))
PYTHON = LAB / "cache/venv/bin/python"
GATEWAYS = sorted((LAB / "cache/bin").glob("versitygw-*"))

# Reads lines [action, bucket, key, …] of JSON, keys as they are; answers each with a line.
CLIENT = """
import base64, json, os, sys
import boto3
from botocore.config import Config
s3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"], aws_access_key_id="key", aws_secret_access_key="secretsecret",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
for line in sys.stdin:
    action, bucket, key, *more = json.loads(line)
    try:
        if action == "make":
            s3.create_bucket(Bucket=bucket)
            if more[0]:
                s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            answer = ""
        elif action == "put":
            answer = s3.put_object(Bucket=bucket, Key=key, Body=base64.b64decode(more[0])).get("VersionId", "")
        elif action == "delete":
            answer = s3.delete_object(Bucket=bucket, Key=key, **({"VersionId": more[0]} if more else {})).get("VersionId", "")
        print(json.dumps(["good", answer]), flush=True)
    except Exception as error:
        print(json.dumps(["bad", f"{type(error).__name__}: {error}"]), flush=True)
"""
CI = """test_train:
  script:
    - test "$TIDEGATE_CANDIDATE" = "true" || exit 0
    - test ! -e pwned
    - sha256sum <"$TIDEGATE_DATA_TRAINING"
    - python3 -c 'exec(open("train.py").read())'
"""
PROJECT = """data:
  training:
    source: s3://{bucket}/training/
    ready: {{ quiet: {quiet} }}
    max_size: 1GiB
    bind: [{{ file: train.py, name: DATA_PATH }}]
"""
HANGUL = "\ud55c\uad6d\uc5b4.jsonl"
KEYS = ["plain.jsonl", "with space.jsonl", "a+b.jsonl", "100%.jsonl", "%2F%zz.jsonl", "quo\"te's.jsonl", "$(touch pwned)", "`touch pwned`",
        "new\nline", "tab\there", "-rf", "--help", "back\\slash", "a&b=c;d,e:f@g", "#frag?query=1&versionId=x", "[x]*?.jsonl", "{{ }}",
        unicodedata.normalize("NFC", HANGUL), unicodedata.normalize("NFD", HANGUL), "\U0001f30a", "a" * 255,
        "/".join(["k" * 200] * 5)[:1024 - len("training/")]]


def missing() -> str:
    if not PYTHON.exists() or not GATEWAYS:
        return f"no versitygw and boto3 in {LAB}: tools/lab/lab up s3 puts them there"
    return ""


class Objects(unittest.TestCase):
    def setUp(self) -> None:
        if missing():
            self.skipTest(missing())
        self.folder = Folder("objects")
        self.addCleanup(self.folder.remove)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        s3 = f"s3: {{ endpoint: '{self.endpoint}', access_key: key, secret_key: secretsecret }}\n"
        self.server = Server(self.folder.path, s3).start()
        self.addCleanup(self.server.close)
        self.project: Project = self.server.project("e2e/objects")
        self.start_gateway(self.project.make_token("hook"))
        self.client = subprocess.Popen([PYTHON, "-c", CLIENT], env=ENVIRONMENT | {"ENDPOINT": self.endpoint}, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end_client)

    def start_gateway(self, token: str) -> None:
        for name in ("data", "versions"):
            (self.folder.path / "s3" / name).mkdir(parents=True)
        hook = f"http://127.0.0.1:{self.server.port}/hooks/s3/training?token={token}"
        log = (self.folder.path / "gateway.log").open("wb")
        self.addCleanup(log.close)
        gateway = subprocess.Popen([GATEWAYS[-1], "--port", f"127.0.0.1:{self.port}", "--quiet", "--event-webhook-url", hook, "posix",
                                    "--versioning-dir", self.folder.path / "s3/versions", self.folder.path / "s3/data"],
                                   env=ENVIRONMENT | {"ROOT_ACCESS_KEY": "key", "ROOT_SECRET_KEY": "secretsecret"}, stdout=log, stderr=log)
        self.addCleanup(gateway.wait)
        self.addCleanup(gateway.terminate)
        until("the gateway answers", lambda: subprocess.run(["curl", "-s", "-o", os.devnull, self.endpoint]).returncode == 0)

    def end_client(self) -> None:
        self.client.stdin.close()
        self.client.wait()
        self.client.stdout.close()

    def s3(self, action: str, bucket: str, key: str = "", *more: object) -> tuple[bool, str]:
        self.client.stdin.write(json.dumps([action, bucket, key, *more]) + "\n")
        self.client.stdin.flush()
        verdict, answer = json.loads(self.client.stdout.readline())
        return verdict == "good", answer

    def put(self, key: str, body: bytes, bucket: str = "team") -> tuple[bool, str]:
        return self.s3("put", bucket, "training/" + key, base64.b64encode(body).decode())

    def make(self, quiet: str = "0s", bucket: str = "team", versions: bool = True) -> None:
        self.assertTrue(self.s3("make", bucket, "", versions)[0])
        sha = self.project.push({"train.py": 'DATA_PATH = "none"\nprint(DATA_PATH)\n', ".gitlab-ci.yml": CI,
                                 "tidegate.yml": PROJECT.format(quiet=quiet, bucket=bucket)})
        self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")
        until("the baseline", lambda: ": baseline of" in self.server.log.read_text(errors="replace"))

    def test_keys(self) -> None:
        """Each key that the store takes becomes a version of its own, and the job gets exactly its bytes."""
        self.make()
        for number, name in enumerate(KEYS, 1):
            with self.subTest(key=name):
                body = b"bytes of " + name.encode()
                good, answer = self.put(name, body)
                self.assertTrue(good, answer)
                version = self.project.version("training", number, "live")
                self.assertEqual((version["key"], version["object_version"], version["size"]), ("training/" + name, answer, len(body)))
                self.assertTrue(version["uri"].isascii() and version["uri"].isprintable() and " " not in version["uri"])
                log = self.project.trace(self.project.job(version["pipeline"], "test_train")["id"])
                self.assertIn(version["sha256"], log)
                self.assertIn(version["uri"], log)
        self.assertEqual(len(self.project.versions("training")), len(KEYS))
        self.assertEqual([p for p in self.folder.path.rglob("pwned") if p.is_file()], [])

    def test_keys_that_the_store_refuses_or_bends(self) -> None:
        """Whatever the store makes of them, what becomes live is an object with its own bytes, and nothing else is touched."""
        self.make()
        taken = [name for name in ("", "a/../b", "../up", "nul\0byte", "a//b", "k" * 1100) if self.put(name, b"strange")[0]]
        until("what was taken has come to its end",
              lambda: (v := self.project.versions("training")) and len(v) >= len(taken) and all(x["finished_at"] for x in v))
        self.assertTrue(self.put("plain", b"plain")[0])
        until("a plain object is live all the same",
              lambda: any(v["key"] == "training/plain" and v["state"] == "live" for v in self.project.versions("training")))
        for version in self.project.versions("training"):
            if version["state"] == "live":
                self.assertIn(version["sha256"], (hashlib.sha256(b"strange").hexdigest(), hashlib.sha256(b"plain").hexdigest()))
        self.assertNotIn("nul\0byte", taken)
        self.assertEqual({p.name for p in self.folder.path.iterdir()},
                         {"clones", "data", "s3", "gateway.log", "server.log", "tidegate-server.yml"})

    def test_bodies(self) -> None:
        self.make()
        self.put("empty", b"")
        self.assertEqual(self.project.version("training", 1, "live")["size"], 0)
        # 5 GB, of which no byte is sent or written: the file is a hole.
        sparse = self.folder.path / "s3/data/team/training/huge"
        with sparse.open("wb") as file:
            file.truncate(5 << 30)
        reason = self.project.version("training", 2, "rejected")["reason"]
        self.assertIn(f"the object has {5 << 30} bytes, more than max_size {1 << 30}", reason)
        objects = sum(f.stat().st_size for f in (self.server.data / "objects").iterdir())
        self.assertLess(objects, 1 << 20)

    def test_what_is_deleted_before_it_is_read(self) -> None:
        self.make("2s")
        _, version = self.put("hidden", b"hidden by a marker")
        # This store's events tell no version; it is asked for before the event is taken.
        self.assertEqual(self.project.version("training", 1, "waiting")["object_version"], version)
        self.s3("delete", "team", "training/hidden")
        self.assertEqual(self.project.version("training", 1, "live")["object_version"], version)
        _, version = self.put("gone", b"gone for good")
        self.project.version("training", 2, "waiting")
        self.assertTrue(self.s3("delete", "team", "training/gone", version)[0])
        self.assertIn("404", self.project.version("training", 2, "rejected")["reason"])

    def test_a_bucket_without_versions(self) -> None:
        """What was replaced before it could be read is not read by mistake; its successor is."""
        self.make("1s", "plain", versions=False)
        self.put("a", b"first", "plain")
        self.project.version("training", 1)
        self.put("a", b"second", "plain")
        version = self.project.version("training", 2, "live")
        self.assertEqual((version["size"], version["object_version"]), (6, ""))
        self.assertEqual(self.project.version("training", 1)["state"], "superseded")


if __name__ == "__main__":
    unittest.main()
