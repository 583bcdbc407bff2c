"""What explains a difference between Tidegate and gitlab-ci-local. An explanation is checked, never believed: the value that
GitLab's documentation gives is worked out here, apart from both, and must be ours."""
import re
from typing import Any, NamedTuple

EXPLAINED = {
    "only": "only/except leaves the job out (docs: only and except); gitlab-ci-local does not evaluate it",
    "manual": "a job of its own `when: manual`, without rules, may fail (docs: allow_failure)",
    "place": "built from a variable of the server or the runner, which differs from place to place (docs: predefined "
             "variables); all else in the value is as written",
}


class Difference(NamedTuple):
    file: str
    job: str
    what: str
    ours: Any
    theirs: Any
    kind: str = ""  # of EXPLAINED; empty: nothing explains it


# Predefined variables of which a project on another server, or another folder, has other values.
PLACE = re.compile(r"CI_(PROJECT_\w+|REGISTRY\w*|SERVER_\w+|API_\w+|BUILDS_DIR|PAGES_\w+|DEPENDENCY_PROXY_\w+|"
                   r"TEMPLATE_REGISTRY_HOST|REPOSITORY_URL|JOB_ID|JOB_URL|JOB_TOKEN|PIPELINE_I?ID|PIPELINE_URL|"
                   r"CONCURRENT_\w+|RUNNER_\w+|COMMIT_TIMESTAMP)")
# Those that must be the same in both.
SAME = ["CI", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG",
        "CI_COMMIT_TAG", "CI_DEFAULT_BRANCH", "CI_JOB_STAGE", "CI_NODE_TOTAL", "CI_PIPELINE_SOURCE"]
NAME = re.compile(r"\$\$|\$(\w+)|\$\{(\w+)\}|%(\w+)%")


def _expanded(raw: str, values: dict[str, str]) -> str:
    """Source: docs, Where variables can be used: `$$` is a dollar sign, an unknown name nothing."""
    def value(found: re.Match) -> str:
        name = next((group for group in found.groups() if group), "")
        return values.get(name, "") if name else "$"
    return NAME.sub(value, raw)


def variable(raw: str, key: str, ours: dict[str, str], theirs: dict[str, str], written: set[str]) -> str:
    """Each engine's value must be the written text with that engine's own values in it, and the values that differ must
    be of the place, or of variables of the file, which are held to this themselves."""
    names = [name for groups in NAME.findall(raw) for name in groups if name]
    differ = [name for name in names if ours.get(name) != theirs.get(name)]
    good = differ and all(PLACE.fullmatch(name) or (name in written and name != key) for name in differ)
    as_written = _expanded(raw, ours) == ours.get(key) and _expanded(raw, theirs) == theirs.get(key)
    return "place" if good and as_written else ""


def allow_failure(job: dict[str, Any], written: dict[str, Any], theirs: Any) -> str:
    own = written.get("when") == "manual" and "rules" not in written and "allow_failure" not in written
    return "manual" if own and job["allow_failure"] is True and theirs is False else ""


def created(job: dict[str, Any], written: dict[str, Any], ref: str, variables: dict[str, str]) -> str:
    """A push to the branch `ref` of which nothing is known about changes."""
    if "rules" in written or not {"only", "except"} & set(written) or job["created"]:
        return ""
    only, excluded = written.get("only"), written.get("except")
    stays = (only is None or _holds(only, ref, variables, all)) and not (
        excluded is not None and _holds(excluded, ref, variables, any))
    return "" if stays else "only"


def _holds(policy: Any, ref: str, variables: dict[str, str], together: Any) -> bool:
    """Source: docs, only and except: the keys of `only` are joined by AND, those of `except` by OR, items by OR."""
    keys = {"refs": policy} if isinstance(policy, (list, str)) else policy
    held = []
    for key, value in keys.items():
        value = value if isinstance(value, list) else [value]
        if key == "refs":
            held.append(any(_is_ref(item, ref) for item in value))
        elif key == "variables":
            held.append(any(_is_true(item, variables) for item in value))
        else:
            held.append(key == "changes")  # a new branch: everything has changed; no cluster is there
    return together(held)


def _is_ref(item: str, ref: str) -> bool:
    item, _, project = item.partition("@")
    if project:  # another one than the folder here
        return False
    pattern = re.fullmatch(r"/(.*)/(i?)", item, re.DOTALL)
    if pattern:
        return re.search(pattern[1], ref, re.IGNORECASE if pattern[2] else 0) is not None
    return item in ("branches", "pushes", ref)


def _is_true(expression: str, variables: dict[str, str]) -> bool:
    """The two forms that the real files have: a name alone, and a comparison with a text."""
    alone = re.fullmatch(r"\s*\$(\w+)\s*", expression)
    if alone:
        return bool(variables.get(alone[1], "").strip())
    compared = re.fullmatch(r"""\s*\$(\w+)\s*(==|!=)\s*(["'])(.*?)\3\s*""", expression)
    if not compared:
        raise ValueError(f"only:variables has another form: {expression}")
    return (variables.get(compared[1]) == compared[4]) == (compared[2] == "==")
