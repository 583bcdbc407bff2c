"""Real files through Tidegate and gitlab-ci-local: the same jobs, stages, needs, when and variables, or a difference
that GitLab's documentation explains."""
import collections
import json
import re
import tempfile
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import yaml

from . import peer
from .binary import Binary, Folder
from .language import Reader


class Difference(NamedTuple):
    file: str
    job: str
    what: str
    ours: Any
    theirs: Any


# What explains a difference, by its kind. The words are GitLab's documentation's.
EXPLAINED = {
    "only": "only/except decides (docs: only and except); gitlab-ci-local does not evaluate it",
    "default-only": "without rules a job is not in this pipeline (docs: only: default)",
    "manual": "a job of its own `when: manual` may fail (docs: allow_failure)",
    "never": "the rule that matched says never, or none matched (docs: rules)",
    "source": "$CI_PIPELINE_SOURCE is push here; there it is not set to a pipeline's source",
    "dropped": "an optional need that is not in the pipeline is left out (docs: needs:optional)",
    "predefined": "built from a predefined variable, which each engine fills with its own place",
    "undefined": "a name without a value becomes nothing when the runner expands it (docs: variables); there it stays",
    "dollars": "`$$` is one dollar sign (docs: prevent CI/CD variable expansion)",
}
PREDEFINED = re.compile(r"\$\{?(CI|GITLAB)(_\w+)?\b")


def report(corpus: Path, tidegate: Binary) -> int:
    """Prints the table; the number of differences that nothing explains."""
    if why := peer.install():
        print(f"differential: skipped: {why}")
        return 0
    compared, skipped, found = 0, [], []
    for name, folder in _projects(corpus):
        with folder:
            why, differences = _compare(name, folder, tidegate)
        if why:
            skipped.append(f"{name}: {why}")
        else:
            compared += 1
            found += differences
    unexplained = [(d, why) for d in found if not (why := _explain(d))]
    kinds = collections.Counter(_explain(d) for d in found)
    print(f"differential: {compared} files compared, {len(skipped)} not, {len(found)} differences, "
          f"{len(unexplained)} of them unexplained")
    for kind, count in kinds.most_common():
        print(f"  {count:>4} {EXPLAINED.get(kind, 'unexplained')}")
    for line in skipped:
        print(f"  not compared: {line}")
    for difference, _ in unexplained:
        print(f"failed: {difference.file}: {difference.job}: {difference.what}: {str(difference.ours)[:150]!r}, there "
              f"{str(difference.theirs)[:150]!r}")
    return len(unexplained)


def _projects(corpus: Path) -> Iterator[tuple[str, Folder]]:
    """The real files without their includes, which are not there; whole trees as they are."""
    for path in sorted((corpus / "real").glob("*.yml")):
        if not (corpus / "real-trees" / path.stem).is_dir():
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            text = re.sub(r"^include:.*\n(?:[ \t#-].*\n|\n)*", "", text, flags=re.MULTILINE)
            yield path.stem, Folder({".gitlab-ci.yml": text.encode("utf-8", "surrogateescape").decode("utf-8", "ignore")})


def _compare(name: str, folder: Folder, tidegate: Binary) -> tuple[str, list[Difference]]:
    folder.git("init", "-q", "-b", "main")
    folder.git("add", "-A")
    folder.git("commit", "-q", "-m", "as it is")
    ours = tidegate.list(folder.path, "--default-branch", "main", "--changed-unknown")
    if ours.code != 0 or not ours.data:
        return f"refused here: {ours.errors()[:120]}", []
    listed = peer.run(folder.path, "--list-json", "--no-evaluate-rule-changes")
    try:
        theirs = {job["name"]: job for job in json.loads(listed.stdout)}
    except ValueError:
        return f"refused by gitlab-ci-local: {_last_line(listed.stderr)}", []
    jobs = {job["name"]: job for job in ours.data["jobs"]}
    merged = tidegate.lint(folder.path, ".gitlab-ci.yml", "--merged").data["merged"]
    written = yaml.load(merged, Loader=Reader)
    found = list(_attributes(name, jobs, theirs, written))
    return "", found + list(_variables(name, folder, jobs, written, tidegate))


def _last_line(text: str) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1].strip()[:120] if lines else "no answer"


