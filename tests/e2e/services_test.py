"""What a job asks of the server beside running: environments, releases, coverage, tokens, secrets, reports, tags."""
import base64
import json
import unittest

from harness import Folder, Server, until

PIPELINE = """
deploy:
  variables: {TAG: "v1-$CI_COMMIT_REF_SLUG"}
  script:
    - echo "TOTAL 12%"
    - echo "TOTAL 87.5%"
    - 'echo "HOST=x.example.com" > vars.env'
    - echo "<testsuite/>" > junit.xml
    - 'test "$DB" = "s3cret-of-the-project"'
    - echo "token=$TOKEN" | base64
  coverage: '/TOTAL (\\d+\\.?\\d*%)/'
  id_tokens: {TOKEN: {aud: https://vault.example.com}}
  secrets: {DB: {vault: team/db/password, file: false}}
  hooks: {pre_get_sources_script: [echo before the sources]}
  environment: {name: review/$CI_COMMIT_REF_SLUG, url: "https://$HOST/app", on_stop: stop, auto_stop_in: 1 day}
  artifacts:
    paths: [vars.env]
    access: none
    reports: {dotenv: vars.env, junit: junit.xml}
  release:
    tag_name: $TAG
    tag_message: the first
    description: notes.md
    assets: {links: [{name: page, url: "https://example.com"}]}
  rules: [{if: '$CI_COMMIT_BRANCH && $CI_PIPELINE_SOURCE == "push"'}]

stop:
  script: ['echo stopped']
  when: manual
  manual_confirmation: Really?
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: stop}
  rules: [{if: '$CI_COMMIT_BRANCH && $CI_PIPELINE_SOURCE == "push"', when: manual, allow_failure: true}]

tagged:
  script: ['echo of a tag']
  rules: [{if: $CI_COMMIT_TAG}]

elsewhere:
  script: ['echo never']
  tags: [a-runner-that-nobody-has]
  rules: [{if: '$CI_PIPELINE_SOURCE == "api"'}]
"""


