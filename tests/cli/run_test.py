"""`tidegate run` without a terminal: lines, choice of jobs, variables, exit codes."""
import json
import os
import signal
import subprocess
import unittest

from support import BINARY, PATIENCE, Case

TWO_STAGES = """
stages: [build, test, deploy]
compile: {stage: build, script: [echo compiling, echo data > out.txt], artifacts: {paths: [out.txt]}}
unit: {stage: test, script: [cat out.txt || echo no out.txt]}
ship: {stage: deploy, when: manual, script: [echo shipping]}
"""


class Run(Case):
    def ran(self, *arguments: str) -> dict[str, str]:
        run = self.tidegate("run", "--shell", "--json", *arguments)
        return {job["name"]: job["status"] for job in json.loads(run.stdout)["jobs"]}

    def test_lines_carry_the_name_of_their_job(self):
        self.pipeline(TWO_STAGES)
        run = self.tidegate("run", "--shell")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("== stage build\ncompile | started (shell)\n", run.stdout)
        self.assertIn("compile | compiling\n", run.stdout)
        self.assertIn("unit    | data\n", run.stdout)
        self.assertIn("-- ship is manual and was not started (tidegate run 'ship')\n", run.stdout)
        self.assertRegex(run.stdout, r"pipeline success in \S+\n$")
        self.assertNotIn("\x1b", run.stdout)

    def test_which_jobs_run(self):
        self.pipeline(TWO_STAGES)
        self.assertEqual(self.ran("unit"), {"unit": "success"})
        self.assertEqual(self.ran("unit", "--needs"), {"compile": "success", "unit": "success"})
        self.assertEqual(self.ran("ship"), {"ship": "success"})
        self.assertEqual(self.ran("--manual", "ship"), {"compile": "success", "unit": "success", "ship": "success"})
        self.assertEqual(self.ran("ship", "--needs"), {"compile": "success", "unit": "success", "ship": "success"})

    def test_wrong_usage(self):
        self.pipeline(TWO_STAGES)
        for arguments, text in ((("uint",), 'did you mean "unit"?'), (("--manual", "unit"), "is not manual"),
                                (("--needs",), "--needs requires JOB"), (("--shell", "--executor", "docker"), "excludes"),
                                (("--dry-run", "--json"), "excludes"), (("-j", "0"), "--jobs"),
                                (("--var", "NOT_SET_ANYWHERE"), "is not set in the environment"),
                                (("--var", "=x"), "KEY=VALUE"), (("--mask", "NOBODY"), "NOBODY"),
                                (("--env-file", "none.env"), "none.env")):
            run = self.tidegate("run", *arguments)
            self.assertEqual((run.returncode, run.stdout), (2, ""), (arguments, run.stderr))
            self.assertIn(text, run.stderr)

    def test_no_engine_is_said_with_what_to_do(self):
        self.pipeline("boxed: {image: alpine, script: [echo here]}")
        run = self.tidegate("run", "--executor", "docker")
        self.assertEqual(run.returncode, 3)
        self.assertRegex(run.stderr, r"no-engine.sock is not there.*apt install docker.io.*--shell")
        run = self.tidegate("run")
        self.assertEqual(run.returncode, 0)
        self.assertRegex(run.stdout, r"^-- no Docker Engine: .*the job with an image or services runs on this machine")
        run = self.tidegate("run", "--executor", "docker", DOCKER_HOST="tcp://10.0.0.1:2375")
        self.assertIn("only unix:// sockets", run.stderr)
        (self.root / "dead.sock").touch()
        run = self.tidegate("run", "--executor", "docker", "--docker-socket", str(self.root / "dead.sock"))
        self.assertIn("nothing answers at", run.stderr)

    def test_variables_come_from_everywhere(self):
        self.pipeline('show: {script: ["echo $A/$B/$C/$D", "cat $CERT"]}')
        (self.project / "ci.env").write_text("# secrets\nexport A='from file'\nB=b$A\nC=wrong\n")
        (self.project / "cert.pem").write_text("BEGIN\n")
        run = self.tidegate("run", "--shell", "--env-file", "ci.env", "--var-file", "CERT=cert.pem", "--var", "C=given",
                            "--var", "D", "--mask", "D", D="hunter2-hunter2")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("show | from file/b$A/given/[MASKED]\n", run.stdout)
        self.assertIn("show | BEGIN\n", run.stdout)
        self.assertNotIn("hunter2", run.stdout + run.stderr)

    def test_caches_stay_for_the_next_run(self):
        self.pipeline('test: {cache: {key: k, paths: [kept]}, script: ["cat kept/n || true", mkdir -p kept, echo warm > kept/n]}')
        self.assertNotIn("test | warm\n", self.tidegate("run", "--shell").stdout)
        self.assertIn("test | warm\n", self.tidegate("run", "--shell").stdout)
        self.assertFalse((self.project / "kept").exists())

    def test_a_dry_run_runs_nothing(self):
        self.pipeline("stages: [a, b]\none: {stage: a, image: alpine, script: [touch /nowhere/x]}\n"
                      "two: {stage: b, needs: [one], before_script: [echo before], script: [echo two]}\n"
                      "three: {stage: b, when: manual, script: [echo three]}")
        run = self.tidegate("run", "--dry-run", "--shell")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout, "a\n  one (shell)\n      $ touch /nowhere/x\nb\n  two (shell, needs one)\n"
                                     "      $ echo before\n      $ echo two\n  three (shell, manual: not started)\n")
        self.assertEqual(self.tidegate("run", "nobody", "--dry-run").returncode, 2)

    def test_json_has_stdout_for_itself_and_the_shape_of_the_contract(self):
        self.pipeline("a: {script: [echo said]}\nb: {script: [exit 3], allow_failure: true}")
        run = self.tidegate("run", "--shell", "--json")
        result = json.loads(run.stdout)
        self.assertEqual(set(result), {"status", "good", "duration_ms", "jobs"})
        self.assertEqual(set(result["jobs"][1]), {"name", "stage", "status", "allow_failure", "coverage", "executor", "failure_reason",
                                                  "exit_code", "message", "attempts", "duration_ms"})
        self.assertEqual((result["good"], result["jobs"][1]["exit_code"]), (True, 3))
        self.assertIn("a | said", run.stderr)

    def test_a_signal_ends_it_gracefully(self):
        gate, seen = self.fifo("gate"), self.root / "after"
        self.pipeline(f"job: {{script: ['echo begun; read x < {gate}'], after_script: [touch {seen}]}}")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            seen.unlink(missing_ok=True)
            process = subprocess.Popen([BINARY, "run", "--shell"], cwd=self.project, env=self.environment, text=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            said = ""
            while "job | begun" not in said:
                said = process.stdout.readline()
                self.assertTrue(said, "it ended")
            process.send_signal(number)
            rest, _ = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 128 + number, rest)
            self.assertIn("job | canceled", rest)
            self.assertTrue(seen.exists(), "after_script did not run")
        self.assertEqual(os.listdir(self.root / "tmp"), [])


if __name__ == "__main__":
    unittest.main()
