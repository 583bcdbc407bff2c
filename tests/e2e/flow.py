"""Tests on real parts: two flows as a team has them, gates at which a job or a program on the host waits for the test, and
the state of every part, asked of the part itself.
"""
import json
import os
import subprocess
import unittest
import uuid

import lab
from harness import BINARY, ENVIRONMENT, Folder, Project, Server, until

FILES = {
    "Dockerfile": "FROM scratch\nCOPY train.py requirements.lock /opt/release/\n",
    "requirements.lock": "",
    "train.py": """import os, sys, time
DATA_PATH = "file:///none"
hold = os.path.join("{root}", "hold" + "".join(sys.argv[1:2]))
while os.path.exists(hold):
    time.sleep(0.02)
print("trains on", DATA_PATH)
""",
    "graph.py": 'GRAPH_PATH = "file:///none"\n',
    "tidegate.yml": """data:
  training:
    source: file://{landing}/training/
    ready: {{ quiet: 0s }}
    bind: [{{ file: train.py, name: DATA_PATH }}]
  curriculum:
    source: file://{landing}/curriculum/
    ready: {{ quiet: 0s }}
    bind: [{{ file: graph.py, name: GRAPH_PATH }}]
targets:
  training:
    host: ssh://test-host
    path: {root}
    releases: [small, large]
    image: training
    files: [train.py]
    env: shared/mlflow.env
    smoke: python train.py --smoke
    check: python train.py --check
    mlflow: true
graphs:
  {graph}:
    data: curriculum
    neo4j: env
""",
    ".gitlab-ci.yml": """stages: [build, deploy, after]
variables:
  DOCKER_HOST: {docker}
  DOCKER_CONFIG: {docker_config}
  IMAGE: $CI_REGISTRY_IMAGE/training:$CI_COMMIT_SHORT_SHA
build:
  stage: build
  rules: [{{ changes: [train.py, .gitlab-ci.yml] }}]
  script: ['docker build -q --label "org.opencontainers.image.revision=$CI_COMMIT_SHA" -t "$IMAGE" .']
deploy:
  stage: deploy
  rules: [{{ changes: [train.py, .gitlab-ci.yml] }}]
  script:
    - sh {gate} push
    - printf '%s' "$CI_REGISTRY_PASSWORD" | docker login -u "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY" 2>&1
    - docker push -q "$IMAGE"
    - sh {gate} deploy
    - timeout "$(cat {patience})" tidegate deploy training
load:
  stage: deploy
  rules: [{{ if: '$TIDEGATE_SOURCE == "curriculum"' }}]
  script:
    - sh {gate} load
    - timeout "$(cat {patience})" tidegate load {graph}
after:
  stage: after
  script: ["sh {gate} after"]
""",
}
GATE = 'echo "at $1"\nwhile test -e "$(dirname "$0")/hold-$1"; do sleep 0.05; done\n'


