"""Stand-ins for what a file's includes would have brought, so that the file itself can be compared."""
import ast
import json
import re
from typing import Any

from .binary import Answer, Binary, Folder

LEAF = {"variables": {"STUB": "stub"}, "rules": [{"when": "on_success"}]}


def stand_in(text: str, folder: Folder, tidegate: Binary) -> Answer:
    """Includes a file of them, one more each time that something is missing. Both engines then read the same files. The last
    answer, which may be a refusal for another reason."""
    added: dict[str, Any] = {}
    answer = tidegate.lint(folder.path)
    while any([_add(text, added, finding["code"], finding["message"]) for finding in (answer.data or {})["diagnostics"]]):
        folder.write("stubs.yml", json.dumps(added))
        folder.write(".gitlab-ci.yml", text + "\ninclude: {local: stubs.yml}\n")
        answer = tidegate.lint(folder.path)
    return answer


def _add(text: str, added: dict[str, Any], code: str, message: str) -> bool:
    """True when there is something new."""
    before = json.dumps(added)
    if code == "extends-unknown" and (found := re.search(r"\((.*)\)$", message)):
        for name in found[1].split(", "):
            added.setdefault(name, {})["script"] = ["true"]
    elif code == "reference-unknown" and (found := re.match(r"!reference (\[.*\]) could", message)):
        path = ast.literal_eval(found[1])
        at = added
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at.setdefault(path[-1], LEAF.get(path[-1], "stub" if len(path) > 2 else ["true"]))
    elif code == "missing-keyword" and (found := re.match(r"jobs:(.*) config should implement the script", message)):
        added.setdefault(found[1], {})["script"] = ["true"]
    elif code == "unknown-stage" and (found := re.match(r"(.*) job: chosen stage (.*) does not exist", message)):
        if stages := re.search(r"^stages:\s*- *(\S+)", text, re.MULTILINE):
            added.setdefault(found[1], {})["stage"] = stages[1]  # one that the file has, for a job that says none
        elif found[2] not in added.setdefault("stages", ["build", "test", "deploy"]):
            added["stages"].append(found[2])
    return json.dumps(added) != before
