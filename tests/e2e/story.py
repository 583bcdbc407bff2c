"""Scenarios as data: scenarios/NN_name.yml is a project's .gitlab-ci.yml, NN_name.json what is done and must come of it.

    {"about": "one sentence", "like": "20_good_data", "files": {"train.py": "…"}, "story": [{"step": value}, …]}

`like`: files and .gitlab-ci.yml of that scenario, where this one does not bring its own (null: without). Each step does one thing or waits for one thing; docs of the steps are those of the methods below. In texts, {data} is
the folder that data lands in.
"""
import json
import os
from pathlib import Path
from typing import Any

from harness import OVER, Project, Server, until

SCENARIOS = Path(__file__).parent / "scenarios"


def names(first: int, last: int) -> list[str]:
    found = sorted(path.stem for path in SCENARIOS.glob("*.json"))
    return [name for name in found if first <= int(name.split("_")[0]) <= last]


def add_tests(case: type, first: int, last: int) -> None:
    """One test method for each scenario; the class has a `server`."""
    for name in names(first, last):
        def run(self: Any, name: str = name) -> None:
            Story(self, self.server, name).run()
        setattr(case, f"test_{name}", run)


def project_files(name: str) -> dict[str, str | None]:
    script = json.loads((SCENARIOS / f"{name}.json").read_text())
    files = project_files(script["like"]) if "like" in script else {}
    ci = SCENARIOS / f"{name}.yml"
    if ci.exists():
        files[".gitlab-ci.yml"] = ci.read_text()
    return files | script.get("files", {})