class Flow(unittest.TestCase):
    """A server and, for each test, a project with a training flow and a graph flow, on the parts of the lab."""

    @classmethod
    def setUpClass(cls) -> None:
        if lab.missing():
            raise unittest.SkipTest(lab.missing())
        cls.folder = Folder("flow")
        cls.addClassCleanup(cls.folder.remove)
        cls.lab = lab.Lab(cls.folder.path)
        cls.addClassCleanup(cls.lab.close)
        cls.server = Server(cls.folder.path, cls.lab.server_options(), slots=3).start()
        cls.addClassCleanup(cls.server.close)

    def setUp(self) -> None:
        self.addCleanup(self.lab.all_up)
        self.name = "flow-" + uuid.uuid4().hex[:8]
        self.root = f"/tmp/tidegate-e2e-{self.name}"
        self.gates = self.folder.path / self.name
        self.landing = self.gates / "landing"
        for source in ("training", "curriculum"):
            (self.landing / source).mkdir(parents=True)
        (self.gates / "gate.sh").write_text(GATE)
        self.patience("10m")
        self.lab.host.sh(f"mkdir -p {self.root}/shared && printf '%s\\n' MLFLOW_EXPERIMENT_NAME=Default "
                         f"MLFLOW_TRACKING_URI=http://{self.lab.mlflow_proxy.place} >{self.root}/shared/mlflow.env")
        self.addCleanup(self.lab.host.sh, f"rm -rf {self.root}")
        self.addCleanup(self.lab.neo4j.forget, self.name)

    def make(self) -> Project:
        """A project whose first release is live."""
        self.project = self.server.project(f"e2e/{self.name}")
        words = {"root": self.root, "landing": self.landing, "graph": self.name, "gate": self.gates / "gate.sh",
                 "patience": self.gates / "patience", "docker": os.environ["DOCKER_HOST"],
                 "docker_config": self.lab.docker_config}
        plain = {"Dockerfile", "requirements.lock", "graph.py"}
        sha = self.project.push({k: v if k in plain else v.format(**words) for k, v in FILES.items()})
        self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")
        until("latest is there", lambda: self.latest() is not None)
        for source in ("training", "curriculum"):
            self.project.baseline(self.landing / source)
        return self.project

    # --- what is done ---

    def land(self, source: str, name: str, text: str) -> None:
        half = self.landing / source / f".{name}"
        half.write_text(text)
        half.rename(half.with_name(name))

    def patience(self, time: str) -> None:
        """How long jobs wait from now on for what they deliver."""
        (self.gates / "patience").write_text(time)

    def load_graph(self, number: int, name: str, job: str = "load") -> dict:
        """Lands a curriculum and waits until that job of its pipeline runs; the version."""
        nodes = [{"uid": f"{name}{n}", "label": "Standard"} for n in range(2 + number)]
        self.land("curriculum", f"{name}.json", json.dumps({"nodes": nodes, "edges": []}))
        return self.running("curriculum", number, job)

    def hold(self, gate: str) -> None:
        (self.gates / f"hold-{gate}").touch()

    def let_go(self, gate: str) -> None:
        (self.gates / f"hold-{gate}").unlink()

    def hold_on_host(self, what: str) -> None:
        """What the release's program is called with there: it does not return until let go."""
        self.lab.host.sh(f"touch {self.root}/hold--{what}")

    def let_go_on_host(self, what: str) -> None:
        self.lab.host.sh(f"rm {self.root}/hold--{what}")

    def cli(self, *arguments: str) -> subprocess.CompletedProcess:
        env = ENVIRONMENT | {"TIDEGATE_URL": f"http://127.0.0.1:{self.server.port}", "TIDEGATE_TOKEN": self.project.token,
                             "TIDEGATE_PROJECT": self.project.path}
        return subprocess.run([BINARY, *arguments], env=env, capture_output=True, text=True, timeout=120)

    # --- what is so ---

    def latest(self) -> str | None:
        return self.lab.registry.digest(f"{self.project.path}/training", "latest")

    def links(self) -> dict[str, str]:
        return self.lab.host.links(self.root, ["small", "large"])

    def state(self) -> dict:
        """Everything that must be as before: asked of the parts themselves."""
        return {"main": self.project.main(), "latest": self.latest(), "links": self.links(),
                "graph": self.lab.neo4j.counts(self.name) and self.lab.neo4j.fingerprint(self.name),
                "env": self.lab.host.read(f"{self.root}/shared/mlflow.env")}

    def running(self, source: str, number: int, job: str) -> dict:
        """Waits until the version's job runs; the version."""
        version = until(f"{source} v{number} has a pipeline", lambda: self.with_pipeline(source, number))
        until(f"{job} runs", lambda: self.job(version, job)["status"] == "running")
        return version

    def with_pipeline(self, source: str, number: int) -> dict | None:
        version = self.project.version(source, number)
        return version if version["pipeline"] else None

    def job(self, version: dict, name: str) -> dict:
        return self.project.job(version["pipeline"], name)

    def log(self, version: dict, job: str) -> str:
        return self.project.trace(self.job(version, job)["id"])

    def wait_log(self, version: dict, job: str, *texts: str) -> None:
        for text in texts:
            until(f"the log of {job} says {text!r}; it says:\n" + self.log(version, job)[-1500:],
                  lambda: text in self.log(version, job))

    def show(self, version: dict) -> str:
        said = self.cli("data", "show", f"{version['source']}/{version['number']}")
        self.assertEqual(said.returncode, 0, said.stderr)
        return said.stdout

    def refused(self, *arguments: str, says: str) -> None:
        """A command whose answer needs the part that is down says so, and does not succeed."""
        said = self.cli(*arguments)
        self.assertNotEqual(said.returncode, 0, said.stdout)
        self.assertIn(says, said.stderr)

    def live(self, version: dict, before: dict) -> dict:
        """The version comes to be live by the pipeline that it had; what must have moved has."""
        view = self.project.version(version["source"], version["number"], "live")
        self.assertEqual(view["pipeline"], version["pipeline"])
        now = self.state()
        self.assertEqual(now["main"], view["candidate_sha"])
        if version["source"] == "training":
            self.assertNotEqual(now["latest"], before["latest"])
            self.assertEqual(len(set(now["links"].values())), 1)
            self.assertNotEqual(now["links"], before["links"])
            self.assertIn(view["uri"], self.lab.host.sh(f"{self.root}/small/current/run train.py"))
        else:
            self.assertNotEqual(now["graph"], before["graph"])
        self.assertEqual(now["env"], before["env"])
        return view

    def rejected(self, version: dict, before: dict) -> None:
        self.project.version(version["source"], version["number"], "rejected")
        self.assertEqual(self.state(), before)
        self.assertEqual(self.project.candidates(), [])
        states = {d["state"] for d in self.project.own("/deliveries")["deliveries"]}
        self.assertNotIn("running", states, "a delivery that nobody works on any more is called running")
