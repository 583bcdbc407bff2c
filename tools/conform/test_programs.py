"""Sets that no pipeline can show: they are read from what the unit tests print."""
import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

from .binary import FAILED, NOT_APPLICABLE, Outcome, PASSED


def yaml_oracle(corpus: Path, tests: Path) -> Iterator[Outcome]:
    """YAML trees against Psych's, compared by config_test: single scalars are no pipeline."""
    if not tests.is_file():
        yield Outcome("all", NOT_APPLICABLE, f"{tests} is not built")
        return
    done = subprocess.run([tests, "--gtest_filter=Corpus.*Psych*"], capture_output=True, text=True, check=False,
                          env={**os.environ, "TIDEGATE_CORPUS": str(corpus)})
    for name, passed, total in re.findall(r"^yaml-oracle (\w+): (\d+) of (\d+)", done.stdout, re.MULTILINE):
        for number in range(int(total)):
            good = number < int(passed)
            yield Outcome(f"{name} {number + 1}", PASSED if good else FAILED, "" if good else "config_test says which")
