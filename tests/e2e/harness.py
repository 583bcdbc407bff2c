"""A `tidegate serve` of its own for a test: started, killed and asked over HTTP and Git. Standard library only.

The binary is TIDEGATE_BINARY (ctest sets it). TIDEGATE_E2E_SLOW stretches every deadline (2: twice as long), for
sanitizers and busy machines. TIDEGATE_E2E_KEEP=1 leaves the folders behind and says where they are.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Any, Callable, NamedTuple

BINARY = Path(os.environ.get("TIDEGATE_BINARY", "build/debug/tidegate")).absolute()
SLOW = float(os.environ.get("TIDEGATE_E2E_SLOW", "1"))
DEADLINE_S = 40 * SLOW
POLL_S = 0.03

# Nothing of this machine's settings: no proxy between us and the server, no Git configuration, no keys.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TMPDIR", "ASAN_OPTIONS",
                                                           "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH")}
ENVIRONMENT |= {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "Person", "GIT_AUTHOR_EMAIL": "person@example.com",
                "GIT_COMMITTER_NAME": "Person", "GIT_COMMITTER_EMAIL": "person@example.com"}

OVER = {"success", "failed", "canceled", "skipped", "manual"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Refused(AssertionError):
    """An answer that the test did not ask for."""


def until(what: str, ask: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """Asks until the answer is true; says what it waited for and the last answer when it never is."""
    end = time.monotonic() + deadline_s
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:.0f} s: {what}")
        time.sleep(POLL_S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Folder:
    """A temporary folder; kept when TIDEGATE_E2E_KEEP is set."""

    def __init__(self, name: str):
        self.path = Path(tempfile.mkdtemp(prefix=f"tg-e2e-{name}-"))

    def remove(self) -> None:
        if os.environ.get("TIDEGATE_E2E_KEEP"):
            print(f"kept: {self.path}", file=sys.stderr)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Server:
    """One data directory and the process that serves it. `options` are more lines of its configuration, `runner` more
    settings of its runner."""

    def __init__(self, folder: Path, options: str = "", slots: int = 2, data: Path | None = None,
                 runner: str = "executor: shell"):
        self.folder, self.data = folder, data or folder / "data"
        self.port = free_port()
        self.log = folder / "server.log"
        self.config = folder / "tidegate-server.yml"
        self.config.write_text(f"listen: 127.0.0.1:{self.port}\ndata: {self.data}\ndirectory_poll: 1s\n"
                               f"reconcile_every: 1s\nrunner: {{ {runner}, slots: {slots} }}\n{options}")
        self.process: subprocess.Popen | None = None
        self.token = ""

    def spawn(self) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen([BINARY, "serve", "--config", self.config], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, env=ENVIRONMENT, cwd=self.folder)

    def start(self) -> "Server":
        self.process = self.spawn()

        def answers() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode} at its start:\n{self.tail()}")
            try:
                return self.call("GET", "/api/v4/version").status == 200
            except OSError:
                return False

        until("the server answers", answers)
        self.token = (self.data / "admin.token").read_text().strip()
        return self

    def kill(self) -> None:
        """kill -9: no chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE_S)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
        # A report of a sanitizer fails the test even when nobody has missed the server since.
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        if (at := log.find("Sanitizer:")) >= 0:
            raise AssertionError("the server's log has a report:\n" + log[max(0, at - 200):at + 3000])

    def tail(self, lines: int = 40) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    # --- HTTP ---

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, expect: int | None = None) -> Any:
        """An exchange of the API with the admin token; JSON. `expect` 0: any status; none: 2xx."""
        headers = {"PRIVATE-TOKEN": self.token}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self.call(method, path, body, headers)
        good = answer.status == expect if expect else answer.status // 100 == 2
        if not good and expect != 0:
            raise Refused(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
        return answer.json() if answer.body else None

    def project(self, path: str) -> "Project":
        return Project(self, self.ask("POST", "/api/v4/projects", {"path": path}, 201))


class Project:
    """A project of the server and a person's clone of it."""

    def __init__(self, server: Server, view: dict[str, Any]):
        self.server, self.id, self.path = server, view["id"], view["path_with_namespace"]
        self.token = self.make_token("project")
        self.tree = server.folder / "clones" / self.path
        self.tree.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", ".")
        self.git("remote", "add", "origin", f"http://git:{self.token}@127.0.0.1:{server.port}/{self.path}.git")

    def make_token(self, kind: str) -> str:
        return self.server.ask("POST", f"/api/tidegate/v1/projects/{self.id}/tokens", {"kind": kind, "name": kind})["token"]

    # --- Git ---

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.tree, env=ENVIRONMENT, capture_output=True, text=True,
                              timeout=DEADLINE_S)
        if check and done.returncode != 0:
            raise Refused(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def commit(self, files: dict[str, str | None], message: str = "change") -> str:
        for name, text in files.items():
            file = self.tree / name
            if text is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, files: dict[str, str | None], branch: str = "main") -> str:
        """Commits on top of what the server has, and pushes; the commit."""
        if self.git("ls-remote", "origin", f"refs/heads/{branch}"):
            self.git("fetch", "-q", "origin")
            self.git("checkout", "-q", "-B", branch, f"origin/{branch}")
        sha = self.commit(files)
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return sha

    def refs(self) -> dict[str, str]:
        lines = self.git("ls-remote", "origin").splitlines()
        return {ref: sha for sha, ref in (line.split("\t") for line in lines)}

    def main(self) -> str:
        return self.refs().get("refs/heads/main", "")

    def candidates(self) -> list[str]:
        return [ref for ref in self.refs() if ref.startswith("refs/heads/tidegate/")]

    def file(self, name: str, commit: str = "origin/main") -> bytes:
        self.git("fetch", "-q", "origin")
        return subprocess.run(["git", "show", f"{commit}:{name}"], cwd=self.tree, env=ENVIRONMENT, capture_output=True,
                              check=True).stdout

    # --- API ---

    def api(self, method: str, path: str, form: dict[str, str] | None = None, expect: int | None = None) -> Any:
        return self.server.ask(method, f"/api/v4/projects/{self.id}{path}", form, expect)

    def own(self, path: str) -> Any:
        return self.server.ask("GET", f"/api/tidegate/v1/projects/{self.id}{path}")

    def pipelines(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return sorted(self.api("GET", "/pipelines?per_page=100"), key=lambda p: p["id"])

    def pipeline(self, pipeline: int, status: str | None = None) -> dict[str, Any]:
        """Waits until it has this status (none: until it is over)."""
        def there() -> dict[str, Any] | None:
            view = self.api("GET", f"/pipelines/{pipeline}")
            if status is not None and view["status"] != status and view["status"] in OVER - {"manual"}:
                raise AssertionError(f"pipeline {pipeline} is {view['status']}, not {status}:\n{self.story(pipeline)}")
            return view if view["status"] == status or (status is None and view["status"] in OVER) else None
        try:
            return until(f"pipeline {pipeline} of {self.path} is {status or 'over'}", there)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story(pipeline)}") from error

    def pipeline_of(self, sha: str) -> dict[str, Any]:
        """Waits until the commit has one."""
        found = until(f"{self.path} has a pipeline for {sha[:8]}",
                      lambda: [p for p in self.pipelines() if p["sha"] == sha])
        return found[0]

    def jobs(self, pipeline: int, retried: bool = False) -> list[dict[str, Any]]:
        more = "&include_retried=true" if retried else ""
        return sorted(self.api("GET", f"/pipelines/{pipeline}/jobs?per_page=100{more}"), key=lambda j: j["id"])

    def bridges(self, pipeline: int) -> list[dict[str, Any]]:
        return self.api("GET", f"/pipelines/{pipeline}/bridges?per_page=100")

    def job(self, pipeline: int, name: str) -> dict[str, Any]:
        """The newest of that name."""
        return [j for j in self.jobs(pipeline) if j["name"] == name][-1]

    def trace(self, job: int) -> str:
        path = f"/api/v4/projects/{self.id}/jobs/{job}/trace"
        return self.server.call("GET", path, headers={"PRIVATE-TOKEN": self.token}).body.decode(errors="replace")

    def story(self, pipeline: int) -> str:
        errors = self.api("GET", f"/pipelines/{pipeline}")["yaml_errors"]
        out = [errors] if errors else []
        for job in self.jobs(pipeline, retried=True):
            out.append(f"--- {job['name']} #{job['id']}: {job['status']} {job['failure_reason'] or ''}")
            if job["status"] in ("failed", "canceled", "running"):
                out += self.trace(job["id"]).splitlines()[-15:]
        return "\n".join(out)

    # --- data ---

    def versions(self, source: str) -> list[dict[str, Any]]:
        """Oldest first."""
        return sorted(self.own(f"/data?source={source}")["versions"], key=lambda v: v["number"])

    def version(self, source: str, number: int, state: str | None = None) -> dict[str, Any]:
        """Waits until it is there and has that state (none: any)."""
        def there() -> dict[str, Any] | None:
            for version in self.versions(source):
                if version["number"] != number:
                    continue
                wrong_end = version["finished_at"] and state not in (None, version["state"])
                if wrong_end:
                    raise AssertionError(f"{source} v{number} is {version['state']}, not {state}: {version['reason']}")
                if state in (None, version["state"]):
                    return version
            return None
        return until(f"{self.path}: {source} v{number} is {state or 'there'}", there)

    def baseline(self, folder: Path) -> None:
        """Waits until what lies in the folder has been noted, so that what lands from now on is new."""
        def noted() -> bool:
            log = self.server.log.read_text(errors="replace").splitlines()
            return any(": baseline of " in line and str(folder) in line for line in log)
        until(f"the baseline of {folder}", noted)
