#!/usr/bin/env python3
"""Holds the documents to the code, both ways.

  tools/check_docs.py                   what needs no build: links, and names against the sources
  tools/check_docs.py --binary PATH     also what the program says: command lines, options, examples of diagnostics

Links and anchors resolve; every diagnostic code, keyword, key and route of the sources stands in docs/reference and every
one there is in the sources; every `tidegate …` in a sh block parses; every example of docs/reference/diagnostics.md and
lints.md gives the code of its heading; `lint` is silent about examples/. Exit 1 with file:line messages when something is out of step.
"""
import argparse
import functools
import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = "docs/reference"
# Words in the sources of the language that look like codes and are none.
NO_CODES = {"if-not-present", "insecure-registry", "pull-push"}
SUPPORT = {"": "yes", "kWarning": "warning", "kError": "refused"}


class Finding(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def documents() -> list[Path]:
    names = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
                           check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in sorted(set(names)) if name and (ROOT / name).exists()]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def sources(*folders: str) -> str:
    """The .cc files of these folders but the tests, as one text."""
    files = [p for folder in folders for p in sorted((ROOT / folder).glob("*.cc")) if not p.name.endswith("_test.cc")]
    return "\n".join(p.read_text(encoding="utf-8") for p in files)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def blocks(text: str) -> Iterator[tuple[str, int, str]]:
    """Fenced blocks: info string, line of the first content line, content."""
    for m in re.finditer(r"^```([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield m.group(1).strip(), line_of(text, m.start(2)), m.group(2)


# --- links ---


def anchor_of(heading: str) -> str:
    """As GitHub makes them: lower case, blanks to hyphens, punctuation dropped."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@functools.cache
def anchors(path: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {anchor_of(m.group(1)) for m in re.finditer(r"^#{1,6} (.+)$", text, re.MULTILINE)}


def check_links(path: Path) -> Iterator[Finding]:
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.MULTILINE | re.DOTALL)
    for m in re.finditer(r"\]\(([^)\s]+)\)", prose):
        target, _, anchor = m.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = path if not target else (path.parent / target).resolve()
        if not file.exists():
            yield Finding(name_of(path), line_of(text, m.start()), f"{m.group(1)} leads nowhere")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield Finding(name_of(path), line_of(text, m.start()), f"{name_of(file)} has no heading #{anchor}")


# --- names, both ways ---


def compare(what: str, code: set[str], document: str, written: set[str]) -> Iterator[Finding]:
    for name in sorted(code - written):
        yield Finding(document, 1, f"{what} {name} is in the code and not here")
    for name in sorted(written - code):
        yield Finding(document, 1, f"{what} {name} is here and not in the code")


def check_codes() -> Iterator[Finding]:
    document = f"{REFERENCE}/diagnostics.md"
    code = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', sources("src/config", "src/pipeline"))) - NO_CODES
    code |= set(re.findall(r'\.code = "([a-z-]+)"', sources("src/app/lint")))
    written = set(re.findall(r"^### `([a-z-]+)`", read(document), re.MULTILINE))
    yield from compare("diagnostic", code, document, written)
    document = f"{REFERENCE}/lints.md"
    code = set(re.findall(r'^ *\{"([a-z-]+)", &find_', read("src/pipeline/lints/lint.cc"), re.MULTILINE))
    yield from compare("lint", code, document, set(re.findall(r"^### `([a-z-]+)`", read(document), re.MULTILINE)))


def keyword_tables(text: str) -> dict[str, dict[str, str]]:
    """kJob → {"script": "yes", "trigger": "refused", …} from the arrays of Keyword."""
    tables = {}
    for m in re.finditer(r"constexpr auto (k\w+)\s*=\s*std::to_array<Keyword>\(\{(.*?)\}\);", text, re.DOTALL):
        entries = re.findall(r'\{"([^"]+)"(?:,\s*(?:Support::)?(k\w+))?', m.group(2))
        tables[m.group(1)] = {name: SUPPORT[support] for name, support in entries}
    return tables


def written_tables(text: str, mark: str) -> dict[str, dict[str, str]]:
    """What follows `<!-- mark: kName -->`: table rows (name, support), or, without a table, names in backticks."""
    tables = {}
    parts = re.split(rf"<!-- {mark}: (k\w+) -->", text)
    for name, body in zip(parts[1::2], parts[2::2]):
        body = re.split(r"^#|^<!--", body, maxsplit=1, flags=re.MULTILINE)[0]
        rows = re.findall(r"^\| `([^`]+)` \|([^|]*)\|", body, re.MULTILINE)
        last = body.strip().split("\n\n")[-1]
        tables[name] = {key: value.strip() for key, value in rows} or {key: "yes" for key in re.findall(r"`([^`]+)`", last)}
    return tables


def check_keywords() -> Iterator[Finding]:
    document = f"{REFERENCE}/pipeline-keywords.md"
    files = sorted((ROOT / "src/config").glob("keywords*.cc"))
    code = keyword_tables("".join(file.read_text(encoding="utf-8") for file in files))
    written = written_tables(read(document), "keywords")
    yield from compare("table", set(code), document, set(written))
    for table in sorted(set(code) & set(written)):
        yield from compare(f"{table}:", set(code[table]), document, set(written[table]))
        for name in sorted(set(code[table]) & set(written[table])):
            if code[table][name] != written[table][name]:
                yield Finding(document, 1, f"{table}: {name} is {code[table][name]} in the code, {written[table][name]} here")


def check_project_keys() -> Iterator[Finding]:
    document = f"{REFERENCE}/tidegate-yml.md"
    sources = ["project_file.cc", "read_data.cc", "graph_checks.cc", "gate_settings.cc"]
    code = keyword_tables("".join(read(f"src/config/{name}") for name in sources))
    text = read(document)
    written = written_tables(text, "keys")
    written["kTop"] = {name: "" for name in re.findall(r"^## (\w+)$", text, re.MULTILINE) if name != "Example"}
    yield from compare("table", set(code), document, set(written))
    for table in sorted(set(code) & set(written)):
        yield from compare(f"{table}:", set(code[table]), document, set(written[table]))


def check_server_keys() -> Iterator[Finding]:
    document = f"{REFERENCE}/server-config.md"
    text = read("src/main/server_config.cc")
    code = set(re.findall(r'\{"(\w+)",\s*(?:reader\.|\[&\])', text))
    written = {part for key in re.findall(r"^\| `([\w.]+)` \|", read(document), re.MULTILINE) for part in key.split(".")}
    yield from compare("key", code, document, written)


def routes() -> set[str]:
    """Method and path of every route. Paths are literals, or a name in the file plus a literal."""
    found = set()
    for file in sorted((ROOT / "src/adapters/http/api").glob("*_routes.cc")):
        text = file.read_text(encoding="utf-8")
        # A name may be given anew further down; the nearest one above counts.
        names = [(m.start(), m.group(1), m.group(2)) for m in re.finditer(r'std::string (\w+) = "([^"]*)"', text)]
        for m in re.finditer(r'router\.add\(\s*"([A-Z*]+)",\s*(?:(\w+)(?=[ ,]))?(?: \+ )?(?:"([^"]*)")?( \+ name)?', text):
            base = [value for at, name, value in names if name == m.group(2) and at < m.start()]
            path = (base[-1] if base else "") + (m.group(3) or "")
            if m.group(4):
                found |= {f"{m.group(1)} {path}{word}" for word in re.findall(r'\bact\("(\w+)"', text)}
            elif path:
                found.add(f"{m.group(1)} {path}")
        prefix = next((value for _, name, value in names if name == "kProject"), "")
        found |= {f"{method} {prefix}{path}" for method, path in re.findall(r'\badd\("([A-Z]+)", "([^"]+)",', text) if prefix}
        found |= {f"POST {path}" for path in re.findall(r'\badd\("(/api/[^"]+)"', text)}
    return found


def check_routes() -> Iterator[Finding]:
    document = f"{REFERENCE}/api.md"
    written = set(re.findall(r"^\| `([A-Z*]+ /[^`]*)` \|", read(document), re.MULTILINE))
    yield from compare("route", routes(), document, written)


def check_rooms() -> Iterator[Finding]:
    """The import table of ARCHITECTURE.md against the tree check's, and every folder it names."""
    document = "ARCHITECTURE.md"
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT / "tools"))
    import check_tree
    text = read(document)
    rows = dict(re.findall(r"^\| `([\w/]+)` \| ([^|]*) \|$", text, re.MULTILINE))
    for room, imports in check_tree.IMPORTS.items():
        if room not in rows:
            yield Finding(document, 1, f"the import table has no row for {room}")
        elif set(re.findall(r"`([\w/]+)`", rows[room])) != imports:
            yield Finding(document, 1, f"{room} may import {', '.join(sorted(imports)) or 'nothing'}; the table says {rows[room]}")
    for m in re.finditer(r"`((?:src|tools|docs|examples|tests|bench)/[\w./-]+)`", text):
        if not (ROOT / m.group(1)).exists():
            yield Finding(document, line_of(text, m.start()), f"{m.group(1)} is not in the tree")


