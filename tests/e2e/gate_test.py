"""Whose fault a failure is, several candidates at once, the order of promotion, limits: what the gate decides, seen from outside."""
import json
import unittest
from pathlib import Path

from harness import Folder, Project, Server, until

CI = """stages: [build, test, deliver]
build_{name}:
  stage: build
  rules: [{{ changes: [{name}.py, check_{name}.sh, .gitlab-ci.yml] }}]
  script: ["python3 {name}.py > out.txt"]
  artifacts: {{ paths: [out.txt] }}
test_{name}:
  stage: test
  needs: [build_{name}]
  rules: [{{ changes: [{name}.py, check_{name}.sh, .gitlab-ci.yml] }}]
  script:
    - echo "probe ${{TIDEGATE_PROBE:-none}}" >> {gates}/runs-{name}
    - echo "at the gate"; while test -e {gates}/hold-{name}; do sleep 0.05; done
    - sh check_{name}.sh
"""
CHECK = 'test "$TIDEGATE_CANDIDATE" != true || ! grep -q bad "$TIDEGATE_DATA_{upper}"\n'
SOURCE = """  {name}:
    source: file://{landing}/{name}/
    ready: {{ quiet: 0s }}
    bind: [{{ file: {name}.py, name: DATA_PATH }}]
{more}"""


