"""gitlab-ci-local's test cases: what it refuses, what it expands, what it runs. Where it disagrees with GitLab, GitLab
wins; each such case is named in DIFFERS with the reason."""
import re
import shutil
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

import yaml

from .binary import Answer, Binary, FAILED, Folder, NOT_APPLICABLE, Outcome, json_lines, judged
from .language import Reader

OWN = "uses an option or a file of gitlab-ci-local's own"
# Cases that GitLab decides otherwise, or whose subject is gitlab-ci-local itself.
DIFFERS = {
    "gcl/never-needs#2": "a job of the file needs one that is never there: GitLab creates no pipeline, whichever job is "
                         "asked for (docs: needs)",
    "gcl/include-component#6": "asks for component.name without `spec:component` (docs: CI/CD components)",
    "gcl/manual#7": "a manual job under `rules` blocks what comes after its stage (docs: allow_failure); the test wants it "
                    "to run",
    "needs-parallel-matrix-static": "needs a cell by some of its variables: GitLab knows cells by all of them "
                                    "(docs: needs:parallel:matrix)",
    "include-invalid-remote": "needs a server outside that answers wrongly",
    "include-template": "GitLab's template library is not part of Tidegate; the test has a made-up answer for it",
}
ELSEWHERE = re.compile(r"^\s*-?\s*(project|remote|component|template)\s*:", re.MULTILINE)
OWN_OPTIONS = {"unsetVariable", "stage", "mountCache", "maxJobNamePadding", "listCsv", "cleanup"}


