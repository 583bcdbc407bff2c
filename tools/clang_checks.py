#!/usr/bin/env python3
"""Runs clang's checkers over the production code and remembers which files were found clean.

  tools/clang_checks.py tidy       --build build/debug   clang-tidy with the repository's .clang-tidy
  tools/clang_checks.py coroutines --build build/debug   aggregates and capturing lambdas in statements with co_await

A file is looked at again only when it, a header that it includes, its compile command, the checks or the tool have
changed: what was clean is kept by content in ~/.cache/tidegate/checks, so a clone elsewhere has it too. clang-tidy reads
several files of a library as one translation unit, for most of its time goes into the headers that they share. Needs a
build tree (Ninja) in which the files have been compiled. Findings: exit 1. A tool that cannot run: exit 3.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
KEEP_SECONDS = 60 * 24 * 3600

# g++ 12 destroys such temporaries twice (a miscompilation); the house keeps off them with every compiler.
MATCHER = ("match expr(anyOf(lambdaExpr(hasAnyCapture(lambdaCapture())), initListExpr()), hasAncestor(coawaitExpr()), "
           "isExpansionInMainFile())")


class Unit(NamedTuple):
    path: str  # relative to the root
    command: str
    output: str  # the object file, as Ninja names it


def units(build: Path, root: Path = ROOT) -> list[Unit]:
    """Every compiled production file under src/, once."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        try:
            path = str(Path(entry["file"]).resolve().relative_to(root))
        except ValueError:
            continue
        output = re.search(r" -o (\S+) ", entry["command"])
        if path.startswith("src/") and "_test" not in path and "/test" not in path and output:
            found.setdefault(path, Unit(path, entry["command"], output.group(1)))
    return sorted(found.values())


def dependencies(build: Path) -> dict[str, list[Path]]:
    """What each object was made from, from Ninja's log; only what is still true (VALID)."""
    run = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=True)
    deps, current = {}, None
    for line in run.stdout.splitlines():
        if line.startswith("    "):
            if current is not None:
                current.append((build / line.strip()).resolve())
        elif "#deps" in line:
            current = deps.setdefault(line.partition(":")[0], []) if line.endswith("(VALID)") else None
    return deps


class Hasher:
    """Content hashes of files, each read once."""

    def __init__(self, root: Path = ROOT):
        self.root = root
        self.known: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        if path not in self.known:
            self.known[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self.known[path]

    def key(self, unit: Unit, made_from: Optional[list[Path]], salt: str) -> Optional[str]:
        """Names everything that the verdict depends on, by content and relative to the root; None when not known."""
        if not made_from:
            return None
        command = unit.command.replace(unit.output, "").replace(str(self.root), ".")
        digest = hashlib.sha256(f"{salt}\0{unit.path}\0{command}\0".encode())
        try:
            for path in sorted(set(made_from)):
                name = os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)
                digest.update(f"{name}\0{self.of(path)}\0".encode())
        except OSError:
            return None
        return digest.hexdigest()


def flags(command: str) -> list[str]:
    """What a compile command says but for the compiler, the file and the output."""
    words = shlex.split(command)
    words = words[next(n for n, word in enumerate(words) if word.startswith("-")):]
    return words[:words.index("-o")]


def tidy(source: str, command: str, build: Path) -> tuple[bool, str]:
    run = subprocess.run(["clang-tidy-19", f"--config-file={ROOT}/.clang-tidy", "--quiet", source, "--", *flags(command)],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=build)
    return run.returncode == 0, run.stdout.strip() or run.stderr.strip()


def run_tidy(batch: list[Unit], build: Path) -> tuple[bool, str]:
    """The files together; one by one when that finds something, or when they cannot stand together."""
    if len(batch) > 1:
        with tempfile.NamedTemporaryFile("w", suffix=".cc") as together:
            together.writelines(f'#include "{ROOT / unit.path}"\n' for unit in batch)
            together.flush()
            if tidy(together.name, batch[0].command, build)[0]:
                return True, ""
    bad = [text for good, text in (tidy(str(ROOT / u.path), u.command, build) for u in batch) if not good]
    return not bad, "\n".join(bad)


def run_query(batch: list[Unit], build: Path) -> tuple[bool, str]:
    unit, = batch
    run = subprocess.run(["clang-query-19", "-p", str(build), str(ROOT / unit.path),
                          "-c", "set traversal IgnoreUnlessSpelledInSource", "-c", MATCHER],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return run.returncode == 0 and run.stdout.strip() == "0 matches.", (run.stdout + run.stderr).strip()


class Mode(NamedTuple):
    tool: str
    run: object
    config: str
    together: int  # files at once


def mode_of(name: str) -> Mode:
    if name == "tidy":
        return Mode("clang-tidy-19", run_tidy, (ROOT / ".clang-tidy").read_text(), 12)
    return Mode("clang-query-19", run_query, MATCHER, 1)


def chosen(name: str, build: Path) -> list[Unit]:
    everything = units(build)
    if name == "coroutines":
        return [u for u in everything if "co_await" in (ROOT / u.path).read_text()]
    return everything


def batches(todo: list, size: int) -> list[list]:
    """Of one library each, and in the order in which they came."""
    libraries: dict[str, list] = {}
    for unit, key in todo:
        libraries.setdefault(unit.output.partition(".dir/")[0], []).append((unit, key))
    return [all_of[n:n + size] for all_of in libraries.values() for n in range(0, len(all_of), size)]


def cache_folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "tidegate" / "checks"
    folder.mkdir(parents=True, exist_ok=True)
    for stamp in folder.iterdir():
        if time.time() - stamp.stat().st_mtime > KEEP_SECONDS:
            stamp.unlink(missing_ok=True)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["tidy", "coroutines"])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    build = args.build.resolve()
    mode = mode_of(args.mode)
    if not shutil.which(mode.tool) or not (build / "compile_commands.json").exists():
        print(f"{mode.tool} or {build}/compile_commands.json is missing: run tools/setup.sh build and cmake --preset debug")
        return 3
    version = subprocess.run([mode.tool, "--version"], capture_output=True, text=True, check=True).stdout
    salt = "\0".join([args.mode, version, mode.config])
    hasher, deps, cache = Hasher(), dependencies(build), cache_folder()
    todo, known = [], 0
    for unit in chosen(args.mode, build):
        key = hasher.key(unit, deps.get(unit.output), salt)
        if key and (cache / key).exists():
            (cache / key).touch()
            known += 1
        else:
            todo.append((unit, key))
    return look(mode, todo, known, cache, build, args.jobs)


def look(mode: Mode, todo: list, known: int, cache: Path, build: Path, jobs: int) -> int:
    begin, done, bad = time.monotonic(), 0, []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(mode.run, [unit for unit, _ in batch], build): batch
                   for batch in batches(todo, mode.together)}
        for future in concurrent.futures.as_completed(running):
            batch, (good, text) = running[future], future.result()
            done += len(batch)
            for _, key in batch:
                if good and key:
                    (cache / key).touch()
            if not good:
                bad.append(text)
            names = batch[0][0].path + (f" and {len(batch) - 1} more" if len(batch) > 1 else "")
            print(f"[{done}/{len(todo)}] {names}" + ("" if good else ": findings, see the end"), flush=True)
    print(*bad, sep="\n")
    print(f"{mode.tool}: {known + len(todo)} files; {known} known to be clean, {len(todo)} looked at in "
          f"{time.monotonic() - begin:.0f} s; {len(bad)} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
