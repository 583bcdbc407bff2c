"""Writes a requirements file that names exactly the wheels in a folder, by version and SHA-256.

Usage: lock_wheels.py WHEELS > requirements.lock

The training host installs from it without a network, and pip refuses any file whose bytes are not these.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from pathlib import Path


def lock(folder: Path) -> list[str]:
    """One line for each wheel, in the order of names; raises ValueError when the folder does not hold one of each."""
    lines: dict[str, str] = {}
    for wheel in sorted(folder.iterdir()):
        if wheel.suffix != ".whl":
            raise ValueError(f"{wheel.name} is not a wheel")
        name, version = wheel.name.split("-")[:2]
        if name.lower() in lines:
            raise ValueError(f"two wheels of {name}")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines[name.lower()] = f"{name}=={version} --hash=sha256:{digest}"
    if not lines:
        raise ValueError(f"{folder} holds no wheel")
    return [lines[name] for name in sorted(lines)]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    lines = lock(Path(arguments[0]))
    print(f"# wheels for Python {platform.python_version()} on {platform.machine()}, {'-'.join(platform.libc_ver())}")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
