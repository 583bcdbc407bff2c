"""Calls of the tidegate binary, and the table's cells."""
import dataclasses
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterable, Iterator

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "n/a"


@dataclasses.dataclass
class Outcome:
    """What became of one case. `why`: the difference, or the reason that it does not apply."""
    case: str
    result: str
    why: str = ""


def judged(case: str, differences: Iterable[str]) -> Outcome:
    found = [text for text in differences if text]
    return Outcome(case, FAILED if found else PASSED, "; ".join(found))


@dataclasses.dataclass
class Answer:
    """The exit code and what stands on stdout (JSON, when there is some) and stderr."""
    code: int
    data: Any
    error: str

    def codes(self) -> set[str]:
        found = (self.data or {}).get("diagnostics") or []
        return {d["code"] for d in found if d["severity"] == "error"}

    def errors(self) -> str:
        found = (self.data or {}).get("diagnostics") or []
        told = [f"{d['file']}:{d['line']}: {d['message']}" for d in found if d["severity"] == "error"]
        return " | ".join(told)[:300] or self.error[-300:]


class Binary:
    """One tidegate. A call that hangs or dies is a failed case, never the end of the run."""

    def __init__(self, path: Path, timeout: float = 120):
        self.path, self.timeout = path.resolve(), timeout

    def call(self, *arguments: str) -> Answer:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("TIDEGATE_", "CI_", "GIT_"))}
        try:
            done = subprocess.run([self.path, *arguments], capture_output=True, timeout=self.timeout, check=False,
                                  env=environment, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return Answer(-1, None, f"no answer after {self.timeout:.0f} s")
        try:
            data = json.loads(done.stdout)
        except ValueError:
            data = None
        return Answer(done.returncode, data, done.stderr.decode(errors="replace"))

    def list(self, folder: Path, *arguments: str) -> Answer:
        return self.call("list", "-C", str(folder), "--json", *arguments)

    def lint(self, folder: Path, file: str = ".gitlab-ci.yml", *arguments: str) -> Answer:
        return self.call("lint", file, "-C", str(folder), "--json", *arguments)


class Folder:
    """A folder of its own for one case, gone when the case is done."""

    def __init__(self, files: dict[str, str]):
        self._held = tempfile.TemporaryDirectory(prefix="tidegate-conformance-")
        self.path = Path(self._held.name)
        for name, text in files.items():
            self.write(name, text)

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self._held.cleanup()

    def write(self, name: str, text: str) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def git(self, *arguments: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
                    "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull,
                    "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(["git", "-C", self.path, *arguments], check=True, capture_output=True, text=True,
                              env={**os.environ, **identity}).stdout


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)
