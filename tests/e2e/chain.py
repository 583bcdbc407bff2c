"""A project's lineage as anybody can check it: the database, SHA-256 and JSON, nothing of Tidegate's."""
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any


def records(data: Path, project: int) -> list[dict[str, Any]]:
    """Of a server that does not run: its database is its own while it does. Every record, its hash checked."""
    with sqlite3.connect(data / "tidegate.db") as database:
        rows = database.execute("SELECT number, hash, body FROM lineage WHERE project=? ORDER BY number", (project,)).fetchall()
    database.close()
    before, out = "0" * 64, []
    for expected, (number, digest, body) in enumerate(rows, 1):
        record = json.loads(body)
        if number != expected or digest != hashlib.sha256(f"{before}\n{body}".encode()).hexdigest():
            raise AssertionError(f"record {number} does not follow the one before it")
        canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if canonical != body:
            raise AssertionError(f"record {number} is not canonical JSON:\n{body}\n{canonical}")
        before = digest
        out.append(record)
    return out


def tamper(data: Path, *statements: str) -> None:
    with sqlite3.connect(data / "tidegate.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()
