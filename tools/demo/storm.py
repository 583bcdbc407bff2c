"""Act 7: one object, announced over and over, out of order, by a server that is killed twice meanwhile."""

from __future__ import annotations

import random
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import quote_plus

from act import SHORT, Act
from acts_training import TRAIN_JOBS
from parts import PartError, run
from server import Unreachable, announce
from setting import MODELS, TRAINING, wait_for

KEY = "training/batch-003.jsonl"


def record(bucket: str, key: str, about: dict, *, sequencer: int, with_version: bool = True, late: float = 0) -> dict:
    """An event record in AWS's form, for an object that is in the bucket."""
    when = datetime.fromisoformat(about["time"]) + timedelta(seconds=late)
    thing = {"key": quote_plus(key, safe="/"), "size": about["size"], "eTag": about["etag"],
             "sequencer": f"{sequencer:016X}"}
    if with_version:
        thing["versionId"] = about["version"]
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
            "eventTime": when.isoformat().replace("+00:00", "Z"), "eventName": "ObjectCreated:Put",
            "s3": {"s3SchemaVersion": "1.0", "configurationId": "storm",
                   "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}, "object": thing}}


class Announcer:
    """Delivers at least once, as a queue does: what the server does not take is sent again until it is."""

    def __init__(self, token: str):
        self._token = token
        self._lock = threading.Lock()
        self.sent = self.again = 0
        self.answers: list[dict] = []

    def __call__(self, records: list[dict]) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                status, answer = announce(self._token, records)
            except Unreachable:
                status, answer = 0, {}
            if status // 100 == 2:
                with self._lock:
                    self.sent += len(records)
                    self.answers.append(answer)
                return
            with self._lock:
                self.again += 1
            time.sleep(0.3)
        raise PartError("the hook took no announcement for a minute")


def storm(act: Act) -> None:
    s = act.setting
    before = act.everything()
    pipelines = {p["id"] for p in s.api.pipelines()}
    numbers = {v["number"] for v in s.api.versions("training")}
    deliveries = {d["id"] for d in s.api.deliveries()["deliveries"]}
    object_version = s.bucket.put(KEY, s.training_object("batch-003"))
    act.terminal.step(f"PUT {KEY}: {object_version}; the object store announces it once")
    tell = Announcer(s.tokens["hook"])
    own = s.bucket.head(KEY)
    old = s.bucket.head("training/batch-001.jsonl")
    # The same version in five forms: later sequencers first, with and without version, times that disagree.
    five = [record(s.bucket.name, KEY, own, sequencer=900 - 100 * i, with_version=i % 2 == 0, late=0.1 * (2 - i))
            for i in range(5)]
    older = record(s.bucket.name, "training/batch-001.jsonl", old, sequencer=5)

    threads = [threading.Thread(target=tell, args=([one],), daemon=True) for one in five[:3]]
    for thread in threads:
        thread.start()
    tell([older, five[0], older])
    act.terminal.step("three announcements at once, one of an object that is long known, in reverse order")
    _run_and_kill(act, pipelines, "build_train", lambda: tell([five[3], five[3]]))
    _run_and_kill(act, pipelines, "deploy_train", lambda: tell([five[4], older, five[1]]))
    for thread in threads:
        thread.join(60)
    version = act.watch.version("training", object_version)
    act.last_pipeline = version["pipeline"] or 0
    rest = [*five, older] * 2
    random.Random(7).shuffle(rest)
    tell(rest)
    act.terminal.step(f"{tell.sent} announcements taken, {tell.again} had to be sent again while the server was down")
    _exactly_once(act, before, version, (pipelines, numbers, deliveries), tell)


def _run_and_kill(act: Act, known: set, job: str, meanwhile) -> None:
    """Kills the server while the job runs, announces meanwhile, and starts it again."""
    s = act.setting
    pipeline = wait_for("a pipeline", lambda: next((p for p in s.api.pipelines() if p["id"] not in known), 0))
    act.last_pipeline = pipeline["id"]

    def running(jobs: list[dict]) -> bool:
        one = [j for j in jobs if j["name"] == job and j["status"] == "running"]
        # In the release at the worst moment: all three links have flipped and nobody knows yet whether they are healthy.
        return bool(one) and (job != "deploy_train" or "flipped to" in s.api.trace(one[-1]["id"]))

    act.watch.pipeline(pipeline["id"], until=running)
    s.server.kill()
    act.terminal.step(f"kill -9 of the server while {job} runs" + (", right after the flip" if job == "deploy_train" else ""),
                      "yellow")
    sender = threading.Thread(target=meanwhile, daemon=True)
    sender.start()
    time.sleep(0.5)
    s.server.start()
    act.terminal.step(f"the server is back (pid {s.server.pid})")
    sender.join(60)


def _exactly_once(act: Act, before: dict, version: dict, known: tuple[set, set, set], tell: Announcer) -> None:
    s = act.setting
    time.sleep(3)  # longer than the quiet period: what would come of the last announcements has come
    act.same(version["state"], "live", f"training/{version['number']} went live")
    versions = [v for v in s.api.versions("training") if v["number"] not in known[1]]
    act.same([(v["key"], v["object_version"]) for v in versions], [(KEY, version["object_version"])],
             f"{tell.sent + 1} announcements, one dataset version")
    told = [e for e in s.api.events("training") if e["key"] == KEY]
    act.check(sum(e["verdict"] == "new" for e in told) == 1 and len(told) > 10,
              f"`tidegate data events` has them all: 1 new, {len(told) - 1} duplicate", [e["verdict"] for e in told])
    pipelines = [p for p in s.api.pipelines() if p["id"] not in known[0]]
    act.same([p["id"] for p in pipelines], [version["pipeline"]], f"exactly one pipeline: #{version['pipeline']}")
    made = [d for d in s.api.deliveries()["deliveries"] if d["id"] not in known[2]]
    act.same([(d["target"], d["state"]) for d in made], [("training", "live")], "exactly one release, by the server's record")
    links = act.live_releases()
    release = links[MODELS[0]]
    act.same(set(links.values()), {made[0]["release"]}, f"it is live, as a group: {release}")
    commit = version["candidate_sha"]
    folders = s.training.sh(f"cd {TRAINING} && ls -d */releases/*-{commit[:12]}-*").split()
    act.same(sorted(folders), sorted(f"{m}/releases/{release}" for m in MODELS),
             "exactly one release of this commit on the host, by the host's folders")
    history = s.training.read(f"{TRAINING}/state/history.jsonl").splitlines()
    act.same(len([line for line in history if commit in line]), 1, "and by the host's own history")
    newest = {j["name"]: j["status"] for j in s.api.jobs(version["pipeline"])}
    act.same(newest, dict.fromkeys(TRAIN_JOBS, "success"), "its three jobs passed, after two kills")
    act.same(s.main(), commit, "main is its commit")
    act.same(s.git("rev-parse", f"{_fetched(act, commit)}^"), before["main"], "one commit above the main before")
    digest = s.registry.digest(act.image("training"), commit[:SHORT])
    act.same(act.latest("training"), digest, "latest is its image")
    act.same(_job_containers(act), [], "no container of a job is left over")
    act.gone_branches()


def _fetched(act: Act, commit: str) -> str:
    act.setting.git("fetch", "-q", "origin", "main")
    return commit


def _job_containers(act: Act) -> list[str]:
    label = f"label=tidegate.runner=serve-{act.setting.server.data}"
    return run(["docker", "ps", "-aq", "--filter", label], env=act.setting.env).split()
