"""Registry, MLflow, training host, Neo4j: each down when its turn comes, and back again.

What must hold: the job's log, `tidegate data show` and `tidegate releases` say what is down; branch, `latest`, live
releases and graph are as before; when the part is back the same work goes on, or, when it was given up, starts cleanly.
Needs the lab; each part is behind a proxy of the test's own (lab.py), so the lab itself stays up.
"""
import unittest

from flow import Flow
from harness import until


class Outage(Flow):
    # --- the registry ---

    def test_registry_down_when_the_image_is_pushed(self) -> None:
        """`docker push` is the script's own command: its failure is the job's, and the version's."""
        self.make()
        before = self.state()
        self.hold("push")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.lab.registry_proxy.down()
        self.let_go("push")
        view = self.project.version("training", 1, "rejected")
        self.assertIn("deploy", view["reason"])
        self.assertIn("connection refused", self.log(version, "deploy"))
        self.assertIn("connection refused", self.show(version))
        self.lab.registry_proxy.up()
        self.rejected(version, before)
        self.land("training", "b.jsonl", "b")
        self.live(self.running("training", 2, "deploy"), before)

    def test_registry_down_when_the_release_is_pulled(self) -> None:
        self.make()
        before = self.state()
        self.hold("deploy")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.wait_log(version, "deploy", "at deploy")
        self.lab.registry_proxy.down()
        self.let_go("deploy")
        self.wait_log(version, "deploy", "connection refused", "trying again")
        self.assertIn("connection refused", self.show(version))
        self.assertIn("connection refused", self.cli("releases").stdout)
        self.assertEqual(self.job(version, "deploy")["status"], "running")
        self.assertEqual(self.state(), before)
        self.lab.registry_proxy.up()
        self.live(version, before)

    def test_registry_down_at_promotion(self) -> None:
        """The branch has moved; `latest` follows when it can, and until then the version says what it waits for."""
        self.make()
        before = self.state()
        self.hold("after")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "after")
        self.lab.registry_proxy.down()
        self.let_go("after")
        until("it says why it waits", lambda: "trying again" in self.project.version("training", 1)["reason"])
        view = self.project.version("training", 1, "promoting")
        self.assertIn("connection refused", view["reason"])
        self.assertIn("connection refused", self.show(version))
        self.assertEqual(self.latest(), before["latest"])
        self.server.kill()
        self.server.start()
        until("it says so again", lambda: "connection refused" in self.project.version("training", 1)["reason"])
        self.lab.registry_proxy.up()
        self.live(version, before)

    # --- MLflow ---

    def test_mlflow_down_before_the_flip(self) -> None:
        self.make()
        before = self.state()
        self.lab.mlflow_proxy.down()
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.wait_log(version, "deploy", "MLflow at", "does not answer", "trying again")
        self.assertIn("does not answer", self.show(version))
        self.assertEqual(self.state(), before)
        self.lab.mlflow_proxy.up()
        self.live(version, before)

    def test_mlflow_down_after_the_flip(self) -> None:
        """A release that cannot say where its runs go is unhealthy: all go back."""
        self.make()
        before = self.state()
        self.hold_on_host("check")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.wait_log(version, "deploy", "flipped to")
        self.assertNotEqual(self.links(), before["links"])
        self.lab.mlflow_proxy.down()
        self.let_go_on_host("check")
        self.wait_log(version, "deploy", "all releases flipped back", "does not answer")
        self.rejected(version, before)
        self.assertIn("does not answer", self.show(version))
        self.lab.mlflow_proxy.up()
        self.land("training", "b.jsonl", "b")
        self.live(self.running("training", 2, "deploy"), before)

    # --- the training host ---

    def test_host_down_before_the_flip(self) -> None:
        self.make()
        before = self.state()
        self.lab.ssh_proxy.down()
        self.refused("releases", "training", says="Connection refused")
        self.refused("rollback", "training", says="Connection refused")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.wait_log(version, "deploy", "Connection refused", "trying again")
        self.assertIn("Connection refused", self.show(version))
        self.assertEqual(self.state(), before)
        self.server.kill()
        self.server.start()
        until("the job runs again", lambda: self.job(version, "deploy")["status"] == "running")
        self.wait_log(version, "deploy", "Connection refused")
        self.lab.ssh_proxy.up()
        self.live(version, before)

    def test_host_down_for_longer_than_the_job_has(self) -> None:
        """Given up: the version is rejected although the host is still away, for nothing was begun there."""
        self.make()
        before = self.state()
        self.patience("6s")
        self.lab.ssh_proxy.down()
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.rejected(version, before)
        self.assertEqual(self.job(version, "deploy")["exit_code"], 124)
        self.assertIn("given up: ", self.show(version))
        self.assertIn("Connection refused", self.cli("releases").stdout)
        self.patience("10m")
        self.lab.ssh_proxy.up()
        self.land("training", "b.jsonl", "b")
        self.live(self.running("training", 2, "deploy"), before)

    def test_host_down_after_the_flip(self) -> None:
        """The same deployment goes on from the host's journal."""
        self.make()
        before = self.state()
        self.hold_on_host("check")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.wait_log(version, "deploy", "flipped to")
        self.lab.ssh_proxy.down()
        self.wait_log(version, "deploy", "ssh to", "trying again")
        self.let_go_on_host("check")
        self.assertEqual(self.project.main(), before["main"])
        self.lab.ssh_proxy.up()
        self.live(version, before)
        self.assertIn("going on with release", self.log(version, "deploy"))

    def test_host_down_after_the_flip_and_given_up(self) -> None:
        """What was flipped and never judged goes back as soon as the host is there; only then it is decided."""
        self.make()
        before = self.state()
        self.hold_on_host("check")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "deploy")
        self.wait_log(version, "deploy", "flipped to")
        self.lab.ssh_proxy.down()
        self.wait_log(version, "deploy", "ssh to", "trying again")
        self.project.api("POST", f"/pipelines/{version['pipeline']}/cancel", {}, 200)
        until("it says what it waits for", lambda: "trying again" in self.project.version("training", 1)["reason"])
        self.assertIn("Connection refused", self.project.version("training", 1, "rolling_back")["reason"])
        self.assertIn("Connection refused", self.show(version))
        self.assertNotEqual(self.links(), before["links"])
        self.let_go_on_host("check")
        self.lab.ssh_proxy.up()
        self.rejected(version, before)
        self.land("training", "b.jsonl", "b")
        self.live(self.running("training", 2, "deploy"), before)

    def test_host_down_when_a_release_is_taken_back(self) -> None:
        self.make()
        before = self.state()
        self.hold("after")
        self.land("training", "a.jsonl", "a")
        version = self.running("training", 1, "after")
        self.assertNotEqual(self.links(), before["links"])
        self.lab.ssh_proxy.down()
        self.project.api("POST", f"/pipelines/{version['pipeline']}/cancel", {}, 200)
        until("it says what it waits for", lambda: "trying again" in self.project.version("training", 1)["reason"])
        self.assertIn("Connection refused", self.project.version("training", 1, "rolling_back")["reason"])
        self.assertEqual(self.project.main(), before["main"])
        self.lab.ssh_proxy.up()
        self.let_go("after")
        self.rejected(version, before)

    # --- Neo4j ---

    def test_neo4j_down_at_the_load(self) -> None:
        self.make()
        first = self.load_graph(1, "a")
        self.project.version("curriculum", 1, "live")
        before = self.state()
        self.assertEqual(self.lab.neo4j.counts(self.name)[1:], (3, 0))
        self.lab.neo4j_proxy.down()
        self.refused("releases", self.name, says="Neo4j")
        version = self.load_graph(2, "b")
        self.wait_log(version, "load", "Neo4j at", "trying again")
        self.assertIn("Neo4j at", self.show(version))
        self.assertEqual(self.state(), before)
        self.lab.neo4j_proxy.up()
        self.live(version, before)
        self.assertEqual(self.lab.neo4j.counts(self.name)[1:], (4, 0))
        self.assertNotEqual(first["number"], version["number"])

    def test_neo4j_down_for_longer_than_the_job_has(self) -> None:
        self.make()
        self.load_graph(1, "a")
        self.project.version("curriculum", 1, "live")
        before = self.state()
        self.patience("6s")
        self.lab.neo4j_proxy.down()
        version = self.load_graph(2, "b")
        self.project.version("curriculum", 2, "rejected")
        self.rejected(version, before)
        self.assertIn("Neo4j at", self.show(version))
        self.patience("10m")
        self.lab.neo4j_proxy.up()
        self.live(self.load_graph(3, "c"), before)

    def test_neo4j_down_when_a_graph_is_taken_back(self) -> None:
        self.make()
        self.load_graph(1, "a")
        self.project.version("curriculum", 1, "live")
        before = self.state()
        self.hold("after")
        version = self.load_graph(2, "b", "after")
        self.assertNotEqual(self.state()["graph"], before["graph"])
        self.lab.neo4j_proxy.down()
        self.project.api("POST", f"/pipelines/{version['pipeline']}/cancel", {}, 200)
        until("it says what it waits for", lambda: "trying again" in self.project.version("curriculum", 2)["reason"])
        self.assertIn("Neo4j at", self.project.version("curriculum", 2, "rolling_back")["reason"])
        self.lab.neo4j_proxy.up()
        self.let_go("after")
        self.rejected(version, before)


if __name__ == "__main__":
    unittest.main()
