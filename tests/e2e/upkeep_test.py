"""What people do to keep a server in order, by the API and by the command line: lists, tokens, quarantine, replays."""
import json
import sqlite3
import subprocess
import unittest
from typing import Any

from harness import BINARY, DEADLINE_S, ENVIRONMENT, Folder, Project, Server

DIGEST = "sha256:" + "ab" * 32
TIDEGATE_YML = """data:
  training:
    source: file://{data}/
    include: ["*.jsonl"]
    ready: {{ quiet: 0s }}
    bind: [{{ file: train.py, name: DATA_PATH }}]
"""


class Upkeep(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("upkeep")
        cls.server = Server(cls.folder.path).start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        cls.folder.remove()

    def cli(self, project: Project, *arguments: str, token: str = "") -> subprocess.CompletedProcess:
        environment = ENVIRONMENT | {"TIDEGATE_URL": f"http://127.0.0.1:{self.server.port}", "TIDEGATE_PROJECT": project.path,
                                     "TIDEGATE_TOKEN": token or self.server.token}
        return subprocess.run([BINARY, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S)

    def page(self, project: Project, query: str) -> tuple[list[int], dict[str, str]]:
        answer = self.server.call("GET", f"/api/v4/projects/{project.id}/pipelines?{query}", headers={"PRIVATE-TOKEN": project.token})
        self.assertEqual(answer.status, 200, answer.body)
        return [p["id"] for p in answer.json()], answer.headers

    def test_pipelines_are_filtered_and_paged(self) -> None:
        project = self.server.project("upkeep/pages")
        shas = []
        for at, branch in enumerate(["main", "main", "topic"]):
            script = "exit 1" if at == 1 else "exit 0"
            shas.append(project.push({".gitlab-ci.yml": f"job: {{script: ['echo {at}', {script}]}}\n"}, branch))
            project.pipeline(project.pipeline_of(shas[-1])["id"])
        first, second, third = [p["id"] for p in project.pipelines()]
        for query, expected in (("ref=topic", [third]), ("ref=main", [second, first]), ("status=failed", [second]),
                                (f"sha={shas[0]}", [first]), ("source=push&status=success", [third, first]), ("source=api", []),
                                ("ref=main&status=canceled", []), ("ref=", [third, second, first])):
            ids, headers = self.page(project, query)
            self.assertEqual(ids, expected, query)
            self.assertEqual((headers["x-total"], headers["x-total-pages"]), (str(len(expected)), "1"), query)
        ids, headers = self.page(project, "per_page=1&page=2&source=push")
        self.assertEqual(ids, [second])
        self.assertEqual([headers[f"x-{name}"] for name in ("total", "total-pages", "page", "per-page", "next-page", "prev-page")],
                         ["3", "3", "2", "1", "3", "1"])
        for relation, number in (("prev", 1), ("next", 3), ("first", 1), ("last", 3)):
            self.assertRegex(headers["link"], rf'page={number}&per_page=1&source=push>; rel="{relation}"')
        self.assertEqual(self.page(project, "page=9")[1]["x-next-page"], "")
        refused = project.api("GET", "/pipelines?status=nonsense", expect=400)
        self.assertEqual(refused["message"], "status does not have a valid value")
        run = self.cli(project, "pipelines", "--ref", "main", "--status", "failed")
        self.assertRegex(run.stdout, rf"^#{second} +failed +push +main +{shas[1][:8]}\n$")

    def test_a_revoked_token_is_refused(self) -> None:
        project = self.server.project("upkeep/tokens")
        other = self.server.project("upkeep/others")
        secret = json.loads(self.cli(project, "token", "create", "--name", "laptop", "--json").stdout)["token"]
        self.assertEqual(self.cli(project, "pipelines", token=secret).returncode, 0)
        listed = self.cli(project, "token", "list").stdout
        self.assertNotIn(secret, listed)
        number = next(line.split()[0] for line in listed.splitlines() if line.endswith(" laptop"))
        self.assertEqual(self.cli(other, "token", "revoke", number).returncode, 1, "another project's token")
        self.assertEqual(self.cli(project, "token", "revoke", number).stdout, f"token {number} is revoked\n")
        self.assertIn("401", str(self.server.call("GET", f"/api/v4/projects/{project.id}", headers={"PRIVATE-TOKEN": secret}).status))
        for wrong in (number, "0", "-1", "x", "999999999999999999999"):
            self.assertEqual(self.cli(project, "token", "revoke", wrong).returncode, 1, wrong)

    def test_a_quarantine_can_be_lifted(self) -> None:
        project = self.server.project("upkeep/quarantine")
        self.assertEqual(self.server.terminate(), 0)  # the database is the server's alone while it runs
        with sqlite3.connect(self.server.data / "tidegate.db") as database:  # as a failed release leaves it
            database.execute("INSERT INTO quarantine(project, digest, reason, at) VALUES(?,?,'the check failed',0)", (project.id, DIGEST))
        database.close()
        self.server.start()
        self.assertIn(f"quarantined {DIGEST} since", self.cli(project, "quarantine", "list").stdout)
        self.assertEqual(self.cli(project, "quarantine", "lift", DIGEST).stdout, f"{DIGEST} may be released again\n")
        self.assertEqual(self.cli(project, "quarantine", "list").stdout, "")
        again = self.cli(project, "quarantine", "lift", DIGEST)
        self.assertEqual((again.returncode, again.stderr), (1, f"tidegate: not quarantined: {DIGEST}\n"))

    def test_a_version_is_replayed_after_its_tests_were_mended(self) -> None:
        project = self.server.project("upkeep/replay")
        landing = self.folder.path / "landing"
        landing.mkdir()

        def files(script: str) -> dict[str, str]:
            return {".gitlab-ci.yml": f"test: {{script: ['{script}']}}\n", "tidegate.yml": TIDEGATE_YML.format(data=landing),
                    "train.py": 'DATA_PATH = "file:///nowhere"\n'}
        project.push(files("if grep -q jsonl train.py; then exit 1; fi"))
        project.baseline(landing)
        (landing / "a.jsonl").write_text("data\n")
        rejected: dict[str, Any] = project.version("training", 1, "rejected")
        project.pipeline_of(project.push(files("exit 0")))
        run = self.cli(project, "data", "replay", "training/1", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(json.loads(run.stdout)["number"], 2)
        live = project.version("training", 2, "live")
        self.assertEqual((live["uri"], live["sha256"]), (rejected["uri"], rejected["sha256"]))
        self.assertIn(b"a.jsonl", project.file("train.py"))
        self.assertEqual(project.own("/data/training/2")["events"][0]["verdict"], "replayed")
        self.assertEqual(self.cli(project, "data", "replay", "training/2").returncode, 0)
        self.assertIn("names this very version already", project.version("training", 3, "rejected")["reason"])
        for wrong in ("training/99", "nothing/1", "training", "training/x"):
            self.assertEqual(self.cli(project, "data", "replay", wrong).returncode, 1, wrong)


if __name__ == "__main__":
    unittest.main()
