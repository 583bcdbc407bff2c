"""A curriculum roadmap as nodes and edges: reading it, and naming everything that is wrong with it.

    {"curriculum": "...", "revision": "2022",
     "nodes": [{"uid": "math:zero", "label": "Standard", "code": "[2수01-05]", "text": "...", ...}, ...],
     "edges": [{"type": "PREREQUISITE_OF", "from": "math:zero", "to": "math:subtract-within-10", "strength": 0.5}, ...]}

``uid`` is for ever; ``code`` belongs to one revision of the curriculum. Labels and types become part of Cypher text,
which takes no parameters there, so nothing outside LABELS and TYPES is let through.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

LABELS = ("Subject", "Domain", "GradeBand", "Standard")
TYPES = ("PREREQUISITE_OF", "HAS_STANDARD", "NEXT")
STRUCTURE = {"uid", "label", "type", "from", "to"}

# [grade band][subject][domain]-[number], as in [4수01-03] or [9사(지리)01-01]
CODE = re.compile(r"\[\d{1,2}[가-힣]+(?:\([가-힣]+\))?(?:\d|[ⅠⅡⅢⅣ])?\d{2}-\d{2}\]")

# A property name becomes a key of a node; one cycle is enough to be shown where there are many.
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CYCLES_SHOWN = 10


@dataclass(frozen=True)
class Roadmap:
    """A roadmap that has been read; whether it is sound is what ``faults`` says."""

    nodes: tuple[dict, ...]
    edges: tuple[dict, ...]

    def standards(self) -> list[dict]:
        return [node for node in self.nodes if node["label"] == "Standard"]


class RoadmapError(Exception):
    """The file is not a roadmap; ``faults`` holds one sentence each."""

    def __init__(self, faults: list[str]):
        self.faults = faults
        super().__init__("\n".join(faults))


def parse(data: bytes) -> Roadmap:
    """Reads and checks; raises RoadmapError that lists all faults when there is one."""
    try:
        whole = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RoadmapError([f"the file is not UTF-8 (byte {error.start})"]) from error
    except (ValueError, RecursionError) as error:
        raise RoadmapError([f"the file is not JSON: {error}"]) from error
    if not isinstance(whole, dict) or any(not isinstance(whole.get(key), list) for key in ("nodes", "edges")):
        raise RoadmapError(['the file is not a JSON object with the lists "nodes" and "edges"'])
    shape = [fault for index, node in enumerate(whole["nodes"]) for fault in _node_shape(index, node)]
    shape += [fault for index, edge in enumerate(whole["edges"]) for fault in _edge_shape(index, edge)]
    if shape:
        raise RoadmapError(shape)
    roadmap = Roadmap(tuple(whole["nodes"]), tuple(whole["edges"]))
    found = faults(roadmap)
    if found:
        raise RoadmapError(found)
    return roadmap


def _properties(where: str, item: dict) -> list[str]:
    found = []
    for key, value in item.items():
        if key in STRUCTURE:
            continue
        if not _PROPERTY.fullmatch(key) or key == "version":
            found.append(f"{where}: {key!r} cannot be the name of a property")
        elif not isinstance(value, (str, int, float, bool)):
            found.append(f"{where}: property {key!r} is neither text nor number nor truth value")
    return found


def _node_shape(index: int, node: object) -> list[str]:
    if not isinstance(node, dict) or not isinstance(node.get("uid"), str) or not node["uid"]:
        return [f"node {index}: has no uid"]
    where = f"node {node['uid']!r}"
    if node.get("label") not in LABELS:
        return [f"{where}: label {node.get('label')!r} is not one of {', '.join(LABELS)}"]
    found = _properties(where, node)
    if node["label"] == "Standard":
        if not isinstance(node.get("code"), str) or not CODE.fullmatch(node["code"]):
            found.append(f"{where}: code {node.get('code')!r} is not of the form [4수01-03]")
        if not isinstance(node.get("text"), str) or not node["text"].strip():
            found.append(f"{where}: has no text")
        if type(node.get("grade_band")) is not int:
            found.append(f"{where}: grade_band {node.get('grade_band')!r} is not a whole number")
    return found


def _edge_shape(index: int, edge: object) -> list[str]:
    if not isinstance(edge, dict) or not all(isinstance(edge.get(end), str) for end in ("from", "to")):
        return [f"edge {index}: has no from and to"]
    where = f"edge {edge['from']!r} -> {edge['to']!r}"
    if edge.get("type") not in TYPES:
        return [f"{where}: type {edge.get('type')!r} is not one of {', '.join(TYPES)}"]
    return _properties(where, edge)


def faults(roadmap: Roadmap) -> list[str]:
    """What is wrong with the graph as a whole, one sentence each; empty when it is sound."""
    by_uid: dict[str, dict] = {}
    found = []
    for node in roadmap.nodes:
        if node["uid"] in by_uid:
            found.append(f"duplicate uid {node['uid']!r}")
        by_uid[node["uid"]] = node
    found += _duplicate_codes(roadmap)
    seen = set()
    for edge in roadmap.edges:
        where = f"{edge['type']} {edge['from']!r} -> {edge['to']!r}"
        dangling = [edge[end] for end in ("from", "to") if edge[end] not in by_uid]
        found += [f"dangling reference: {where}: there is no node {name!r}" for name in dangling]
        if (edge["type"], edge["from"], edge["to"]) in seen:
            found.append(f"duplicate edge {where}")
        seen.add((edge["type"], edge["from"], edge["to"]))
        if not dangling:
            found += _end_faults(edge, by_uid[edge["from"]], by_uid[edge["to"]], where)
    held = {edge["to"] for edge in roadmap.edges if edge["type"] == "HAS_STANDARD"}
    found += [f"standard {node['uid']!r} belongs to nothing" for node in roadmap.standards() if node["uid"] not in held]
    found += ["prerequisite cycle: " + " -> ".join(cycle) for cycle in cycles(roadmap)]
    return found


def _duplicate_codes(roadmap: Roadmap) -> list[str]:
    first: dict[str, str] = {}
    found = []
    for node in roadmap.standards():
        if node["code"] in first:
            found.append(f"duplicate code {node['code']}: {first[node['code']]!r} and {node['uid']!r}")
        first.setdefault(node["code"], node["uid"])
    return found


def _end_faults(edge: dict, start: dict, end: dict, where: str) -> list[str]:
    if edge["type"] == "HAS_STANDARD" and end["label"] != "Standard":
        return [f"{where}: leads to a {end['label']}, not to a Standard"]
    if edge["type"] != "PREREQUISITE_OF":
        return []
    if (start["label"], end["label"]) != ("Standard", "Standard"):
        return [f"{where}: joins a {start['label']} and a {end['label']}, not two Standards"]
    if start["grade_band"] > end["grade_band"]:
        return [f"{where}: comes from the later grade band {start['grade_band']} into {end['grade_band']}"]
    return []


def cycles(roadmap: Roadmap) -> list[list[str]]:
    """Prerequisite cycles, each as the uids along it with the first one again at the end; at most ten."""
    before: dict[str, list[str]] = {}
    for edge in roadmap.edges:
        if edge["type"] == "PREREQUISITE_OF":
            before.setdefault(edge["to"], []).append(edge["from"])
            before.setdefault(edge["from"], [])
    found = []
    while len(found) < _CYCLES_SHOWN:
        left = _without_loose_ends(before)
        if not left:
            break
        cycle = _walk_back(left)
        found.append(cycle)
        before[cycle[1]].remove(cycle[0])
    return found


def _without_loose_ends(before: dict[str, list[str]]) -> dict[str, list[str]]:
    # Whatever can be learnt in some order goes; each node that stays has a prerequisite that stays.
    after: dict[str, list[str]] = {}
    waiting = {uid: len(needs) for uid, needs in before.items()}
    for uid, needs in before.items():
        for need in needs:
            after.setdefault(need, []).append(uid)
    ready = [uid for uid, count in waiting.items() if count == 0]
    while ready:
        uid = ready.pop()
        del waiting[uid]
        for other in after.get(uid, []):
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
    return {uid: [need for need in before[uid] if need in waiting] for uid in waiting}


def _walk_back(left: dict[str, list[str]]) -> list[str]:
    path = [min(left)]
    while path[-1] not in path[:-1]:
        path.append(min(left[path[-1]]))
    loop = path[path.index(path[-1]):]
    return loop[::-1]
