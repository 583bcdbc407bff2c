"""Lineage: what is on record after the fact, whether it can be trusted, and what other programs read of it."""
import hashlib
import json
import os
import shutil
import subprocess
import unittest

import chain
from harness import BINARY, DEADLINE_S, ENVIRONMENT, Folder, Project, Server

TIDEGATE_YML = """data:
  training:
    source: file://{data}/
    include: ["*.jsonl"]
    ready: {{ quiet: 0s }}
    bind: [{{ file: train.py, name: DATA_PATH }}]
"""
CI = """stages: [build, test]
build: {stage: build, script: ["echo built"]}
test:
  stage: test
  script: ['if grep -q bad "${TIDEGATE_DATA_TRAINING:-/dev/null}"; then echo "bad data"; exit 3; fi']
"""
# Reads every event with the classes of the package, facets too: a wrong name or type is an error there.
OPENLINEAGE = """
import json, sys
from openlineage.client import event_v2
from openlineage.client.facet_v2 import (BaseFacet, datasource_dataset, dataset_version_dataset, error_message_run, job_type_job,
                                         source_code_location_job)
KNOWN = {"version": dataset_version_dataset.DatasetVersionDatasetFacet, "dataSource": datasource_dataset.DatasourceDatasetFacet,
         "errorMessage": error_message_run.ErrorMessageRunFacet, "jobType": job_type_job.JobTypeJobFacet,
         "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet}
def facets(view):
    for name, facet in view.get("facets", {}).items():
        assert facet.pop("_producer") and facet.pop("_schemaURL")
        if name in KNOWN: KNOWN[name](**facet)
        else: assert name.startswith("tidegate_"), name
for line in sys.stdin:
    e = json.loads(line)
    for view in (e["run"], e["job"], *e["inputs"], *e["outputs"]): facets(view)
    event_v2.RunEvent(eventTime=e["eventTime"], eventType=event_v2.RunState[e["eventType"]], producer=e["producer"],
        run=event_v2.Run(runId=e["run"]["runId"]), job=event_v2.Job(namespace=e["job"]["namespace"], name=e["job"]["name"]),
        inputs=[event_v2.InputDataset(namespace=d["namespace"], name=d["name"]) for d in e["inputs"]],
        outputs=[event_v2.OutputDataset(namespace=d["namespace"], name=d["name"]) for d in e["outputs"]])
    print("read", e["eventType"], e["job"]["name"])
"""


