"""Real files through Tidegate and gitlab-ci-local: the same jobs, stages, needs, when and variables, or a difference
that GitLab's documentation explains."""
import collections
import json
import re
import tempfile
from pathlib import Path
from typing import Any, Iterator

import yaml

from . import explain, peer, stubs
from .binary import Binary, Folder
from .explain import Difference
from .language import Reader

REF = "main"
# Variables that both are given, because gitlab-ci-local cannot compare with one that is not set (`!~`).
GIVEN = {"KDE__krita": ["release_branch_pattern=/^release/"]}
# Files that cannot be held against another engine, with what must be said of them.
NO_JOBS = "holds no job of its own: all are in files that are not in the corpus"
NOT_YAML = "is not YAML: libyaml, which GitLab's reader is, refuses it too"


def report(corpus: Path, tidegate: Binary) -> int:
    """Prints the table; the number of differences that nothing explains."""
    if why := peer.install():
        print(f"differential: skipped: {why}")
        return 0
    compared, skipped, found = collections.Counter(), [], []
    for name, text in _projects(corpus):
        with Folder({".gitlab-ci.yml": text}) as folder:
            why, differences, seen = _compare(name, text, folder, tidegate)
        compared += seen
        found += differences
        if why:
            skipped.append(f"{name}: {why}")
    unexplained = [difference for difference in found if not difference.kind]
    kinds = collections.Counter(difference.kind for difference in found if difference.kind)
    print(f"differential: {compared['files']} files compared, {len(skipped)} not; {compared['jobs']} jobs, "
          f"{compared['values']} values; {len(found)} differences, {len(unexplained)} of them unexplained")
    for kind, count in kinds.most_common():
        print(f"  {count:>4} {explain.EXPLAINED[kind]}")
    for line in skipped:
        print(f"  not compared: {line}")
    for difference in unexplained:
        print(f"failed: {difference.file}: {difference.job}: {difference.what}: {str(difference.ours)[:150]!r}, there "
              f"{str(difference.theirs)[:150]!r}")
    return len(unexplained)


def _projects(corpus: Path) -> Iterator[tuple[str, str]]:
    """The real files without their includes, which are not there."""
    for path in sorted((corpus / "real").glob("*.yml")):
        if not (corpus / "real-trees" / path.stem).is_dir():
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            text = re.sub(r"^include:.*\n(?:[ \t#-].*\n|\n)*", "", text, flags=re.MULTILINE)
            yield path.stem, text.encode("utf-8", "surrogateescape").decode("utf-8", "ignore")


def _compare(name: str, text: str, folder: Folder, tidegate: Binary) -> tuple[str, list[Difference], collections.Counter]:
    answer = stubs.stand_in(text, folder, tidegate)
    if answer.codes() == {"no-jobs"} and not _jobs_written(text):
        return NO_JOBS, [], collections.Counter()
    if answer.codes() == {"yaml-syntax"} and not _is_yaml(text):
        return NOT_YAML, [], collections.Counter()
    folder.git("init", "-q", "-b", REF)
    folder.git("add", "-A")
    folder.git("commit", "-q", "-m", "as it is")
    given = GIVEN.get(name, [])
    ours = tidegate.list(folder.path, "--default-branch", REF, "--changed-unknown",
                         *[word for pair in given for word in ("--var", pair)])
    seen = collections.Counter(files=1)
    if ours.code != 0 or not ours.data:
        return "", [Difference(name, "all", "refused here", ours.errors()[:140], None)], seen
    listed = peer.run(folder.path, "--list-json", *peer.AS_GITLAB, *[word for pair in given for word in ("--variable", pair)])
    try:
        said = listed.stdout[max(0, listed.stdout.find("[\n  {")):]  # warnings may stand before it
        theirs = {job["name"]: job for job in json.loads(said)}
    except ValueError:
        return "", [Difference(name, "all", "refused there", None, _last_line(listed.stderr))], seen
    jobs = {_peers_name(job): job for job in ours.data["jobs"]}
    written = yaml.load(tidegate.lint(folder.path, ".gitlab-ci.yml", "--merged").data["merged"], Loader=Reader)
    found = list(_attributes(name, jobs, theirs, written, seen))
    return "", found + list(_variables(name, folder, ours.data["jobs"], written, given, tidegate, seen)), seen


def _jobs_written(text: str) -> list[str]:
    root = yaml.load(text, Loader=Reader) or {}
    return [key for key, value in root.items() if isinstance(value, dict) and not key.startswith(".") and
            {"script", "trigger", "extends", "run"} & set(value)]


def _is_yaml(text: str) -> bool:
    try:
        return all(True for _ in yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return False


def _peers_name(job: dict[str, Any]) -> str:
    """An instance is called `job: [a, b]` (docs: parallel:matrix), there `job: [a,b]` (`job: [1/2]` for `job 1/2`)."""
    name = job["name"]
    if match := re.fullmatch(r"(.*) (\d+/\d+)", name):
        return f"{match[1]}: [{match[2]}]"
    match = re.fullmatch(r"(.*: \[)(.*)\]", name)
    return f"{match[1]}{match[2].replace(', ', ',')}]" if match else name


def _last_line(text: str) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1].strip()[:120] if lines else "no answer"