def cases(corpus: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    for row in json_lines(corpus / "gitlab-ci-local/manifest.jsonl"):
        tree = corpus / "gitlab-ci-local/test-cases" / row["case"]
        if row["exists"] and (tree / row["file"]).is_file():
            yield row, tree


def project_of(row: dict[str, Any], tree: Path) -> tuple[Path, str]:
    """A file in a folder of its own is that project's configuration, when what it includes stands beside it."""
    inside = Path(row["file"])
    text = (tree / inside).read_text(encoding="utf-8", errors="replace")
    named = [name.lstrip("/") for name in re.findall(r"local:\s*[\"']?([^\s\"']+)", text)]
    beside = any((tree / inside.parent / name).exists() and not (tree / name).exists() for name in named)
    if inside.parent != Path(".") and (beside or (tree / inside.parent / "templates").is_dir()):
        return tree / inside.parent, inside.name
    return tree, row["file"]


def reason_not_to(row: dict[str, Any], tree: Path) -> str:
    """Why a case cannot be held against another engine; empty: it can."""
    for name in (row["id"], row["case"]):
        if name in DIFFERS:
            return DIFFERS[name]
    options = row.get("options") or {}
    if OWN_OPTIONS & set(options) or (tree / ".gitlab-ci-local-inputs.yml").exists():
        return OWN
    if _includes_by_own_variable(row, tree):
        return OWN
    if any(":" in pair.split("=")[0] for pair in options.get("input", [])):
        return OWN
    folder, file = project_of(row, tree)
    text = (folder / file).read_text(encoding="utf-8", errors="replace")
    if row.get("mock") or (ELSEWHERE.search(text) and "$CI_SERVER_HOST" not in text):
        return "includes from gitlab.com or another host, which a check must not need"
    return ""


def _includes_by_own_variable(row: dict[str, Any], tree: Path) -> bool:
    own = tree / ".gitlab-ci-local-variables.yml"
    included = re.findall(r"local:\s*[\"']?\$\{?(\w+)", (tree / row["file"]).read_text(encoding="utf-8", errors="replace"))
    return own.exists() and any(name in own.read_text(encoding="utf-8") for name in included)


def context(row: dict[str, Any], tidegate: Binary) -> list[str]:
    options = row.get("options") or {}
    pairs = options.get("variable", [])
    out = [word for pair in ([pairs] if isinstance(pairs, str) else pairs) for word in ("--var", pair)]
    if options.get("input") and "--input" in tidegate.call("list", "--help").error + _help(tidegate):
        out += [word for pair in options["input"] for word in ("--input", pair)]
    return out


def _help(tidegate: Binary) -> str:
    import subprocess  # the help is text, not JSON
    return subprocess.run([tidegate.path, "list", "--help"], capture_output=True, text=True, check=False).stdout


def outcomes(corpus: Path, tidegate: Binary, wanted: Callable[[dict[str, Any]], bool],
             differences: Callable[[dict[str, Any], Answer], Iterable[str]]) -> Iterator[Outcome]:
    for row, tree in cases(corpus):
        if not wanted(row):
            continue
        why = reason_not_to(row, tree)
        folder, file = project_of(row, tree)
        yield Outcome(row["id"], NOT_APPLICABLE, why) if why else \
            judged(row["id"], differences(row, _listed(row, folder, file, tidegate)))


def refused(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    return outcomes(corpus, tidegate, lambda row: row["kind"] == "reject", lambda _, answer:
                    ["" if answer.code == 1 and answer.data else f"accepted {answer.error[-200:]}"])


def _listed(row: dict[str, Any], tree: Path, file: str, tidegate: Binary) -> Answer:
    with Folder({}) as folder:  # a copy: the corpus may stand in a repository of its own
        shutil.copytree(tree, folder.path / "p", symlinks=True)
        copy = folder.path / "p"
        for path in [copy, *copy.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        folder.git("init", "-q", "-b", "main", "p")  # so that there is a commit
        folder.git("-C", "p", "commit", "-q", "--allow-empty", "-m", "case")
        return tidegate.list(copy, "--file", file, *context(row, tidegate))


def accepted(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """Every other case is at least a valid configuration."""
    return outcomes(corpus, tidegate, lambda row: row["kind"] != "reject", lambda _, answer:
                    ["" if answer.code == 0 else answer.errors() or "refused"])


def expanded(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """The jobs of `--preview`: script, image, stage, variables, …"""
    def differences(row: dict[str, Any], answer: Answer) -> Iterable[str]:
        # Written in the tests' JavaScript, so with its escapes.
        return _differences(yaml.load(re.sub(r"\\(.)", r"\1", row["expected_config"]), Loader=Reader), answer)
    return outcomes(corpus, tidegate, lambda row: bool(row.get("expected_config")), differences)


def _differences(wanted: dict[str, Any], answer: Answer) -> Iterator[str]:
    if answer.code != 0 or not answer.data:
        yield answer.errors() or "refused"
        return
    jobs = {job["name"]: job for job in answer.data["jobs"]}
    for name, expected in wanted.items():
        if name in ("stages", "variables", "include", "workflow", "default") or not isinstance(expected, dict):
            continue
        if name not in jobs:
            yield f"no job {name}"
            continue
        for key in ("script", "before_script", "after_script", "stage", "image", "variables", "tags"):
            if key not in expected or "${sha}" in str(expected[key]):
                continue
            got = jobs[name][key]
            want = expected[key]
            if key == "image":
                got, want = (got or {}).get("name"), want["name"] if isinstance(want, dict) else want
            if key == "variables":
                got = {word: got.get(word) for word in want}
                want = {word: str(value) for word, value in want.items()}
            if key.endswith("script"):
                want = [want] if isinstance(want, str) else [str(line) for line in want]
            yield "" if got == want else f"{name}: {key} is {got!r}, not {want!r}"


def runs(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """Runs with the shell executor; what the jobs must have said is looked for in what they said."""
    for row, tree in cases(corpus):
        if row["kind"] != "run-log" or row["portable"] not in ("run-shell", "run-docker"):
            continue
        why = reason_not_to(row, tree)
        if row["portable"] == "run-docker":
            why = why or "needs images from a registry"
        elif row["negated"]:
            why = why or "the manifest does not tell what must appear from what must not"
        if why:
            yield Outcome(row["id"], NOT_APPLICABLE, why)
            continue
        yield _run(row, tree, tidegate)


def _run(row: dict[str, Any], tree: Path, tidegate: Binary) -> Outcome:
    options = row.get("options") or {}
    jobs = options.get("job", [])
    manual = options.get("manual", [])
    words = ["--file", row["file"], "--executor", "shell", "--json", *context(row, tidegate)]
    words += [word for job in ([manual] if isinstance(manual, str) else manual) for word in ("--manual", job)]
    words += ["--needs"] if options.get("needs") else []
    times = 2 if "double-run" in row["case"] else 1
    with Folder({}) as folder:
        copy = folder.path / "p"
        shutil.copytree(tree, copy, symlinks=True)
        for path in [copy, *copy.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        said = ""
        for _ in range(times):
            answer = tidegate.call("run", *[str(job) for job in jobs], "-C", str(copy), *words)
            said += answer.error
    if answer.data is None:
        return Outcome(row["id"], FAILED, said[-300:])
    return judged(row["id"], [f"{line['text']!r} was not said" for line in row["expected_log"]
                              if line["text"] not in said])
