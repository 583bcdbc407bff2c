"""Is the bound roadmap sound, and does the code that judges and loads it do what it says?

These tests run in the image that will be released, on the exact object that the commit is bound to. Whether the graph
made from it answers the golden queries is judged by ``tidegate load``, in Neo4j, before that graph goes live.
"""

from __future__ import annotations

import copy
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import json_to_neo4j
import roadmap
from data_access import DataError, read_object
from json_to_neo4j import GraphError, Neo4j

FEWEST_STANDARDS = 150


@pytest.fixture(scope="session")
def bound() -> roadmap.Roadmap | roadmap.RoadmapError:
    try:
        return roadmap.parse(read_object("curriculum", json_to_neo4j.ROADMAP_PATH))
    except roadmap.RoadmapError as error:
        return error


@pytest.fixture
def graph(bound) -> roadmap.Roadmap:
    # test_roadmap_is_sound fails then, and once is enough to say it.
    if isinstance(bound, roadmap.RoadmapError):
        pytest.skip("the bound roadmap is not sound")
    return bound


def test_roadmap_is_sound(bound):
    if isinstance(bound, roadmap.RoadmapError):
        pytest.fail(f"{json_to_neo4j.ROADMAP_PATH} is not a sound roadmap:\n{bound}", pytrace=False)


def test_roadmap_is_not_a_fragment(graph):
    labels = Counter(node["label"] for node in graph.nodes)
    assert labels["Standard"] >= FEWEST_STANDARDS
    assert labels["Subject"] == 1 and labels["Domain"] >= 2 and labels["GradeBand"] >= 2


def test_most_standards_build_on_others(graph):
    rests = {edge["to"] for edge in graph.edges if edge["type"] == "PREREQUISITE_OF"}
    bands = sorted({node["grade_band"] for node in graph.standards()})
    loose = [node["uid"] for node in graph.standards() if node["grade_band"] > bands[0] and node["uid"] not in rests]
    assert not loose, f"nothing has to be known before {loose[:5]}"


def test_code_names_the_grade_band(graph):
    wrong = [node["code"] for node in graph.standards() if not node["code"].startswith(f"[{node['grade_band']}수")]
    assert not wrong, f"code and grade_band disagree: {wrong[:5]}"


def test_golden_queries_speak_of_standards_that_exist(graph):
    known = {node["uid"] for node in graph.nodes}
    golden = json_to_neo4j.read_golden()
    named = {value for query in golden for value in _texts(query) if value.startswith("math:")}
    assert named and named <= known, f"golden.json names {sorted(named - known)}"
    assert json_to_neo4j.ASKED in known
    assert all("$version" in query["statement"] for query in golden), "a golden query must ask one version only"


def _texts(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


# From here on: the code that judges the roadmap, tested on small ones made here.


def small() -> dict:
    standards = [{"uid": f"s{i}", "label": "Standard", "code": f"[{band}수01-0{i}]", "text": "…", "grade_band": band}
                 for i, band in enumerate((2, 2, 4), start=1)]
    edges = [{"type": "HAS_STANDARD", "from": "d", "to": node["uid"]} for node in standards]
    edges += [{"type": "PREREQUISITE_OF", "from": a, "to": b, "strength": 1.0} for a, b in (("s1", "s2"), ("s2", "s3"))]
    return {"nodes": [{"uid": "d", "label": "Domain"}, *standards], "edges": edges}


def faults_of(whole: object) -> list[str]:
    with pytest.raises(roadmap.RoadmapError) as caught:
        roadmap.parse(whole if isinstance(whole, bytes) else json.dumps(whole).encode())
    return caught.value.faults


def changed(change) -> dict:
    whole = copy.deepcopy(small())
    change(whole)
    return whole


def edge(start: str, end: str, kind: str = "PREREQUISITE_OF", **properties) -> dict:
    return {"type": kind, "from": start, "to": end, **properties}


def test_small_roadmap_is_sound():
    assert len(roadmap.parse(json.dumps(small()).encode()).standards()) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w["edges"].append(edge("ghost", "s3")), "there is no node 'ghost'"),
        (lambda w: w["edges"].append(edge("s2", "s1")), "prerequisite cycle: s1 -> s2 -> s1"),
        (lambda w: w["edges"].append(edge("s1", "s1")), "prerequisite cycle: s1 -> s1"),
        (lambda w: w["edges"].append(edge("s1", "s2")), "duplicate edge PREREQUISITE_OF 's1' -> 's2'"),
        (lambda w: w["edges"].append(edge("d", "s1")), "joins a Domain and a Standard"),
        (lambda w: w["edges"].append(edge("s1", "d", "HAS_STANDARD")), "leads to a Domain"),
        (lambda w: w["edges"].append(edge("s1", "s3", "KNOWS")), "type 'KNOWS' is not one of"),
        (lambda w: w["edges"].append(edge("s1", "s3", strength=[1])), "property 'strength' is neither"),
        (lambda w: w["edges"].append({"type": "NEXT"}), "edge 5: has no from and to"),
        (lambda w: w["edges"].pop(0), "standard 's1' belongs to nothing"),
        (lambda w: w["nodes"].append(w["nodes"][1] | {"uid": "d"}), "duplicate uid 'd'"),
        (lambda w: w["nodes"][2].update(code="[2수01-01]"), "duplicate code [2수01-01]: 's1' and 's2'"),
        (lambda w: w["nodes"][2].update(code="2수01-01"), "code '2수01-01' is not of the form"),
        (lambda w: w["nodes"][2].update(text=" "), "has no text"),
        (lambda w: w["nodes"][2].update(grade_band="2"), "grade_band '2' is not a whole number"),
        (lambda w: w["nodes"][2].update(grade_band=6), "comes from the later grade band 6 into 4"),
        (lambda w: w["nodes"][0].update(label="Admin) DETACH DELETE (n"), "is not one of Subject"),
        (lambda w: w["nodes"][0].update({"a b": 1}), "'a b' cannot be the name of a property"),
        (lambda w: w["nodes"][0].update(version="x"), "'version' cannot be the name of a property"),
        (lambda w: w["nodes"][0].pop("uid"), "node 0: has no uid"),
    ],
)
def test_fault_is_named(change, says):
    assert any(says in fault for fault in faults_of(changed(change))), faults_of(changed(change))