# --- what the program says ---


class Program:
    def __init__(self, binary: Path):
        self.binary = binary
        self.in_job = binary.with_name("tidegate-job")

    @functools.cache
    def help(self, command: tuple[str, ...]) -> str | None:
        """The help of a subcommand; None when there is no such one."""
        run = subprocess.run([str(self.binary), *command, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return run.stdout if run.returncode == 0 else None

    @functools.cache
    def subcommands(self, command: tuple[str, ...]) -> set[str]:
        part = (self.help(command) or "").partition("Subcommands:\n")[2].split("\n\n")[0]
        return set(re.findall(r"^  (\w[\w-]*)", part, re.MULTILINE))

    @functools.cache
    def options(self, command: tuple[str, ...]) -> set[str]:
        part = (self.help(command) or "").partition("Options:\n")[2].split("\n\n")[0]
        names = re.findall(r"^  ((?:-\w,)?--?[\w-]+)", part, re.MULTILINE)
        found = {option for name in names for option in name.split(",")}
        if command and command[0] in ("deploy", "load"):  # what the client inside jobs takes
            text = subprocess.run([str(self.in_job), "--help"], capture_output=True, text=True).stdout
            found |= {option for line in text.splitlines() if f"tidegate {command[0]} " in line
                      for option in re.findall(r"--[\w-]+", line)}
        return found

    def stands_alone(self, command: tuple[str, ...]) -> bool:
        """It does something without a subcommand too: then it takes words of its own."""
        return not self.subcommands(command) or (bool(command) and "\nPositionals:" in (self.help(command) or ""))

    def split(self, words: list[str]) -> tuple[tuple[str, ...], list[str]]:
        """Leading words that are subcommands, and the rest."""
        command: tuple[str, ...] = ()
        while words and words[0] in self.subcommands(command):
            command, words = (*command, words[0]), words[1:]
        return command, words

    def fault(self, words: list[str]) -> str | None:
        command, rest = self.split(words)
        if not command and not (rest and rest[0].startswith("-")):
            return f"there is no command {' '.join(words[:1]) or '(none)'}"
        if command and not self.stands_alone(command):
            return f"`tidegate {' '.join(command)}` needs one of {', '.join(sorted(self.subcommands(command)))}"
        known = self.options(command) | {"--help", "-h"}
        for word in rest:
            option = word.partition("=")[0]
            if re.match(r"--?[a-z]", option, re.IGNORECASE) and option not in known:
                return f"`tidegate {' '.join(command)}` knows no {option}"
        return None


def command_lines(body: str) -> Iterator[tuple[int, str]]:
    """Commands of a sh block, continued lines joined; the line counts from the block's first."""
    lines, at = body.splitlines(), 0
    while at < len(lines):
        first, text = at, lines[at]
        while text.endswith("\\") and at + 1 < len(lines):
            at += 1
            text = text[:-1] + " " + lines[at].strip()
        at += 1
        yield first, text


def check_commands(path: Path, program: Program) -> Iterator[Finding]:
    for info, line, body in blocks(path.read_text(encoding="utf-8")):
        if info.split(" ")[:1] != ["sh"]:
            continue
        for offset, text in command_lines(body):
            for m in re.finditer(r"(?:^|[;&|(]\s*|\$\(|\bsudo |\b[A-Z_]+=\S+ )\s*(?:\S*/)?tidegate(?=[ ;&|)]|$)((?: [^;&|)]*)?)", text):
                try:
                    words = shlex.split(m.group(1), comments=True)
                except ValueError as error:
                    yield Finding(name_of(path), line + offset, f"cannot be read: {error}")
                    continue
                if why := program.fault([re.sub(r"[<>].*", "", word) for word in words if not re.match(r"[0-9]?[<>]", word)]):
                    yield Finding(name_of(path), line + offset, why)


def check_cli(program: Program) -> Iterator[Finding]:
    """Every command has a section in cli.md that names its options, there or by the shared tables."""
    document = f"{REFERENCE}/cli.md"
    text = read(document)
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))

    def named(section: str) -> set[str]:
        return set(re.findall(r"`(--?[\w-]+)", sections.get(section, "")))

    commands, todo = [], [()]
    while todo:
        at = todo.pop()
        below = program.subcommands(at)
        todo += [(*at, name) for name in below]
        if program.stands_alone(at):
            commands.append(at)
    for command in sorted(commands):
        title = f"`tidegate {' '.join(command)}`"
        if title not in sections:
            yield Finding(document, 1, f"{title} has no section")
            continue
        shared = set()
        for name, anchor in (("Server options", "#server-options"), ("Context options", "#context-options")):
            shared |= named(name) if anchor in sections[title] else set()
        real = program.options(command) - {"-h", "--help"}
        for option in sorted(real - named(title) - shared):
            yield Finding(document, 1, f"{title}: {option} is not described")
        for option in sorted((named(title) | shared) - real):
            yield Finding(document, 1, f"{title} has no {option}")
    for title in sections:
        if (m := re.fullmatch(r"`tidegate ([\w ]+)`", title)) and tuple(m.group(1).split()) not in commands:
            yield Finding(document, 1, f"{title} is no command")


