"""kill -9 at any time, SIGTERM, a second server, a full disk: nothing lost, nothing twice.

TIDEGATE_E2E_SEED repeats a run of random kills (it is printed when one fails); TIDEGATE_E2E_KILLS says how many.
"""
import ctypes
import os
import random
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Callable

from harness import DEADLINE_S, SLOW, Folder, Project, Server, until

SEED = int(os.environ.get("TIDEGATE_E2E_SEED", "20261123"))
KILLS = int(os.environ.get("TIDEGATE_E2E_KILLS", "24"))

CI = """stages: [build, test]
build:
  stage: build
  script: ["python3 train.py > out.txt"]
  artifacts: { paths: [out.txt] }
test:
  stage: test
  script:
    - grep file:// out.txt
    - test "$TIDEGATE_CANDIDATE" != "true" || grep -q "good" "$TIDEGATE_DATA_TRAINING"
"""
PROJECT = """data:
  training:
    source: file://{landing}/
    ready: {{ quiet: 0s }}
    bind: [{{ file: train.py, name: DATA_PATH }}]
"""
TRAIN = 'DATA_PATH = "file:///none"\nprint(DATA_PATH)\n'

# What the log shows when a version has come so far; a kill right after each of them.
MARKS = ["landed", "fetching", "binding", "testing", "created for main", "build starts", "build passed", "test starts",
         "test passed", "promoting", "live"]


