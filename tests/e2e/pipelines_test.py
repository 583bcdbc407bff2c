"""Push → pipeline, and API v4 as its clients use it."""
import json
import re
import unittest
import urllib.parse

import story
from harness import Folder, Project, Server, until

ONE_JOB = "hello:\n  script: ['echo \"hello $WHO\"']\n"


def next_page(answer) -> str:
    """Path and query of the page after this one, by the Link header (RFC 8288); empty: this was the last."""
    found = re.search(r'<[^>]*?(/api/[^>]*)>; rel="next"', answer.headers.get("link", ""))
    return found[1] if found else ""


class WithServer(unittest.TestCase):
    server: Server
    folder: Folder

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("pipelines")
        cls.server = Server(cls.folder.path).start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        cls.folder.remove()


class Pipelines(WithServer):
    def test_pushes_in_quick_succession_have_one_pipeline_each(self) -> None:
        project = self.server.project("e2e/quick")
        shas = [project.push({".gitlab-ci.yml": ONE_JOB, "n": str(n)}, f"branch-{n}") for n in range(6)]
        for sha in shas:
            project.pipeline(project.pipeline_of(sha)["id"], "success")
        made = [p["sha"] for p in project.pipelines()]
        self.assertEqual(sorted(made), sorted(shas), "a push has two pipelines, or none")

    def test_a_deleted_branch_and_a_tag(self) -> None:
        project = self.server.project("e2e/refs")
        sha = project.push({".gitlab-ci.yml": ONE_JOB})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        project.git("push", "-q", "origin", "HEAD:refs/heads/side", "HEAD:refs/tags/v1")
        until("branch and tag have pipelines", lambda: len(project.pipelines()) == 3)
        project.git("push", "-q", "origin", ":refs/heads/side")
        self.assertEqual([(p["ref"], p["tag"]) for p in project.pipelines()].count(("v1", True)), 1)
        for view in project.pipelines():
            project.pipeline(view["id"], "success")
        self.assertEqual(len(project.pipelines()), 3)

    def test_git_needs_the_token_of_this_project(self) -> None:
        one, other = self.server.project("e2e/mine"), self.server.project("e2e/theirs")
        address = f"127.0.0.1:{self.server.port}/e2e/theirs.git"
        for login in ("", "git:wrong@", f"git:{one.token}@", f"git:{one.make_token('trigger')}@"):
            with self.assertRaises(AssertionError, msg=login):
                one.git("ls-remote", f"http://{login}{address}")
        self.assertEqual(one.git("ls-remote", f"http://git:{other.token}@{address}"), "")


class SeveralProjects(WithServer):
    def test_one_starts_a_pipeline_of_another_and_takes_its_status(self) -> None:
        app = self.server.project("several/app")
        app.push({".gitlab-ci.yml": """
spec: { inputs: { level: { type: number } } }
---
workflow: { rules: [{ if: $CI_PIPELINE_SOURCE == "pipeline" }] }
use: { script: ['echo "$[[ inputs.level ]] for $WHO of $CI_PROJECT_PATH"'] }
"""})
        library = self.server.project("several/library")
        sha = library.push({".gitlab-ci.yml": """
stages: [ship, watch]
ship:
  stage: ship
  variables: { WHO: library }
  trigger: { project: several/app, strategy: depend, inputs: { level: 3 } }
watch: { stage: watch, needs: { pipeline: several/app } }
stranger: { stage: watch, trigger: other/app, allow_failure: true }
"""})
        self.server.project("other/app").push({".gitlab-ci.yml": ONE_JOB})
        pipeline = library.pipeline_of(sha)["id"]
        library.pipeline(pipeline, "success")
        bridges = {job["name"]: job for job in library.bridges(pipeline)}
        self.assertEqual({name: job["status"] for name, job in bridges.items()},
                         {"ship": "success", "watch": "success", "stranger": "failed"}, library.story(pipeline))
        below = bridges["ship"]["downstream_pipeline"]
        self.assertEqual((below["source"], below["project_id"]), ("pipeline", app.id))
        self.assertEqual(bridges["watch"]["downstream_pipeline"]["id"], below["id"], "it follows the latest there")
        self.assertIn("3 for library of several/app", app.trace(app.job(below["id"], "use")["id"]))
        self.assertEqual(bridges["stranger"]["failure_reason"], "insufficient_bridge_permissions")

    def test_what_a_pipeline_includes_of_another_the_lint_endpoint_includes_too(self) -> None:
        shared = self.server.project("shared/ci")
        shared.push({"jobs.yml": "spec: { inputs: { word: {} } }\n---\nsay: { script: ['echo $[[ inputs.word ]]'] }\n"})
        own = self.server.project("shared/own")
        sha = own.push({".gitlab-ci.yml": """
include: { project: shared/ci, file: jobs.yml, inputs: { word: hello } }
there: { script: "true", rules: [{ exists: { paths: [jobs.yml], project: shared/ci } }] }
not there: { script: "true", rules: [{ exists: { paths: [none.yml], project: shared/ci } }] }
"""})
        pipeline = own.pipeline_of(sha)["id"]
        own.pipeline(pipeline, "success")
        self.assertEqual(sorted(job["name"] for job in own.jobs(pipeline)), ["say", "there"])
        self.assertIn("hello", own.trace(own.job(pipeline, "say")["id"]))
        self.assertEqual(own.api("GET", "/ci/lint")["errors"], [])