def check_examples(program: Program, name: str) -> Iterator[Finding]:
    """Each `yaml` block gives the code of its heading, each `yaml good` does not. A `dockerfile` block stands beside them."""
    document = f"{REFERENCE}/{name}"
    text = read(document)
    code = dockerfile = ""
    for m in re.finditer(r"^### `([a-z-]+)`|^```(dockerfile|yaml(?: list| good)?)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if m.group(1):
            code, dockerfile = m.group(1), ""
            continue
        if m.group(2) == "dockerfile":
            dockerfile = m.group(3)
            continue
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / ".gitlab-ci.yml").write_text(m.group(3), encoding="utf-8")
            if dockerfile:
                (Path(folder) / "Dockerfile").write_text(dockerfile, encoding="utf-8")
            command = "list" if m.group(2).endswith("list") else "lint"
            run = subprocess.run([str(program.binary), command, "-C", folder, "--json"], capture_output=True, text=True)
        try:
            given = {d["code"] for d in json.loads(run.stdout)["diagnostics"]}
        except ValueError:
            given = {run.stderr.strip() or "no JSON"}
        if (code in given) == m.group(2).endswith("good"):
            wanted = "without" if code in given else "not"
            yield Finding(document, line_of(text, m.start()), f"this gives {', '.join(sorted(given)) or 'nothing'}, {wanted} {code}")


