"""The real parts as the demo's checks ask them: S3, the hosts, the registry, MLflow, Neo4j.

Each is asked by its own protocol and not by way of Tidegate, so a check says what is so and not what Tidegate believes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent


class PartError(Exception):
    """A real part did not answer as it must; the message is for whoever watches the demo."""


def run(command: list[str], **options) -> str:
    """The command's output; PartError with its last words when it fails."""
    options.setdefault("timeout", 300)
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise PartError(f"{shlex.join(command[:6])} failed ({done.returncode}): " + "\n".join(said[-8:]))
    return done.stdout


def fetch(url: str, *, body: bytes | None = None, headers: dict | None = None, context=None, timeout: float = 30):
    """One HTTP exchange: status, headers, bytes. Never by a proxy: all parts are on this machine."""
    request = urllib.request.Request(url, body, headers or {})
    handlers = [urllib.request.ProxyHandler({})]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Bucket:
    """The lab's object store, by boto3 in the lab's own Python."""

    def __init__(self, env: dict[str, str]):
        self._env = env
        self.name = env["TIDEGATE_S3_BUCKET"]

    def put(self, key: str, file: Path) -> str:
        """Uploads; the new version's id."""
        return run([str(TOOLS / "lab" / "s3put"), key, str(file)], env=self._env).strip()

    def _helper(self, *arguments: str) -> str:
        python = Path(self._env["TIDEGATE_LAB"]) / "cache" / "venv" / "bin" / "python"
        env = {**self._env, "PYTHONPATH": str(TOOLS / "lab")}
        return run([str(python), str(Path(__file__).with_name("bucket.py")), *arguments], env=env)

    def clear(self, *prefixes: str) -> int:
        """Removes every version below the prefixes; how many there were."""
        return int(self._helper("clear", *prefixes))

    def head(self, key: str) -> dict:
        return json.loads(self._helper("head", key))


class Host:
    """One machine, by SSH."""

    def __init__(self, env: dict[str, str], name: str):
        self.name = name
        self.command = ["ssh", "-F", env["TIDEGATE_SSH_CONFIG"], name]

    def sh(self, script: str, text: str | None = None, timeout: float = 300) -> str:
        return run([*self.command, script], input=text, timeout=timeout)

    def put(self, path: str, content: bytes) -> None:
        done = subprocess.run([*self.command, f"cat >{shlex.quote(path)}.new && mv {shlex.quote(path)}.new "
                               f"{shlex.quote(path)}"], input=content, capture_output=True, timeout=60)
        if done.returncode != 0:
            raise PartError(f"cannot write {path} on {self.name}: {done.stderr.decode().strip()}")

    def snapshot(self, *paths: str) -> dict:
        """{digest, files, bytes}: one hash over names, modes, links and all bytes below the paths."""
        program = Path(__file__).with_name("snapshot.py").read_text()
        return json.loads(self.sh("python3 -I - " + shlex.join(paths), program))

    def links(self, root: str, members: list[str]) -> dict[str, str]:
        """Which release each `current` is; empty text when there is none."""
        names = " ".join(shlex.quote(f"{root}/{member}/current") for member in members)
        said = self.sh(f"for link in {names}; do readlink $link || echo; done").split("\n")
        return {member: said[i].removeprefix("releases/") for i, member in enumerate(members)}

    def read(self, path: str) -> str:
        return self.sh(f"cat {shlex.quote(path)}")


class Registry:
    """The image registry, by the OCI Distribution API."""

    _KINDS = ("application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, "
              "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json")

    def __init__(self, env: dict[str, str]):
        self.host = env["TIDEGATE_REGISTRY"]
        self._context = ssl.create_default_context(cafile=env["TIDEGATE_REGISTRY_CA"])
        self._auth = basic(env["TIDEGATE_REGISTRY_USER"], env["TIDEGATE_REGISTRY_PASSWORD"])

    def digest(self, repository: str, tag: str) -> str | None:
        """What the tag names now; None when there is no such tag."""
        status, headers, body = fetch(f"https://{self.host}/v2/{repository}/manifests/{tag}",
                                      headers={"Accept": self._KINDS, "Authorization": self._auth},
                                      context=self._context)
        if status == 404:
            return None
        if status != 200:
            raise PartError(f"the registry answers {status} about {repository}:{tag}")
        return headers.get("Docker-Content-Digest") or "sha256:" + hashlib.sha256(body).hexdigest()


