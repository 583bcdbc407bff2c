"""What the demo prints: lines that stay, one line of progress that does not, and the table at the end."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

PASSED, FAILED = "✓", "✗"
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Terminal:
    """Standard output. On a terminal the last line shows what runs; in a file there are only lines that stay."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._colours = self.live and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._shown = ""

    def style(self, text: str, *names: str) -> str:
        if not self._colours or not names:
            return text
        return f"\x1b[{';'.join(_STYLES[name] for name in names)}m{text}\x1b[0m"

    def line(self, text: str = "", *styles: str) -> None:
        with self._lock:
            if self._shown:
                sys.stdout.write("\r\x1b[K")
                self._shown = ""
            sys.stdout.write(self.style(text, *styles) + "\n")
            sys.stdout.flush()

    def step(self, text: str, *styles: str) -> None:
        """A line with the time since the demo began."""
        self.line(f"{time.monotonic() - self._started:7.1f} s  {text}", *styles)

    def note(self, text: str) -> None:
        """A line below a step: what a job or a tool said."""
        self.line(f"{'':11}{text}", "dim")

    def status(self, text: str) -> None:
        """Replaces the line of progress; nothing when the output is a file."""
        if not self.live:
            return
        width = shutil.get_terminal_size().columns - 1
        with self._lock:
            if text != self._shown:
                sys.stdout.write("\r\x1b[K" + self.style(text[:width], "cyan"))
                sys.stdout.flush()
                self._shown = text

    def header(self, text: str) -> None:
        self.line()
        self.line(text, "bold")
        self.line("─" * len(text), "dim")

    def check(self, good: bool, text: str, detail: str = "") -> None:
        mark = self.style(PASSED, "green") if good else self.style(FAILED, "red", "bold")
        self.line(f"  {mark} {text}")
        if detail and not good:
            for line in detail.splitlines()[:12]:
                self.line(f"      {line}", "yellow")


def table(rows: list[list[str]]) -> list[str]:
    """Rows as lines with columns in line; the first row is the head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]
