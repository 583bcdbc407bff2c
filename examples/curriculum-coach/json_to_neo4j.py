"""Loads the curriculum roadmap that this commit is bound to into Neo4j, and asks the graph that is live.

    python json_to_neo4j.py              load the bound roadmap as a new version and make it the live one
    python json_to_neo4j.py --smoke      can this be run here? (before a release goes live)
    python json_to_neo4j.py --check      does the live graph answer what the coach asks? (after it went live)
    python json_to_neo4j.py --ask UID    what must be known before UID, from the live graph, as JSON

Versions stand side by side in one database: each node carries the id of its version, and ``(:Active {name, version})``,
which also ``-[:POINTS_TO]->(:GraphVersion {id})``, says which one is live. A reader takes the version from that pointer
once, in the same statement as its question, so it sees one version whole. ``tidegate load`` writes the same nodes and
edges; loading by hand is for a database without Tidegate.

The server is named by ``NEO4J_HTTP_URL``, ``NEO4J_USER``, ``NEO4J_PASSWORD`` and, unless it is ``neo4j``,
``NEO4J_DATABASE``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from data_access import DataError, read_object
from roadmap import LABELS, STRUCTURE, TYPES, Roadmap, RoadmapError, parse

ROADMAP_PATH = "s3://team-data/curriculum/roadmap-v1.json"

GRAPH = "curriculum"
GOLDEN = Path(__file__).resolve().with_name("golden.json")
ROWS_AT_ONCE = 2000
# What the check asks for: a standard of the first and of every later roadmap.
ASKED = "math:quadratic-equation"

# The property is read rather than the relationship wherever there is one: setting a property is one write, but while a
# relationship is deleted and made anew, a reader (Neo4j isolates no better than "read committed") may find none.
POINTER = """
MATCH (a:Active {name: $name}) OPTIONAL MATCH (a)-[:POINTS_TO]->(g:GraphVersion)
WITH DISTINCT coalesce(a.version, g.id) AS version
"""

ASK = POINTER + """
MATCH (s:Standard {version: version, uid: $uid})
OPTIONAL MATCH (p:Standard)-[r:PREREQUISITE_OF]->(s)
WITH version, s, p, r ORDER BY r.strength DESC, p.uid
RETURN version, s.uid, s.code, s.text, collect(CASE WHEN p IS NULL THEN null ELSE
  {uid: p.uid, code: p.code, text: p.text, strength: r.strength, version: p.version} END)
