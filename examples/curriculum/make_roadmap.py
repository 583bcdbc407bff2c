#!/usr/bin/env python3
"""Writes roadmap-v1.json, roadmap-v2.json and roadmap-broken.json beside itself, from standards.txt.

Version 2 has standards that version 1 lacks, other words for some, other strengths for some prerequisites, and so some
standards get another code: a code belongs to one revision of the roadmap, the uid stays. The broken one is version 2
with a prerequisite cycle and a prerequisite that does not exist, as careless editing makes them.

Usage: make_roadmap.py [--check]     --check writes nothing and fails when a file is not what would be written
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent

DOMAINS = {
    "01": ("math:domain-number", "수와 연산", "Number and operations"),
    "02": ("math:domain-change", "변화와 관계", "Change and relations"),
    "03": ("math:domain-shape", "도형과 측정", "Shape and measurement"),
    "04": ("math:domain-data", "자료와 가능성", "Data and chance"),
}
# A band is called by its last grade, as in the codes.
BANDS = {2: (1, 2), 4: (3, 4), 6: (5, 6), 9: (7, 9)}
SUBJECT = "math:subject"

NEEDED, HELPFUL = 1.0, 0.5

REWORDED_IN_V2 = {
    "zero": "하나도 없음을 0으로 나타내고 0이 든 덧셈과 뺄셈의 뜻을 말한다",
    "pythagoras": "피타고라스 정리를 여러 방법으로 설명하고 길이를 구하는 데 쓴다",
    "choose-graph": "목적에 맞는 그래프를 공학 도구로 그려 결과를 해석하고 설명한다",
}
# Experience showed that the first is needed after all, and that the second only helps.
STRENGTHS_IN_V2 = {
    ("zero", "subtract-within-10"): NEEDED,
    ("large-numbers", "area-units"): HELPFUL,
}
CYCLE_EDGE = ("quadratic-equation", "expansion-formulas")
DANGLING_EDGE = ("matrix-multiplication", "simultaneous-equations")


@dataclass(frozen=True)
class Standard:
    slug: str
    grade: int
    band: int
    domain: str
    text: str
    gloss: str
    needs: tuple[tuple[str, float], ...]
    only_v2: bool


def parse_standards(text: str) -> list[Standard]:
    found, band, domain = [], 0, ""
    for line in text.splitlines():
        if line.startswith("## "):
            _, band_text, domain = line.split()
            band = int(band_text)
        elif line and not line.startswith("#"):
            cells = [cell.strip() for cell in line.split("|")]
            slug, grade, words, gloss = cells[:4]
            names = [name.strip() for name in cells[4].split(",")] if len(cells) > 4 and cells[4] else []
            needs = tuple((name.lstrip("~"), HELPFUL if name.startswith("~") else NEEDED) for name in names)
            found.append(Standard(slug.lstrip("+ "), int(grade), band, domain, words, gloss, needs, slug[0] == "+"))
    return found


def as_of(standards: list[Standard], version: int) -> list[Standard]:
    if version == 1:
        return [standard for standard in standards if not standard.only_v2]
    return [
        replace(
            standard,
            text=REWORDED_IN_V2.get(standard.slug, standard.text),
            needs=tuple((name, STRENGTHS_IN_V2.get((name, standard.slug), how)) for name, how in standard.needs),
        )
        for standard in standards
    ]


def uid(slug: str) -> str:
    return f"math:{slug}"


def blocks(standards: list[Standard]) -> list[list[Standard]]:
    """The standards of each band and domain, in teaching order."""
    places = sorted({(standard.band, standard.domain) for standard in standards})
    return [sorted((s for s in standards if (s.band, s.domain) == place), key=lambda s: s.grade) for place in places]


def frame() -> tuple[list[dict], list[dict]]:
    """Subject, domains and grade bands, which hold the standards."""
    nodes = [{"uid": SUBJECT, "label": "Subject", "code": "수", "text": "수학", "gloss": "Mathematics"}]
    nodes += [{"uid": name, "label": "Domain", "code": code, "text": text, "gloss": gloss}
              for code, (name, text, gloss) in DOMAINS.items()]
    nodes += [{"uid": f"math:band-{band}", "label": "GradeBand", "code": str(band), "text": f"{first}~{last}학년군",
               "gloss": f"Grades {first} to {last}", "grade_band": band} for band, (first, last) in BANDS.items()]
    order = list(BANDS)
    edges = [{"type": "NEXT", "from": f"math:band-{a}", "to": f"math:band-{b}"} for a, b in zip(order, order[1:])]
    return nodes, edges


def roadmap(standards: list[Standard], revision: str) -> dict:
    nodes, edges = frame()
    for block in blocks(standards):
        for place, standard in enumerate(block, start=1):
            name = uid(standard.slug)
            nodes.append({"uid": name, "label": "Standard", "code": f"[{standard.band}수{standard.domain}-{place:02d}]",
                          "text": standard.text, "gloss": standard.gloss, "grade": standard.grade,
                          "grade_band": standard.band, "domain": DOMAINS[standard.domain][1]})
            holders = (SUBJECT, DOMAINS[standard.domain][0], f"math:band-{standard.band}")
            edges += [{"type": "HAS_STANDARD", "from": holder, "to": name} for holder in holders]
            edges += [{"type": "PREREQUISITE_OF", "from": uid(need), "to": name, "strength": how}
                      for need, how in standard.needs]
        edges += [{"type": "NEXT", "from": uid(a.slug), "to": uid(b.slug)} for a, b in zip(block, block[1:])]
    return {"curriculum": "curriculum-coach school mathematics", "revision": revision, "nodes": nodes, "edges": edges}


def broken(whole: dict) -> dict:
    extra = [{"type": "PREREQUISITE_OF", "from": uid(a), "to": uid(b), "strength": NEEDED}
             for a, b in (CYCLE_EDGE, DANGLING_EDGE)]
    return {**whole, "edges": whole["edges"] + extra}


def to_text(whole: dict) -> str:
    """One node or edge a line, so that a change is one line in a diff."""
    def rows(items: list[dict]) -> str:
        return ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in items)

    head = "".join(f'"{key}": {json.dumps(whole[key], ensure_ascii=False)},\n' for key in ("curriculum", "revision"))
    return f'{{{head}"nodes": [\n{rows(whole["nodes"])}\n],\n"edges": [\n{rows(whole["edges"])}\n]}}\n'


def main(arguments: list[str]) -> int:
    standards = parse_standards((HERE / "standards.txt").read_text(encoding="utf-8"))
    v1, v2 = roadmap(as_of(standards, 1), "2022"), roadmap(as_of(standards, 2), "2022")
    stale = 0
    for name, whole in (("v1", v1), ("v2", v2), ("broken", broken(v2))):
        path, text = HERE / f"roadmap-{name}.json", to_text(whole)
        if arguments == ["--check"]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                print(f"{path.name} is not what standards.txt makes; run make_roadmap.py", file=sys.stderr)
                stale = 1
            continue
        path.write_text(text, encoding="utf-8")
        count = sum(node["label"] == "Standard" for node in whole["nodes"])
        print(f"{path.name}: {count} standards, {len(whole['edges'])} edges")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
