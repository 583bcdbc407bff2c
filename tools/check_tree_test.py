"""Seeds one violation of each rule into a small tree and expects check_tree to name its place, and nothing else."""
import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import check_tree  # noqa: E402

HEADER = "// Thing: what it is.\n#pragma once\n"
TREE = {
    "src/base/text.h": HEADER,
    "src/config/load.h": HEADER + '#include <string>\n\n#include "base/text.h"\n',
    "src/pipeline/plan.h": HEADER + '#include "config/load.h"\n',
    "src/dataset/event.h": HEADER + '#include "base/text.h"\n',
    "src/sys/file.h": HEADER + '#include <fcntl.h>\n\n#include "base/text.h"\n',
    "src/sys/file.cc": '#include "sys/file.h"\nvoid f() { std::filesystem::remove_all(p); }\n',
    "src/app/ports/store.h": HEADER + '#include "dataset/event.h"\n',
    "src/app/server/server.h": HEADER + '#include "app/ports/store.h"\n#include "sys/file.h"\n',
    "src/adapters/http/api/views.h": HEADER + '#include <boost/json/fwd.hpp>\n\n#include "app/server/server.h"\n',
    "src/adapters/http/server.h": HEADER + '#include "adapters/http/api/views.h"\n',
    "src/adapters/s3/sigv4.h": HEADER + '#include "app/ports/store.h"\n',
    "src/main/main.cc": '#include <CLI/CLI.hpp>\n\n#include "adapters/http/server.h"\nint main() { std::printf("x"); }\n',
}


def findings(extra=None, ratchet=None):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = dict(TREE, **(extra or {}))
        if ratchet is not None:
            files[check_tree.RATCHET] = json.dumps(ratchet)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return [str(f) for f in check_tree.check(root)[0]]


class Tree(unittest.TestCase):
    def one(self, path, text, line, message, **more):
        """The tree with this file has exactly one finding, at this line, that says this."""
        found = findings({path: text}, **more)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:{line}: "), found)
        self.assertIn(message, found[0])

    def none(self, path, text, **more):
        self.assertEqual(findings({path: text}, **more), [])

    def test_a_tree_in_order_has_no_findings(self):
        self.assertEqual(findings(), [])


class Imports(Tree):
    def test_every_forbidden_direction(self):
        for path, include in [
            ("src/base/bad.cc", "config/load.h"),
            ("src/config/bad.cc", "pipeline/plan.h"),
            ("src/config/bad.cc", "dataset/event.h"),
            ("src/dataset/bad.cc", "config/load.h"),
            ("src/pipeline/bad.cc", "sys/file.h"),
            ("src/sys/bad.cc", "config/load.h"),
            ("src/app/ports/bad.cc", "app/server/server.h"),
            ("src/app/server/bad.cc", "adapters/s3/sigv4.h"),
            ("src/adapters/s3/bad.cc", "adapters/http/server.h"),
        ]:
            with self.subTest(path=path, include=include):
                self.one(path, f'\n#include "{include}"\n', 2, "must not include")

    def test_main_includes_everything(self):
        self.none("src/main/serve.cc", '#include "adapters/s3/sigv4.h"\n#include "base/text.h"\n')

    def test_paths_begin_at_src(self):
        self.one("src/sys/bad.cc", '#include "file.h"\n', 1, "not under src/")

    def test_pure_rooms_take_no_world(self):
        self.one("src/pipeline/bad.cc", "#include <thread>\n", 1, "pure")
        self.one("src/base/bad.cc", "#include <sys/stat.h>\n", 1, "pure")
        self.none("src/pipeline/good_test.cc", "#include <fstream>\n")


class HeavyHeaders(Tree):
    def test_wrong_place(self):
        for path, include in [
            ("src/adapters/s3/bad.cc", "CLI/CLI.hpp"),
            ("src/app/server/bad.cc", "boost/json.hpp"),
            ("src/app/server/bad.cc", "boost/asio/awaitable.hpp"),
            ("src/sys/bad.cc", "yaml.h"),
            ("src/sys/bad.cc", "nlohmann/json.hpp"),
            ("src/sys/bad.cc", "regex"),
        ]:
            with self.subTest(include=include):
                self.one(path, f"#include <{include}>\n", 1, "is not for this file")

    def test_json_stays_out_of_headers(self):
        self.one("src/adapters/s3/bad.h", HEADER + "#include <boost/json.hpp>\n", 3, "is not for this file")

    def test_beast_in_three_files_at_most(self):
        beast = {f"src/adapters/http/f{i}.cc": "#include <boost/beast/http.hpp>\n" for i in range(3)}
        self.assertEqual(findings(beast), [])
        beast["src/adapters/http/f3.cc"] = "#include <boost/beast.hpp>\n"
        self.assertIn("4 files", findings(beast)[0])

    def test_libyaml_and_spdlog_in_one_file(self):
        self.assertIn("2 files", findings({f"src/config/f{i}.cc": "#include <yaml.h>\n" for i in range(2)})[0])
        self.assertIn("2 files", findings({f"src/sys/f{i}.cc": "#include <spdlog/spdlog.h>\n" for i in range(2)})[0])


