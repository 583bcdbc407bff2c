"""The experiment tracker, told and read: MLflow's own client trains with what a release sets, and reads what came of it. The
statements of the released images, read by packages that others wrote. Needs the lab.
"""
import base64
import json
import os
import subprocess
import unittest
from pathlib import Path
from typing import Any

import chain
from flow import Flow
from harness import until

# MLflow's own client, asked by a line of JSON at a time: its start alone takes seconds. "train" does as a training program
# does, with what the release's launcher sets in the environment.
CLIENT = """
import json, os, sys
out, sys.stdout = sys.stdout, sys.stderr
import mlflow
client = mlflow.MlflowClient()

def train(model, context):
    os.environ["MLFLOW_RUN_CONTEXT"] = context
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 0.5)
    if model:
        if not client.search_registered_models(f"name='{model}'"):
            client.create_registered_model(model)
        client.create_model_version(model, f"runs:/{run.info.run_id}/model", run.info.run_id)
    return run.info.run_id

def inputs(run):
    return [{"name": i.dataset.name, "digest": i.dataset.digest, "type": i.dataset.source_type,
             "source": json.loads(i.dataset.source), "profile": json.loads(i.dataset.profile),
             "loads": type(mlflow.data.get_source(i.dataset)).__name__, "tags": {t.key: t.value for t in i.tags}}
            for i in mlflow.get_run(run).inputs.dataset_inputs]

def aliases(model):
    return {str(a): str(v) for a, v in client.get_registered_model(model).aliases.items()}

for line in sys.stdin:
    name, arguments = json.loads(line)
    print(json.dumps({"train": train, "inputs": inputs, "aliases": aliases}[name](*arguments)), file=out, flush=True)
"""
STATEMENTS = """
import base64, json, sys
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
key = SSlibKey.from_crypto(load_pem_public_key(open(sys.argv[1], "rb").read()))
for line in sys.stdin:
    view = json.loads(line)
    key.keyid = view["signatures"][0]["keyid"]
    # Base64 on the way out of the package is its own; the bytes that are signed are the same.
    view["payload"] = base64.b64encode(base64.b64decode(view["payload"])).decode()
    Envelope.from_dict(view).verify([key], 1)
    statement = json.loads(base64.b64decode(view["payload"]))
    Statement.copy_from_pb(json_format.ParseDict(statement, statement_pb2.Statement())).validate()
    # A member that the predicate does not have is an error here.
    provenance = json_format.ParseDict(statement["predicate"], provenance_pb2.Provenance())
    for resource in (*provenance.build_definition.resolved_dependencies, *provenance.run_details.byproducts):
        ResourceDescriptor.copy_from_pb(resource).validate()
    print(json.dumps(statement))
"""


