"""Tidegate itself: its configuration, its process, its API and its command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.parse
from pathlib import Path

from parts import PartError, fetch, run

LISTEN = "127.0.0.1:" + os.environ.get("TIDEGATE_DEMO_PORT", "18180")
URL = "http://" + LISTEN
PROJECT = "team/curriculum-coach"

# Secrets stay in the environment; the file only names them.
CONFIG = """\
# Made by the demo. `tidegate serve --config` reads it; ${NAME} is that environment variable (see `tools/lab/lab env`).
listen: %(listen)s
data: %(data)s
s3:
  endpoint: ${TIDEGATE_S3_ENDPOINT}
  region: ${TIDEGATE_S3_REGION}
  access_key: ${TIDEGATE_S3_ACCESS_KEY}
  secret_key: ${TIDEGATE_S3_SECRET_KEY}
registry:
  host: ${TIDEGATE_REGISTRY}
  user: ${TIDEGATE_REGISTRY_USER}
  password: ${TIDEGATE_REGISTRY_PASSWORD}
  cert_dir: ${TIDEGATE_REGISTRY_CERT_DIR}
ssh:
  config: ${TIDEGATE_SSH_CONFIG}
neo4j:
  url: ${NEO4J_HTTP_URL}
  user: ${NEO4J_USER}
  password: ${NEO4J_PASSWORD}
  database: ${NEO4J_DATABASE}
mlflow:
  url: ${MLFLOW_TRACKING_URI}
runner:
  slots: 2
  docker_socket: ${TIDEGATE_DOCKER_SOCKET}
  network: ${TIDEGATE_DOCKER_NETWORK}
  default_image: python:3.11
reconcile_every: 20s
"""


class Unreachable(PartError):
    """The server does not answer at all: it is down or being restarted."""


def _start_time(pid: int) -> str | None:
    """When the process began, so that a pid that went to another process is not taken for ours."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


class Server:
    """`tidegate serve` as a child of the demo, in a session of its own so that Ctrl-C reaches only the demo."""

    def __init__(self, state: Path, binary: Path, env: dict[str, str]):
        self.binary = binary
        self.data = state / "data"
        self.log = state / "server.log"
        self.config = state / "server.yml"
        self._pid_file = state / "server.pid"
        self._env = env
        self._process: subprocess.Popen | None = None

    def configure(self) -> None:
        self.config.write_text(CONFIG % {"listen": LISTEN, "data": self.data})

    def end_leftover(self) -> None:
        """Ends the server of a demo that was killed, and only that."""
        try:
            pid, started = self._pid_file.read_text().split()
        except (OSError, ValueError):
            return
        if _start_time(int(pid)) == started:
            os.kill(int(pid), signal.SIGTERM)
            for _ in range(200):
                if _start_time(int(pid)) != started:
                    break
                time.sleep(0.05)
            else:
                os.kill(int(pid), signal.SIGKILL)
        self._pid_file.unlink(missing_ok=True)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([str(self.binary), "serve", "--config", str(self.config)], env=self._env,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._pid_file.write_text(f"{self.pid} {_start_time(self.pid)}")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise PartError(f"the server ended at once; its log ({self.log}) says:\n{self.last_words()}")
            try:
                if fetch(URL + "/api/v4/version", timeout=2)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise PartError(f"the server does not answer at {URL} after 30 s; its log is {self.log}")

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def kill(self) -> None:
        """kill -9: no farewell."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def last_words(self, lines: int = 12) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


class Api:
    """The server's HTTP API, with one token."""

    def __init__(self, token: str):
        self.token = token
        self._project = "/api/v4/projects/" + urllib.parse.quote(PROJECT, safe="")
        self._own = "/api/tidegate/v1/projects/" + urllib.parse.quote(PROJECT, safe="")

    def _ask(self, path: str) -> bytes:
        try:
            status, _, body = fetch(URL + path, headers={"PRIVATE-TOKEN": self.token})
        except OSError as error:
            raise Unreachable(f"no answer from {URL}: {error}") from error
        if status == 503:
            raise Unreachable(f"{URL} is going down")
        if status != 200:
            raise PartError(f"the server answers {status} to {path}: {body[:300].decode(errors='replace')}")
        return body

    def _json(self, path: str):
        return json.loads(self._ask(path))

    def pipelines(self) -> list[dict]:
        return self._json(self._project + "/pipelines?per_page=100")

    def pipeline(self, number: int) -> dict:
        return self._json(f"{self._project}/pipelines/{number}")

    def jobs(self, pipeline: int) -> list[dict]:
        """All jobs, those that were retried too, in the order they were made."""
        jobs = self._json(f"{self._project}/pipelines/{pipeline}/jobs?per_page=100&include_retried=true")
        return sorted(jobs, key=lambda job: job["id"])

    def trace(self, job: int) -> str:
        return self._ask(f"{self._project}/jobs/{job}/trace").decode(errors="replace")

    def versions(self, source: str) -> list[dict]:
        return self._json(f"{self._own}/data?source={source}")["versions"]

    def version(self, source: str, number: int) -> dict:
        return self._json(f"{self._own}/data/{source}/{number}")

    def events(self, source: str) -> list[dict]:
        return self._json(f"{self._own}/events?source={source}")

    def deliveries(self) -> dict:
        """{deliveries, quarantined}"""
        return self._json(self._own + "/deliveries")

    def releases(self, target: str) -> list[dict]:
        return self._json(f"{self._own}/releases/{target}")["releases"]


class Cli:
    """`tidegate` as a person runs it."""

    def __init__(self, binary: Path, token: str):
        self._binary = binary
        self._env = {**os.environ, "TIDEGATE_URL": URL, "TIDEGATE_TOKEN": token, "TIDEGATE_PROJECT": PROJECT}

    def __call__(self, *arguments: str) -> str:
        return run([str(self._binary), *arguments], env=self._env)


def announce(path_token: str, records: list[dict], source: str = "team-data") -> tuple[int, dict]:
    """POSTs event records to the hook, as an object store does: status and answer. Unreachable when it is down."""
    try:
        status, _, body = fetch(f"{URL}/hooks/s3/{source}?token={path_token}",
                                body=json.dumps({"Records": records}).encode(),
                                headers={"Content-Type": "application/json; charset=utf-8"})
    except OSError as error:
        raise Unreachable(f"no answer from {URL}: {error}") from error
    return status, json.loads(body or b"{}")
