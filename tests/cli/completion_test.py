"""`tidegate completion`, in real shells."""
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from support import BINARY, Case, OnTerminal

PIPELINE = """
stages: [build, test]
compile: {stage: build, script: [x]}
"unit test": {stage: test, script: [x]}
"unit:fast": {stage: test, script: [x]}
"it's $HOME": {stage: test, script: [x]}
never: {script: [x], rules: [{if: $NEVER}]}
"""


class Completion(Case):
    def setUp(self):
        super().setUp()
        self.pipeline(PIPELINE)
        (self.project / "other").mkdir()
        (self.project / "other" / "ci.yml").write_text("elsewhere: {script: [x]}\n")
        (self.project / "a.env").touch()
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "tidegate").symlink_to(Path(BINARY).resolve())
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def script(self, shell: str) -> Path:
        run = self.tidegate("completion", shell)
        self.assertEqual(run.returncode, 0, run.stderr)
        path = self.root / "site" / "_tidegate"
        path.parent.mkdir(exist_ok=True)
        path.write_text(run.stdout)
        return path


@unittest.skipUnless(shutil.which("bash"), "bash is not installed")
class Bash(Completion):
    def offered(self, line: str) -> set[str]:
        """What bash would offer at the end of the line; words are cut as readline cuts them."""
        words = re.findall(r"(?:\\.|[^\s:=\\])+|[:=]+", line)
        if line[-1].isspace():
            words.append("")
        code = (f'source {self.script("bash")}\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\nCOMP_LINE=$LINE\n'
                'COMP_POINT=${#COMP_LINE}\n_tidegate 2>/dev/null\n((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"\n')
        run = subprocess.run(["bash", "--norc", "-c", code, "bash", *words], cwd=self.project, text=True, capture_output=True,
                             env={**self.environment, "LINE": line})
        return set(run.stdout.splitlines())

    def test_commands_and_their_options(self):
        self.assertLessEqual({"run", "list", "lint", "graph", "data", "completion"}, self.offered("tidegate "))
        self.assertEqual(self.offered("tidegate gr"), {"graph"})
        self.assertLessEqual({"list", "show", "events"}, self.offered("tidegate data "))
        self.assertEqual(self.offered("tidegate run --nee"), {"--needs"})
        self.assertEqual(self.offered("tidegate data list --ser"), {"--server"})
        self.assertEqual(self.offered("tidegate nonsense --x"), set())

    def test_values(self):
        self.assertEqual(self.offered("tidegate graph --format "), {"text", "mermaid", "dot"})
        self.assertEqual(self.offered("tidegate graph --format=me"), {"mermaid"})
        self.assertEqual(self.offered("tidegate run --executor s"), {"shell"})
        self.assertEqual(self.offered("tidegate completion "), {"bash", "zsh"})
        self.assertEqual(self.offered("tidegate run -C o"), {"other"})
        self.assertEqual(self.offered("tidegate run --env-file a"), {"a.env"})
        self.assertEqual(self.offered("tidegate run --ref "), set())

    def test_names_of_jobs(self):
        self.assertEqual(self.offered("tidegate run "), {"compile", "unit\\ test", "unit:fast", "it\\'s\\ \\$HOME"})
        self.assertEqual(self.offered("tidegate run compile uni"), {"unit\\ test", "unit:fast"})
        self.assertEqual(self.offered("tidegate run unit\\ t"), {"unit\\ test"})
        self.assertEqual(self.offered("tidegate run unit:f"), {"fast"})  # readline replaces what stands behind the colon
        self.assertEqual(self.offered("tidegate run --shell --manual co"), {"compile"})
        self.assertEqual(self.offered("tidegate run -C other --file=ci.yml "), {"elsewhere"})
        self.assertEqual(self.offered("tidegate run -C nowhere "), set())

    def test_every_option_of_the_help_is_offered(self):
        for command in ("run", "list", "graph", "lint", "serve", "data list", "variable set"):
            text = self.tidegate(*command.split(), "--help").stdout
            known = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, re.MULTILINE))
            self.assertGreater(len(known), 2)
            self.assertLessEqual(known, self.offered(f"tidegate {command} --"), command)

    def test_tab_in_an_interactive_shell(self):
        self.environment["INPUTRC"] = "/dev/null"
        shell = OnTerminal(["bash", "--norc", "--noprofile", "-i"], self.project, {**self.environment, "PS1": "ready> "}, 120, 24)
        self.addCleanup(shell.close)
        shell.wait_for("ready> ")
        shell.type(f"source {self.script('bash')}\n")
        at = shell.wait_for("ready> ", shell.wait_for("_tidegate"))
        shell.type("tidegate run --ne\tcom\t")
        shell.wait_for("--needs compile ", at)
        shell.type("\x15exit\n")
        shell.end()


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed (tools/setup.sh build)")
class Zsh(Completion):
    def typed(self, keys: str, expected: str):
        site = self.script("zsh").parent
        (self.root / ".zshrc").write_text(f"PS1='ready> '\nunset zle_bracketed_paste\nfpath=({site} $fpath)\n"
                                          f"autoload -U compinit\ncompinit -u -d {self.root}/dump\n"
                                          "show() { print -r -- \"<$BUFFER>\" }\nzle -N show\nbindkey '^X^B' show\n")
        shell = OnTerminal(["zsh", "-d", "-i"], self.project, {**self.environment, "ZDOTDIR": str(self.root)}, 200, 50)
        self.addCleanup(shell.close)
        at = shell.wait_for("ready> ")
        shell.type(keys + "\x18\x02")
        shell.wait_for(f"<{expected}>", at)
        shell.type("\x15exit\n")
        shell.end()

    def test_commands_options_values_and_jobs(self):
        self.typed("tidegate gr\t", "tidegate graph ")
        self.typed("tidegate run --ne\t", "tidegate run --needs ")
        self.typed("tidegate graph --format=me\t", "tidegate graph --format=mermaid ")
        self.typed("tidegate data ev\t", "tidegate data events ")
        self.typed("tidegate run com\t", "tidegate run compile ")
        self.typed("tidegate run -C other --file ci.yml e\t", "tidegate run -C other --file ci.yml elsewhere ")
        self.typed("tidegate run --manual unit\\ t\t", "tidegate run --manual unit\\ test ")


if __name__ == "__main__":
    unittest.main()