def payload(token: str) -> dict:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("services")
        secrets = cls.folder.path / "secrets"
        (secrets / "e2e" / "services").mkdir(parents=True)
        (secrets / "e2e" / "services" / "DB").write_text("s3cret-of-the-project\n")
        runner = f"executor: shell, tags: [here], secrets: {secrets}"
        cls.server = Server(cls.folder.path, runner=runner).start()
        cls.project = cls.server.project("e2e/services")
        cls.project.push({".gitlab-ci.yml": "none: {script: x, rules: [{when: never}]}\n"})
        cls.sha = cls.project.push({".gitlab-ci.yml": PIPELINE, "notes.md": "What is new.\n"})
        cls.pipeline = cls.project.pipeline_of(cls.sha)["id"]
        until("the deployment has ended", lambda: cls.project.job(cls.pipeline, "deploy")["status"] in ("success", "failed"))
        cls.job = cls.project.job(cls.pipeline, "deploy")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        cls.folder.remove()

    def test_the_job_has_what_it_asked_for(self) -> None:
        log = self.project.trace(self.job["id"])
        self.assertEqual(self.job["status"], "success", log)
        self.assertEqual(self.job["coverage"], 87.5)
        self.assertEqual(self.project.pipeline(self.pipeline)["coverage"], "87.50")
        self.assertLess(log.index("before the sources"), log.index("TOTAL"))
        self.assertNotIn("s3cret-of", log)
        self.assertEqual({a["file_type"] for a in self.job["artifacts"]}, {"archive", "dotenv", "junit"})
        path = f"/api/v4/projects/{self.project.id}/jobs/{self.job['id']}/artifacts"
        headers = {"PRIVATE-TOKEN": self.project.token}
        self.assertEqual(self.server.call("GET", path, headers=headers).status, 403)

    def test_the_token_is_of_this_job_and_checked_by_the_published_key(self) -> None:
        log = self.project.trace(self.job["id"])
        lines = log[log.index("base64\x1b[0;m\n"):].split("\n")[1:]
        text = ""
        for line in lines:
            if not line or not all(c.isalnum() or c in "+/=" for c in line):
                break
            text += line
        token = base64.b64decode(text).decode().removeprefix("token=").strip()
        claims = payload(token)
        self.assertEqual(claims["sub"], "project_path:e2e/services:ref_type:branch:ref:main")
        self.assertEqual((claims["aud"], claims["job_id"]), ("https://vault.example.com", str(self.job["id"])))
        discovery = self.server.call("GET", "/.well-known/openid-configuration").json()
        self.assertEqual(discovery["issuer"], claims["iss"])
        keys = self.server.call("GET", "/oauth/discovery/keys").json()["keys"]
        header = token.split(".")[0]
        self.assertEqual(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"], keys[0]["kid"])

    def test_the_release_has_a_tag_with_its_pipeline(self) -> None:
        releases = self.project.api("GET", "/releases")
        self.assertEqual([(r["tag_name"], r["description"], r["commit"]["id"]) for r in releases],
                         [("v1-main", "What is new.\n", self.sha)])
        self.assertEqual(self.project.api("GET", "/releases/v1-main")["assets"]["links"][0]["name"], "page")
        until("the tag has a pipeline", lambda: any(p["tag"] and p["ref"] == "v1-main" for p in self.project.pipelines()))

    def test_the_environment_is_stopped_by_its_job(self) -> None:
        environments = self.project.api("GET", "/environments")
        self.assertEqual([(e["name"], e["state"], e["external_url"]) for e in environments],
                         [("review/main", "available", "https://x.example.com/app")])
        self.assertTrue(environments[0]["auto_stop_at"])
        path = f"/environments/{environments[0]['id']}"
        deployments = self.project.api("GET", "/deployments?environment=review/main")
        self.assertEqual([(d["status"], d["sha"]) for d in deployments], [("success", self.sha)])
        self.project.api("DELETE", path, expect=409)
        self.assertEqual(self.project.job(self.pipeline, "stop")["manual_confirmation_message"], "Really?")
        self.assertEqual(self.project.api("POST", path + "/stop", {})["state"], "stopping")
        until("it is stopped", lambda: self.project.api("GET", path)["state"] == "stopped")
        self.assertEqual(self.project.job(self.pipeline, "stop")["status"], "success")
        self.assertEqual(self.project.api("POST", path + "/stop", {})["state"], "stopped")

    def test_a_deleted_branch_stops_its_environment(self) -> None:
        project = self.server.project("e2e/branches")
        text = PIPELINE.replace("secrets: {DB: {vault: team/db/password, file: false}}", "variables: {DB: s3cret-of-the-project}")
        text = text.replace('  variables: {TAG: "v1-$CI_COMMIT_REF_SLUG"}\n', "").replace("$TAG", "v1-side")
        sha = project.push({".gitlab-ci.yml": text, "notes.md": "x"}, "side")
        pipeline = project.pipeline_of(sha)["id"]
        until("it is deployed", lambda: project.job(pipeline, "deploy")["status"] == "success")
        project.git("push", "-q", "origin", ":refs/heads/side")
        until("it is stopped", lambda: project.api("GET", "/environments")[0]["state"] == "stopped")
        self.assertEqual(project.job(pipeline, "stop")["status"], "success")

    def test_a_job_waits_for_a_runner_with_its_tags(self) -> None:
        made = self.project.api("POST", "/pipeline", {"ref": "main"}, 201)["id"]
        until("it was looked at", lambda: "no runner has all of its tags" in self.server.tail())
        self.assertEqual(self.project.job(made, "elsewhere")["status"], "pending")
        self.project.api("POST", f"/pipelines/{made}/cancel", {})


if __name__ == "__main__":
    unittest.main()