def test_cycle_and_dangling_reference_are_both_named():
    def spoil(whole):
        whole["nodes"][3]["grade_band"] = 2
        whole["edges"] += [edge("s3", "s1"), edge("ghost", "s2")]

    told = faults_of(changed(spoil))
    assert "prerequisite cycle: s1 -> s2 -> s3 -> s1" in told and any("ghost" in fault for fault in told)


def test_two_cycles_are_two_faults():
    told = faults_of(changed(lambda w: w["edges"].extend([edge("s2", "s1"), edge("s3", "s3")])))
    assert sum(fault.startswith("prerequisite cycle") for fault in told) == 2


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"nodes": []}', b'{"nodes": {}, "edges": []}', b"\xff", b"[" * 10**5]
)
def test_file_that_is_no_roadmap(data):
    assert len(faults_of(data)) == 1


class FakeNeo4j(BaseHTTPRequestHandler):
    """Answers each request with what the test put into ``server.answers``, first come first."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        status, answer = self.server.answers.pop(0)
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def fake(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), FakeNeo4j)
    server.answers, server.asked = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NEO4J_HTTP_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("NEO4J_USER", "reader")
    monkeypatch.setenv("NEO4J_PASSWORD", "pass:word")
    monkeypatch.delenv("NEO4J_DATABASE", raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def rows(*values: list) -> tuple[int, dict]:
    return 202, {"data": {"fields": [], "values": list(values)}}


def test_statement_and_login_reach_neo4j(fake):
    fake.answers = [rows([1])]
    assert Neo4j.from_environment().run("RETURN $x", x=1) == [[1]]
    path, login, body = fake.asked[0]
    assert path == "/db/neo4j/query/v2" and login == "Basic cmVhZGVyOnBhc3M6d29yZA=="
    assert body == {"statement": "RETURN $x", "parameters": {"x": 1}}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((202, {"errors": [{"code": "Neo.ClientError.X", "message": "no"}]}), "Neo.ClientError.X: no"),
        ((401, {"errors": [{"code": "Neo.ClientError.Security.Unauthorized", "message": "?"}]}), "Unauthorized"),
        ((502, b""), "502"),
        ((200, b"<html>"), "is not Neo4j"),
    ],
)
def test_refusal_is_an_error_whatever_its_status(fake, answer, says):
    fake.answers = [answer]
    with pytest.raises(GraphError, match=says):
        Neo4j.from_environment().run("RETURN 1")


def test_neo4j_that_is_down_is_an_error(monkeypatch):
    monkeypatch.setenv("NEO4J_HTTP_URL", "http://127.0.0.1:1")
    assert json_to_neo4j.main(["--check"]) == 1


def test_check_before_the_first_graph(fake, capsys):
    fake.answers = [rows([0]), rows()]
    assert json_to_neo4j.main(["--check"]) == 0
    assert "no graph has ever been loaded" in capsys.readouterr().out


def test_check_refuses_a_pointer_that_points_nowhere(fake, capsys):
    fake.answers = [rows([2]), rows([None])]
    assert json_to_neo4j.main(["--check"]) == 1
    assert "points to none" in capsys.readouterr().err


def test_check_refuses_two_live_versions(fake, capsys):
    fake.answers = [rows([2]), rows(["v1"], ["v2"])]
    assert json_to_neo4j.main(["--check"]) == 1
    assert "points to 2 versions" in capsys.readouterr().err


def test_check_refuses_a_graph_without_the_answer(fake, capsys):
    fake.answers = [rows([1]), rows(["v1"]), rows()]
    assert json_to_neo4j.main(["--check"]) == 1
    assert "no standard" in capsys.readouterr().err


def test_answer_that_mixes_versions_is_refused(fake):
    fake.answers = [rows(["v2", "u", "c", "t", [{"uid": "a", "version": "v1"}]])]
    with pytest.raises(GraphError, match="mixes versions"):
        json_to_neo4j.ask(Neo4j.from_environment(), "u")


def test_golden_queries_are_compared_row_by_row(fake):
    golden = [{"name": "exact", "statement": "A", "expect": [[1], [2]]},
              {"name": "some", "statement": "B", "parameters": {"p": 7}, "expect_contains": [["x"], ["y"]]}]
    fake.answers = [rows([2], [1]), rows(["x"], ["z"])]
    told = json_to_neo4j.golden_faults(Neo4j.from_environment(), "v9", golden)
    assert told == ["exact: answers [[2], [1]], not [[1], [2]]", "some: lacks ['y']"]
    assert [body["parameters"] for _, _, body in fake.asked] == [{"version": "v9"}, {"version": "v9", "p": 7}]


def test_missing_roadmap_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TIDEGATE_DATA_CURRICULUM", str(tmp_path / "gone.json"))
    with pytest.raises(DataError, match="gone.json"):
        read_object("curriculum", json_to_neo4j.ROADMAP_PATH)