class Gate(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("gate")
        cls.addClassCleanup(cls.folder.remove)
        cls.server = Server(cls.folder.path, slots=3).start()
        cls.addClassCleanup(cls.server.close)

    def make(self, sources: dict[str, str] | None = None, checks: dict[str, str] | None = None, good: bool = True) -> Project:
        """A project with these sources (name → more lines of tidegate.yml); `good`: one object of each is live already."""
        sources = sources or {"training": ""}
        self.name = self._testMethodName.removeprefix("test_").replace("_", "-")
        self.gates = self.folder.path / self.name
        self.landing = self.gates / "landing"
        files = {".gitlab-ci.yml": "", "tidegate.yml": "data:\n"}
        for name, more in sources.items():
            (self.landing / name).mkdir(parents=True)
            lines = "".join(f"    {line}\n" for line in more.splitlines())
            files["tidegate.yml"] += SOURCE.format(name=name, landing=self.landing, more=lines)
            ci = CI.format(name=name, gates=self.gates)
            files[".gitlab-ci.yml"] += ci if not files[".gitlab-ci.yml"] else ci.split("\n", 1)[1]
            files[f"{name}.py"] = 'DATA_PATH = "file:///none"\nprint(DATA_PATH)\n'
            files[f"check_{name}.sh"] = (checks or {}).get(name, CHECK).format(upper=name.upper(), gates=self.gates)
        self.project = self.server.project(f"e2e/{self.name}")
        sha = self.project.push(files)
        self.project.pipeline(self.project.pipeline_of(sha)["id"], "success")
        self.done = {}
        for name in sources:
            self.project.baseline(self.landing / name)
            self.done[name] = 0
            if good:
                self.land(name, "first", "good first")
                self.project.version(name, 1, "live")
        return self.project

    def land(self, source: str, name: str, text: str) -> int:
        """The number of its version."""
        half = self.landing / source / f".{name}"
        half.write_text(text)
        half.rename(half.with_name(name + ".jsonl"))
        self.done[source] += 1
        return self.done[source]

    def hold(self, source: str) -> Path:
        gate = self.gates / f"hold-{source}"
        gate.touch()
        return gate

    def at_gate(self, source: str, number: int) -> dict:
        """Waits until the version's test job stands at the gate; the version."""
        def there() -> dict | None:
            version = self.project.version(source, number)
            if version["state"] != "testing" or not version["pipeline"]:
                return None
            jobs = [j for j in self.project.jobs(version["pipeline"]) if j["name"] == f"test_{source}"]
            return version if jobs and "at the gate" in self.project.trace(jobs[-1]["id"]) else None
        return until(f"{source} v{number} is at the gate", there)

    def rejected(self, source: str, number: int, verdict: str) -> dict:
        self.project.version(source, number, "rejected")
        view = self.project.own(f"/data/{source}/{number}")
        self.assertEqual(view["diagnosis"]["verdict"], verdict, json.dumps(view["diagnosis"]))
        self.assertEqual(self.project.candidates(), [])
        return view

    def probes(self, view: dict) -> dict[str, str]:
        return {p["probe"]: p["result"] for p in view["diagnosis"]["probes"]}

    def runs(self, source: str) -> list[str]:
        return (self.gates / f"runs-{source}").read_text().split("\n")[:-1]

    # --- whose fault it is ---

    def test_bad_data(self) -> None:
        project = self.make()
        main = project.main()
        view = self.rejected("training", self.land("training", "a", "bad"), "bad data")
        self.assertEqual(self.probes(view), {"old-data": "passed", "again": "failed"})
        self.assertIn("job test_training", view["reason"])
        self.assertIn("bad data: the earlier data passes with this code", view["reason"])
        self.assertTrue(view["diagnosis"]["quarantined"])
        self.assertEqual(project.main(), main)
        self.assertEqual(len(project.pipelines()), 3, "probes are listed as pipelines")
        # The same bytes by another name are refused at once; other bytes are not.
        again = self.land("training", "b", "bad")
        self.assertIn("quarantine", project.version("training", again, "rejected")["reason"])
        self.assertIsNone(project.version("training", again)["pipeline"])
        project.version("training", self.land("training", "c", "good third"), "live")
        # Only data has changed since: still refused. With other code it is tried.
        self.assertIn("quarantine", project.version("training", self.land("training", "d", "bad"), "rejected")["reason"])
        project.push({"check_training.sh": "true\n"})
        project.version("training", self.land("training", "e", "bad"), "live")

    def test_a_person_lifts_the_quarantine(self) -> None:
        project = self.make()
        self.rejected("training", self.land("training", "a", "bad"), "bad data")
        self.server.ask("POST", f"/api/tidegate/v1/projects/{project.id}/data/training/2/replay", {}, 201)
        view = self.rejected("training", 3, "bad data")
        self.assertIsNotNone(view["pipeline"])

    def test_bad_code(self) -> None:
        project = self.make()
        broken = project.push({"check_training.sh": "exit 3\n"})
        project.pipeline(project.pipeline_of(broken)["id"], "failed")
        view = self.rejected("training", self.land("training", "a", "good"), "bad code")
        self.assertEqual(self.probes(view), {"old-data": "failed", "old-code": "passed"})
        self.assertFalse(view["diagnosis"]["quarantined"])
        self.assertEqual(project.main(), broken)
        project.push({"check_training.sh": "true\n"})
        project.version("training", self.land("training", "b", "good"), "live")

    def test_flaky(self) -> None:
        """Fails once, whatever the data."""
        project = self.make(checks={"training": "test -e {gates}/failed && exit 0\ntest ! -e {gates}/fail || "
                                                "{{ touch {gates}/failed; exit 1; }}\n"})
        (self.gates / "fail").touch()
        view = self.rejected("training", self.land("training", "a", "good"), "flaky")
        self.assertEqual(self.probes(view), {"old-data": "passed", "again": "passed"})
        self.assertFalse(view["diagnosis"]["quarantined"])
        project.version("training", self.land("training", "b", "good"), "live")

    def test_flaky_goes_once_more_where_the_source_wants_it(self) -> None:
        self.make({"training": "on_failure: { flaky: retry }"},
                  {"training": "test -e {gates}/failed && exit 0\ntest ! -e {gates}/fail || "
                               "{{ touch {gates}/failed; exit 1; }}\n"})
        (self.gates / "fail").touch()
        version = self.project.version("training", self.land("training", "a", "good"), "live")
        self.assertEqual(version["attempt"], 2)
        self.assertEqual(self.project.own("/data/training/2")["diagnosis"]["verdict"], "flaky")

    def test_unknown_when_there_is_nothing_to_compare_with(self) -> None:
        self.make(good=False)
        view = self.rejected("training", self.land("training", "a", "bad"), "unknown")
        self.assertEqual(self.probes(view), {"old-data": "cannot tell", "again": "failed"})

    def test_unknown_when_something_outside_has_changed(self) -> None:
        self.make(checks={"training": "test ! -e {gates}/down\n"})
        (self.gates / "down").touch()
        view = self.rejected("training", self.land("training", "a", "good"), "unknown")
        self.assertEqual(self.probes(view), {"old-data": "failed"})
        self.assertIn("something outside", view["reason"])

    def test_not_looked_into_where_the_source_says_so(self) -> None:
        self.make({"training": "on_failure: { diagnose: false }"})
        view = self.rejected("training", self.land("training", "a", "bad"), "unknown")
        self.assertIn("diagnose: false", view["diagnosis"]["reason"])
        self.assertEqual(self.runs("training").count("probe none"), 3)
        self.assertEqual(len(self.runs("training")), 3)

    def test_so_many_a_day(self) -> None:
        self.make({"training": "on_failure: { per_day: 1 }"})
        self.rejected("training", self.land("training", "a", "bad"), "bad data")
        view = self.rejected("training", self.land("training", "b", "bad too"), "unknown")
        self.assertIn("within a day", view["diagnosis"]["reason"])

    def test_a_probe_delivers_nothing(self) -> None:
        """Not even by way of a script, which nobody can see through beforehand."""
        project = self.make(checks={"training": 'test -z "$TIDEGATE_PROBE" || tidegate deploy nowhere || exit 0\n' + CHECK})
        view = self.rejected("training", self.land("training", "a", "bad"), "bad data")
        probe = view["diagnosis"]["probes"][0]["pipeline"]
        self.assertIn("nothing is delivered", project.trace(project.job(probe, "test_training")["id"]))
        self.assertEqual(project.own("/deliveries")["deliveries"], [])

    def test_what_delivers_is_not_run_again(self) -> None:
        project = self.make()
        text = (project.tree / ".gitlab-ci.yml").read_text() + ("deliver:\n  stage: deliver\n  environment: production\n"
                                                                f"  script: ['echo x >> {self.gates}/delivered; exit 1']\n")
        project.pipeline(project.pipeline_of(project.push({".gitlab-ci.yml": text}))["id"], "failed")
        view = self.rejected("training", self.land("training", "a", "good"), "unknown")
        self.assertIn("delivers", view["diagnosis"]["probes"][0]["reason"])
        self.assertEqual((self.gates / "delivered").read_text().count("x"), 2)

    def test_killed_while_it_is_looked_into(self) -> None:
        project = self.make()
        gate = self.gates / "hold-training"
        number = self.land("training", "a", "bad")
        # Held at the gate only from the first probe on.
        until("it is being looked into", lambda: project.version("training", number)["state"] == "diagnosing" or None)
        gate.touch()
        self.server.kill()
        self.server.start()
        gate.unlink()
        view = self.rejected("training", number, "bad data")
        self.assertEqual(self.probes(view), {"old-data": "passed", "again": "failed"})
        self.assertEqual(len({p["pipeline"] for p in view["diagnosis"]["probes"]}), 2)

    # --- several at once ---

    def test_in_the_order_of_their_landing(self) -> None:
        """The second passes first, waits, and follows without another test."""
        project = self.make({"training": "ordered: true", "curriculum": "ordered: true"})
        gate = self.hold("training")
        first = self.land("training", "a", "good a")
        before = self.at_gate("training", first)
        second = self.land("curriculum", "b", "good b")
        until("it waits for its turn", lambda: "waits for training v2" in project.version("curriculum", second)["reason"])
        waiting = project.version("curriculum", second, "promoting")
        self.assertEqual(waiting["base_sha"], before["candidate_sha"])
        gate.unlink()
        views = [project.version("training", first, "live"), project.version("curriculum", second, "live")]
        self.assertEqual([v["attempt"] for v in views], [1, 1])
        project.git("fetch", "-q", "origin")
        self.assertEqual(project.git("log", "-2", "--format=%H", "--reverse", "origin/main").split(),
                         [v["candidate_sha"] for v in views])

    def test_when_the_first_fails_the_second_is_made_again(self) -> None:
        project = self.make({"training": "ordered: true\non_failure: { diagnose: false }", "curriculum": "ordered: true"})
        gate, other = self.hold("training"), self.hold("curriculum")
        first = self.land("training", "a", "bad a")
        self.at_gate("training", first)
        second = self.land("curriculum", "b", "good b")
        early = self.at_gate("curriculum", second)
        gate.unlink()
        project.version("training", first, "rejected")
        # Its pipeline is ended at once: it could not be promoted any more.
        project.pipeline(early["pipeline"], "canceled")
        other.unlink()
        view = project.version("curriculum", second, "live")
        self.assertEqual(view["attempt"], 2)
        self.assertNotIn("a.jsonl", project.file("training.py").decode())

    def test_a_delivery_waits_for_its_turn_and_holds_no_slot(self) -> None:
        project = self.make({"training": "ordered: true", "curriculum": "ordered: true"})
        text = (project.tree / ".gitlab-ci.yml").read_text() + (
            "deliver:\n  stage: deliver\n  environment: production\n  rules: [{ changes: [curriculum.py] }]\n"
            f"  script: ['echo delivered >> {self.gates}/delivered']\n")
        project.pipeline(project.pipeline_of(project.push({".gitlab-ci.yml": text}))["id"], "success")
        gate = self.hold("training")
        self.at_gate("training", self.land("training", "a", "good a"))
        second = self.land("curriculum", "b", "good b")
        version = until("it is tested", lambda: [v for v in project.versions("curriculum")[1:] if v["pipeline"]])[0]
        until("its test has passed", lambda: [j for j in project.jobs(version["pipeline"])
                                              if j["name"] == "test_curriculum" and j["status"] == "success"])
        self.assertEqual(project.job(version["pipeline"], "deliver")["status"], "pending")
        self.assertFalse((self.gates / "delivered").exists())
        gate.unlink()
        project.version("curriculum", second, "live")
        self.assertEqual((self.gates / "delivered").read_text(), "delivered\n")

    def test_two_of_one_source(self) -> None:
        project = self.make({"training": "in_flight: 2"})
        gate = self.hold("training")
        first = self.land("training", "a", "good a")
        self.at_gate("training", first)
        second = self.land("training", "b", "good b")
        self.at_gate("training", second)
        third = self.land("training", "c", "good c")
        self.assertEqual(project.version("training", third)["state"], "waiting")
        gate.unlink()
        views = [project.version("training", n, "live") for n in (first, second, third)]
        self.assertEqual([v["attempt"] for v in views], [1, 1, 1])
        self.assertIn("c.jsonl", project.file("training.py").decode())

    def test_people_push_while_several_are_tested(self) -> None:
        project = self.make({"training": "ordered: true", "curriculum": "ordered: true", "third": ""})
        gates = [self.hold(name) for name in ("training", "curriculum", "third")]
        numbers = {name: self.land(name, "a", "good a") for name in ("training", "curriculum", "third")}
        for name, number in numbers.items():
            self.at_gate(name, number)
        project.push({"notes.md": "a person was here\n"})
        for gate in gates:
            gate.unlink()
        views = [project.version(name, number, "live") for name, number in numbers.items()]
        for name, view in zip(numbers, views):
            self.assertGreater(view["attempt"], 1, name)
            self.assertIn("/a.jsonl", project.file(f"{name}.py").decode())
        self.assertEqual(project.file("notes.md"), b"a person was here\n")
        # Every one that is live was tested exactly as it stands.
        for view in views:
            self.assertEqual(project.api("GET", f"/pipelines/{view['pipeline']}")["sha"], view["candidate_sha"])

    # --- limits ---

    def test_too_big(self) -> None:
        project = self.make({"training": "max_size: 1kB"})
        number = self.land("training", "a", "x" * 1001)
        view = project.version("training", number, "rejected")
        self.assertIn("1001 bytes", view["reason"])
        self.assertIsNone(view["pipeline"])
        project.version("training", self.land("training", "b", "x" * 1000), "live")

    def test_too_long(self) -> None:
        project = self.make({"training": "limits: { time: 3s }"})
        main = project.main()
        gate = self.hold("training")
        version = project.version("training", self.land("training", "a", "good"), "rejected")
        self.assertIn("limits: {time: 3", version["reason"])
        self.assertEqual(project.api("GET", f"/pipelines/{version['pipeline']}")["status"], "canceled")
        self.assertEqual(project.main(), main)
        gate.unlink()
        project.version("training", self.land("training", "b", "good"), "live")


if __name__ == "__main__":
    unittest.main()
