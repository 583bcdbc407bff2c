#!/usr/bin/env python3
"""Tests of how ./check ends when it is told to half-way: its own script, with a step that starts all kinds of processes."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

STEP = """note() { :; }
step_format() {
  sleep 1001.5 &
  (exec -a stays setsid sleep 1002.5) &
  %s
  echo ready
  sleep 1003.5
}
"""


def left(mark: str) -> list[str]:
    """Command lines of processes that carry the mark in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass
    return found


class CheckEnd(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="check-end-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.mark = "CHECK_END_TEST=" + uuid.uuid4().hex

    def end(self, how: signal.Signals, more: str = ":", grace: str = "60") -> tuple[int, str]:
        """Runs ./check with the step, ends it when the step is in the middle; exit code and what was said."""
        (self.root / "tools" / "check").mkdir(parents=True)
        shutil.copy(ROOT / "check", self.root)
        (self.root / "tools" / "check" / "steps.sh").write_text(STEP % more)
        name, value = self.mark.split("=")
        env = {**os.environ, name: value, "TIDEGATE_CHECK_GRACE": grace, "HOME": str(self.root)}
        check = subprocess.Popen([self.root / "check", "--only", "format"], env=env, stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        log = self.root / "build" / "check" / "format.log"
        until = time.monotonic() + 60
        while not (log.exists() and "ready" in log.read_text()):
            self.assertLess(time.monotonic(), until, "the step did not begin")
            time.sleep(0.02)
        self.assertGreaterEqual(len(left(self.mark)), 4, "the processes of the step are not seen")
        check.send_signal(how)
        said = check.communicate(timeout=120)[1]
        return check.returncode, said

    def test_term(self) -> None:
        code, said = self.end(signal.SIGTERM)
        self.assertEqual(code, 143, said)
        self.assertEqual(left(self.mark), [])
        self.assertIn("ended during format", said)
        self.assertIn("nothing that it started is left running", said)
        self.assertNotIn("killed", said)

    def test_int(self) -> None:
        code, said = self.end(signal.SIGINT)
        self.assertEqual(code, 130, said)
        self.assertEqual(left(self.mark), [])
        self.assertIn("nothing that it started is left running", said)

    def test_what_does_not_end_is_killed(self) -> None:
        code, said = self.end(signal.SIGTERM, "(trap '' TERM; setsid sleep 1004.5) &", "3")
        self.assertEqual(code, 143, said)
        self.assertEqual(left(self.mark), [])
        self.assertIn("1 processes did not end within 3 s: killed", said)


if __name__ == "__main__":
    unittest.main()
