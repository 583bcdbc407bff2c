"""Sets whose verdict is GitLab's own: expressions, globs, pipeline rules, schema cases."""
import csv
import json
import re
from pathlib import Path
from typing import Any, Iterator

import yaml

from .binary import Binary, FAILED, Folder, NOT_APPLICABLE, Outcome, PASSED, json_lines, judged

# Codes that a fragment may get without being wrong: the schema proves shape alone, so a job may lack its script, and
# what it names may not be there.
NOT_SHAPE = {"missing-keyword", "include-not-found", "unknown-need", "unknown-stage", "no-jobs", "unknown-dependency",
             "invalid-on-stop", "extends-unknown", "include-unavailable"}
# What the schema lets pass and GitLab's own reader refuses.
BEYOND_SCHEMA = {
    "include--04": "a job with a script and `trigger` (docs: trigger)",
    "spec_inputs--01": "a header without a document of jobs",
    "project_path--01": "includes a project by a variable that has no value (docs: include with variables)",
}


def expressions(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """Each as the one rule of a job: true is a job, false none, an error a refusal."""
    with (corpus / "expressions/cases.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield _expression(row, tidegate)


def _expression(row: dict[str, str], tidegate: Binary) -> Outcome:
    variables = json.loads(row["variables(json)"])
    inputs = variables.pop("inputs", None)
    rule = json.dumps(row["expression"], ensure_ascii=False)
    if inputs is None:
        text = f"probe: {{script: x, rules: [{{if: {rule}}}]}}\nother: {{script: x}}\n"
    else:  # an expression with inputs stands in the header alone
        header = {name: {"default": value} for name, value in inputs.items()}
        header["probe"] = {"rules": [{"if": row["expression"], "options": ["yes"], "default": "yes"},
                                     {"options": ["no"], "default": "no"}]}
        text = (json.dumps({"spec": {"inputs": header}}) + "\n---\nother: {script: x}\n"
                'probe: {script: x, rules: [{if: \'"$[[ inputs.probe ]]" == "yes"\'}]}\n')
    with Folder({".gitlab-ci.yml": text}) as folder:
        given = [word for name, value in variables.items() for word in ("--var", f"{name}={value}")]
        answer = tidegate.list(folder.path, *given)
    if answer.data is None:
        return Outcome(row["id"], FAILED, answer.error[-200:])
    if row["truth"] == "error":
        return judged(row["id"], ["" if answer.code == 1 else "accepted"])
    created = any(job["name"] == "probe" and job["created"] for job in answer.data["jobs"])
    return judged(row["id"], [answer.errors() if answer.code else "",
                              "" if created == (row["truth"] == "true") else f"is {created}, not {row['truth']}"])


def globs(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """Each as the rules:changes of a job; one call for each path."""
    by_path: dict[str, list[dict[str, Any]]] = {}
    for row in json_lines(corpus / "expressions/globs.jsonl"):
        by_path.setdefault(row["path"], []).append(row)
    for path, rows in by_path.items():
        jobs = {row["id"]: {"script": "x", "rules": [{"changes": [row["glob"]]}]} for row in rows}
        with Folder({".gitlab-ci.yml": json.dumps({**jobs, "other": {"script": "x"}})}) as folder:
            answer = tidegate.list(folder.path, "--changed", path)
        created = {job["name"]: job["created"] for job in (answer.data or {}).get("jobs", [])}
        for row in rows:
            got = created.get(row["id"])
            yield judged(row["id"], ["" if got == row["match"] else
                                     f"{row['glob']!r} on {path!r}: {got} {answer.errors()}"])


def pipeline_rules(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """Configuration and context in, jobs or refusal out."""
    for row in yaml.safe_load((corpus / "pipeline-rules/cases.yml").read_text(encoding="utf-8")):
        files = {name: "" for name in row.get("files", [])}
        files |= row.get("includes", {}) | {".gitlab-ci.yml": row["config"]}
        with Folder(files) as folder:
            if "git" in row:
                _make_branches(folder, row)
            answer = tidegate.list(folder.path, *_context(row))
            merged = tidegate.lint(folder.path, ".gitlab-ci.yml", "--merged")
        yield judged(row["id"], _rule_differences(row, answer, merged))


def _make_branches(folder: Folder, row: dict[str, Any]) -> None:
    folder.git("init", "-q", "-b", row.get("default_branch", "master"))
    folder.git("add", "-A")
    folder.git("commit", "-q", "-m", "base", "--allow-empty")
    base = folder.git("rev-parse", "HEAD").strip()
    for branch, names in row["git"].items():
        folder.git("checkout", "-q", "-B", branch, base)
        for name in names:
            folder.write(name, "x")
        folder.git("add", "-A")
        folder.git("commit", "-q", "-m", branch, "--allow-empty")
    folder.git("checkout", "-q", row["ref"])


def _context(row: dict[str, Any]) -> list[str]:
    out = ["--ref", row.get("ref", "master"), "--default-branch", row.get("default_branch", "master"),
           "--source", row.get("source", "push")]
    for name, value in row.get("pipeline_variables", {}).items():
        out += ["--var", f"{name}={value}"]
    changed = row.get("changed")
    if isinstance(changed, list) and changed:
        return out + [word for path in changed for word in ("--changed", path)]
    if changed == []:  # nothing changed: a path that no glob means
        return out + ["--changed", "\x01"]
    return out + ["--changed-unknown"]


def _rule_differences(row: dict[str, Any], answer: Any, merged: Any) -> Iterator[str]:
    expect = row["expect"]
    if answer.data is None:
        yield answer.error[-200:]
        return
    if "error" in expect:
        yield "" if answer.code == 1 and answer.codes() else "accepted"
        return
    yield answer.errors() if answer.code else ""
    if "no_pipeline" in expect:
        yield "a pipeline is created" if answer.data["created"] else ""
        by_workflow = answer.data["reason"].startswith("Pipeline filtered out by workflow rules.")
        yield "" if by_workflow == (expect["no_pipeline"] == "workflow rules") else answer.data["reason"]
        return
    created = {job["name"]: job for job in answer.data["jobs"] if job["created"]}
    wanted = expect["jobs"]
    yield "" if set(created) == set(wanted) else f"jobs {sorted(created)}, not {sorted(wanted)}"
    written = yaml.load((merged.data or {}).get("merged") or "{}", Loader=Reader)
    for name in set(created) & set(wanted):
        for key, value in (wanted[name] or {}).items():
            yield from _attribute(name, key, value, created[name], written.get(name) or {})


def _attribute(name: str, key: str, wanted: Any, job: dict[str, Any], written: dict[str, Any]) -> Iterator[str]:
    got = job.get(key)
    if key == "needs":
        got = [need["job"] for need in got or []]
    elif key == "starts":
        got, wanted = job["needs"], []
    elif key == "environment":
        got = (got or {}).get("name")
    elif key == "image":
        got = (got or {}).get("name")
    elif key == "start_in":
        got, wanted = got, _seconds(str(wanted))
    elif key == "retry":
        got = {word: got[word] for word in wanted} if got else None
    elif key == "artifacts":
        got = written.get(key)
        yield from (f"{name}: artifacts:{word}" for word in wanted if (got or {}).get(word) != wanted[word])
        return
    elif key == "variables":
        for variable, value in wanted.items():
            found = got.get(variable)
            predefined = variable.startswith("CI_")  # list shows the file's variables alone
            if not predefined and found != (None if value is None else _text(value)):
                yield f"{name}: {variable}={found!r}, not {value!r}"
        return
    yield "" if got == wanted else f"{name}: {key} is {got!r}, not {wanted!r}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(text: str) -> int:
    units = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+) (second|minute|hour|day|week)s?", text))


class Reader(yaml.SafeLoader):
    """YAML with !reference, as a list."""


Reader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node, deep=True))


def schema(corpus: Path, tidegate: Binary, kind: str) -> Iterator[Outcome]:
    """GitLab's own schema cases. `kind`: valid or invalid."""
    for row in json.loads((corpus / "gitlab-schema/index.json").read_text(encoding="utf-8")):
        if row["expect"] != kind:
            continue
        text = (corpus / "gitlab-schema" / row["file"]).read_text(encoding="utf-8")
        with Folder({".gitlab-ci.yml": text}) as folder:
            folder.git("init", "-q", "-b", "master")  # for compare_to
            folder.git("commit", "-q", "--allow-empty", "-m", "case")
            answer = tidegate.lint(folder.path)
        beyond = [why for name, why in BEYOND_SCHEMA.items() if kind == "valid" and f"/{name}-" in row["file"]]
        if answer.data is None:
            yield Outcome(row["file"], FAILED, answer.error[-200:])
        elif beyond:
            yield Outcome(row["file"], NOT_APPLICABLE, beyond[0])
        elif kind == "invalid":
            yield judged(row["file"], ["" if answer.codes() else "accepted"])
        elif "unsupported-keyword" in answer.codes():
            yield Outcome(row["file"], NOT_APPLICABLE, "uses a keyword that is documented as refused")
        else:
            wrong = answer.codes() - NOT_SHAPE
            yield Outcome(row["file"], FAILED, answer.errors()) if wrong else Outcome(row["file"], PASSED)
