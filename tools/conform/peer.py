"""gitlab-ci-local from npm, in a folder of its own: for comparing, never part of the project."""
import os
import shutil
import subprocess
from pathlib import Path

VERSIONS = ["gitlab-ci-local@4.75.1", "node@22"]
# No base to compare with makes every `changes` true; its own schema is older than some files.
AS_GITLAB = ["--no-evaluate-rule-changes", "--json-schema-validation=false"]


def home() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tidegate" / "conformance"


def install() -> str:
    """Empty when it is there; else why not."""
    if (home() / "node_modules/.bin/gitlab-ci-local").exists():
        return ""
    if not shutil.which("npm"):
        return "npm is not installed: apt install npm"
    home().mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", home(), *VERSIONS],
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr[-300:]


def command(*arguments: str) -> list[str]:
    return [str(home() / "node_modules/node/bin/node"), "--no-warnings",
            str(home() / "node_modules/gitlab-ci-local/dist/index.js"), *arguments]


def run(folder: Path, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, check=False,
                          timeout=timeout, stdin=subprocess.DEVNULL)
