"""Pipeline files of public projects, and whole trees of them."""
from pathlib import Path
from typing import Iterator

from .binary import Answer, Binary, FAILED, Folder, NOT_APPLICABLE, Outcome, PASSED

# What an excerpt, or a file whose includes are elsewhere, may meet.
ABSENT = {"include-not-found", "include-unavailable"}
# They stand in what was not included.
FOLLOWS = {"extends-unknown", "reference-unknown", "unknown-need", "unknown-stage", "unknown-dependency",
           "missing-keyword", "no-jobs"}


def real(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    """A file loads, or what it includes is not there: then nothing else may be wrong with it."""
    for path in sorted((corpus / "real").glob("*.yml")):
        if (corpus / "real-trees" / path.stem).is_dir():
            yield Outcome(path.name, NOT_APPLICABLE, "judged with its whole tree, in real-trees")
            continue
        with Folder({}) as folder:
            (folder.path / ".gitlab-ci.yml").write_bytes(path.read_bytes())
            answer = tidegate.lint(folder.path)
        yield _judge(path.name, answer)


# Said of an include whose address is a variable that has no value here.
BY_SETTINGS = "Nothing is left of"


def trees(corpus: Path, tidegate: Binary) -> Iterator[Outcome]:
    for tree in sorted((corpus / "real-trees").iterdir()):
        yield _judge(tree.name, tidegate.lint(tree))


def _judge(name: str, answer: Answer) -> Outcome:
    codes = answer.codes()
    if answer.data is None:
        return Outcome(name, FAILED, answer.error[-300:])
    if not codes:
        return Outcome(name, PASSED)
    if "yaml-syntax" in codes:  # libyaml, which GitLab's reader is, says so too
        return Outcome(name, PASSED, "is not YAML: refused, as GitLab does")
    if codes & ABSENT and codes <= ABSENT | FOLLOWS:
        return Outcome(name, NOT_APPLICABLE, "includes files that are not in the corpus")
    if BY_SETTINGS in answer.errors() and codes <= ABSENT | FOLLOWS | {"invalid-include"}:
        return Outcome(name, NOT_APPLICABLE, "includes by a variable of the project's settings, which are not in the corpus")
    return Outcome(name, FAILED, answer.errors())
