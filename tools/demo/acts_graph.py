"""Acts 4 and 5: the graph flow, and a client that reads all the while."""

from __future__ import annotations

import hashlib
import json
import threading
import time

from act import SHORT, Act
from acts_training import GRAPH_JOBS
from parts import Neo4j, PartError
from watch import plain


class Reader(threading.Thread):
    """Asks the live graph for its version, nodes and edges, one read after another, and keeps every different answer."""

    def __init__(self, neo4j: Neo4j):
        super().__init__(daemon=True)
        self._neo4j = neo4j
        self._ended = threading.Event()
        self.reads = 0
        self.answers: list[tuple] = []  # in the order they were first seen, again when they come back
        self.errors: list[str] = []

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                answer = self._neo4j.counts("curriculum") or ("nothing", 0, 0)
            except (PartError, OSError) as error:
                self.errors.append(str(error))
                time.sleep(0.1)
                continue
            self.reads += 1
            if not self.answers or self.answers[-1] != answer:
                self.answers.append(answer)

    def end(self) -> None:
        self._ended.set()
        self.join(10)


def new_curriculum(act: Act) -> None:
    s = act.setting
    file = s.curriculum_object("roadmap-v2")
    roadmap = json.loads(file.read_text())
    before, old = act.everything(), s.neo4j.counts("curriculum")
    reader = Reader(s.neo4j)
    reader.start()
    act.terminal.step(f"a client reads the graph without pause: {old[1]} nodes, {old[2]} edges")
    try:
        version = act.landed("curriculum", "curriculum/roadmap-v2.json", file)
        time.sleep(0.5)  # some reads after all is done
    finally:
        reader.end()
    act.same(version["state"], "live", f"curriculum/{version['number']} went live")
    act.same(act.jobs(version["pipeline"]), dict.fromkeys(GRAPH_JOBS, "success"), f"only {', '.join(GRAPH_JOBS)} ran")
    facts = s.neo4j.facts("curriculum")
    act.check(facts["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() and
              facts["commit"] == version["candidate_sha"], f"the pointer names version {facts['id']}, from roadmap-v2.json",
              facts)
    new = (facts["id"], len(roadmap["nodes"]), len(roadmap["edges"]))
    act.same(s.neo4j.counts("curriculum"), new, f"it has {new[1]} nodes and {new[2]} edges, as the file does")
    act.check(reader.reads > 20 and not reader.errors and reader.answers == [old, new],
              f"the client made {reader.reads} reads: the old graph, then the new one; never a mixture, never nothing",
              f"answers {reader.answers}\nerrors {reader.errors[:3]}")
    act.same(s.main(), version["candidate_sha"], "main was fast-forwarded to the candidate")
    digest = s.registry.digest(act.image("graph"), version["candidate_sha"][:SHORT])
    act.same(act.latest("graph"), digest, f"latest of graph moved to {str(digest)[7:19]}")
    act.check(act.live_graph_release() != before["live graph release"], "the graph host's venv was released anew")
    act.unchanged(before, ["live releases", "latest of training", "MLflow's configuration"],
                  "the training flow was not touched")


def bad_curriculum(act: Act) -> None:
    s = act.setting
    before = act.everything()
    version = act.landed("curriculum", "curriculum/roadmap-broken.json", s.curriculum_object("roadmap-broken"))
    act.same(version["state"], "rejected", f"curriculum/{version['number']} was rejected")
    jobs = s.api.jobs(version["pipeline"])
    act.same({j["name"]: j["status"] for j in jobs if j["name"] != "deploy_graph"},
             {"build_graph": "success", "test_graph": "failed"}, "test_graph failed")
    log = plain(s.api.trace(next(j["id"] for j in jobs if j["name"] == "test_graph")))
    told = [line.strip() for line in log.splitlines()
            if ("cycle" in line and "math:quadratic-equation" in line) or "math:matrix-multiplication" in line]
    for line in told[:4]:
        act.terminal.note(line[:170])
    act.check(any("cycle" in line and "math:expansion-formulas" in line for line in told),
              "the cycle is named: quadratic-equation and expansion-formulas need each other", log[-1500:])
    act.check(any("math:matrix-multiplication" in line for line in told),
              "the dangling reference is named: matrix-multiplication", log[-1500:])
    said = s.cli("data", "show", f"curriculum/{version['number']}")
    act.check("roadmap-broken.json" in said and "test_graph" in said and ("cycle" in said or "matrix" in said),
              "`tidegate data show` says so too", said)
    act.unchanged(before, list(before), "the graph is unchanged, node for node; so are main, latest and the releases")
    act.gone_branches()
