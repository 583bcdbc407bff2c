#!/usr/bin/env python3
"""Splits a public data set into the objects that arrive in the bucket, good and bad, one after another.

The data set is the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI
Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0), which scikit-learn ships as ``load_digits``: 1797 pictures
of 8 by 8 pixels. Only this script needs scikit-learn; the example project never sees it.

Every batch is cumulative: it holds all rows known so far, the earlier ones first. The project binds exactly one object,
so the object must be enough on its own. The hold-out rows are in no batch.

Usage: make_arrivals.py OUTPUT_DIRECTORY
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

# Rows in each good batch; what is left after HOLDOUT_ROWS is 1397.
GOOD_BATCHES = {"batch-001": 500, "batch-002": 800, "batch-003": 1100, "batch-004": 1397}
HOLDOUT_ROWS = 400
BROKEN_ROWS = 900
SHUFFLED_ROWS = 1000
SEED = 20260301


def load_records() -> list[dict]:
    """All pictures in an order that is shuffled, but always the same."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    records = [
        {"id": f"digit-{index:04d}", "pixels": [int(value) for value in pixels], "label": int(label)}
        for index, (pixels, label) in enumerate(zip(digits.data, digits.target))
    ]
    random.Random(SEED).shuffle(records)
    return records


def shuffled_labels(records: list[dict]) -> list[dict]:
    """The same pictures and the same number of each label, but which label goes with which picture is chance."""
    labels = [record["label"] for record in records]
    random.Random(SEED + 1).shuffle(labels)
    return [{**record, "label": label} for record, label in zip(records, labels)]


def broken_lines(records: list[dict]) -> list[str]:
    """Two faults as they happen in life: a label that is none, and a line that was cut off while it was written."""
    lines = [to_line(record) for record in records]
    lines[16] = to_line({**records[16], "label": 12})
    lines[639] = lines[639][:90]
    return lines


def to_line(record: dict) -> str:
    return json.dumps(record, separators=(",", ":"))


def write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    print(f"{path}: {len(lines)} rows")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    out = Path(arguments[0])
    training, curriculum = out / "training", out / "curriculum"
    training.mkdir(parents=True, exist_ok=True)
    curriculum.mkdir(parents=True, exist_ok=True)

    records = load_records()
    holdout, known = records[:HOLDOUT_ROWS], records[HOLDOUT_ROWS:]
    for name, rows in GOOD_BATCHES.items():
        write_lines(training / f"{name}.jsonl", [to_line(record) for record in known[:rows]])
    write_lines(training / "batch-broken.jsonl", broken_lines(known[:BROKEN_ROWS]))
    write_lines(training / "batch-shuffled.jsonl", [to_line(r) for r in shuffled_labels(known[:SHUFFLED_ROWS])])
    # Beside training/, not in it: whoever uploads that folder must not upload the hold-out with it.
    write_lines(out / "holdout.jsonl", [to_line(record) for record in holdout])

    for roadmap in sorted((Path(__file__).resolve().parent.parent / "curriculum").glob("roadmap-*.json")):
        shutil.copyfile(roadmap, curriculum / roadmap.name)
        print(curriculum / roadmap.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