class Lint(WithServer):
    def test_of_the_commit_and_of_what_is_sent(self) -> None:
        project = self.server.project("e2e/lint")
        project.push({".gitlab-ci.yml": "include: ci/a.yml\n", "ci/a.yml": "job:\n  stage: nowhere\n  script: printenv\n"})
        answer = project.api("GET", "/ci/lint?include_jobs=true")
        self.assertFalse(answer["valid"])
        self.assertEqual(answer["errors"],
                         ["job job: chosen stage nowhere does not exist; available stages are .pre, build, test, deploy, .post"])
        self.assertEqual([(d["code"], d["file"], d["line"]) for d in answer["diagnostics"]],
                         [("unknown-stage", "ci/a.yml", 1), ("environment-printed", "ci/a.yml", 3)])
        self.assertEqual(answer["diagnostics"][0]["via"], [{"what": "include of ci/a.yml", "file": ".gitlab-ci.yml", "line": 1}])
        answer = project.api("POST", "/ci/lint", {"content": "include: ci/a.yml\nstages: [nowhere]\n", "include_jobs": "true"})
        self.assertTrue(answer["valid"])
        self.assertEqual((answer["errors"], [job["name"] for job in answer["jobs"]]), ([], ["job"]))
        self.assertIn("printenv", answer["merged_yaml"])
        self.assertFalse(project.api("POST", "/ci/lint", {"content": ""})["valid"])


