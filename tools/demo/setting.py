"""The stage: packages, the binary, the lab, a fresh server with its project. Put up before act 1, taken down at the end."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from parts import ROOT, TOOLS, Bucket, Host, Mlflow, Neo4j, PartError, Registry, lab_environment, run
from server import PROJECT, URL, Api, Cli, Server
from terminal import Terminal

LAB = TOOLS / "lab" / "lab"
EXAMPLES = ROOT / "examples"
TRAINING, GRAPH = "/srv/training", "/srv/graph"
MODELS = ["softmax", "mlp", "prototype"]


# Tens of thousands of files: they are moved aside at once and removed while the demo goes on.
_FORGET = """
read -r root; read -r keep
cd "$root" && mkdir -p .forgotten/$$ || exit
for name in * state/*; do
  case $name in shared | state | "state/$keep" | '*' | 'state/*') ;; *) mv "$name" .forgotten/$$/ || exit ;; esac
done
nohup nice rm -rf "$root/.forgotten" </dev/null >/dev/null 2>&1 &
"""


def default_state() -> Path:
    return Path(os.environ.get("TIDEGATE_DEMO") or Path.home() / ".cache" / "tidegate" / "demo")


def stream(command: list[str], say, **options) -> None:
    """Runs a command and hands over its lines as they come; PartError with the last ones when it fails."""
    last: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True, errors="replace", **options) as process:
        for line in process.stdout:
            last = [*last[-11:], line.rstrip()]
            say(line.rstrip())
    if process.returncode != 0:
        raise PartError(f"{' '.join(command)} failed ({process.returncode}):\n" + "\n".join(last))


class Setting:
    """Everything the acts play with. `env` is the lab's environment."""

    def __init__(self, terminal: Terminal, state: Path):
        self.terminal = terminal
        self.state = state
        self.env: dict[str, str] = {}
        self.lab_parts_started: list[str] = []
        self.hook_before = ""
        self.server: Server | None = None
        self.tokens: dict[str, str] = {}

    # --- before the first act ---

    def lock(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self._lock = (self.state / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PartError(f"another demo is running (lock: {self.state / 'lock'})") from None

    def install(self) -> None:
        self.terminal.step("packages")
        stream([str(TOOLS / "setup.sh")], self._tool_line, cwd=ROOT)

    def _tool_line(self, line: str) -> None:
        self.terminal.note(line)

    def build(self) -> Path:
        """The release build of this tree, brought up to date. TIDEGATE_BINARY names one to use instead."""
        if os.environ.get("TIDEGATE_BINARY"):
            return Path(os.environ["TIDEGATE_BINARY"])
        self.terminal.step("build (preset release)")
        if not (ROOT / "build" / "release" / "build.ninja").exists():
            run(["cmake", "--preset", "release"], cwd=ROOT, timeout=600)
        shown = [0]

        def progress(line: str) -> None:
            at = re.match(r"\[(\d+)/(\d+)\]", line)
            if not at:
                return
            done, whole = int(at[1]), int(at[2])
            self.terminal.status(f"           {line}")
            if done == whole or done * 10 // whole > shown[0]:
                shown[0] = done * 10 // whole
                self.terminal.note(f"{done} of {whole} steps")

        stream(["cmake", "--build", "--preset", "release", "--target", "tidegate", "tidegate-job"], progress, cwd=ROOT)
        return ROOT / "build" / "release" / "tidegate"

    def lab_up(self) -> None:
        status = subprocess.run([str(LAB), "status"], capture_output=True, text=True).stdout
        self.lab_parts_started = [line.split()[0] for line in status.splitlines() if line.endswith(" down")]
        self.terminal.step("lab: docker, registry, s3, mlflow, neo4j, two hosts" +
                           ("" if self.lab_parts_started else " (up already)"))
        if self.lab_parts_started:
            stream([str(LAB), "up"], self._tool_line)
        self.env = lab_environment(LAB)
        # A token of a demo that was killed is of no more use.
        hook = self.env.get("TIDEGATE_HOOK_URL", "").partition("?token=tghook-")[0]
        self.hook_before = "" if "s3" in self.lab_parts_started else hook
        self.bucket = Bucket(self.env)
        self.training, self.graph_host = Host(self.env, "training-host"), Host(self.env, "graph-host")
        self.registry, self.mlflow, self.neo4j = Registry(self.env), Mlflow(self.env), Neo4j(self.env)

    def arrivals(self) -> None:
        """The objects that will arrive, made once."""
        self.objects = self.state / "arrivals"
        maker = EXAMPLES / "arrivals" / "make_arrivals.py"
        if (self.objects / "holdout.jsonl").exists() and \
                (self.objects / "holdout.jsonl").stat().st_mtime >= maker.stat().st_mtime:
            return
        python = Path(self.env["TIDEGATE_LAB"]) / "cache" / "venv" / "bin" / "python"
        run([str(python), str(maker), str(self.objects)])
        (self.objects / "holdout.jsonl").touch()

    def training_object(self, name: str) -> Path:
        return next(self.objects.rglob(f"{name}.jsonl"))

    def curriculum_object(self, name: str) -> Path:
        return EXAMPLES / "curriculum" / f"{name}.json"

    def start_anew(self, binary: Path, wipe_caches: bool) -> None:
        """Forgets what an earlier demo left: its server's data, its objects, releases and graph. Caches stay unless
        told otherwise: image layers, and packages that are on the hosts."""
        self.terminal.step("forget the last demo" + (", caches too" if wipe_caches else "; caches stay"))
        self.server = Server(self.state, binary, self.env)
        self.server.end_leftover()
        for old in (self.server.data, self.state / "work"):
            shutil.rmtree(old, ignore_errors=True)
        self.server.log.unlink(missing_ok=True)
        removed = self.bucket.clear("training/", "curriculum/")
        self.neo4j.forget("curriculum")
        for host, root in ((self.training, TRAINING), (self.graph_host, GRAPH)):
            host.sh(_FORGET, root + "\n" + ("" if wipe_caches else "venvs"))
        if wipe_caches:
            self._remove_images()
        self.terminal.note(f"{removed} object versions removed; MLflow's experiment stays, as it does in life")

    def _remove_images(self) -> None:
        names = f"{self.env['TIDEGATE_REGISTRY']}/{PROJECT}/*"
        found = run(["docker", "images", "-q", "--filter", f"reference={names}"], env=self.env).split()
        if found:
            subprocess.run(["docker", "rmi", "-f", *sorted(set(found))], env=self.env, capture_output=True)

    def open_server(self) -> None:
        self.server.configure()
        self.server.start()
        admin = Cli(self.server.binary, (self.server.data / "admin.token").read_text().strip())
        admin("project", "create", PROJECT)
        for kind in ("project", "hook", "trigger"):
            self.tokens[kind] = admin("token", "create", "--kind", kind, "--name", "demo").strip()
        self.api, self.cli = Api(self.tokens["project"]), Cli(self.server.binary, self.tokens["project"])
        tokens = self.state / "tokens.json"
        tokens.touch(0o600)
        tokens.write_text(json.dumps(self.tokens))
        self.terminal.step(f"tidegate serve at {URL} (pid {self.server.pid}); project {PROJECT}, three tokens")

    def connect_hook(self) -> None:
        hook = f"{URL}/hooks/s3/{self.bucket.name}?token={self.tokens['hook']}"
        self._hook(hook)
        self.terminal.step(f"the object store announces to {URL}/hooks/s3/{self.bucket.name}")

    def _hook(self, url: str) -> None:
        run([str(LAB), "up", "s3"], env={**os.environ, "TIDEGATE_HOOK_URL": url})

    def seed(self) -> None:
        """What was there before Tidegate: the first objects, and the hold-out on the training host."""
        self.bucket.put("training/batch-001.jsonl", self.training_object("batch-001"))
        self.bucket.put("curriculum/roadmap-v1.json", self.curriculum_object("roadmap-v1"))
        self.training.put(f"{TRAINING}/shared/holdout.jsonl", (self.objects / "holdout.jsonl").read_bytes())
        self.terminal.step("in the bucket: training/batch-001.jsonl, curriculum/roadmap-v1.json; hold-out on the host")

    # --- Git, as the team's member has it ---

    @property
    def work(self) -> Path:
        return self.state / "work" / "curriculum-coach"

    def git(self, *arguments: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
               "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        who = ["-c", "user.name=Coach Team", "-c", "user.email=team@example.org"]
        return run(["git", "-C", str(self.work), *who, *arguments], env=env).strip()

    def push_example(self) -> str:
        """The example as a repository of its own, pushed over HTTP; the commit."""
        shutil.copytree(EXAMPLES / "curriculum-coach", self.work,
                        ignore=shutil.ignore_patterns("__pycache__", ".venv", ".pytest_cache"))
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Curriculum coach: training and graph")
        remote = URL.replace("://", f"://x:{self.tokens['project']}@") + f"/{PROJECT}.git"
        self.git("remote", "add", "origin", remote)
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def main(self) -> str:
        """Where the server's main is, asked by git."""
        return self.git("ls-remote", "origin", "refs/heads/main").split()[0]

    # --- after the last act ---

    def close(self, keep_lab: bool) -> None:
        if self.server is not None:
            self.server.stop()
        if self.lab_parts_started and not keep_lab:
            self.terminal.step("lab down: " + ", ".join(self.lab_parts_started))
            parts = [] if len(self.lab_parts_started) == 7 else self.lab_parts_started
            subprocess.run([str(LAB), "down", *parts], stderr=subprocess.DEVNULL)
        elif self.hook_before and self.tokens:
            # The lab was up before us: its object store announces again to where it did.
            self._hook(self.hook_before)


def wait_for(what: str, ask, seconds: float = 30, every: float = 0.2):
    """The first true answer of `ask`; PartError when there is none in time."""
    until = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > until:
            raise PartError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
