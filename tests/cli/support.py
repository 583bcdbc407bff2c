"""The binary as people start it: in a folder with a pipeline, with pipes or on a terminal of its own (a pty)."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

BINARY = os.environ.get("TIDEGATE_BINARY", "build/debug/tidegate")
PATIENCE = 60.0 * float(os.environ.get("TIDEGATE_E2E_SLOW", "1"))  # seconds; never waited out when all is well


class Case(unittest.TestCase):
    """A project folder, a cache and a TMPDIR that are this test's alone."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidegate-cli-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.project = self.root / "project"
        for name in ("project", "tmp", "cache"):
            (self.root / name).mkdir()
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS")
                if name in os.environ}
        self.environment = {**keep, "HOME": str(self.root), "TMPDIR": str(self.root / "tmp"), "TERM": "xterm-256color",
                            "XDG_CACHE_HOME": str(self.root / "cache"), "DOCKER_HOST": f"unix://{self.root}/no-engine.sock"}

    def pipeline(self, text: str):
        (self.project / ".gitlab-ci.yml").write_text(text, encoding="utf-8")

    def fifo(self, name: str) -> Path:
        """Jobs wait with `read x < FIFO`; the test lets them go with release()."""
        path = self.root / name
        os.mkfifo(path)
        return path

    def release(self, path: Path):
        with path.open("w") as file:
            file.write("go\n")

    def tidegate(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run([BINARY, *arguments], cwd=self.project, env={**self.environment, **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)

    def terminal(self, *arguments: str, columns: int = 80, rows: int = 24, **environment: str) -> "OnTerminal":
        run = OnTerminal([BINARY, *arguments], self.project, {**self.environment, **environment}, columns, rows)
        self.addCleanup(run.close)
        return run

    def assert_gone(self, pid: int):
        """Dead, or a zombie that nobody has reaped yet."""
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        self.assertEqual(state, "Z", f"process {pid} is still there")


class OnTerminal:
    """A program with a pty as its controlling terminal; `output` is all that it wrote."""

    def __init__(self, command, directory, environment, columns, rows):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(command, cwd=directory, env=environment, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.output = ""
        self._bytes = b""

    def resize(self, columns: int, rows: int):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str):
        os.write(self.master, keys.encode())

    def _read(self, deadline: float) -> bool:
        """One more piece; False at the end."""
        ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more came; the last was:\n{self.output[-800:]!r}")
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            return False
        self._bytes += piece
        self.output = self._bytes.decode(errors="replace")
        return bool(piece)

    def wait_for(self, text: str, after: int = 0) -> int:
        """Until the output has `text` behind position `after`; the position behind it."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.output.find(text, after)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"it ended without {text!r}; the last was:\n{self.output[-800:]!r}")
        return at + len(text)

    def end(self) -> int:
        """Reads to the end; the exit code (negative: a signal)."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        os.close(self.master)


class Screen:
    """What a terminal shows for the sequences that the live view writes; others fail the test."""

    SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")

    def __init__(self, columns: int):
        self.columns, self.cursor = columns, True
        self.lines, self.row, self.column = [""], 0, 0

    def feed(self, text: str) -> "Screen":
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                m = self.SEQUENCE.match(text, at)
                assert m, f"unknown sequence {text[at:at + 8]!r}"
                self._control(m.group(1) + m.group(3), m.group(2))
                at = m.end()
                continue
            at += 1
            if c == "\r":
                self.column = 0
            elif c == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            else:
                self._put(c)
        return self

    def _put(self, c: str):
        if self.column >= self.columns:
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + c + line[self.column + 1:]
        self.column += 1

    def _control(self, what: str, number: str):
        if what == "A":
            self.row = max(0, self.row - int(number or 1))
        elif what in ("K", "J"):
            self.lines[self.row] = self.lines[self.row][:self.column]
            if what == "J":
                del self.lines[self.row + 1:]
        elif what in ("?h", "?l") and number == "25":
            self.cursor = what == "?h"
        else:
            assert what == "m", f"unknown sequence {what}"

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)
