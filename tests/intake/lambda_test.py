"""The packaged Lambda function in AWS's own Runtime Interface Emulator: S3's event goes in, a version comes out.

Needs the lab's part `aws` (TIDEGATE_LAMBDA_RIE: the emulator). The server is behind TLS with an authority of the test's.
"""
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import unittest
import zipfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))
from bucket import Bucket, record  # noqa: E402
from harness import BINARY, ENVIRONMENT, Folder, Project, Server, free_port, until  # noqa: E402
from lab import Proxy  # noqa: E402

RIE = os.environ.get("TIDEGATE_LAMBDA_RIE", "")
TRAIN = 'DATA_PATH = "s3://team/training/none"\n'
CI = "test_train:\n  script:\n    - python3 train.py\n"
PROJECT = """data:
  training:
    source: s3://team/training/
    ready: { quiet: 0s }
    bind: [{ file: train.py, name: DATA_PATH }]
"""


class TlsProxy(Proxy):
    """Ends TLS in front of a plain server."""

    def __init__(self, target: tuple[str, int], folder: Path):
        self.ca = folder / "ca.pem"
        key, request = folder / "key.pem", ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", self.ca,
                        *request], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, key)
        super().__init__(target)

    def _serve(self, client: socket.socket, listener: socket.socket) -> None:
        try:
            wrapped = self.context.wrap_socket(client, server_side=True)
        except (OSError, ssl.SSLError):
            client.close()
            return
        super()._serve(wrapped, listener)


class Function:
    """The emulator with the function in it."""

    def __init__(self, folder: Path, root: Path, environment: dict[str, str]):
        self.port, self.log = free_port(), folder / f"function-{root.name}-{free_port()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [RIE, "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}", "--runtime-api-address",
                 f"127.0.0.1:{free_port()}", root / "bootstrap"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=ENVIRONMENT | {"LAMBDA_TASK_ROOT": str(root), "AWS_LAMBDA_FUNCTION_TIMEOUT": "20"} | environment, cwd=root,
                start_new_session=True)

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        until("the emulator listens", answers)

    def invoke(self, event: object) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event).encode())
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def close(self) -> None:
        os.killpg(self.process.pid, 9)  # the session that was started for it
        self.process.wait()


@unittest.skipUnless(RIE and Path(RIE).exists(), "no emulator: TIDEGATE_LAMBDA_RIE is not set (tools/lab/lab up aws)")
class Lambda(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("lambda")
        self.addCleanup(self.folder.remove)
        self.bucket = Bucket("team")
        self.addCleanup(self.bucket.close)
        self.server = Server(self.folder.path,
                             f"s3: {{ endpoint: '{self.bucket.endpoint}', access_key: key, secret_key: secret }}\n")
        self.server.config.write_text(self.server.config.read_text().replace("reconcile_every: 1s", "reconcile_every: 1h"))
        self.server.start()
        self.addCleanup(self.server.close)
        self.tls = TlsProxy(("127.0.0.1", self.server.port), self.folder.path)
        self.addCleanup(self.tls.down)

    def project(self) -> Project:
        project = self.server.project("e2e/lambda")
        sha = project.push({"train.py": TRAIN, ".gitlab-ci.yml": CI, "tidegate.yml": PROJECT})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        until("the baseline", lambda: ": baseline of " in self.server.log.read_text(errors="replace"))
        return project

    def package(self, *more: str) -> Path:
        root = self.folder.path / f"task{len(more)}"
        subprocess.run([BINARY, "lambda", "package", "-o", self.folder.path / "function.zip", *more], check=True, capture_output=True)
        with zipfile.ZipFile(self.folder.path / "function.zip") as packed:
            self.assertEqual(packed.getinfo("bootstrap").external_attr >> 16 & 0o777, 0o555)
            packed.extractall(root)
        (root / "bootstrap").chmod(0o755)
        return root

    def function(self, root: Path, environment: dict[str, str]) -> Function:
        made = Function(self.folder.path, root, environment)
        self.addCleanup(made.close)
        return made

    def hook(self, project: Project) -> dict[str, str]:
        return {"TIDEGATE_HOOK_URL": f"https://localhost:{self.tls.port}/hooks/s3/training",
                "TIDEGATE_HOOK_TOKEN": project.make_token("hook")}

    def test_s3_event_to_version_and_back_to_the_retry(self) -> None:
        project = self.project()
        function = self.function(self.package("--ca-file", str(self.tls.ca)), self.hook(project))
        made = self.bucket.put("training/a b", b"data")
        event = {"Records": [record("team", "training/a b", made)]}
        self.assertEqual(function.invoke(event)["new"], 1)
        self.assertEqual(function.invoke(event), {"new": 0, "duplicate": 1, "superseded": 0, "filtered": 0, "members": 0})
        project.version("training", 1, "live")
        in_sqs = {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(
            {"Type": "Notification", "Message": json.dumps(event)})}]}
        self.assertEqual(function.invoke(in_sqs)["duplicate"], 1)
        self.assertEqual(function.invoke({"not": "ours"})["errorType"], "Tidegate.Refused")
        self.server.terminate()
        self.assertIn(function.invoke(event)["errorType"], ("Tidegate.Unreachable", "Tidegate.Unavailable"))
        self.server.start()
        self.assertEqual(function.invoke(event)["duplicate"], 1)
        self.assertNotIn("training/a b", function.log.read_text(errors="replace"))

    def test_a_server_that_is_not_trusted_gets_nothing(self) -> None:
        project = self.project()
        function = self.function(self.package(), self.hook(project))
        answer = function.invoke({"Records": []})
        self.assertEqual(answer["errorType"], "Tidegate.Unreachable")
        self.assertIn("self-signed certificate", answer["errorMessage"])

    def test_without_settings_it_says_so(self) -> None:
        function = self.function(self.package(), {"TIDEGATE_HOOK_URL": "https://localhost/"})
        answer = function.invoke({})
        self.assertEqual(answer["errorType"], "Tidegate.Configuration", answer)
        self.assertIn("TIDEGATE_HOOK_TOKEN is not set", json.dumps(answer))

    def test_gitlab_trigger(self) -> None:
        """The trigger API as GitLab has it, here answered by the server itself."""
        project = self.project()
        function = self.function(self.package("--ca-file", str(self.tls.ca)), {
            "GITLAB_TRIGGER_URL": f"https://localhost:{self.tls.port}/api/v4/projects/{project.id}/trigger/pipeline",
            "GITLAB_TRIGGER_TOKEN": project.make_token("trigger")})
        made = self.bucket.put("training/$(touch pwned)", b"data")
        self.assertEqual(function.invoke({"Records": [record("team", "training/$(touch pwned)", made)]}), {"pipelines": 1})
        until("a pipeline", lambda: [p for p in project.pipelines() if p["source"] == "trigger"])


if __name__ == "__main__":
    unittest.main()