class Tracker(Flow):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        python = str(Path(os.environ["TIDEGATE_LAB"]) / "cache" / "venv" / "bin" / "python")
        env = os.environ | {"GIT_PYTHON_REFRESH": "quiet", "MLFLOW_EXPERIMENT_NAME": "Default"}
        cls.client_log = (cls.folder.path / "client.log").open("w+")
        cls.client = subprocess.Popen([python, "-c", CLIENT], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=cls.client_log, text=True)
        cls.addClassCleanup(cls.stop_client)

    @classmethod
    def stop_client(cls) -> None:
        cls.client.stdin.close()
        cls.client.wait()
        cls.client.stdout.close()
        cls.client_log.close()

    def setUp(self) -> None:
        super().setUp()
        self.model = self.name

    def ask(self, name: str, *arguments: str) -> Any:
        self.client.stdin.write(json.dumps([name, arguments]) + "\n")
        self.client.stdin.flush()
        answer = self.client.stdout.readline()
        self.assertTrue(answer, Path(self.client_log.name).read_text()[-3000:])
        return json.loads(answer)

    def train(self, model: str = "") -> str:
        """A run of the live release, and a version of the model when one is given; the run's id."""
        said = self.lab.host.sh(f"sed -n s/^MLFLOW_RUN_CONTEXT=//p {self.root}/small/current/release.env").strip()
        self.assertTrue(said.startswith("'{") and said.endswith("}'"), said)
        return self.ask("train", model, said[1:-1])

    def inputs(self, run: str) -> list[dict]:
        return self.ask("inputs", run)

    def aliases(self) -> dict[str, str]:
        return self.ask("aliases", self.model)

    def land_live(self, number: int) -> dict:
        self.land("training", f"batch-{number}.jsonl", f"data {number}")
        return self.project.version("training", number, "live")

    def follow(self, mlflow: str) -> None:
        """What tidegate.yml says of MLflow from now on."""
        self.project.git("fetch", "-q", "origin")
        now = self.project.file("tidegate.yml").decode()
        before = next(line for line in now.splitlines() if line.strip().startswith("mlflow:"))
        sha = self.project.push({"tidegate.yml": now.replace(before, f"    mlflow: {mlflow}")})
        self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")

    def test_runs_are_told_of_their_data(self) -> None:
        self.make()
        version = self.land_live(1)
        run = self.train()
        (told,) = until("the run has its input", lambda: self.inputs(run))
        path = version["uri"].removeprefix("file://")
        self.assertEqual(told, {"name": "training", "digest": told["digest"], "type": "local",
                                "source": {"uri": "file://" + path}, "profile": {"sha256": version["sha256"], "size": 6},
                                "loads": "LocalArtifactDatasetSource", "tags": {"mlflow.data.context": "training"}})
        said = self.cli("lineage", run)
        self.assertIn(version["uri"], said.stdout, said.stderr)
        # While the tracker is down nothing is lost, and the server does not wait for it.
        self.lab.mlflow_proxy.down()
        late = self.train()
        until("the server has noticed", lambda: "MLflow at" in self.server.log.read_text().rsplit("inputs", 1)[-1])
        self.assertEqual(self.inputs(late), [])
        self.assertIn(run, self.cli("lineage", "training/1").stdout, "what was seen is known without the tracker")
        self.lab.mlflow_proxy.up()
        until("the late run has its input", lambda: self.inputs(late))
        # Told to the tracker, and killed before that was stored: told again, and there once.
        self.server.kill()
        chain.tamper(self.server.data, f"DELETE FROM training_runs WHERE run='{run}'")
        self.server.start()

        def stored() -> bool:
            records = [r for one in self.project.own("/lineage?of=training/1") for r in one["records"]]
            return [r["run"]["run_id"] for r in records if r["kind"] == "run"].count(run) == 2
        until("it is stored again", stored)
        self.assertEqual(len(self.inputs(run)), 1)
        self.assertTrue((said := self.project.own("/lineage/verify"))["good"], said)

    def test_aliases_follow_releases_and_rollbacks(self) -> None:
        self.make()
        self.follow(f"{{ models: [{self.model}], previous: before }}")
        self.land_live(1)
        self.train(self.model)
        until("the first is champion", lambda: self.aliases() == {"champion": "1"})
        first = self.links()["small"]
        self.land_live(2)
        self.assertEqual(self.aliases(), {"champion": "1"}, "a release that has trained nothing yet moves nothing")
        self.train(self.model)
        until("the second is", lambda: self.aliases() == {"champion": "2", "before": "1"})
        self.train(self.model)
        until("a newer one of the same release is", lambda: self.aliases() == {"champion": "3", "before": "1"})
        self.assertEqual(self.cli("rollback", "training", "--to", first).returncode, 0)
        until("back", lambda: self.aliases() == {"champion": "1"})
        said = json.loads(self.cli("lineage", first, "--json").stdout)
        records = [r for one in said for r in one["records"]]
        moved = [(r["alias"]["alias"], r["alias"].get("from"), r["alias"].get("to")) for r in records if r["kind"] == "alias"]
        self.assertEqual(moved, [("champion", None, "1"), ("before", "1", None), ("champion", "3", "1")])
        by_hand = [d for r in records if r["kind"] == "delivery" for d in r["deliveries"] if d["key"].startswith("hand-")]
        self.assertEqual([(d["state"], d["release"], d["message"]) for d in by_hand], [("live", first, "rolled back by hand")])
        self.assertIn(self.root, by_hand[0]["place"])

    def test_statements_of_released_images(self) -> None:
        self.make()
        version = self.land_live(1)
        digest = self.latest()
        key, lines = self.cli("lineage", "key").stdout, self.cli("lineage", "export", "--format", "slsa", "--signed").stdout
        envelope = json.loads(lines.splitlines()[-1])
        folder = self.folder.path
        (folder / "key.pem").write_text(key)
        (folder / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        payload = base64.b64decode(envelope["payload"])
        kind = envelope["payloadType"]
        for text, good in ((payload, True), (payload.replace(b"training", b"mourning"), False)):
            (folder / "text").write_bytes(f"DSSEv1 {len(kind)} {kind} {len(text)} ".encode() + text)
            done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "text"],
                                  cwd=folder, capture_output=True)
            self.assertEqual(done.returncode == 0, good, done.stderr)
        statement = json.loads(payload)
        self.assertEqual([s["digest"] for s in statement["subject"]], [{"sha256": digest.removeprefix("sha256:")}])
        code, data = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        self.assertEqual(code["digest"], {"gitCommit": version["candidate_sha"]})
        self.assertEqual((data["uri"], data["digest"]), (version["uri"], {"sha256": version["sha256"]}))
        read = subprocess.run([os.environ["TIDEGATE_ATTEST_PYTHON"], "-c", STATEMENTS, str(folder / "key.pem")], input=lines,
                              capture_output=True, text=True)
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertEqual([json.loads(line) for line in read.stdout.splitlines()][-1], statement)


if __name__ == "__main__":
    unittest.main()