class Crash(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("crash")
        self.addCleanup(self.folder.remove)
        self.landing = self.folder.path / "landing"
        self.landing.mkdir()

    def serve(self, **options) -> Server:
        server = Server(self.folder.path, **options).start()
        self.addCleanup(server.close)
        return server

    def make(self, server: Server, ci: str = CI) -> Project:
        project = server.project("e2e/crash")
        sha = project.push({"train.py": TRAIN, ".gitlab-ci.yml": ci, "tidegate.yml": PROJECT.format(landing=self.landing)})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        project.baseline(self.landing)
        return project

    def land(self, name: str, text: str = "good") -> None:
        (self.landing / f".{name}").write_text(text)
        (self.landing / f".{name}").rename(self.landing / name)

    def check(self, project: Project, landed: dict[str, bool]) -> None:
        """Versions, pipelines, commits and branches agree. `landed`: name → whether the object is good."""
        versions = project.versions("training")
        self.assertEqual(sorted(Path(v["key"]).name for v in versions), sorted(landed), "a version is lost, or there twice")
        project.git("fetch", "-q", "origin")
        on_main = project.git("log", "--format=%H", "--reverse", "origin/main").split()
        live = [v for v in versions if v["state"] == "live"]
        for version in versions:
            name = Path(version["key"]).name
            if version["state"] == "superseded":
                self.assertIsNone(version["pipeline"])
                continue
            self.assertEqual(version["state"], "live" if landed[name] else "rejected", (name, version["reason"]))
            self.assertEqual(version["attempt"], 1)
            made = [p for p in project.pipelines() if p["sha"] == version["candidate_sha"]]
            self.assertEqual([p["id"] for p in made], [version["pipeline"]], f"{name} has not exactly one pipeline")
            self.assertEqual(made[0]["status"], "success" if landed[name] else "failed")
            self.assertEqual(version["candidate_sha"] in on_main, landed[name])
            jobs = [job["name"] for job in project.jobs(version["pipeline"], retried=True)]
            self.assertEqual(jobs, ["build", "test"])
        self.assertEqual(on_main[1:], [v["candidate_sha"] for v in live], "main is not the live versions in their order")
        self.assertEqual(len(project.pipelines()), 1 + sum(v["pipeline"] is not None for v in versions))
        if live:
            self.assertIn(live[-1]["uri"], project.file("train.py").decode())
        self.assertEqual(project.candidates(), [])
        self.assertEqual(project.git("fsck", "--no-dangling"), "")
        self.assertTrue((chain := project.own("/lineage/verify"))["good"], chain)
        for version in versions:
            told = [r for one in project.own(f"/lineage?of=training/{version['number']}") for r in one["records"]]
            self.assertEqual([(r["kind"], r["verdict"]) for r in told], [("attempt", version["state"])])

    def settle(self, project: Project, count: int) -> None:
        def over() -> bool:
            versions = project.versions("training")
            return len(versions) == count and all(v["finished_at"] for v in versions)
        try:
            until("all versions are decided", over, DEADLINE_S)
        except AssertionError as error:
            states = [(v["number"], v["state"], v["reason"]) for v in project.versions("training")]
            raise AssertionError(f"{error}: {states}\n{project.server.tail(60)}") from error

    def test_killed_right_after_each_step(self) -> None:
        """One version, and the server killed as soon as the log shows each of its steps."""
        server = self.serve()
        project = self.make(server)
        landed = {}
        for number, mark in enumerate(MARKS, 1):
            seen = server.log.stat().st_size
            bad = mark == "test starts"
            self.land(f"{number:02}.jsonl", "bad" if bad else "good")
            landed[f"{number:02}.jsonl"] = not bad

            def shown() -> bool:
                with server.log.open("rb") as log:
                    log.seek(seen)
                    return mark.encode() in log.read()
            until(f"the log shows {mark!r}", shown)
            server.kill()
            server.start()
            self.settle(project, number)
        self.check(project, landed)

    def test_killed_at_random(self) -> None:
        chance = random.Random(SEED)
        server = self.serve()
        project = self.make(server)
        landed: dict[str, bool] = {}
        with self.subTest(seed=SEED):
            for number in range(KILLS):
                # Always something under way: the next object lands when all before are decided.
                if all(v["finished_at"] for v in project.versions("training")) or number % 5 == 0:
                    name = f"{number:03}.jsonl"
                    landed[name] = chance.random() > 0.25
                    self.land(name, "good" if landed[name] else f"bad {name}")
                pause_until = time.monotonic() + chance.uniform(0, 1.2) * SLOW
                until("the random moment", lambda: time.monotonic() >= pause_until)
                server.kill()
                server.start()
            self.settle(project, len(landed))
            self.check(project, landed)

    def test_killed_while_it_starts(self) -> None:
        server = self.serve()
        project = self.make(server)
        self.land("a.jsonl")
        project.version("training", 1)
        server.kill()
        chance = random.Random(SEED)
        for _ in range(8):
            server.process = server.spawn()
            pause_until = time.monotonic() + chance.uniform(0, 0.4) * SLOW
            until("the random moment", lambda: time.monotonic() >= pause_until)
            server.kill()
        server.start()
        self.settle(project, 1)
        self.check(project, {"a.jsonl": True})

    def test_locks_that_a_killed_process_left(self) -> None:
        """Git's lock files, old and just made: people's pushes and candidates go on."""
        server = self.serve()
        project = self.make(server)
        server.kill()
        repository = server.data / "repositories" / "e2e" / "crash.git"
        (repository / "refs/heads/tidegate").mkdir(exist_ok=True)
        for name, age_s in (("refs/heads/main.lock", 60), ("refs/heads/tidegate/training-1.lock", 0), ("packed-refs.lock", 0)):
            (repository / name).touch()
            os.utime(repository / name, (time.time() - age_s, time.time() - age_s))
        self.land("a.jsonl")
        server.start()
        project.version("training", 1, "live")
        until("no lock is left", lambda: not list(repository.rglob("*.lock")))
        project.push({"more.txt": "more\n"})

    def end_while_a_job_runs(self, end: Callable[[Server], None]) -> None:
        """The server ends as `end` says in the middle of a long job, and starts again: the job runs anew."""
        gate = self.folder.path / "gate"
        ci = CI.replace("    - grep file://", f"    - echo run >> {self.folder.path}/runs\n"
                        f"    - for i in $(seq 6000); do test -e {gate} && break; sleep 0.05; done\n    - grep file://")
        gate.touch()
        server = self.serve()
        project = self.make(server, ci)
        gate.unlink()
        self.land("a.jsonl")
        version = project.version("training", 1, "testing")
        until("the job runs", lambda: (self.folder.path / "runs").read_text().count("run") == 2)
        end(server)
        server.start()
        until("the job runs again", lambda: (self.folder.path / "runs").read_text().count("run") == 3)
        self.assertEqual(project.version("training", 1)["state"], "testing")
        gate.touch()
        version = project.version("training", 1, "live")
        self.check(project, {"a.jsonl": True})
        self.assertIsNotNone(version["pipeline"])
        leftovers = subprocess.run(["pgrep", "-f", str(gate)], capture_output=True, text=True).stdout.split()
        self.assertEqual(leftovers, [], "processes of the first run are left")

    def test_sigterm_is_a_clean_end_and_jobs_go_on(self) -> None:
        def end(server: Server) -> None:
            self.assertEqual(server.terminate(), 0, server.tail())
            self.assertIn("stopped", server.tail(3))
        self.end_while_a_job_runs(end)

    def test_killed_while_a_job_runs(self) -> None:
        """What the job's processes hold does not keep the next server from its addresses."""
        self.end_while_a_job_runs(Server.kill)

    def test_a_second_server_on_the_same_data_is_refused(self) -> None:
        server = self.serve()
        second = Server(self.folder.path, data=server.data)
        second.log = self.folder.path / "second.log"
        process = second.spawn()
        self.assertEqual(process.wait(timeout=DEADLINE_S), 3, second.tail())
        self.assertIn("tidegate:", second.tail(3))
        self.assertEqual(server.call("GET", "/api/v4/version").status, 200)

    def test_wrong_configuration_is_told_with_its_lines(self) -> None:
        server = Server(self.folder.path, "runer: {}\nneo4j: { pasword: x }\nmlflow: { url: '${NOT_SET_ANYWHERE}' }\n")
        process = server.spawn()
        self.assertEqual(process.wait(timeout=DEADLINE_S), 2, server.tail())
        for text in (":6: runer", "did you mean runner?", ":7: neo4j: pasword", ":8: ", "NOT_SET_ANYWHERE"):
            self.assertIn(text, server.tail())

    def test_a_port_that_is_taken(self) -> None:
        first = self.serve()
        other = Server(self.folder.path / "data", data=self.folder.path / "data2")
        other.config.write_text(other.config.read_text().replace(str(other.port), str(first.port)))
        process = other.spawn()
        self.assertEqual(process.wait(timeout=DEADLINE_S), 3, other.tail())
        self.assertIn(str(first.port), other.tail(3))


class FullDisk(unittest.TestCase):
    """The data directory on a small file system of its own. Needs root and mount()."""

    def setUp(self) -> None:
        self.folder = Folder("disk")
        self.addCleanup(self.folder.remove)
        self.small = self.folder.path / "small"
        self.small.mkdir()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"tmpfs", os.fsencode(self.small), b"tmpfs", 0, b"size=24m") != 0:
            self.skipTest(f"cannot mount a small file system here: {os.strerror(ctypes.get_errno())}")
        self.addCleanup(lambda: libc.umount2(os.fsencode(self.small), 2))

    def test_full_and_room_again(self) -> None:
        landing = self.folder.path / "landing"
        landing.mkdir()
        server = Server(self.folder.path, data=self.small / "data").start()
        self.addCleanup(server.close)
        project = server.project("e2e/disk")
        files = {"train.py": TRAIN, ".gitlab-ci.yml": CI, "tidegate.yml": PROJECT.format(landing=landing)}
        sha = project.push(files)
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        project.baseline(landing)
        ballast = self.small / "ballast"
        with ballast.open("wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 4096)
            except OSError as error:
                self.assertEqual(error.strerror, "No space left on device")
        (landing / "a.jsonl").write_text("good")
        until("the log says that the disk is full", lambda: "disk" in server.tail(5) and "full" in server.tail(5)
              or "No space left" in server.tail(5))
        # It still answers, and refuses to promise what it cannot keep.
        self.assertEqual(server.call("GET", "/api/v4/version").status, 200)
        refused = server.call("POST", "/api/v4/projects", b"path=e2e%2Fmore",
                              {"PRIVATE-TOKEN": server.token, "Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(refused.status, 503, refused.body)
        self.assertTrue(refused.json()["message"])
        self.assertEqual(project.main(), sha)
        with self.assertRaises(AssertionError):
            project.push({"big.txt": "y" * 100_000})
        ballast.unlink()
        version = project.version("training", 1, "live")
        self.assertEqual([p["sha"] for p in project.pipelines()].count(version["candidate_sha"]), 1)
        after = project.push({"train.py": TRAIN + "# more\n"})
        project.pipeline(project.pipeline_of(after)["id"], "success")
        self.assertEqual(server.ask("POST", "/api/v4/projects", {"path": "e2e/more"}, 201)["path_with_namespace"], "e2e/more")


if __name__ == "__main__":
    unittest.main()
