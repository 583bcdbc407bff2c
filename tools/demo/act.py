"""One act: its checks, and what the next acts must know of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from parts import PartError
from server import PROJECT
from setting import GRAPH, MODELS, TRAINING, Setting, wait_for
from watch import Watch, plain

SHORT = 8  # CI_COMMIT_SHORT_SHA


class Act:
    """Plays on a setting. A check that fails is told and the act goes on; an error ends the act."""

    def __init__(self, number: int, title: str, setting: Setting):
        self.number, self.title = number, title
        self.setting = setting
        self.terminal = setting.terminal
        self.watch = Watch(setting.api, setting.terminal)
        self.passed = self.failed = 0
        self.seconds = 0.0
        self.last_pipeline = 0

    @contextmanager
    def playing(self):
        """Measures, and turns an error into a failed check with the tail of the log that tells why."""
        started = time.monotonic()
        self.terminal.header(f"Act {self.number}. {self.title}")
        try:
            yield self
        except Exception as error:  # whatever it is, the other acts are still played and the stage is taken down
            kind = "" if isinstance(error, PartError) else f"{type(error).__name__}: "
            self.check(False, "the act could be played to its end", f"{kind}{error}")
        self.seconds = time.monotonic() - started
        self.terminal.status("")
        if self.failed:
            self.tell_logs()

    def check(self, good: bool, text: str, detail: object = "") -> bool:
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        self.terminal.check(bool(good), text, str(detail))
        return bool(good)

    def same(self, found, wanted, text: str) -> bool:
        """A check that two values are equal; shows both when they are not."""
        return self.check(found == wanted, text, f"found {found!r}\nnot   {wanted!r}")

    def tell_logs(self) -> None:
        server = self.setting.server
        self.terminal.line(f"  logs: {server.log}, jobs: {server.data}/logs/<job>.log", "yellow")
        try:
            for job in self.setting.api.jobs(self.last_pipeline) if self.last_pipeline else []:
                if job["status"] == "failed":
                    self.terminal.line(f"  end of the log of {job['name']} (#{job['id']}):", "yellow")
                    for line in plain(self.setting.api.trace(job["id"])).splitlines()[-15:]:
                        self.terminal.line(f"    | {line[:180]}", "yellow")
        except PartError as error:
            self.terminal.line(f"  {error}", "yellow")

    # --- what several acts ask ---

    def jobs(self, pipeline: int) -> dict[str, str]:
        """Status of each job by name, the newest try of each."""
        return {job["name"]: job["status"] for job in self.setting.api.jobs(pipeline)}

    def image(self, flow: str) -> str:
        return f"{PROJECT}/{flow}"

    def latest(self, flow: str) -> str | None:
        return self.setting.registry.digest(self.image(flow), "latest")

    def live_releases(self) -> dict[str, str]:
        return self.setting.training.links(TRAINING, MODELS)

    def live_graph_release(self) -> str:
        return self.setting.graph_host.links(GRAPH, ["graph"])["graph"]

    def landed(self, source: str, key: str, file) -> dict:
        """Uploads an object and follows it to its end; what `data` shows of its version then."""
        numbers = {v["number"] for v in self.setting.api.versions(source)}
        object_version = self.setting.bucket.put(key, file)
        self.terminal.step(f"PUT s3://{self.setting.bucket.name}/{key} ({file.stat().st_size} bytes): {object_version}")
        version = self.watch.version(source, object_version)
        self.last_pipeline = version["pipeline"] or 0
        new = [v for v in self.setting.api.versions(source) if v["number"] not in numbers]
        self.check(len(new) == 1, f"one object, exactly one dataset version: {source}/{version['number']}",
                   [f"{v['number']} {v['state']}" for v in new])
        return self.setting.api.version(source, version["number"])

    def train(self) -> dict[str, dict]:
        """A training run of each kind of model on the training host, as its cron would; what MLflow has of each."""
        self.terminal.step("the training host trains: current/run train.py, three kinds side by side")
        with ThreadPoolExecutor(len(MODELS)) as pool:
            said = list(pool.map(lambda m: self.setting.training.sh(f"{TRAINING}/{m}/current/run train.py"), MODELS))
        runs = {}
        for model, text in zip(MODELS, said):
            line = text.strip().splitlines()[-1]
            self.terminal.note(line)
            run_id = line.rpartition("run ")[2]
            runs[model] = {"id": run_id, **self.setting.mlflow.run(run_id)}
        return runs

    def everything(self) -> dict:
        """All that a refused object must leave as it was."""
        s = self.setting
        return {"main": s.main(), "latest of training": self.latest("training"), "latest of graph": self.latest("graph"),
                "live releases": self.live_releases(), "live graph release": self.live_graph_release(),
                "MLflow's configuration": s.training.read(f"{TRAINING}/shared/mlflow.env"),
                "MLflow's experiment": s.mlflow.experiment("curriculum-coach"),
                "graph pointer": s.neo4j.facts("curriculum"), "graph content": s.neo4j.fingerprint("curriculum")}

    def unchanged(self, before: dict, what: list[str], words: str) -> None:
        now = self.everything()
        moved = [name for name in what if now[name] != before[name]]
        self.check(not moved, words, "\n".join(f"{name}: {before[name]} → {now[name]}" for name in moved))

    def gone_branches(self) -> None:
        left = self.setting.git("ls-remote", "origin", "refs/heads/*").splitlines()
        self.same([line.split("\t")[1] for line in left], ["refs/heads/main"], "no candidate branch is left over")

    def wait_latest(self, flow: str, digest: str) -> bool:
        try:
            return wait_for("latest", lambda: self.latest(flow) == digest, 20)
        except PartError:
            return False