def _attributes(name: str, jobs: dict, theirs: dict, written: dict) -> Iterator[Difference]:
    for job in sorted(set(jobs) | set(theirs)):
        mine, other = jobs.get(job), theirs.get(job)
        if mine is None or other is None:
            yield Difference(name, job, "job", mine is not None, other is not None)
            continue
        there = other["when"] != "never"
        if mine["created"] != there:
            old = {"only", "except"} & set(written.get(job) or {})
            what = "created, only" if old else "created, never" if not mine["created"] else "created"
            yield Difference(name, job, what, mine["reason"], other["when"])
            continue
        if not there:
            continue
        if mine["stage"] != other["stage"]:
            yield Difference(name, job, "stage", mine["stage"], other["stage"])
        if mine["when"] != other["when"]:
            yield Difference(name, job, "when", mine["when"], other["when"])
        if mine["allow_failure"] != bool(other["allow_failure"]):
            yield Difference(name, job, "allow_failure", mine["allow_failure"], other["allow_failure"])
        needs = None if mine["needs"] is None else [need["job"] for need in mine["needs"]]
        needed = other.get("needs")
        needed = None if needed is None else [need["job"] for need in needed]
        if needs != needed:
            yield Difference(name, job, "needs", needs, needed)


def _variables(name: str, folder: Folder, jobs: dict, written: dict, tidegate: Binary) -> Iterator[Difference]:
    """Every job prints what it sees, in both; compared are the variables of the file."""
    root = {key: value for key, value in written.items() if key in ("stages", "variables", "workflow")}
    dump, names = {}, {}
    with tempfile.TemporaryDirectory(prefix="tidegate-variables-") as out:
        for number, (job, planned) in enumerate(jobs.items()):
            source = written.get(job)
            if not planned["created"] or not isinstance(source, dict) or "trigger" in source:
                continue
            kept = {key: source[key] for key in ("stage", "variables", "inherit", "rules", "environment") if key in source}
            for rule in kept.get("rules") or []:
                if isinstance(rule, dict):
                    rule.pop("needs", None)
                    rule["when"] = "always" if rule.get("when") != "never" else "never"
                    rule.pop("start_in", None)
            dump[job] = {**kept, "needs": [], "script": [f"env -0 > $TIDEGATE_OUT/{number}"]}
            names[job] = number
        if not dump:
            return
        folder.write(".gitlab-ci.yml", json.dumps({**root, **dump}))
        seen = {}
        for engine in ("ours", "theirs"):
            (Path(out) / engine).mkdir()
            given = f"TIDEGATE_OUT={out}/{engine}"
            if engine == "ours":
                tidegate.call("run", "-C", str(folder.path), "--executor", "shell", "--var", given, "--default-branch",
                              "main", "--changed-unknown")
            else:
                peer.run(folder.path, "--variable", given, "--force-shell-executor", "--no-evaluate-rule-changes")
            seen[engine] = {job: _read(Path(out) / engine / str(number)) for job, number in names.items()}
    everywhere = set(written.get("variables") or {})
    for job in names:
        mine, other = seen["ours"][job], seen["theirs"][job]
        if mine is None or other is None:
            if (mine is None) != (other is None):
                yield Difference(name, job, "run", mine is not None, other is not None)
            continue
        keys = everywhere | set((written[job].get("variables") or {}))
        for key in sorted(keys):
            if mine.get(key) != other.get(key):
                texts = [_raw(written.get("variables"), key), _raw(written[job].get("variables"), key)]
                yield Difference(name, job, f"variable {key} = {texts[1] or texts[0]}", mine.get(key), other.get(key))


def _raw(variables: Any, key: str) -> str:
    value = (variables or {}).get(key, "")
    return str(value.get("value", "") if isinstance(value, dict) else value)


def _read(path: Path) -> dict[str, str] | None:
    if not path.is_file():
        return None
    text = path.read_bytes().decode(errors="replace")
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)


def _explain(found: Difference) -> str:
    if found.what == "created, only":
        return "only"
    if found.what == "allow_failure" and found.ours is True:
        return "manual"
    if found.what.startswith("variable "):
        if PREDEFINED.search(found.what):
            return "predefined"
        if "$$" in found.what:
            return "dollars"
    return ""