def check_advice(program: Program) -> Iterator[Finding]:
    """`lint` has nothing to say of the examples that people copy."""
    for path in sorted((ROOT / "examples").glob("*/.gitlab-ci.yml")):
        run = subprocess.run([str(program.binary), "lint", "-C", str(path.parent), "--json"], capture_output=True, text=True)
        for found in json.loads(run.stdout)["diagnostics"]:
            yield Finding(name_of(path.parent / found["file"]), found["line"], f"{found['message']} [{found['code']}]")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, help="the built tidegate, with tidegate-job beside it")
    args = parser.parse_args()
    files = documents()
    findings = [finding for path in files for finding in check_links(path)]
    for check in (check_codes, check_keywords, check_project_keys, check_server_keys, check_routes, check_rooms):
        findings += check()
    if args.binary:
        program = Program(args.binary.resolve())
        if program.help(()) is None:
            print(f"check_docs: {args.binary} cannot be run", file=sys.stderr)
            return 3
        findings += [finding for path in files for finding in check_commands(path, program)]
        findings += [*check_cli(program), *check_examples(program, "diagnostics.md"),
                     *check_examples(program, "lints.md"), *check_advice(program)]
    for finding in sorted(findings):
        print(finding)
    print(f"docs: {len(findings)} findings" if findings else f"docs: {len(files)} documents in step with the code")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