class Mlflow:
    """The tracking server, by its REST API."""

    def __init__(self, env: dict[str, str]):
        self.url = env["MLFLOW_TRACKING_URI"].rstrip("/")

    def _ask(self, path: str, body: dict | None = None, **query: str) -> dict | None:
        url = f"{self.url}/api/2.0/mlflow/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        data = json.dumps(body).encode() if body is not None else None
        status, _, text = fetch(url, body=data, headers={"Content-Type": "application/json"})
        if status == 404:
            return None
        if status != 200:
            raise PartError(f"MLflow answers {status} to {path}: {text[:200]!r}")
        return json.loads(text)

    def experiment(self, name: str) -> str | None:
        """The id of the experiment, when it is there and active."""
        found = self._ask("experiments/get-by-name", experiment_name=name)
        if found is None or found["experiment"].get("lifecycle_stage") != "active":
            return None
        return found["experiment"]["experiment_id"]

    def run(self, run_id: str) -> dict:
        """{experiment, status, tags} of one run."""
        found = self._ask("runs/get", run_id=run_id)
        if found is None:
            raise PartError(f"MLflow knows no run {run_id}")
        info = found["run"]["info"]
        tags = {tag["key"]: tag["value"] for tag in found["run"]["data"].get("tags", [])}
        return {"experiment": info["experiment_id"], "status": info["status"], "tags": tags}


class Neo4j:
    """The graph database, by its Query API; one statement is one transaction."""

    def __init__(self, env: dict[str, str]):
        self._url = f"{env['NEO4J_HTTP_URL'].rstrip('/')}/db/{env['NEO4J_DATABASE']}/query/v2"
        self._headers = {"Authorization": basic(env["NEO4J_USER"], env["NEO4J_PASSWORD"]),
                         "Content-Type": "application/json", "Accept": "application/json"}

    def ask(self, statement: str, **parameters) -> list[list]:
        body = json.dumps({"statement": statement, "parameters": parameters}).encode()
        status, _, text = fetch(self._url, body=body, headers=self._headers)
        answer = json.loads(text) if text else {}
        if answer.get("errors") or "data" not in answer:
            first = (answer.get("errors") or [{}])[0]
            raise PartError(f"Neo4j answers {status}: {first.get('message', text[:200])}")
        return answer["data"]["values"]

    # A reader takes the version from the pointer's property, once, in the same statement as its question.
    _POINTER = "MATCH (a:Active {name: $name}) WITH a.version AS version "

    def counts(self, name: str) -> tuple[str, int, int] | None:
        """Live version, its nodes and its edges, by one statement; None when no version is live."""
        rows = self.ask(self._POINTER + "MATCH (n:GraphNode {version: version}) WITH version, count(n) AS nodes "
                        "OPTIONAL MATCH (a:GraphNode {version: version})-[e]->(:GraphNode {version: version}) "
                        "RETURN version, nodes, count(e)", name=name)
        return (rows[0][0], rows[0][1], rows[0][2]) if len(rows) == 1 else None

    def fingerprint(self, name: str) -> str:
        """A hash over every node and edge of the live version, with all their properties."""
        nodes = self.ask(self._POINTER + "MATCH (n:GraphNode {version: version}) "
                         "RETURN labels(n), properties(n)", name=name)
        edges = self.ask(self._POINTER + "MATCH (a:GraphNode {version: version})-[e]->(b) "
                         "RETURN a.uid, type(e), b.uid, properties(e)", name=name)
        rows = sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in [*nodes, *edges])
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    def facts(self, name: str) -> dict:
        """The live version's own record: id, sha256, commit, data_uri."""
        rows = self.ask("MATCH (:Active {name: $name})-[:POINTS_TO]->(v:GraphVersion) "
                        "RETURN v.id, v.sha256, v.commit, v.data_uri", name=name)
        if len(rows) != 1:
            raise PartError(f"the pointer of {name} points to {len(rows)} versions")
        return dict(zip(("id", "sha256", "commit", "data_uri"), rows[0]))

    def forget(self, name: str) -> None:
        """Removes the graph, all versions of it."""
        self.ask("MATCH (v:GraphVersion {name: $name}) MATCH (n:GraphNode {version: v.id}) DETACH DELETE n", name=name)
        self.ask("OPTIONAL MATCH (a:Active {name: $name}) DETACH DELETE a", name=name)
        self.ask("MATCH (v:GraphVersion {name: $name}) DETACH DELETE v", name=name)


def lab_environment(lab: Path) -> dict[str, str]:
    """What `lab env` prints, on top of our own environment."""
    env = dict(os.environ)
    for line in run([str(lab), "env"]).splitlines():
        for word in shlex.split(line.removeprefix("export ")):
            name, equals, value = word.partition("=")
            if equals:
                env[name] = value
    return env
