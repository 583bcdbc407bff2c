#!/usr/bin/env python3
"""Holds the source tree to the rules of the house and prints its figures.

  tools/check_tree.py             check; exit 1 with file:line messages when a rule is broken
  tools/check_tree.py --tighten   lower or drop the entries of tools/tree_ratchet.json that are no longer needed
  tools/check_tree.py --root DIR  another tree

Rules: who may include whom, heavy headers, banned calls, sizes of functions and files, leftovers, words that have no
place here, and how a header begins. A line that must break a banned-call rule says why: // tree: allow <rule>: reason
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 400
RATCHET = "tools/tree_ratchet.json"

PURE = {"base", "config", "pipeline", "dataset", "image", "release", "lineage"}
# Which rooms a room may include besides itself. Adapters also include their own folder, and no other adapter.
IMPORTS = {
    "base": set(),
    "config": {"base"},
    "pipeline": {"base", "config"},
    "dataset": {"base"},
    "image": {"base"},
    "release": {"base"},
    "lineage": {"base"},
    "sys": {"base"},
    "app/ports": PURE | {"sys"},
    "app": PURE | {"sys", "app/ports"},
    "adapters": PURE | {"sys", "app", "app/ports"},
}
# What only touches the world or its threads: not in the pure rooms.
IMPURE_HEADERS = re.compile(
    r"<(thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|unistd\.h|fcntl\.h|dirent\.h|poll\.h|"
    r"signal\.h|spawn\.h|sys/.*|netinet/.*|curl/.*|sqlite3\.h|git2.*|archive.*|boost/.*)>")


class Heavy(NamedTuple):
    header: re.Pattern
    where: re.Pattern
    max_files: int
    why: str


HEAVY = [
    Heavy(re.compile(r"<boost/beast[/.]"), re.compile(r"src/adapters/.*\.cc$"), 3, "Beast costs 8 CPU seconds a file"),
    Heavy(re.compile(r"<boost/asio[/.]"), re.compile(r"src/adapters/http/"), 20, "Asio stays in the HTTP adapter"),
    Heavy(re.compile(r"<boost/asio\.hpp>"), re.compile(r"(?!)"), 0, "include the parts of Asio that are used"),
    Heavy(re.compile(r"<boost/json\.hpp>"), re.compile(r"src/(adapters|main)/.*\.cc$|.*_test\.cc$|tests/.*\.cc$|bench/"),
          999, "JSON is for .cc files of adapters, main and tests"),
    Heavy(re.compile(r"<boost/json/(?!fwd)"), re.compile(r"src/(adapters|main)/.*\.cc$"), 999, "headers take json/fwd.hpp"),
    Heavy(re.compile(r"<CLI/"), re.compile(r"src/main/.*\.cc$"), 999, "CLI11 is for main"),
    Heavy(re.compile(r"<yaml\.h>"), re.compile(r"src/config/.*\.cc$"), 1, "libyaml is known to one file"),
    Heavy(re.compile(r"<spdlog/"), re.compile(r"src/.*\.cc$"), 1, "spdlog is behind the log façade, in one file"),
    Heavy(re.compile(r"<re2/"), re.compile(r"src/.*\.cc$"), 2, "RE2 is wrapped in one or two files"),
    Heavy(re.compile(r"<nlohmann/"), re.compile(r"(?!)"), 0, "JSON is Boost.JSON"),
    Heavy(re.compile(r"<regex>"), re.compile(r"(?!)"), 0, "regular expressions are RE2"),
]


class Ban(NamedTuple):
    rule: str
    call: re.Pattern
    where: re.Pattern  # files that the ban is about
    whom: str          # "code", "tests" or "both"
    instead: str


ANYWHERE = re.compile(r"")
NOT_SYS = re.compile(r"(?!src/sys/)")
NOT_MAIN = re.compile(r"src/(?!main/)")
BANS = [
    Ban("sleep-in-test", re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\("), ANYWHERE, "tests",
        "wait for the event itself; time is a parameter"),
    Ban("system", re.compile(r"\bstd::system\s*\(|(?<![\w.>:])(system|popen)\s*\("), ANYWHERE, "both", "use sys/process.h"),
    Ban("c-string", re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\("), ANYWHERE, "both",
        "std::string, fmt"),
    Ban("remove-all", re.compile(r"\bremove_all\s*\("), NOT_SYS, "both", "use sys::remove_tree, which follows no link"),
    Ban("detach", re.compile(r"\.detach\s*\(\s*\)"), ANYWHERE, "both", "somebody must join it"),
    Ban("stdout", re.compile(r"\bstd::(cout|printf|puts)\b|(?<![\w.>:])(printf|puts)\s*\("), NOT_MAIN, "code",
        "stdout belongs to the command line; use base/log.h"),
    Ban("using-namespace", re.compile(r"^\s*using namespace\b"), re.compile(r".*\.h$"), "both",
        "headers name what they use"),
    Ban("clock", re.compile(r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\brandom_device\b|\bgetenv\s*\("),
        re.compile(rf"src/({'|'.join(sorted(PURE))})/"), "code", "pure rooms get time, chance and environment as values"),
]

# Words that have no place in the tree. Written so that this file does not match itself.
WORDS = [
    (re.compile(r"(?<![\w.}])/wor[k]/"), "a path of one machine"),
    (re.compile(r"\.\./share[d]\b|\bshare[d]/(corpus|reference|design)\b"), "a folder outside of the repository"),
    (re.compile(r"\bhelpe[r]-[0-9a-f]"), "who did it is no part of the tree"),
    (re.compile(r"\b[iI]ssues? #?[0-9]+\b"), "say what was wrong, not the number under which it was noted"),
    (re.compile(r"\b(pypi\.or[g]|files\.pythonhoste[d]\.|proxy\.golan[g]\.|sum\.golan[g]\.|deb\.debia[n]\.|security\.debia[n]\.|"
                r"registry\.npmj[s]\.|repo1?\.mave[n]\.|static\.crate[s]\.|index\.crate[s]\.)"), "name the package, not the host"),
]
# The corpus may lie beside the tree; these tests say where.
CORPUS_LOCATOR = re.compile(r"src/.*(_test\.cc|/corpus\.h)$|tests/.*|CONTRIBUTING\.md$")
LEFTOVER = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
TEXT = {".cc", ".h", ".c", ".py", ".sh", ".md", ".cmake", ".txt", ".json", ".yml", ".yaml", ".xml", ".html", ".ts", ".css", ""}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"][^>"]+[>"])')
ALLOW = re.compile(r"// tree: allow ([\w-]+): \S")


class Finding(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Source:
    """One text file of the tree; `code` is its lines with comments and string literals blanked (C++ only)."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.lines = text.splitlines()
        self.is_cpp = path.endswith((".cc", ".h"))
        first = self.lines[0] if self.lines else ""
        self.is_test = (path.startswith(("tests/", "bench/")) or path.endswith("_test.cc") or path.endswith("_test.py")
                        or "/test" in path and self.is_cpp or first.startswith("// For tests"))
        self.code = blank(text).splitlines() if self.is_cpp else []
        self.includes = [(n, m.group(1)) for n, line in enumerate(self.lines, 1) if self.is_cpp and (m := INCLUDE.match(line))]


