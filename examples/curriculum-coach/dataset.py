"""Hand-written digits as JSON Lines: reading, and saying exactly what is wrong with a line.

One record a line: ``{"id": "digit-0017", "pixels": [64 integers, 0..16], "label": 0..9}``. ``pixels`` is an 8 by 8
picture row by row; each number counts the dark dots in a 4 by 4 block of the scan.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

CLASSES = 10
PIXELS = 64
PIXEL_MAX = 16

# With fewer rows than this in a class, no kind of model here learns that class.
MIN_ROWS_PER_CLASS = 20

# A broken file is often broken on every line; the first faults tell the story.
_FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Digits:
    """A checked data set; ``pixels`` is (n, 64) scaled to 0..1, ``labels`` is (n,)."""

    ids: tuple[str, ...]
    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, index: np.ndarray) -> "Digits":
        """The rows that ``index`` picks, in its order."""
        return Digits(tuple(self.ids[i] for i in index), self.pixels[index], self.labels[index])


class DatasetError(Exception):
    """The file is not a data set. ``faults`` holds one sentence each, with the number of the line."""

    def __init__(self, faults: list[str]):
        self.faults = faults
        shown = faults[:_FAULTS_SHOWN]
        if len(faults) > len(shown):
            shown = shown + [f"... and {len(faults) - len(shown)} more"]
        super().__init__("\n".join(shown))


def _is_whole(value: object) -> bool:
    # bool is an int in Python, but `true` is not a pixel.
    return isinstance(value, int) and not isinstance(value, bool)


def _record_fault(record: object) -> str | None:
    if not isinstance(record, dict):
        return f"is a JSON {type(record).__name__}, not an object"
    missing = [key for key in ("id", "pixels", "label") if key not in record]
    if missing:
        return f"lacks {', '.join(missing)}"
    if not isinstance(record["id"], str) or not record["id"]:
        return f"id {record['id']!r} is not a non-empty string"
    label = record["label"]
    if not _is_whole(label) or not 0 <= label < CLASSES:
        return f"label {label!r} is not one of 0..{CLASSES - 1}"
    pixels = record["pixels"]
    if not isinstance(pixels, list) or len(pixels) != PIXELS:
        count = len(pixels) if isinstance(pixels, list) else "no"
        return f"pixels has {count} numbers, not {PIXELS}"
    for place, value in enumerate(pixels):
        if not _is_whole(value) or not 0 <= value <= PIXEL_MAX:
            return f"pixel {place} is {value!r}, not one of 0..{PIXEL_MAX}"
    return None


def _parse_line(number: int, line: str, first_seen: dict[str, int]) -> tuple[dict | None, str | None]:
    if not line.strip():
        return None, f"line {number}: is empty"
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        return None, f"line {number}: is not JSON: {reason}"
    fault = _record_fault(record)
    if fault:
        return None, f"line {number}: {fault}"
    if record["id"] in first_seen:
        return None, f"line {number}: id {record['id']!r} is already on line {first_seen[record['id']]}"
    first_seen[record["id"]] = number
    return record, None


def parse(data: bytes) -> Digits:
    """Checks every line; raises DatasetError that lists all faults when there is one."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError([f"line {line}: is not UTF-8 (byte {error.start} of the file)"]) from error
    # Not splitlines(): that also splits at U+2028, which is legal inside a JSON string.
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise DatasetError(["the file is empty"])
    records, faults, first_seen = [], [], {}
    for number, line in enumerate(lines, start=1):
        record, fault = _parse_line(number, line, first_seen)
        if fault:
            faults.append(fault)
        else:
            records.append(record)
    if faults:
        raise DatasetError(faults)
    pixels = np.array([record["pixels"] for record in records], dtype=np.float64) / PIXEL_MAX
    labels = np.array([record["label"] for record in records], dtype=np.int64)
    return Digits(tuple(record["id"] for record in records), pixels, labels)


def balance_faults(digits: Digits) -> list[str]:
    """A sentence for each class with too few rows to learn from."""
    counts = np.bincount(digits.labels, minlength=CLASSES)
    return [
        f"label {label} has {count} rows; at least {MIN_ROWS_PER_CLASS} are needed"
        for label, count in enumerate(counts)
        if count < MIN_ROWS_PER_CLASS
    ]


def split(digits: Digits, share: float, seed: int) -> tuple[Digits, Digits]:
    """Two parts, the second with ``share`` of the rows of each class; the same seed gives the same parts."""
    random = np.random.default_rng(seed)
    kept, held = [], []
    for label in range(CLASSES):
        rows = random.permutation(np.flatnonzero(digits.labels == label))
        cut = int(round(len(rows) * share))
        held.append(rows[:cut])
        kept.append(rows[cut:])
    return digits.rows(np.concatenate(kept)), digits.rows(np.concatenate(held))
