"""Reads the live graph in a loop with Neo4j's own driver, and prints each answer that it has not had before.

    driver_reader.py GRAPH STOPFILE      until STOPFILE is there; the last line is "reads N"

The server from NEO4J_BOLT_URL, NEO4J_USER, NEO4J_PASSWORD. An answer is "<how> <nodes> <edges> <stamps>"; what fails is an
answer too. It keeps the rule for readers: Active.version is taken once.
"""
import os
import sys
from pathlib import Path

import neo4j

VERSION = "MATCH (a:Active {name: $name}) WITH a.version AS version "
COUNTS = """
OPTIONAL MATCH (n:GraphNode {version: version})
WITH version, count(n) AS nodes, collect(DISTINCT n.stamp) AS stamps
OPTIONAL MATCH (:GraphNode {version: version})-[e:PREREQUISITE_OF]->(:GraphNode {version: version})
RETURN nodes, count(e) AS edges, stamps
"""
PATH = """
MATCH (s:GraphNode {version: version, uid: 'u0'})
OPTIONAL MATCH p = (s)-[:PREREQUISITE_OF*]->(n)
WITH s, n, length(p) AS steps ORDER BY steps
RETURN count(n) + 1 AS nodes, max(steps) AS edges, collect(DISTINCT s.stamp) + collect(DISTINCT n.stamp) AS stamps
"""
LEARNER = """
MATCH (:TgTestLearner {name: $name})-[:MASTERED]->(c:GraphConcept {name: $name})
OPTIONAL MATCH (n:GraphNode {version: version, uid: c.uid})
RETURN count(n) AS nodes, count(c) AS edges, collect(DISTINCT n.stamp) AS stamps
"""


def row(record: neo4j.Record | None) -> str:
    if record is None:
        return "nothing"
    return f"{record['nodes']} {record['edges']} {','.join(sorted(set(record['stamps'])))}"


def one_statement(session: neo4j.Session, question: str, name: str) -> str:
    return row(session.execute_read(lambda tx: tx.run(VERSION + question, name=name).single()))


def two_statements(session: neo4j.Session, name: str) -> str:
    """The version first, then the question with it, in transactions of their own: a swap may come between."""
    version = session.run("MATCH (a:Active {name: $name}) RETURN a.version", name=name).single()[0]
    return row(session.run("WITH $version AS version " + COUNTS, version=version).single())


def main() -> None:
    name, stop = sys.argv[1], Path(sys.argv[2])
    auth = (os.environ["NEO4J_USER"], os.environ["NEO4J_PASSWORD"])
    ways = {
        "whole": lambda session: one_statement(session, COUNTS, name),
        "path": lambda session: one_statement(session, PATH, name),
        "learner": lambda session: one_statement(session, LEARNER, name),
        "twice": lambda session: two_statements(session, name),
    }
    seen: set[str] = set()
    reads = 0
    with neo4j.GraphDatabase.driver(os.environ["NEO4J_BOLT_URL"], auth=auth) as driver, driver.session() as session:
        while not stop.exists():
            for how, ask in ways.items():
                answer = f"{how} {ask(session)}"
                reads += 1
                if answer not in seen:
                    seen.add(answer)
                    print(answer, flush=True)
    print(f"reads {reads}", flush=True)


if __name__ == "__main__":
    main()
