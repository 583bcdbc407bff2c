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


if __name__ == "__main__":
    unittest.main()