class Banned(Tree):
    def test_calls(self):
        for path, call, rule in [
            ("src/sys/bad_test.cc", "std::this_thread::sleep_for(1s);", "sleep-in-test"),
            ("tests/e2e/bad.cc", "::usleep(10);", "sleep-in-test"),
            ("src/sys/bad.cc", 'std::system("ls");', "system"),
            ("src/sys/bad.cc", 'auto* p = popen("ls", "r");', "system"),
            ("src/sys/bad.cc", "strcpy(a, b);", "c-string"),
            ("src/app/server/bad.cc", "fs::remove_all(path);", "remove-all"),
            ("src/app/server/bad.cc", "std::thread(f).detach();", "detach"),
            ("src/app/server/bad.cc", "std::cout << 1;", "stdout"),
            ("src/dataset/bad.cc", "auto t = std::chrono::system_clock::now();", "clock"),
            ("src/pipeline/bad.cc", 'auto* home = std::getenv("HOME");', "clock"),
        ]:
            with self.subTest(call=call):
                self.one(path, f"void f() {{\n  {call}\n}}\n", 2, f"banned ({rule})")

    def test_using_namespace_in_a_header(self):
        self.one("src/sys/bad.h", HEADER + "using namespace std;\n", 3, "using-namespace")

    def test_not_in_comments_or_literals(self):
        self.none("src/sys/good.cc", '// strcpy(a, b)\nconst char* s = "system(1)";\nauto r = R"(popen("x"))";\n/* usleep(1) */\n')
        self.none("src/sys/good.cc", "int n = 1'000; // it's gets( here\nchar c = '\"'; // strcpy(\n")

    def test_members_of_other_things_are_not_meant(self):
        self.none("src/sys/good.cc", "void f() { engine.system(1); policy::system(2); }\n")

    def test_sleep_outside_tests_is_not_this_rule(self):
        self.none("src/sys/good.cc", "void f() { std::this_thread::sleep_for(1s); }\n")

    def test_allowed_with_a_reason_only(self):
        self.none("src/sys/good.cc", "void f() { t.detach(); }  // tree: allow detach: ends with the process\n")
        self.one("src/sys/bad.cc", "void f() { t.detach(); }  // tree: allow detach:\n", 1, "banned (detach)")
        self.one("src/sys/bad.cc", "void f() { t.detach(); }  // tree: allow system: no\n", 1, "banned (detach)")


class Words(Tree):
    def test_leftovers(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX"):
            with self.subTest(word=word):
                self.one("src/sys/bad.cc", f"\n// {word}: later\n", 2, "left over")
        self.none("src/sys/good.cc", 'auto name = "dir.XX' + 'XXXX"; std::vector<int> todo;\n')

    def test_words_of_a_workplace(self):
        for text in ("see /wor" + "k/main/x", "../share" + "d/design.md", "share" + "d/corpus", "helpe" + "r-3",
                     "closes issu" + "e 12", "from pypi.or" + "g", "proxy.golan" + "g.org", "https://deb.debia" + "n.org"):
            with self.subTest(text=text):
                self.one("docs/bad.md", f"\n{text}\n", 2, ":")

    def test_corpus_locators(self):
        path = 'auto p = root / ".." / "share' + 'd/corpus";\n'
        self.none("src/config/corpus_test.cc", path)
        self.one("src/config/load.cc", path, 1, "outside of the repository")


class Headers(Tree):
    def test_first_line_and_pragma(self):
        self.one("src/sys/bad.h", "// Bad: a header.\n", 1, "#pragma once")
        self.one("src/sys/bad.h", "#pragma once\n", 1, "first line")
        self.one("src/sys/bad.h", "//\n#pragma once\n", 1, "first line")


def function(lines):
    return "int f(int a) {\n" + "  a += 1;\n" * (lines - 3) + "  return a;\n}\n"


class Sizes(Tree):
    def test_functions(self):
        self.none("src/sys/good.cc", function(70))
        self.one("src/sys/bad.cc", "\n" + function(71), 2, "f has 71 lines")

    def test_files(self):
        self.none("src/sys/good.cc", "int x();\n" * 400)
        self.one("src/sys/bad.cc", "int x();\n" * 401, 1, "401 lines")
        self.none("src/sys/long_test.cc", "int x();\n" * 500)

    def test_ratchet_holds_what_is_there(self):
        self.none("src/sys/big.cc", "int x();\n" * 450, ratchet={"file_lines": {"src/sys/big.cc": 450}})
        self.none("src/sys/big.cc", function(80), ratchet={"function_lines": {"src/sys/big.cc:f": 80}})

    def test_ratchet_does_not_let_it_grow(self):
        self.one("src/sys/big.cc", "int x();\n" * 451, 1, "at most 450", ratchet={"file_lines": {"src/sys/big.cc": 450}})
        self.one("src/sys/big.cc", function(81), 1, "at most 80", ratchet={"function_lines": {"src/sys/big.cc:f": 80}})

    def test_ratchet_must_shrink_with_the_code(self):
        for length in (449, 400, 10):
            found = findings({"src/sys/big.cc": "int x();\n" * length}, ratchet={"file_lines": {"src/sys/big.cc": 450}})
            self.assertEqual(len(found), 1, found)
            self.assertIn("--tighten", found[0])
        self.assertIn("--tighten", findings(ratchet={"function_lines": {"src/sys/gone.cc:f": 90}})[0])

    def test_tighten_lowers_and_never_raises(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "src/sys").mkdir(parents=True)
            (root / "tools").mkdir()
            for name, lines in (("a", 420), ("b", 390), ("c", 600)):
                (root / f"src/sys/{name}.cc").write_text("int x();\n" * lines)
            before = {"file_lines": {f"src/sys/{n}.cc": 500 for n in "abc"}}
            (root / check_tree.RATCHET).write_text(json.dumps(before))
            with mock.patch.object(sys, "argv", ["check_tree", "--root", folder, "--tighten"]), \
                    contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(check_tree.main(), 1)
            after = json.loads((root / check_tree.RATCHET).read_text())
            self.assertEqual(after["file_lines"], {"src/sys/a.cc": 420, "src/sys/c.cc": 500})
            self.assertIn("src/sys/c.cc:1: file has 600 lines", out.getvalue())


if __name__ == "__main__":
    unittest.main()