def _attributes(name: str, jobs: dict, theirs: dict, written: dict, seen: collections.Counter) -> Iterator[Difference]:
    root = {key: str(value) for key, value in (written.get("variables") or {}).items()}
    for job in sorted(set(jobs) | set(theirs)):
        mine, other = jobs.get(job), theirs.get(job)
        if mine is None or other is None:
            yield Difference(name, job, "job", mine is not None, other is not None)
            continue
        seen["jobs"] += 1
        source = written.get(mine["name"]) or {}
        there = other["when"] != "never"
        if mine["created"] != there:
            variables = root | {key: str(value) for key, value in (source.get("variables") or {}).items()}
            yield Difference(name, job, "created", mine["created"], other["when"],
                             explain.created(mine, source, REF, variables))
        if not mine["created"] or not there:
            continue
        seen["values"] += 4
        if mine["stage"] != other["stage"]:
            yield Difference(name, job, "stage", mine["stage"], other["stage"])
        if mine["when"] != other["when"]:
            yield Difference(name, job, "when", mine["when"], other["when"])
        if mine["allow_failure"] != bool(other["allow_failure"]):
            yield Difference(name, job, "allow_failure", mine["allow_failure"], other["allow_failure"],
                             explain.allow_failure(mine, source, bool(other["allow_failure"])))
        needs = None if mine["needs"] is None else [_peers_name({"name": need["job"]}) for need in mine["needs"]]
        needed = other.get("needs")
        needed = None if needed is None else [need["job"] for need in needed]
        if needs != needed:
            yield Difference(name, job, "needs", needs, needed)


def _variables(name: str, folder: Folder, jobs: list, written: dict, given: list[str], tidegate: Binary,
               seen: collections.Counter) -> Iterator[Difference]:
    """Every job prints what it sees, in both; compared are the variables of the file, and what must be the same."""
    root = {key: value for key, value in written.items() if key in ("stages", "variables", "workflow")}
    dump = {}
    for planned in jobs:
        source = written.get(planned["name"])
        if planned["created"] and isinstance(source, dict) and "trigger" not in source:
            dump[planned["name"]] = _printing(source, len(dump))
    if not dump:
        return
    folder.write(".gitlab-ci.yml", json.dumps({**root, **dump}))
    with tempfile.TemporaryDirectory(prefix="tidegate-variables-") as out:
        printed = _run_both(folder, Path(out), given, tidegate)
    everywhere = set(written.get("variables") or {})
    for number, job in enumerate(dump):
        mine, other = printed["ours"].get(str(number)), printed["theirs"].get(str(number))
        if mine is None or other is None:
            yield Difference(name, job, "run", mine is not None, other is not None)
            continue
        keys = everywhere | set((written[job].get("variables") or {}))
        for key in sorted(keys | set(explain.SAME)):
            seen["values"] += 1
            if mine.get(key) != other.get(key):
                raw = _raw(written[job].get("variables"), key) or _raw(written.get("variables"), key)
                yield Difference(name, job, f"variable {key} = {raw}", mine.get(key), other.get(key),
                                 explain.variable(raw, key, mine, other, keys))


def _printing(source: dict, number: int) -> dict:
    """The job with its variables and rules, and a script that prints; nothing in it waits."""
    kept = {key: source[key] for key in ("stage", "variables", "inherit", "rules", "environment") if key in source}
    for rule in kept.get("rules") or []:
        if isinstance(rule, dict):
            rule.pop("needs", None)
            rule["when"] = "always" if rule.get("when") != "never" else "never"
            rule.pop("start_in", None)
    return {**kept, "needs": [], "script": [f"env -0 > $TIDEGATE_OUT/{number}"]}


def _run_both(folder: Folder, out: Path, given: list[str], tidegate: Binary) -> dict[str, dict[str, dict[str, str]]]:
    for engine in ("ours", "theirs"):
        (out / engine).mkdir()
    pairs = [word for pair in [*given, f"TIDEGATE_OUT={out}/ours"] for word in ("--var", pair)]
    tidegate.call("run", "-C", str(folder.path), "--executor", "shell", "--default-branch", REF, "--changed-unknown", *pairs)
    pairs = [word for pair in [*given, f"TIDEGATE_OUT={out}/theirs"] for word in ("--variable", pair)]
    peer.run(folder.path, "--force-shell-executor", *peer.AS_GITLAB, *pairs)
    return {engine: {path.name: _read(path) for path in (out / engine).iterdir()} for engine in ("ours", "theirs")}


def _raw(variables: Any, key: str) -> str:
    value = (variables or {}).get(key, "")
    return str(value.get("value", "") if isinstance(value, dict) else value)


def _read(path: Path) -> dict[str, str]:
    text = path.read_bytes().decode(errors="replace")
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)
