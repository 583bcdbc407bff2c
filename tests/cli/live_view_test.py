"""`tidegate run` on a terminal."""
import os
import re
import signal
import unittest

from support import Case, Screen

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class LiveView(Case):
    def two_jobs(self, script: str = "echo {name} speaks"):
        self.gate = self.fifo("gate")
        self.pipeline(f"""
stages: [build, test]
compile: {{stage: build, script: ['{script.format(name="compile")}; read x < {self.gate}']}}
unit: {{stage: test, script: ['{script.format(name="unit")}; false']}}
""")

    def test_stages_running_jobs_results_and_the_last_lines_of_failures(self):
        self.two_jobs()
        run = self.terminal("run", "--shell")
        at = run.wait_for("compile speaks")
        shown = Screen(80).feed(run.output[:run.output.rindex("\r\n", 0, run.wait_for("Ctrl-C cancels", at))])
        self.assertFalse(shown.cursor)
        self.assertRegex(shown.text(), r"(?m)^build  0/1\n  ● compile +\ds  compile speaks\ntest  0/1\n\ds  0 of 2 done, 1 running")
        self.release(self.gate)
        self.assertEqual(run.end(), 1)
        end = Screen(80).feed(run.output)
        self.assertTrue(end.cursor)
        self.assertRegex(end.text(), r"(?s)^\n-- unit failed: exit code 1\n.*   unit speaks\n.*\nbuild\n  compile +\S+  success\n"
                                     r"test\n  unit +\S+  failed: exit code 1\npipeline failed in \S+\n$")
        self.assertEqual(run.output.count(HIDE), 1)

    def test_an_idle_picture_is_not_written_again(self):
        self.two_jobs()
        run = self.terminal("run", "--shell")
        at = run.wait_for("compile speaks")
        for _ in range(3):
            at = run.wait_for("\x1b[J", at)
        self.assertNotIn("build", run.output[run.output.rindex("compile speaks"):])
        self.release(self.gate)
        run.end()

    def test_ctrl_c_cancels_and_ends_with_130(self):
        gate, seen = self.fifo("gate"), self.root / "after"
        self.pipeline(f"one: {{script: ['echo $$ > {self.root}/pid; echo begun; read x < {gate}'], after_script: [touch {seen}]}}\n"
                      "two: {stage: deploy, script: [echo never]}")
        run = self.terminal("run", "--shell")
        run.wait_for("begun")
        run.type("\x03")
        self.assertEqual(run.end(), 130)
        end = Screen(80).feed(run.output)
        self.assertTrue(end.cursor)
        self.assertIn("Ctrl-C again ends all at once", end.text())
        self.assertRegex(end.text(), r"one +\S+  canceled\n")
        self.assertTrue(seen.exists(), "after_script did not run")
        self.assert_gone(int((self.root / "pid").read_text()))
        self.assertEqual(os.listdir(self.root / "tmp"), [])

    def test_a_second_ctrl_c_ends_it_at_once(self):
        gate = self.fifo("gate")
        self.pipeline(f"one: {{script: ['trap \"\" TERM INT; echo $$ > {self.root}/pid; echo begun; read x < {gate}; read x < {gate}'],"
                      f" after_script: ['read x < {gate}']}}\ntwo: {{script: [echo two]}}")
        run = self.terminal("run", "--shell", "-j", "1")
        run.wait_for("begun")
        run.type("\x03")
        run.wait_for("Ctrl-C again ends all at once")
        run.type("\x03")
        self.assertEqual(run.end(), 130)
        self.assertTrue(Screen(80).feed(run.output).cursor)
        self.assert_gone(int((self.root / "pid").read_text()))
        self.assertEqual(os.listdir(self.root / "tmp"), [])

    def test_sigterm_gives_the_cursor_back(self):
        self.two_jobs()
        run = self.terminal("run", "--shell")
        run.wait_for("compile speaks")
        run.process.send_signal(signal.SIGTERM)
        self.assertEqual(run.end(), 143)
        self.assertTrue(Screen(80).feed(run.output).cursor)

    def test_ctrl_z_gives_the_cursor_back_until_it_goes_on(self):
        self.two_jobs()
        run = self.terminal("run", "--shell")
        run.wait_for("compile speaks")
        run.type("\x1a")
        _, status = os.waitpid(run.process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        at = run.wait_for(SHOW)
        run.process.send_signal(signal.SIGCONT)
        run.wait_for(HIDE, at)
        self.release(self.gate)
        self.assertEqual(run.end(), 1)
        self.assertTrue(Screen(80).feed(run.output).cursor)

    def test_no_color_takes_only_the_colours(self):
        self.two_jobs(r'printf "\033[31m{name} speaks\033[0m\n"')
        for colors in ({"NO_COLOR": "1"}, {}):
            run = self.terminal("run", "--shell", **colors)
            run.wait_for("compile speaks")  # two jobs of no length may be over before the first picture
            self.release(self.gate)
            self.assertEqual(run.end(), 1)
            self.assertIn(HIDE, run.output)
            self.assertEqual(COLOR.search(run.output) is None, bool(colors))

    def test_a_dumb_terminal_gets_plain_lines(self):
        self.pipeline("one: {script: ['printf \"\\033[31mred\\033[0m\\n\"']}\ntwo: {script: [echo]}")
        for term in ("dumb", ""):
            run = self.terminal("run", "--shell", TERM=term)
            self.assertEqual(run.end(), 0)
            self.assertNotIn("\x1b", run.output)
            self.assertIn("one | red\r\n", run.output)
        run = self.terminal("run", "--shell", "--view", "plain")
        run.end()
        self.assertNotIn(HIDE, run.output)

    def test_after_a_change_of_size_lines_fit_the_new_one(self):
        self.two_jobs("echo {name} speaks and speaks and speaks and speaks and goes on")
        run = self.terminal("run", "--shell", columns=100)
        at = run.wait_for("goes on")
        run.resize(40, 10)
        at = run.wait_for("…", at)  # what was whole is cut now
        at = run.wait_for("\x1b[J", at)
        for line in run.output[run.output.rindex("\x1b[J", 0, at - 3):at].replace("\r", "").split("\n"):
            self.assertLess(len(re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line)), 40)
        self.release(self.gate)
        self.assertEqual(run.end(), 1)

    def test_more_jobs_than_rows(self):
        gate = self.fifo("gate")
        self.pipeline("\n".join(f"job{i}: {{script: ['echo says {i}; read x < {gate}']}}" for i in range(30)))
        run = self.terminal("run", "--shell", "-j", "30", rows=10)
        at = run.wait_for("… and 23 more running")
        run.wait_for("\x1b[J", at)
        frame = Screen(80).feed(run.output)
        self.assertLess(len(frame.lines), 11)
        run.type("\x03")
        self.assertEqual(run.end(), 130)

    def test_one_job_alone_shows_all_its_lines(self):
        self.pipeline("one: {script: [echo first line, echo second line]}\nother: {script: [echo other]}")
        run = self.terminal("run", "one", "--shell")
        self.assertEqual(run.end(), 0)
        self.assertRegex(Screen(80).feed(run.output).text(), r"(?s)first line\n.*second line\n.*\n\ntest\n  one +\S+  success\n")


if __name__ == "__main__":
    unittest.main()