class Story:
    def __init__(self, test: Any, server: Server, name: str):
        self.test, self.name = test, name
        self.script = json.loads((SCENARIOS / f"{name}.json").read_text())
        self.data = server.folder / "landing" / name
        self.data.mkdir(parents=True)
        self.project: Project = server.project(f"e2e/{name}")
        self.pushed = ""          # the last commit that a person pushed to main
        self.current = 0          # the pipeline that job steps speak of
        self.above: list[int] = []  # the pipelines that led to it
        self.marks: dict[str, Any] = {}

    def run(self) -> None:
        for at, step in enumerate(self.script["story"]):
            (verb, value), = step.items()
            try:
                getattr(self, "do_" + verb)(value)
            except AssertionError as error:
                raise AssertionError(f"step {at + 1}, {json.dumps(step, ensure_ascii=False)}: {error}") from error

    def text(self, text: str) -> str:
        return text.replace("{data}", str(self.data))

    def landing(self, source: str) -> Path:
        folder = self.data / source
        folder.mkdir(exist_ok=True)
        return folder

    # --- what people do ---

    def do_push(self, value: dict[str, Any]) -> None:
        """Commits and pushes files (null: removes one) to main, or to `branch`; the first time all of the scenario's."""
        files = {}
        if not self.pushed:
            files = {k: v for k, v in project_files(self.name).items() if v is not None}
        files |= value.get("files", {})
        branch = value.get("branch", "main")
        sha = self.project.push({k: None if v is None else self.text(v) for k, v in files.items()}, branch)
        if branch == "main":
            self.pushed = sha
        if value.get("pipeline", True):
            self.current = self.project.pipeline_of(sha)["id"]

    def do_land(self, value: dict[str, str]) -> None:
        """A file lands: complete at once, as tools do that rename."""
        folder = self.landing(value["in"])
        half = folder / ".half"
        half.write_text(value.get("text", value["name"] + "\n"))
        target = folder / value["name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if "mtime" in value:
            os.utime(half, (value["mtime"], value["mtime"]))
        half.rename(target)

    def do_folder(self, source: str) -> None:
        """The folder that a source names exists, empty."""
        self.landing(source)

    def do_baseline(self, sources: list[str]) -> None:
        """Waits until what lies in the sources' folders has been noted."""
        for source in sources:
            self.project.baseline(self.landing(source))

    def do_play(self, job: str) -> None:
        self.project.api("POST", f"/jobs/{self.project.job(self.current, job)['id']}/play", {}, 200)

    def do_retry(self, job: str) -> None:
        self.project.api("POST", f"/jobs/{self.project.job(self.current, job)['id']}/retry", {}, 201)

    def do_cancel(self, job: str | None) -> None:
        """One job, or the whole pipeline (null)."""
        if job is None:
            self.project.api("POST", f"/pipelines/{self.current}/cancel", {}, 200)
        else:
            self.project.api("POST", f"/jobs/{self.project.job(self.current, job)['id']}/cancel", {}, 201)

    # --- what must come of it ---

    def do_pipeline(self, status: str) -> None:
        """The pipeline of the last push (or version) comes to this status."""
        self.project.pipeline(self.current, status)

    def do_jobs(self, value: dict[str, str]) -> None:
        """Exactly these jobs, in these statuses; a retried one counts by its last run."""
        jobs = {job["name"]: job["status"] for job in self.project.jobs(self.current)}
        self.test.assertEqual(jobs, value, self.project.story(self.current))

    def do_runs(self, value: dict[str, int]) -> None:
        """How often each job has run in this pipeline, retries counted."""
        runs: dict[str, int] = {}
        for job in self.project.jobs(self.current, retried=True):
            runs[job["name"]] = runs.get(job["name"], 0) + 1
        for name, count in value.items():
            self.test.assertEqual(runs.get(name), count, name)

    def do_job(self, value: dict[str, Any]) -> None:
        """Waits for a job's status and looks into its view and log."""
        wanted = value.get("status")

        def there() -> dict[str, Any] | None:
            view = self.project.job(self.current, value["name"])
            if wanted and view["status"] != wanted and view["status"] in OVER - {"manual"}:
                raise AssertionError(f"{value['name']} is {view['status']}:\n{self.project.story(self.current)}")
            return view if view["status"] == wanted or wanted is None else None
        view = until(f"job {value['name']} is {wanted}", there)
        for field in ("failure_reason", "exit_code", "allow_failure", "stage"):
            if field in value:
                self.test.assertEqual(view[field], value[field], field)
        if not any(key in value for key in ("log_has", "log_lacks", "log_soon")):
            return
        if "log_soon" in value:
            until(f"{value['log_soon']!r} is in the log of {value['name']}",
                  lambda: value["log_soon"] in self.project.trace(view["id"]))
        log = self.project.trace(view["id"])
        for text in value.get("log_has", []):
            self.test.assertIn(self.text(text), log)
        for text in value.get("log_lacks", []):
            self.test.assertNotIn(text, log)

    def do_bridges(self, value: dict[str, str]) -> None:
        """Exactly these trigger jobs, in these statuses."""
        jobs = {job["name"]: job["status"] for job in self.project.bridges(self.current)}
        self.test.assertEqual(jobs, value, self.project.story(self.current))

    def do_bridge(self, value: dict[str, Any]) -> None:
        """Looks into the view of a trigger job that is over, and into what its log says."""
        view, = (job for job in self.project.bridges(self.current) if job["name"] == value["name"])
        self.test.assertEqual(view["failure_reason"], value["failure_reason"])
        log = self.project.trace(view["id"])
        for text in value.get("log_has", []):
            self.test.assertIn(text, log)

    def do_child(self, bridge: str) -> None:
        """Job steps speak of the pipeline that this trigger job has started."""
        def there() -> dict[str, Any] | None:
            view, = (job for job in self.project.bridges(self.current) if job["name"] == bridge)
            return view["downstream_pipeline"]
        self.above.append(self.current)
        view = until(f"{bridge} has started a pipeline", there)
        self.test.assertEqual(view["source"], "parent_pipeline")
        self.current = view["id"]

    def do_parent(self, _: None) -> None:
        """Job steps speak of the pipeline above again."""
        self.current = self.above.pop()

    def do_order(self, names_in_order: list[str]) -> None:
        """Each of these jobs ended before the next one began."""
        jobs = [self.project.job(self.current, name) for name in names_in_order]
        for before, after in zip(jobs, jobs[1:]):
            self.test.assertLessEqual(before["finished_at"], after["started_at"], f"{before['name']} → {after['name']}")

    def do_version(self, value: dict[str, Any]) -> None:
        """Waits for a version's state; looks into it; job steps speak of its pipeline from now on."""
        source, number = value["source"], value["number"]
        self.project.version(source, number, value.get("state"))
        address = f"/data/{source}/{number}"
        if value.get("state") == "testing":  # the candidate is bound first, its pipeline follows
            until(f"{address} has its pipeline", lambda: self.project.own(address)["pipeline"])
        view = self.project.own(address)
        for text in value.get("reason_has", []):
            self.test.assertIn(self.text(text), view["reason"])
        for field in ("attempt", "size", "pipeline"):
            if field in value:
                self.test.assertEqual(view[field], value[field], field)
        if "failed_job" in value:
            lines = {job["name"]: job["log_line"]["text"] for job in view["jobs"] if "log_line" in job}
            self.test.assertIn(value["log_line"], lines[value["failed_job"]])
        if view["pipeline"]:
            self.current = view["pipeline"]

    def do_versions(self, value: dict[str, list[str]]) -> None:
        """Waits until each source has exactly these states, in the order of arrival."""
        for source, states in value.items():
            until(f"{source} is {states}", lambda: [v["state"] for v in self.project.versions(source)] == states)

    def do_main(self, value: dict[str, Any]) -> None:
        """`same`: as the last push left it. `bound`: {file: line number}: exactly these lines differ from the last push,
        and what stands there now names the object `to`. `last`: the bound version is main's newest commit."""
        if value.get("same"):
            self.test.assertEqual(self.project.main(), self.pushed, "main has moved")
            return
        for name, number in value["bound"].items():
            old = self.project.file(name, self.pushed).split(b"\n")
            new = self.project.file(name).split(b"\n")
            changed = [i + 1 for i, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
            self.test.assertEqual(changed, [number])
            self.test.assertIn(self.text(value["to"]), new[number - 1].decode())
        changed_files = self.project.git("diff", "--name-only", self.pushed, "origin/main").split()
        self.test.assertEqual(sorted(changed_files), sorted(value["bound"]))

    def do_candidates(self, count: int) -> None:
        """So many candidate branches are there."""
        until(f"{count} candidate branches", lambda: len(self.project.candidates()) == count)

    def do_pipelines(self, count: int) -> None:
        """So many pipelines were made in all."""
        self.test.assertEqual(len(self.project.pipelines()), count,
                              [(p["sha"][:8], p["source"], p["status"]) for p in self.project.pipelines()])
