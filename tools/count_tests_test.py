"""count_tests must not lose a failure or a skip, and must not count a crash as nothing."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import count_tests  # noqa: E402

GTEST = """<testsuites><testsuite name="S">
  <testcase name="Good" classname="S" status="run" result="completed"/>
  <testcase name="Bad" classname="S" status="run"><failure message="a.cc:3&#x0A;1 != 2"/></testcase>
  <testcase name="Skipped" classname="S" status="run" result="skipped"><skipped message="x_test.cc:9&#x0A;no engine"/></testcase>
  <testcase name="DISABLED_Old" classname="S" status="notrun"/>
</testsuite></testsuites>"""


class Count(unittest.TestCase):
    def cases(self, tests, **gtest):
        with tempfile.TemporaryDirectory() as folder:
            junit = Path(folder) / "junit.xml"
            junit.write_text(f"<testsuite>{tests}</testsuite>")
            for name, text in gtest.items():
                (Path(folder) / f"{name}.xml").write_text(text)
            return [(name, state) for name, state, _ in count_tests.count(junit, Path(folder))]

    def test_cases_of_a_binary(self):
        self.assertEqual(self.cases('<testcase name="a" status="fail"><failure message=""/></testcase>', a=GTEST),
                         [("S.Good", "passed"), ("S.Bad", "failed"), ("S.Skipped", "skipped"), ("S.DISABLED_Old", "skipped")])

    def test_a_test_that_is_no_gtest(self):
        self.assertEqual(self.cases('<testcase name="tree" status="run"/>'), [("tree", "passed")])
        self.assertEqual(self.cases('<testcase name="tree" status="fail"/>'), [("tree", "failed")])
        self.assertEqual(self.cases('<testcase name="tree" status="notrun"/>'), [("tree", "skipped")])

    def test_a_crash_is_a_failure(self):
        crash = '<testcase name="a" status="fail"><failure message="SIGSEGV"/></testcase>'
        self.assertEqual(self.cases(crash), [("a", "failed")])
        self.assertEqual(self.cases(crash, a=GTEST[:150]), [("a", "failed")])

    def test_a_failure_after_all_cases_passed(self):
        leak = '<testcase name="a" status="fail"><failure message=""/></testcase>'
        good = '<testsuites><testsuite><testcase name="G" classname="S" status="run"/></testsuite></testsuites>'
        self.assertEqual(self.cases(leak, a=good), [("S.G", "passed"), ("a", "failed")])

    def test_reasons_without_places(self):
        self.assertEqual(count_tests.one_line("x_test.cc:9\nno engine\n"), "no engine")


if __name__ == "__main__":
    unittest.main()