class Lineage(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("lineage")
        cls.server = Server(cls.folder.path).start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        cls.folder.remove()

    def cli(self, project: Project, *arguments: str) -> subprocess.CompletedProcess:
        environment = ENVIRONMENT | {"TIDEGATE_URL": f"http://127.0.0.1:{self.server.port}", "TIDEGATE_PROJECT": project.path,
                                     "TIDEGATE_TOKEN": project.token}
        return subprocess.run([BINARY, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S)

    def good(self, project: Project, *arguments: str) -> str:
        run = self.cli(project, *arguments)
        self.assertEqual(run.returncode, 0, run.stderr + run.stdout)
        return run.stdout

    def story(self, name: str) -> Project:
        """A push, a good version, a bad one."""
        project = self.server.project(f"lineage/{name}")
        landing = self.folder.path / name
        landing.mkdir()
        sha = project.push({".gitlab-ci.yml": CI, "tidegate.yml": TIDEGATE_YML.format(data=landing), "train.py": 'DATA_PATH = ""\n'})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        project.baseline(landing)
        for number, (file, text, state) in enumerate((("a b.jsonl", "good", "live"), ("b.jsonl", "bad", "rejected")), 1):
            (landing / file).write_text(text)
            project.version("training", number, state)
        return project

    def offline(self, change) -> None:
        self.assertEqual(self.server.terminate(), 0)
        change()
        self.server.start()

    def test_what_is_on_record(self) -> None:
        project = self.story("record")
        live, bad = project.version("training", 1), project.version("training", 2)
        read: list[dict] = []
        self.offline(lambda: read.extend(chain.records(self.server.data, project.id)))
        self.assertEqual([(r["kind"], r["verdict"]) for r in read],
                         [("attempt", "success"), ("attempt", "live"), ("attempt", "rejected")])
        push, good, rejected = read
        self.assertNotIn("data", push)
        self.assertEqual((good["commit"], good["parent"], good["promoted"]), (live["candidate_sha"], push["commit"], True))
        self.assertEqual(good["data"], {"source": "training", "number": 1, "key": live["key"], "uri": live["uri"], "size": 4,
                                        "etag": live["etag"], "sha256": hashlib.sha256(b"good").hexdigest()})
        self.assertNotIn("promoted", rejected)
        self.assertEqual(rejected["reason"], bad["reason"])
        for record in read:
            for job in record["pipeline"]["jobs"]:
                log = (self.server.data / "logs" / f"{job['id']}.log").read_bytes()
                self.assertEqual(job["log_sha256"], hashlib.sha256(log).hexdigest(), job)
        jobs = {job["name"]: job for job in rejected["pipeline"]["jobs"]}
        self.assertEqual((jobs["test"]["status"], jobs["test"]["exit_code"]), ("failed", 3))

    def test_from_any_to_all(self) -> None:
        project = self.story("both-ways")
        live = project.version("training", 1)
        wanted = [live["uri"], live["candidate_sha"], f"#{live['pipeline']}", "attempt live"]
        for what in (live["uri"], live["key"], "training/1", live["candidate_sha"], live["candidate_sha"][:8],
                     f"#{live['pipeline']}", live["sha256"]):
            said = self.good(project, "lineage", what)
            for text in wanted:
                self.assertIn(text, said, what)
        for nothing in ("training/9", "#999", "0000000", live["candidate_sha"][:6], "", "verify!"):
            self.assertNotEqual(self.cli(project, "lineage", nothing).returncode, 0, nothing)
        other = self.server.project("lineage/other")
        self.assertEqual(self.cli(other, "lineage", live["candidate_sha"]).returncode, 1)

    def test_what_is_under_way_is_found_too(self) -> None:
        project = self.server.project("lineage/under-way")
        gate = self.folder.path / "gate"
        gate.touch()
        sha = project.push({".gitlab-ci.yml": f"job: {{script: ['while test -e {gate}; do sleep 0.05; done']}}\n"})
        pipeline = project.pipeline_of(sha)["id"]
        self.assertIn(f"#{pipeline}", self.good(project, "lineage", sha[:8]))
        gate.unlink()
        project.pipeline(pipeline, "success")

    def broken(self, project: Project, number: int, why: str, *arguments: str) -> None:
        run = self.cli(project, "lineage", "verify", *arguments)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn(f"record {number} is not as it was: ", run.stdout)
        self.assertIn(why, run.stdout)

    def test_verify_says_the_first_break(self) -> None:
        project = self.story("verify")
        said = self.good(project, "lineage", "verify")
        self.assertIn("3 records are whole; with them 6 logs, 2 objects, 3 commits", said)
        head = said.split()[-1]
        self.assertEqual(self.good(project, "lineage", "verify", "--known", head), said)
        version = project.version("training", 1)
        log = self.server.data / "logs" / f"{project.job(version['pipeline'], 'test')['id']}.log"
        whole = log.read_bytes()
        log.write_bytes(whole.replace(b"Job succeeded", b"Job did fail!") if b"Job succeeded" in whole else whole + b"x")
        self.broken(project, 2, "the log of job test")
        log.unlink()
        self.broken(project, 2, "the log of job test")
        log.write_bytes(whole)
        thing = self.server.data / "objects" / version["sha256"]
        shutil.move(thing, kept := self.folder.path / "kept")
        self.broken(project, 2, "object " + version["sha256"])
        shutil.move(kept, thing)
        self.assertEqual(self.good(project, "lineage", "verify"), said)
        self.tampered(project, head)

    def tampered(self, project: Project, head: str) -> None:
        free = ["DROP TRIGGER lineage_stays", "DROP TRIGGER lineage_is_kept"]
        of = f"project={project.id} AND number="
        self.offline(lambda: chain.tamper(self.server.data, *free, f"UPDATE lineage SET body=replace(body,'rejected','live') WHERE {of}3"))
        self.broken(project, 3, "its hash is not that of what it says")
        self.offline(lambda: chain.tamper(self.server.data, f"DELETE FROM lineage WHERE {of}2"))
        self.broken(project, 3, "something between them is gone")
        # Cut at the end, the rest is a whole chain; only who knows a later head sees it.
        self.offline(lambda: chain.tamper(self.server.data, f"DELETE FROM lineage WHERE {of}3"))
        self.assertIn("1 records are whole", self.good(project, "lineage", "verify"))
        self.broken(project, 2, "record 3 was known", "--known", head)
        self.broken(project, 1, "not the record that was known", "--known", "1:" + "0" * 64)
        for wrong in ("1", "x:" + "0" * 64, "1:short"):
            self.assertEqual(self.cli(project, "lineage", "verify", "--known", wrong).returncode, 1)

    def test_openlineage(self) -> None:
        project = self.story("openlineage")
        lines = self.good(project, "lineage", "export").splitlines()
        events = [json.loads(line) for line in lines]
        self.assertEqual([e["eventType"] for e in events], ["START", "COMPLETE", "START", "COMPLETE", "START", "FAIL"])
        version = project.version("training", 1)
        (data,) = events[3]["inputs"]
        self.assertEqual((data["namespace"], data["name"]), ("file", version["key"]))
        self.assertEqual(events[3]["job"]["facets"]["sourceCodeLocation"]["version"], version["candidate_sha"])
        self.assertEqual(events[2]["run"]["runId"], events[3]["run"]["runId"])
        self.assertIn("test", events[5]["run"]["facets"]["errorMessage"]["message"])
        later = self.good(project, "lineage", "export", "--since", events[3]["eventTime"]).splitlines()
        self.assertEqual(later, lines[2:])
        self.assertEqual(self.good(project, "lineage", "export", "--since", "2999-01-01T00:00:00Z"), "")
        self.assertEqual(self.cli(project, "lineage", "export", "--since", "yesterday").returncode, 1)
        self.assertEqual(self.cli(project, "lineage", "export", "--signed").returncode, 1)
        self.assertEqual(self.good(project, "lineage", "export", "--format", "slsa"), "", "no image was released")
        python = os.environ.get("TIDEGATE_ATTEST_PYTHON")
        if not python:
            self.skipTest("no openlineage-python: TIDEGATE_ATTEST_PYTHON is not set (tools/lab/lab up attest)")
        read = subprocess.run([python, "-c", OPENLINEAGE], input="\n".join(lines), capture_output=True, text=True)
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertEqual(len(read.stdout.splitlines()), 6)

    def test_a_long_chain_is_exported_whole(self) -> None:
        """More than one page: every record is a refused pipeline, which is cheap."""
        project = self.server.project("lineage/long")
        project.push({".gitlab-ci.yml": "job: {script: [true], needs: [nothing]}\n"})
        for _ in range(205):
            project.api("POST", "/pipeline?ref=main", {}, 0)
        said = json.loads(self.good(project, "lineage", "verify", "--json"))
        lines = self.good(project, "lineage", "export").splitlines()
        self.assertGreater(said["records"], 200)
        numbers = {json.loads(line)["run"]["facets"]["tidegate_record"]["number"] for line in lines}
        self.assertEqual(numbers, set(range(1, said["records"] + 1)))


if __name__ == "__main__":
    unittest.main()