LITERAL = re.compile(
    r'R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/',
    re.DOTALL)


def blank(text: str) -> str:
    """Comments and literals become blanks of the same shape, so that line numbers stay."""
    return LITERAL.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def tracked(root: Path) -> list[str]:
    """What Git has or would add; in a tree that is no repository, every file that is not built."""
    if (root / ".git").exists():
        out = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             check=True, capture_output=True, text=True).stdout
        return sorted({name for name in out.split("\0") if name})
    skip = {"build", ".git", ".cache", "__pycache__"}
    return sorted(str(p.relative_to(root)) for p in root.rglob("*")
                  if p.is_file() and not skip & set(p.relative_to(root).parts))


def read_tree(root: Path) -> list[Source]:
    sources = []
    for name in tracked(root):
        path = root / name
        if path.suffix not in TEXT or path.is_symlink() or not path.is_file():
            continue
        try:
            sources.append(Source(name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # data, such as images and archives
    return sources


def room_of(path: str) -> tuple[str, str]:
    """('adapters', 'adapters/s3') for src/adapters/s3/x.h: the row of the table, and the folder itself."""
    parts = path.split("/")
    if len(parts) > 2 and parts[0] == "adapters":
        return "adapters", "/".join(parts[:2])
    if len(parts) > 2 and parts[:2] == ["app", "ports"]:
        return "app/ports", "app/ports"
    return parts[0], parts[0]


def check_imports(source: Source, all_paths: set[str]) -> Iterator[Finding]:
    if not source.is_cpp or not source.path.startswith("src/"):
        return
    row, folder = room_of(source.path.removeprefix("src/"))
    for line, include in source.includes:
        name = include[1:-1]
        if include[0] == "<":
            if row in PURE and not source.is_test and IMPURE_HEADERS.match(include) and not name.startswith("boost/json"):
                yield Finding(source.path, line, f"{row} is pure: {include} is not for it")
            continue
        if f"src/{name}" not in all_paths:
            yield Finding(source.path, line, f'"{name}" is not under src/, where include paths begin')
            continue
        theirs, their_folder = room_of(name)
        if row == "main" or folder == their_folder or theirs in IMPORTS.get(row, set()):
            continue
        what = "another adapter" if row == theirs == "adapters" else theirs
        yield Finding(source.path, line, f"{folder} must not include {what}: {name}")


def check_heavy(sources: list[Source]) -> Iterator[Finding]:
    for heavy in HEAVY:
        users: dict[str, int] = {}
        for source in sources:
            for line, include in source.includes:
                if not heavy.header.match(include):
                    continue
                if not heavy.where.match(source.path):
                    yield Finding(source.path, line, f"{include} is not for this file: {heavy.why}")
                users.setdefault(source.path, line)
        if heavy.max_files and len(users) > heavy.max_files:
            path, line = sorted(users.items())[-1]
            yield Finding(path, line, f"{len(users)} files include {heavy.header.pattern}, at most {heavy.max_files}: "
                          f"{heavy.why} ({', '.join(sorted(users))})")


def check_banned(source: Source) -> Iterator[Finding]:
    for n, line in enumerate(source.code, 1):
        allowed = {m.group(1) for m in ALLOW.finditer(source.lines[n - 1])}
        for ban in BANS:
            if not ban.where.match(source.path) or ban.whom == ("code" if source.is_test else "tests"):
                continue
            if ban.rule not in allowed and (m := ban.call.search(line)):
                yield Finding(source.path, n, f"{m.group().strip()} is banned ({ban.rule}): {ban.instead}")


def check_words(source: Source) -> Iterator[Finding]:
    for n, line in enumerate(source.lines, 1):
        if m := LEFTOVER.search(line):
            yield Finding(source.path, n, f"{m.group()} is left over: do it, or say what is missing where people look")
        for pattern, why in WORDS:
            m = pattern.search(line)
            if m and not ("corpus" in m.group() and CORPUS_LOCATOR.match(source.path)):
                yield Finding(source.path, n, f"'{m.group()}': {why}")


def check_header(source: Source) -> Iterator[Finding]:
    if not source.path.endswith(".h"):
        return
    if not source.lines or not re.match(r"///? ?[^\s/]", source.lines[0]):
        yield Finding(source.path, 1, "the first line is a comment that says what the header holds")
    if "#pragma once" not in (line.strip() for line in source.lines):
        yield Finding(source.path, 1, "#pragma once is missing")


class Function(NamedTuple):
    path: str
    name: str
    line: int
    length: int
    is_test: bool

    @property
    def key(self) -> str:
        return f"{self.path}:{self.name}"


def functions(root: Path, sources: list[Source]) -> list[Function]:
    """Lengths by universal-ctags: from the line of the name to the closing brace."""
    chosen = {s.path: s for s in sources if s.is_cpp or s.path.endswith(".py") and s.path.startswith("tools/")}
    if not chosen:
        return []
    run = subprocess.run(
        ["ctags", "-f", "-", "-L", "-", "--languages=C++,Python", "--langmap=C++:+.h", "--c++-kinds=f", "--python-kinds=fm",
         "--fields=+neS", "--output-format=json"],
        input="\n".join(chosen), cwd=root, check=True, capture_output=True, text=True)
    found = []
    for line in run.stdout.splitlines():
        tag = json.loads(line)
        if tag.get("_type") != "tag" or "end" not in tag:
            continue
        name = "::".join(filter(None, [tag.get("scope", ""), tag["name"]]))
        if tag["name"].startswith("TEST"):
            name = tag["name"] + tag.get("signature", "")
        found.append(Function(tag["path"], name, tag["line"], tag["end"] - tag["line"] + 1, chosen[tag["path"]].is_test))
    return found


def load_ratchet(root: Path) -> dict[str, dict[str, int]]:
    path = root / RATCHET
    kept = json.loads(path.read_text()) if path.exists() else {}
    return {"file_lines": kept.get("file_lines", {}), "function_lines": kept.get("function_lines", {})}


def check_sizes(sources: list[Source], found: list[Function], ratchet: dict[str, dict[str, int]]) -> Iterator[Finding]:
    """Over the limit and not in the ratchet, or over its number, is a fault; so is an entry that could shrink."""
    measured = {"file_lines": {}, "function_lines": {}}
    for s in sources:
        if (s.is_cpp or s.path.startswith("tools/")) and not s.is_test and s.path != RATCHET:
            measured["file_lines"][s.path] = (1, len(s.lines))
    for f in found:
        line, length = measured["function_lines"].get(f.key, (f.line, 0))
        measured["function_lines"][f.key] = (f.line, f.length) if f.length > length else (line, length)
    for kind, limit in (("file_lines", MAX_FILE_LINES), ("function_lines", MAX_FUNCTION_LINES)):
        word = kind.removesuffix("_lines")
        for key, (line, length) in measured[kind].items():
            name = key.partition(":")[2] or "file"
            path, allowed = key.partition(":")[0], ratchet[kind].get(key, limit)
            if length > allowed:
                yield Finding(path, line, f"{name} has {length} lines; a {word} has at most {allowed}")
        for key, allowed in ratchet[kind].items():
            length = measured[kind].get(key, (0, 0))[1]
            if length <= limit or length < allowed:
                yield Finding(RATCHET, 1, f"{key} needs {length} lines, no longer {allowed}: run tools/check_tree.py --tighten")


def tighten(root: Path, found: list[Function], sources: list[Source]) -> None:
    ratchet = load_ratchet(root)
    files = {s.path: len(s.lines) for s in sources}
    longest: dict[str, int] = {}
    for f in found:
        longest[f.key] = max(longest.get(f.key, 0), f.length)
    for kind, limit, now in (("file_lines", MAX_FILE_LINES, files), ("function_lines", MAX_FUNCTION_LINES, longest)):
        kept = {key: min(allowed, now.get(key, 0)) for key, allowed in ratchet[kind].items()}
        ratchet[kind] = {key: n for key, n in sorted(kept.items()) if n > limit}
    (root / RATCHET).write_text(json.dumps(ratchet, indent=2) + "\n")


def figures(sources: list[Source], found: list[Function]) -> str:
    code = [s for s in sources if s.is_cpp and not s.is_test]
    tests = [s for s in sources if s.is_cpp and s.is_test]
    if not code:
        return "no C++ source"
    lengths = sorted(f.length for f in found if not f.is_test and not f.path.endswith(".py"))
    largest = max(code, key=lambda s: len(s.lines))
    out = [f"files      {len(code)} of code ({sum(len(s.lines) for s in code)} lines), "
           f"{len(tests)} of tests ({sum(len(s.lines) for s in tests)} lines)",
           f"largest    {largest.path} ({len(largest.lines)} lines)"]
    if lengths:
        longest = max((f for f in found if not f.is_test), key=lambda f: f.length)
        out.append(f"functions  {len(lengths)}; lines: median {lengths[len(lengths) // 2]}, p90 {lengths[len(lengths) * 9 // 10]}, "
                   f"longest {longest.length} ({longest.name}, {longest.path})")
    return "\n".join(out)


def check(root: Path) -> tuple[list[Finding], str]:
    sources = read_tree(root)
    paths = {s.path for s in sources}
    found = functions(root, sources)
    findings = list(check_heavy(sources)) + list(check_sizes(sources, found, load_ratchet(root)))
    for source in sources:
        findings += [*check_imports(source, paths), *check_banned(source), *check_words(source), *check_header(source)]
    return sorted(findings), figures(sources, found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--tighten", action="store_true")
    args = parser.parse_args()
    if args.tighten:
        sources = read_tree(args.root)
        tighten(args.root, functions(args.root, sources), sources)
    findings, summary = check(args.root)
    for finding in findings:
        print(finding)
    print(summary)
    print(f"tree: {len(findings)} findings" if findings else "tree: in order")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
