"""Deliveries when nothing is down: taken back, replaced meanwhile, and the form that people write today, with ssh and docker
in the job's script. Needs the lab.
"""
import json
import os
import unittest
import uuid
from pathlib import Path

import lab
from flow import Flow
from harness import Folder, Project, Server, until


class TakenBack(Flow):
    def test_a_later_job_fails(self) -> None:
        self.make()
        before = self.state()
        self.hold("after")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "after")
        self.assertNotEqual(self.links(), before["links"])
        self.project.api("POST", f"/jobs/{self.job(version, 'after')['id']}/cancel", {}, 201)
        self.rejected(version, before)
        self.assertIn("flipped back to " + before["links"]["small"], self.show(version))
        self.let_go("after")
        self.land("training", "b.jsonl", "b")
        self.live(self.running("training", 2, "deploy"), before)

    def test_what_was_replaced_meanwhile_stays(self) -> None:
        """A push makes its own release live while the candidate's last job runs: the candidate is made again on it."""
        self.make()
        before = self.state()
        self.hold("after")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "after")
        sha = self.project.push({"train.py": self.project.file("train.py").decode() + "print('pushed')\n"})
        pushed = self.project.pipeline_of(sha)["id"]
        until("the push's release is live",
              lambda: self.project.job(pushed, "deploy")["status"] == "success")
        links = self.links()
        self.hold("deploy")
        self.let_go("after")
        until("the candidate is made again", lambda: self.project.version("training", 1)["attempt"] == 2)
        self.assertEqual(self.links(), links)
        told = [d["message"] for d in self.project.own("/deliveries")["deliveries"] if d["pipeline"] == version["pipeline"]]
        self.assertEqual(told, ["replaced since by " + links["small"]])
        self.let_go("deploy")
        view = self.project.version("training", 1, "live")
        self.assertEqual(self.project.main(), view["candidate_sha"])
        self.assertIn(f"trains on {view['uri']}\npushed", self.lab.host.sh(f"{self.root}/small/current/run train.py"))
        self.assertNotEqual(self.links(), before["links"])


class AskedByPeople(Flow):
    def test_drift_history_and_the_way_back(self) -> None:
        """A file that somebody mends on the host is named; the history says who, from what, and why it is not live."""
        self.make()
        before = self.state()
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        view = self.live(version, before)
        as_made = self.cli("drift", "training")
        self.assertEqual(as_made.returncode, 0, as_made.stdout + as_made.stderr)
        self.lab.host.sh(f"echo '# mended' >>{self.root}/small/current/src/train.py")
        drifted = self.cli("drift", "--json")
        self.assertEqual(drifted.returncode, 1, drifted.stderr)
        [target] = json.loads(drifted.stdout)["targets"]
        self.assertEqual([(f["member"], f["kind"], f["path"]) for f in target["found"]], [("small", "changed", "src/train.py")])
        self.assertIn("src/train.py", self.cli("releases", "training").stdout)
        self.lab.ssh_proxy.down()
        self.assertEqual(self.cli("drift").returncode, 3)
        self.lab.ssh_proxy.up()

        back = self.cli("rollback", "training")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertEqual(self.links(), before["links"])
        told = self.cli("releases").stdout
        self.assertIn("token", told)
        self.assertIn(f"training/1 {view['uri']} (live)", told)
        self.assertIn(f"{view['candidate_sha'][:8]} ", told)
        newest, replaced, *_ = self.project.own("/deliveries")["deliveries"]
        self.assertTrue(newest["live"])
        self.assertEqual((newest["job"], newest["release"]), (0, before["links"]["small"]))
        self.assertFalse(replaced["live"])
        self.assertIn("deploy", replaced["by"])


SCRIPT_FILES = {
    "train.py": 'import coach\nDATA_PATH = "file:///none"\nprint(coach.NAME, "trains on", DATA_PATH)\n',
    "requirements.txt": "coach==1.0\n",
    "setup.py": "from setuptools import setup\nsetup(name='coach', version='1.0', py_modules=['coach'])\n",
    "coach.py": 'NAME = "coach"\n',
    "Dockerfile": """FROM python:3.11
WORKDIR /opt/release
COPY setup.py coach.py /src/
RUN pip wheel --quiet --no-deps --no-build-isolation --no-index -w wheels /src
COPY train.py requirements.txt ./
CMD ["python3", "-c", "pass"]
""",
    "tidegate.yml": """data:
  training:
    source: file://{landing}/
    ready: {{ quiet: 0s }}
    bind: [{{ file: train.py, name: DATA_PATH }}]
""",
    # As in docs/guide/data-flows.md, "Deploy by a script of your own".
    ".gitlab-ci.yml": """stages: [build, test, deploy]
variables:
  IMAGE: $CI_REGISTRY_IMAGE/training:$CI_COMMIT_SHORT_SHA
.docker:
  image: docker:latest
  services: ["docker:dind"]
build_train:
  extends: .docker
  stage: build
  script: ['docker build -q -t "$IMAGE" .']
test_train:
  stage: test
  image: {{ name: $IMAGE, pull_policy: if-not-present }}
  script: ['if grep -q bad "${{TIDEGATE_DATA_TRAINING:-/dev/null}}"; then echo "E   bad data"; exit 1; fi']
deploy_train:
  extends: .docker
  stage: deploy
  script:
    - printf '%s' "$CI_REGISTRY_PASSWORD" | docker login -u "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"
    - docker push -q "$IMAGE"
    - chmod 600 "$SSH_KEY"
    - |
      ssh -i "$SSH_KEY" -o UserKnownHostsFile="$SSH_KNOWN_HOSTS" "$TRAINING_LOGIN" sh -s <<EOF
      set -eu
      cd {root}
      printf '%s' '$CI_REGISTRY_PASSWORD' | docker login -u '$CI_REGISTRY_USER' --password-stdin '$CI_REGISTRY'
      docker pull -q '$IMAGE'
      rm -rf new-$CI_COMMIT_SHORT_SHA
      docker rm -f extract-$CI_PIPELINE_ID >/dev/null 2>&1 || true
      docker run --name extract-$CI_PIPELINE_ID '$IMAGE'
      docker cp extract-$CI_PIPELINE_ID:/opt/release new-$CI_COMMIT_SHORT_SHA
      docker rm extract-$CI_PIPELINE_ID
      cp shared/extra.txt new-$CI_COMMIT_SHORT_SHA/
      /usr/bin/python3 -m venv new-$CI_COMMIT_SHORT_SHA/venv
      new-$CI_COMMIT_SHORT_SHA/venv/bin/pip install -q --no-index --find-links new-$CI_COMMIT_SHORT_SHA/wheels \\
        -r new-$CI_COMMIT_SHORT_SHA/requirements.txt
      new-$CI_COMMIT_SHORT_SHA/venv/bin/python new-$CI_COMMIT_SHORT_SHA/train.py
      ln -sfn new-$CI_COMMIT_SHORT_SHA current.new && mv -T current.new current
      EOF
""",
}