"""


class GraphError(Exception):
    """Neo4j refused, cannot be reached, or does not hold what it should."""


class Neo4j:
    """Cypher by Neo4j's HTTP Query API: one statement, one transaction."""

    def __init__(self, url: str, user: str, password: str, database: str = "neo4j"):
        self._url = f"{url.rstrip('/')}/db/{database}/query/v2"
        self._auth = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    @classmethod
    def from_environment(cls) -> "Neo4j":
        url = os.environ.get("NEO4J_HTTP_URL")
        if not url:
            raise GraphError("NEO4J_HTTP_URL is not set; shared/graph.env should set it")
        return cls(url, os.environ.get("NEO4J_USER", "neo4j"), os.environ.get("NEO4J_PASSWORD", ""),
                   os.environ.get("NEO4J_DATABASE", "neo4j"))

    def run(self, statement: str, **parameters) -> list[list]:
        """The rows of the answer; raises GraphError when Neo4j cannot be asked or says no."""
        body = json.dumps({"statement": statement, "parameters": parameters}).encode()
        headers = {"Authorization": self._auth, "Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(self._url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            if not text:
                raise GraphError(f"Neo4j at {self._url} answers {error.code} {error.reason}") from error
        except OSError as error:
            raise GraphError(f"Neo4j at {self._url} cannot be reached: {getattr(error, 'reason', error)}") from error
        try:
            result = json.loads(text)
        except ValueError as error:
            raise GraphError(f"what answers at {self._url} is not Neo4j") from error
        # The status is 202 for a statement that fails, too: only this list tells.
        if result.get("errors"):
            first = result["errors"][0]
            raise GraphError(f"Neo4j refuses: {first.get('code')}: {first.get('message')}")
        return result["data"]["values"]


def live_version(server: Neo4j) -> str | None:
    """The id of the live version; None when this database has never had one."""
    versions = server.run("MATCH (v:GraphVersion {name: $name}) RETURN count(v)", name=GRAPH)[0][0]
    live = [row[0] for row in server.run(POINTER + "RETURN version", name=GRAPH) if row[0] is not None]
    if len(live) > 1:
        raise GraphError(f"the pointer of {GRAPH!r} points to {len(live)} versions")
    if not live and versions:
        raise GraphError(f"{versions} versions of {GRAPH!r} are loaded, but the pointer points to none")
    return live[0] if live else None


def _in_batches(rows: list[dict]) -> list[list[dict]]:
    return [rows[start:start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]


def _properties(item: dict) -> dict:
    return {key: value for key, value in item.items() if key not in STRUCTURE}


def write_version(server: Neo4j, roadmap: Roadmap, version: str) -> None:
    """Puts all nodes and edges beside the live version, and counts them."""
    for label in LABELS:
        server.run(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE (n.version, n.uid) IS UNIQUE")
        # Left by a load that was killed half way.
        server.run(f"MATCH (n:{label} {{version: $version}}) DETACH DELETE n", version=version)
    labels = {node["uid"]: node["label"] for node in roadmap.nodes}
    for label in LABELS:
        rows = [{"uid": node["uid"], "properties": _properties(node)} for node in roadmap.nodes
                if node["label"] == label]
        for batch in _in_batches(rows):
            server.run(f"UNWIND $rows AS row CREATE (n:GraphNode:{label} {{version: $version, uid: row.uid}}) "
                       "SET n += row.properties", rows=batch, version=version)
    kinds = sorted({(edge["type"], labels[edge["from"]], labels[edge["to"]]) for edge in roadmap.edges})
    for kind, start, end in kinds:
        assert kind in TYPES and start in LABELS and end in LABELS
        rows = [{"from": edge["from"], "to": edge["to"], "properties": _properties(edge)} for edge in roadmap.edges
                if (edge["type"], labels[edge["from"]], labels[edge["to"]]) == (kind, start, end)]
        for batch in _in_batches(rows):
            made = server.run(
                f"UNWIND $rows AS row MATCH (a:{start} {{version: $version, uid: row.from}}) "
                f"MATCH (b:{end} {{version: $version, uid: row.to}}) CREATE (a)-[r:{kind}]->(b) "
                "SET r += row.properties RETURN count(r)", rows=batch, version=version)
            if made != [[len(batch)]]:
                raise GraphError(f"{made[0][0]} of {len(batch)} {kind} edges were made")


def make_live(server: Neo4j, version: str, sha256: str) -> None:
    """Moves the pointer, in one transaction."""
    server.run(
        "MERGE (v:GraphVersion {name: $name, id: $version}) SET v.sha256 = $sha256, v.commit = $commit "
        "MERGE (a:Active {name: $name}) SET a.version = $version "
        "WITH a, v OPTIONAL MATCH (a)-[old:POINTS_TO]->() DELETE old WITH DISTINCT a, v CREATE (a)-[:POINTS_TO]->(v)",
        name=GRAPH, version=version, sha256=sha256, commit=os.environ.get("TIDEGATE_COMMIT", ""))


def read_golden(path: Path = GOLDEN) -> list[dict]:
    """The golden queries; raises GraphError when the file does not hold such a list."""
    try:
        golden = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"cannot read {path.name}: {error}") from error
    for query in golden:
        if not {"name", "statement"} <= query.keys() or len({"expect", "expect_contains"} & query.keys()) != 1:
            raise GraphError(f"{path.name}: {query.get('name', query)!r} needs name, statement and one expectation")
    return golden


def golden_faults(server: Neo4j, version: str, golden: list[dict]) -> list[str]:
    """One sentence for each golden query that the version does not answer as it must."""
    found = []
    for query in golden:
        rows = server.run(query["statement"], version=version, **query.get("parameters", {}))
        if "expect" in query and rows != query["expect"]:
            found.append(f"{query['name']}: answers {rows}, not {query['expect']}")
        for row in query.get("expect_contains", []):
            if row not in rows:
                found.append(f"{query['name']}: lacks {row}")
    return found


def ask(server: Neo4j, uid: str) -> dict:
    """What must be known before the standard ``uid``; one statement, so one version of the graph."""
    rows = server.run(ASK, name=GRAPH, uid=uid)
    if not rows:
        raise GraphError(f"the live graph has no standard {uid!r}")
    version, found, code, text, needs = rows[0]
    mixed = {need["version"] for need in needs} - {version}
    if len(rows) > 1 or mixed:
        raise GraphError(f"the answer about {uid!r} mixes versions: {[row[0] for row in rows]} {sorted(mixed)}")
    return {"version": version, "uid": found, "code": code, "text": text, "prerequisites": needs}


def run_load(_: argparse.Namespace) -> None:
    raw = read_object("curriculum", ROADMAP_PATH)
    roadmap = parse(raw)
    sha256 = hashlib.sha256(raw).hexdigest()
    version = sha256[:16]
    server = Neo4j.from_environment()
    if live_version(server) == version:
        print(f"version {version} is live already")
        return
    write_version(server, roadmap, version)
    found = golden_faults(server, version, read_golden())
    if found:
        raise GraphError(f"version {version} is loaded but not made live:\n" + "\n".join(found))
    make_live(server, version, sha256)
    print(f"version {version} is live: {len(roadmap.nodes)} nodes, {len(roadmap.edges)} edges from {ROADMAP_PATH}")


def run_smoke(_: argparse.Namespace) -> None:
    golden = read_golden()
    version = live_version(Neo4j.from_environment())
    print(f"smoke: {len(golden)} golden queries, Neo4j answers, live version: {version or 'none yet'}")


def run_check(_: argparse.Namespace) -> None:
    server, golden = Neo4j.from_environment(), read_golden()
    version = live_version(server)
    if version is None:
        # The very first release comes before the very first graph; afterwards an empty pointer is an error above.
        print("check: no graph has ever been loaded here, so there is nothing to ask")
        return
    answer = ask(server, ASKED)
    if not answer["prerequisites"]:
        raise GraphError(f"nothing has to be known before {ASKED!r}, says the live graph")
    found = golden_faults(server, answer["version"], golden)
    if found:
        raise GraphError(f"live version {answer['version']} fails:\n" + "\n".join(found))
    print(f"check: live version {answer['version']} names {len(answer['prerequisites'])} prerequisites of "
          f"{answer['code']} and answers {len(golden)} golden queries")


def run_ask(options: argparse.Namespace) -> None:
    print(json.dumps(ask(Neo4j.from_environment(), options.ask), ensure_ascii=False))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--smoke", action="store_const", dest="run", const=run_smoke)
    mode.add_argument("--check", action="store_const", dest="run", const=run_check)
    mode.add_argument("--ask", metavar="UID")
    options = parser.parse_args(arguments)
    run = options.run or (run_ask if options.ask else run_load)
    try:
        run(options)
    except RoadmapError as error:
        print(f"{ROADMAP_PATH} is not a sound roadmap:\n{error}", file=sys.stderr)
        return 1
    except (DataError, GraphError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
