"""What clang_checks remembers must change with everything that a verdict depends on."""
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import clang_checks  # noqa: E402


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name).resolve()
        (self.root / "a.cc").write_text("int a;")
        (self.root / "a.h").write_text("int b;")
        self.made_from = [self.root / "a.cc", self.root / "a.h"]

    def key(self, root=None, command="clang -I{} -O0 -o x.o -c {}/a.cc", salt="v1", made_from=None):
        root = root or self.root
        unit = clang_checks.Unit("a.cc", command.format(root, root), "x.o")
        return clang_checks.Hasher(root).key(unit, made_from or self.made_from, salt)

    def test_same_content_same_key(self):
        self.assertEqual(self.key(), self.key())

    def test_another_folder_with_the_same_content_has_the_same_key(self):
        with tempfile.TemporaryDirectory() as other:
            there = Path(other).resolve()
            for path in self.made_from:
                (there / path.name).write_bytes(path.read_bytes())
            self.assertEqual(self.key(), self.key(root=there, made_from=[there / p.name for p in self.made_from]))

    def test_header_command_and_checks_change_it(self):
        before = self.key()
        self.assertNotEqual(before, self.key(salt="v2"))
        self.assertNotEqual(before, self.key(command="clang -I{} -O2 -o x.o -c {}/a.cc"))
        (self.root / "a.h").write_text("int c;")
        self.assertNotEqual(before, self.key())

    def test_unknown_or_missing_sources_are_never_remembered(self):
        unit = clang_checks.Unit("a.cc", "", "x.o")
        self.assertIsNone(clang_checks.Hasher(self.root).key(unit, None, ""))
        self.assertIsNone(clang_checks.Hasher(self.root).key(unit, [], ""))
        self.assertIsNone(self.key(made_from=[self.root / "gone.h"]))


class Units(unittest.TestCase):
    def test_production_files_only_and_once(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            names = ["src/base/a.cc", "src/base/a.cc", "src/base/a_test.cc", "src/x/test_layers.cc", "tests/e2e/b.cc"]
            commands = [{"file": str(root / n), "command": f"c++ -o obj/{i}.o -c {n}"} for i, n in enumerate(names)]
            commands.append({"file": "/usr/src/googletest/src/gtest.cc", "command": "c++ -o g.o -c g.cc"})
            (root / "compile_commands.json").write_text(json.dumps(commands))
            self.assertEqual([(u.path, u.output) for u in clang_checks.units(root, root)], [("src/base/a.cc", "obj/0.o")])


class Together(unittest.TestCase):
    GOOD = "namespace { int half(int n) { return n / 2; } }\nint {name}(int n) { return half(n); }\n"
    BAD = "void hidden();\nvoid {name}(bool b) {\n  if (b); \n  hidden();\n}\n"

    def look(self, *texts: str):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder).resolve() / "src"
            source.mkdir()
            units = []
            for name, text in zip("abc", texts):
                (source / f"{name}.cc").write_text(text.replace("{name}", name))
                units.append(clang_checks.Unit(f"{source}/{name}.cc", f"clang++-19 -std=c++20 -o {name}.o -c {name}.cc", name))
            return clang_checks.run_tidy(units, source)

    def test_files_that_are_clean_are_so_together(self):
        self.assertEqual(self.look(self.GOOD.replace("half", "third"), self.GOOD), (True, ""))

    def test_a_finding_in_one_of_them_is_seen_and_named(self):
        good, text = self.look(self.GOOD, self.BAD, self.GOOD.replace("half", "third"))
        self.assertFalse(good)
        self.assertIn("src/b.cc:3", text)
        self.assertIn("bugprone-suspicious-semicolon", text)

    def test_those_that_cannot_stand_together_are_read_alone(self):
        self.assertEqual(self.look(self.GOOD, self.GOOD), (True, ""))  # half() twice

    def test_batches_are_of_one_library(self):
        todo = [(clang_checks.Unit(f"{n}.cc", "", f"src/{lib}.dir/{n}.o"), None) for lib in "xyx" for n in range(2)]
        self.assertEqual([len(batch) for batch in clang_checks.batches(todo, 3)], [3, 1, 2])


if __name__ == "__main__":
    unittest.main()
