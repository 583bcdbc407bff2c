#!/usr/bin/env python3
"""Counts what a ctest run tested: every gtest case counts as one, any other ctest test as one.

  tools/count_tests.py JUNIT.xml GTEST_DIR     JUNIT: ctest --output-junit; GTEST_DIR: GTEST_OUTPUT=xml:GTEST_DIR/

Prints "PASSED FAILED SKIPPED" and, on lines of their own, the failed and the skipped with their reasons. A binary that
ended without telling (crash, time-out) is one failure.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def gtest_cases(path: Path) -> list[tuple[str, str, str]]:
    """(name, passed|failed|skipped, reason) of each case; a file cut short by a crash is an empty list."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError):
        return []
    cases = []
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failure, skipped = case.find("failure"), case.find("skipped")
        if failure is not None:
            cases.append((name, "failed", failure.get("message", "")))
        elif skipped is not None or case.get("status") == "notrun":
            reason = skipped.get("message", "") if skipped is not None else "disabled"
            cases.append((name, "skipped", reason))
        else:
            cases.append((name, "passed", ""))
    return cases


def count(junit: Path, gtest_dir: Path) -> list[tuple[str, str, str]]:
    cases = []
    for test in ElementTree.parse(junit).getroot().iter("testcase"):
        name, status = test.get("name"), test.get("status")
        inside = gtest_cases(gtest_dir / f"{name}.xml")
        if status == "fail" and not any(state == "failed" for _, state, _ in inside):
            failure = test.find("failure")
            reason = failure.get("message", "") if failure is not None else ""
            inside.append((name, "failed", f"{reason or 'it failed'} outside of its cases"))
        elif not inside:
            skipped = test.find("skipped")
            reason = skipped.get("message", "") if skipped is not None else status
            inside.append((name, "passed" if status == "run" else "skipped", reason))
        cases += inside
    return cases


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not re.match(r"\S+\.(cc|h):\d+$", line.strip())]
    return " ".join(lines)[:160]


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    cases = count(Path(sys.argv[1]), Path(sys.argv[2]))
    print(*(sum(state == wanted for _, state, _ in cases) for wanted in ("passed", "failed", "skipped")))
    for name, state, reason in cases:
        if state != "passed":
            print(f"{state}: {name}: {one_line(reason)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