class ByScript(unittest.TestCase):
    """The deploy job of a team that has a key and a shell: in a container, by a real sshd, with the host's Docker and pip.

    The lab's hosts share one Docker daemon, whose file system is not theirs: files leave an image by `docker cp`, and
    `docker run -v /srv/…:/…` cannot be shown here.
    """

    @classmethod
    def setUpClass(cls) -> None:
        if lab.missing():
            raise unittest.SkipTest(lab.missing())
        cls.folder = Folder("script")
        cls.addClassCleanup(cls.folder.remove)
        cls.lab = lab.Lab(cls.folder.path)
        cls.addClassCleanup(cls.lab.close)
        runner = (f"executor: docker, docker_socket: {os.environ['TIDEGATE_DOCKER_SOCKET']}, "
                  f"network: {os.environ['TIDEGATE_DOCKER_NETWORK']}")
        cls.server = Server(cls.folder.path, cls.lab.server_options(), runner=runner).start()
        cls.addClassCleanup(cls.server.close)

    def setUp(self) -> None:
        self.name = "script-" + uuid.uuid4().hex[:8]
        self.root = f"/tmp/tidegate-e2e-{self.name}"
        self.landing = self.folder.path / self.name
        self.landing.mkdir()
        self.lab.host.sh(f"mkdir -p {self.root}/shared && echo extra >{self.root}/shared/extra.txt")
        self.addCleanup(self.lab.host.sh, f"rm -rf {self.root} ~/.docker")

    def make(self) -> Project:
        project = self.server.project(f"e2e/{self.name}")
        env = os.environ
        for key, value, kind in (("SSH_KEY", Path(env["TIDEGATE_SSH_KEY"]).read_text(), "file"),
                                 ("SSH_KNOWN_HOSTS", Path(env["TIDEGATE_SSH_KNOWN_HOSTS"]).read_text(), "file"),
                                 ("TRAINING_LOGIN", f"{env['TIDEGATE_SSH_USER']}@{env['TIDEGATE_TRAINING_HOST']}", "env_var")):
            project.api("POST", "/variables", {"key": key, "value": value, "variable_type": kind}, 201)
        words = {"root": self.root, "landing": self.landing}
        formatted = {"tidegate.yml", ".gitlab-ci.yml"}
        sha = project.push({k: v.format(**words) if k in formatted else v for k, v in SCRIPT_FILES.items()})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        project.baseline(self.landing)
        return project

    def land(self, name: str, text: str) -> None:
        (self.landing / f".{name}").write_text(text)
        (self.landing / f".{name}").rename(self.landing / name)

    def runs(self) -> str:
        return self.lab.host.sh(f"cd {self.root}/current && venv/bin/python train.py")

    def test_the_deploy_job_as_people_write_it(self) -> None:
        project = self.make()
        self.assertEqual(self.runs(), "coach trains on file:///none\n")
        self.land("a.jsonl", "good")
        version = project.version("training", 1, "live")
        self.assertEqual(self.runs(), f"coach trains on {version['uri']}\n")
        self.assertEqual(project.main(), version["candidate_sha"])
        job = project.job(version["pipeline"], "deploy_train")
        log = project.trace(job["id"])
        self.assertIn(f"coach trains on {version['uri']}", log)
        self.assertNotIn(os.environ["TIDEGATE_REGISTRY_PASSWORD"], log)
        self.assertNotIn("PRIVATE KEY", log)
        before = project.main()
        # Bad data ends at its test: nothing of it reaches the host.
        self.land("b.jsonl", "bad")
        project.version("training", 2, "rejected")
        self.assertEqual(self.runs(), f"coach trains on {version['uri']}\n")
        # The script fails half-way on the host: its exit code is the job's; what is half done is the script's affair.
        self.lab.host.sh(f"rm {self.root}/shared/extra.txt")
        self.land("c.jsonl", "good")
        failed = project.version("training", 3, "rejected")
        self.assertIn("deploy_train", failed["reason"])
        self.assertIn("extra.txt", project.trace(project.job(failed["pipeline"], "deploy_train")["id"]))
        self.assertEqual(self.runs(), f"coach trains on {version['uri']}\n")
        self.assertEqual(project.main(), before)


if __name__ == "__main__":
    unittest.main()