class Api(WithServer):
    project: Project

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.project = cls.server.project("e2e/api")
        sha = cls.project.push({".gitlab-ci.yml": ONE_JOB})
        cls.project.pipeline(cls.project.pipeline_of(sha)["id"], "success")
        cls.trigger_token = cls.project.make_token("trigger")

    def trigger(self, body: bytes | str, kind: str, query: str = "", path: str = "/trigger/pipeline"):
        body = body.encode() if isinstance(body, str) else body
        headers = {"Content-Type": kind} if kind else {}
        return self.server.call("POST", f"/api/v4/projects/{self.project.id}{path}{query}", body, headers)

    def hello(self, answer) -> str:
        """What the triggered pipeline's job said."""
        self.assertEqual(answer.status, 201, answer.body)
        view = answer.json()
        self.assertEqual((view["source"], view["ref"]), ("trigger", "main"))
        self.project.pipeline(view["id"], "success")
        return self.project.trace(self.project.job(view["id"], "hello")["id"])

    def test_trigger_as_a_lambda_calls_it(self) -> None:
        token = self.trigger_token
        said = self.hello(self.trigger(json.dumps({"token": token, "ref": "main", "variables": {"WHO": "json"}}),
                                       "application/json"))
        self.assertIn("hello json", said)
        form = urllib.parse.urlencode({"token": token, "ref": "main", "variables[WHO]": "a form & 한국어"})
        self.assertIn("hello a form & 한국어", self.hello(self.trigger(form, "application/x-www-form-urlencoded")))
        parts = [("token", token), ("ref", "main"), ("variables[WHO]", "many\r\nparts")]
        body = "".join(f'--xYz\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts) + "--xYz--\r\n"
        self.assertIn("hello many", self.hello(self.trigger(body, "multipart/form-data; boundary=xYz")))
        query = f"?token={token}&ref=main&variables[WHO]=query".replace("[", "%5B").replace("]", "%5D")
        self.assertIn("hello query", self.hello(self.trigger(b"", "", query)))
        old = self.trigger(f"token={token}&variables[WHO]=old+form", "application/x-www-form-urlencoded",
                           path="/ref/main/trigger/pipeline")
        self.assertIn("hello old form", self.hello(old))

    def test_trigger_refuses(self) -> None:
        form = "application/x-www-form-urlencoded"
        ours, before = self.trigger_token, len(self.project.pipelines())
        self.assertEqual(self.trigger("token=wrong&ref=main", form).status, 404)
        self.assertEqual(self.trigger(f"token={self.project.token}&ref=main", form).status, 404)
        self.assertEqual(self.trigger(f"token={self.server.project('e2e/api2').make_token('trigger')}&ref=main", form).status, 404)
        unknown = self.trigger(f"token={ours}&ref=nowhere", form)
        self.assertEqual((unknown.status, unknown.json()), (400, {"message": {"base": ["Reference not found"]}}))
        for body in ("ref=main", f"token={ours}"):
            missing = self.trigger(body, form)
            self.assertEqual(missing.status, 400)
            self.assertIn("missing", missing.json()["message"])
        self.assertEqual(self.trigger("{", "application/json").status, 400)
        self.assertEqual(self.trigger("[1]", "application/json").status, 400)
        self.assertEqual(self.trigger("token=%zz", form).status, 400)
        self.assertEqual(self.trigger(b"\xff\xfe\x00", "multipart/form-data; boundary=").status, 400)
        nested = self.trigger(json.dumps({"token": ours, "ref": "main", "variables": {"WHO": {"deep": 1}}}), "application/json")
        self.assertEqual(nested.status, 400)
        self.assertEqual(len(self.project.pipelines()), before)

    def test_a_refused_workflow_is_told_under_base(self) -> None:
        text = "workflow: { rules: [{ if: '$CI_PIPELINE_SOURCE == \"push\"' }] }\n" + ONE_JOB
        project = self.server.project("e2e/workflow")
        sha = project.push({".gitlab-ci.yml": text})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        token = project.make_token("trigger")
        answer = self.server.call("POST", f"/api/v4/projects/{project.id}/trigger/pipeline?token={token}&ref=main")
        self.assertEqual(answer.status, 400)
        self.assertTrue(answer.json()["message"]["base"])
        self.assertEqual(len(project.pipelines()), 1)

    def test_pages(self) -> None:
        for _ in range(2):
            self.project.api("POST", "/pipeline", {"ref": "main"}, 201)
        total = len(self.project.pipelines())
        path, seen, page = f"/api/v4/projects/{self.project.id}/pipelines?per_page=2", [], 0
        headers = {"PRIVATE-TOKEN": self.project.token}
        while path:
            answer, page = self.server.call("GET", path, headers=headers), page + 1
            self.assertEqual(answer.status, 200)
            self.assertEqual((answer.headers["x-page"], answer.headers["x-per-page"]), (str(page), "2"))
            seen += [p["id"] for p in answer.json()]
            path = next_page(answer)
            self.assertEqual(bool(answer.headers["x-next-page"]), bool(path))
        self.assertEqual((len(seen), sorted(seen, reverse=True)), (total, seen))
        for far in (1000, 2**63 - 1, 10**30):
            path = f"/api/v4/projects/{self.project.id}/pipelines?page={far}"
            answer = self.server.call("GET", path, headers=headers)
            self.assertEqual(answer.status, 200)
            self.assertLessEqual(len(answer.json()), 20)

    def test_pages_keep_the_question(self) -> None:
        project = self.server.project("e2e/pages")
        sha = project.push({".gitlab-ci.yml": "a: { retry: 2, script: ['exit 1'] }\n"})
        pipeline = project.pipeline_of(sha)["id"]
        project.pipeline(pipeline, "failed")
        base = f"/api/v4/projects/{project.id}/pipelines/{pipeline}/jobs?include_retried=true&per_page=1"
        seen, path = [], base
        while path:
            answer = self.server.call("GET", path, headers={"PRIVATE-TOKEN": project.token})
            seen += [(job["name"], job["retried"]) for job in answer.json()]
            path = next_page(answer)
        self.assertEqual(sorted(seen), [("a", False), ("a", True), ("a", True)])

    def test_views_have_the_fields_that_clients_read(self) -> None:
        pipeline = self.project.pipelines()[0]
        self.assertLessEqual({"id", "iid", "project_id", "sha", "ref", "status", "source", "created_at", "updated_at",
                              "web_url"}, set(pipeline))
        job, = self.project.jobs(pipeline["id"])
        self.assertLessEqual({"id", "name", "stage", "status", "ref", "tag", "allow_failure", "created_at", "started_at",
                              "finished_at", "duration", "queued_duration", "commit", "pipeline", "web_url", "artifacts",
                              "tag_list"}, set(job))
        self.assertEqual(job["pipeline"]["id"], pipeline["id"])
        self.assertRegex(job["finished_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertGreater(job["duration"], 0)

    def test_states_that_forbid_an_action(self) -> None:
        pipeline = self.project.pipelines()[0]["id"]
        job = self.project.job(pipeline, "hello")["id"]
        played = self.project.api("POST", f"/jobs/{job}/play", {}, 0)
        self.assertIn("Unplayable Job", played["message"])
        again = self.project.api("POST", f"/jobs/{job}/retry", {}, 201)
        self.assertNotEqual(again["id"], job)
        self.assertIn("not retryable", self.project.api("POST", f"/jobs/{job}/retry", {}, 0)["message"])
        self.project.pipeline(pipeline, "success")
        # A pipeline that is over stays as it is.
        self.assertEqual(self.project.api("POST", f"/pipelines/{pipeline}/cancel", {}, 200)["status"], "success")

    def test_who_may_ask(self) -> None:
        other = self.server.project("e2e/api3")
        path = f"/api/v4/projects/{self.project.id}/pipelines"
        for headers, status in (({}, 401), ({"PRIVATE-TOKEN": "wrong"}, 401), ({"PRIVATE-TOKEN": other.token}, 404),
                                ({"PRIVATE-TOKEN": self.trigger_token}, 404), ({"PRIVATE-TOKEN": self.project.token}, 200),
                                ({"Authorization": f"Bearer {self.project.token}"}, 200)):
            self.assertEqual(self.server.call("GET", path, headers=headers).status, status, headers)
        self.assertEqual(self.server.call("GET", path.replace("pipelines", "jobs/999999"),
                                          headers={"PRIVATE-TOKEN": self.project.token}).status, 404)
        by_path = self.server.call("GET", "/api/v4/projects/e2e%2Fapi", headers={"PRIVATE-TOKEN": self.project.token})
        self.assertEqual(by_path.json()["id"], self.project.id)

    def test_python_gitlab_is_content(self) -> None:
        try:
            import gitlab
        except ImportError:
            self.skipTest("python-gitlab is not here: apt install python3-gitlab")
        client = gitlab.Gitlab(f"http://127.0.0.1:{self.server.port}", private_token=self.project.token)
        project = client.projects.get("e2e/api")
        pipeline = project.pipelines.create({"ref": "main", "variables": [{"key": "WHO", "value": "client"}]})
        self.project.pipeline(pipeline.id, "success")
        pipeline.refresh()
        self.assertEqual(pipeline.status, "success")
        job = project.jobs.get(pipeline.jobs.list(get_all=True)[0].id)
        self.assertIn(b"hello client", job.trace())
        triggered = project.trigger_pipeline("main", self.trigger_token, variables={"WHO": "trigger"})
        self.project.pipeline(triggered.id, "success")
        self.assertGreaterEqual(len(project.pipelines.list(iterator=False, get_all=True, per_page=2)), 3)
        project.variables.create({"key": "FROM_CLIENT", "value": "some value"})
        self.assertEqual(project.variables.list(get_all=True)[0].key, "FROM_CLIENT")
        project.variables.delete("FROM_CLIENT")
        job.retry()
        self.project.pipeline(pipeline.id, "success")


class Sharing(WithServer):
    """Jobs that keep out of each other's way, and pipelines that a newer one makes redundant."""

    def signal(self, name: str) -> tuple[str, str]:
        """A script line that waits for a file, and the shell line that makes it. The folder outlives the job."""
        file = self.folder.path / name
        return f"until [ -e {file} ]; do sleep 0.05; done", str(file)

    def status(self, project: Project, pipeline: int, job: str) -> str:
        return project.job(pipeline, job)["status"]

    def test_a_resource_group_has_one_job_at_a_time(self) -> None:
        project = self.server.project("e2e/resource")
        mark = self.folder.path / "busy"
        config = f"""
deploy:
  parallel: 3
  resource_group: live
  script: ["mkdir {mark}", "sleep 0.1", "rmdir {mark}"]
"""
        first = project.pipeline_of(project.push({".gitlab-ci.yml": config}))["id"]
        second = project.api("POST", "/pipeline", {"ref": "main"})["id"]
        for pipeline in (first, second):
            project.pipeline(pipeline, "success")
        self.assertEqual([j["name"] for j in project.jobs(first)], ["deploy 1/3", "deploy 2/3", "deploy 3/3"])

    def test_the_process_mode_says_who_is_next(self) -> None:
        project = self.server.project("e2e/modes")
        wait, file = self.signal("modes-go")
        config = f"deploy:\n  resource_group: live\n  script: ['{wait}']\n"
        pipelines = [project.pipeline_of(project.push({".gitlab-ci.yml": config}))["id"]]
        until("it runs", lambda: self.status(project, pipelines[0], "deploy") == "running")
        pipelines += [project.api("POST", "/pipeline", {"ref": "main"})["id"] for _ in range(2)]
        for pipeline in pipelines[1:]:
            until("it waits", lambda: self.status(project, pipeline, "deploy") == "waiting_for_resource")
        self.assertEqual([g["key"] for g in project.api("GET", "/resource_groups")], ["live"])
        project.api("PUT", "/resource_groups/live", {"process_mode": "sometimes"}, 400)
        project.api("PUT", "/resource_groups/other", {"process_mode": "newest_first"}, 404)
        changed = project.api("PUT", "/resource_groups/live", {"process_mode": "newest_first"})
        self.assertEqual(changed["process_mode"], "newest_first")
        open(file, "w").close()
        for pipeline in pipelines:
            project.pipeline(pipeline, "success")
        started = [project.job(p, "deploy")["started_at"] for p in pipelines]
        self.assertEqual(sorted(started), [started[0], started[2], started[1]], "the newest was not next")

    def test_a_newer_commit_cancels_what_may_be_interrupted(self) -> None:
        project = self.server.project("e2e/redundant")
        wait, file = self.signal("redundant-go")
        config = f"slow:\n  interruptible: true\n  script: ['{wait}']\n"
        first = project.pipeline_of(project.push({".gitlab-ci.yml": config}))["id"]
        until("it runs", lambda: self.status(project, first, "slow") == "running")
        second = project.pipeline_of(project.push({".gitlab-ci.yml": config, "new": "1"}))["id"]
        project.pipeline(first, "canceled")
        # What has begun and is not interruptible holds the whole pipeline.
        open(file, "w").close()
        project.pipeline(second, "success")
        wait, file = self.signal("firm-go")
        firm = f"slow: {{ script: ['{wait}'] }}\nlater: {{ stage: deploy, interruptible: true, script: [echo] }}\n"
        third = project.pipeline_of(project.push({".gitlab-ci.yml": firm}))["id"]
        until("it runs", lambda: self.status(project, third, "slow") == "running")
        fourth = project.pipeline_of(project.push({".gitlab-ci.yml": ONE_JOB}))["id"]
        project.pipeline(fourth, "success")
        open(file, "w").close()
        project.pipeline(third, "success")

    def test_the_first_failure_may_end_the_pipeline(self) -> None:
        project = self.server.project("e2e/failfast")
        wait, _ = self.signal("never")
        config = f"""
workflow: {{ auto_cancel: {{ on_job_failure: all }} }}
bad: {{ script: ['false'] }}
slow: {{ script: ['{wait}'] }}
after: {{ stage: deploy, script: [echo] }}
"""
        pipeline = project.pipeline_of(project.push({".gitlab-ci.yml": config}))["id"]
        project.pipeline(pipeline, "failed")
        self.assertEqual({j["name"]: j["status"] for j in project.jobs(pipeline)},
                         {"bad": "failed", "slow": "canceled", "after": "canceled"})

    def test_artifacts_of_another_pipeline_and_project(self) -> None:
        lib = self.server.project("e2e/lib")
        made = lib.pipeline_of(lib.push({".gitlab-ci.yml": "make:\n  script: ['echo made > lib.txt']\n"
                                                           "  artifacts: { paths: [lib.txt] }\n"}))["id"]
        lib.pipeline(made, "success")
        use = ("use:\n  script: ['cat lib.txt']\n  needs: [{project: %s, ref: main, job: make}]\n")
        user = self.server.project("e2e/user")
        pipeline = user.pipeline_of(user.push({".gitlab-ci.yml": use % "e2e/lib"}))["id"]
        user.pipeline(pipeline, "success")
        self.assertIn("made", user.trace(user.job(pipeline, "use")["id"]))
        stranger = self.server.project("strangers/user")
        pipeline = stranger.pipeline_of(stranger.push({".gitlab-ci.yml": use % "e2e/lib"}))["id"]
        stranger.pipeline(pipeline, "failed")
        self.assertEqual(stranger.job(pipeline, "use")["failure_reason"], "missing_dependency_failure")
        again = "again:\n  script: ['cat lib.txt']\n  needs: [{pipeline: $FROM, job: make}]\n"
        lib.push({".gitlab-ci.yml": again}, "again")
        pipeline = lib.api("POST", "/pipeline", {"ref": "again", "variables[FROM]": str(made)})["id"]
        lib.pipeline(pipeline, "success")
        self.assertIn("made", lib.trace(lib.job(pipeline, "again")["id"]))


story.add_tests(Pipelines, 10, 19)

if __name__ == "__main__":
    unittest.main()
