"""Every part at fault at every step that needs it: down, slow, half-answering, lying, full. Prints faults x steps.

Each cell lands an object, stops its flow right before the step, brings the fault about, lets the flow go on and looks: the version
or the job says what is wrong, what was live is as it was, and when the fault has gone the same work ends well, or it was given up
cleanly and the next object goes through. A few cells run always; all by `python3 faults_test.py --all`, or with
TIDEGATE_E2E_ALL=1. Needs the lab, and root for small file systems.
"""
import ctypes
import os
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Callable, NamedTuple

import lab
from flow import Flow
from harness import Folder, Server, until

ALL = "--all" in sys.argv or bool(os.environ.get("TIDEGATE_E2E_ALL"))

ONLY = os.environ.get("TIDEGATE_E2E_ONLY", "")  # a regular expression on "step part fault"


def slow(data: bytes) -> bytes:
    """A part that takes its time with every piece of an answer."""
    time.sleep(0.15)
    return data


def half(data: bytes) -> bytes:
    """The connection breaks within each answer."""
    raise lab.Broken(data[:40])


def lie(pattern: bytes, instead: bytes) -> Callable[[bytes], bytes]:
    """Answers that are well-formed and untrue; the length stays."""
    def change(data: bytes) -> bytes:
        return re.sub(pattern, lambda m: m.group(0)[:-1] + instead, data)
    return change


class Disk:
    """A small file system that can be filled; `run` runs a command where it is."""

    def __init__(self, folder: str, run: Callable[[str], str]):
        self.folder, self.run = folder, run

    def down(self) -> None:
        self.run(f"dd if=/dev/zero of={self.folder}/ballast bs=64k 2>/dev/null || true; "
                 f"dd if=/dev/zero of={self.folder}/crumbs bs=512 2>/dev/null || true")

    def up(self) -> None:
        self.run(f"rm -f {self.folder}/ballast {self.folder}/crumbs")


class Lock:
    """Another Git process holds the branch."""

    def __init__(self, file: Path):
        self.file = file

    def down(self) -> None:
        self.file.touch()

    def up(self) -> None:
        self.file.unlink(missing_ok=True)


class Cell(NamedTuple):
    step: str                  # what is about to be done when the fault comes
    part: str                  # the proxy
    fault: str
    do: Callable | str         # for the proxy: "down", or what it makes of answers
    gate: str                  # where the flow is stopped: a gate of the job, or check on the host
    says: str                  # what people are told, in the version's reason or the job's log; empty: nothing, it only takes longer
    ends: str                  # live: it goes on when the fault has gone; rejected: given up by itself
    always: bool = False
    flow: str = "training"


UNREACHED = "connection refused|Connection refused|EOF|reset|closed|truncated|broken|unexpected|handshake"
CELLS = [
    Cell("fetch", "server_disk", "full", "down", "", "(?i)disk.{0,20}full|no space left", "live", always=True),
    Cell("push", "registry", "down", "down", "push", "connection refused", "rejected"),
    Cell("push", "registry", "slow", slow, "push", "", "live"),
    Cell("push", "registry", "half", half, "push", UNREACHED, "rejected"),
    Cell("pull", "registry", "down", "down", "deploy", "connection refused", "live", always=True),
    Cell("pull", "registry", "slow", slow, "deploy", "", "live"),
    Cell("pull", "registry", "half", half, "deploy", UNREACHED, "live"),
    Cell("release", "ssh", "down", "down", "deploy", "Connection refused", "live"),
    Cell("release", "ssh", "slow", slow, "deploy", "", "live"),
    Cell("release", "ssh", "half", half, "deploy", "ssh to", "live", always=True),
    Cell("release", "host_disk", "full", "down", "deploy", "space|disk", "rejected", always=True),
    Cell("probe", "mlflow", "down", "down", "deploy", "does not answer", "live"),
    Cell("probe", "mlflow", "slow", slow, "deploy", "", "live"),
    Cell("probe", "mlflow", "half", half, "deploy", "MLflow", "rejected", always=True),
    Cell("check", "mlflow", "down", "down", "check", "does not answer", "rejected"),
    Cell("check", "mlflow", "half", half, "check", "MLflow", "rejected"),
    Cell("check", "mlflow", "lies", lie(rb'"experiment_id": ?"\d', b"9"), "check", "experiment", "rejected", always=True),
    Cell("load", "neo4j", "down", "down", "load", "Neo4j at", "live", flow="curriculum"),
    Cell("load", "neo4j", "slow", slow, "load", "", "live", flow="curriculum"),
    Cell("load", "neo4j", "half", half, "load", "Neo4j", "live", flow="curriculum"),
    Cell("load", "neo4j", "lies", lie(rb'"nodesCreated":\d', b"7"), "load", "node", "rejected", always=True, flow="curriculum"),
    Cell("promote", "branch", "locked", "down", "after", "lock", "live", always=True),
    Cell("promote", "registry", "down", "down", "after", "connection refused", "live"),
    Cell("promote", "registry", "slow", slow, "after", "", "live"),
    Cell("promote", "registry", "half", half, "after", UNREACHED, "live"),
]


def mount_small(folder: str, size: str, of: int | None = None) -> None:
    """A tmpfs there; `of`: in the mount namespace of that process."""
    enter = ["nsenter", "-t", str(of), "-m", "-p"] if of else []
    subprocess.run([*enter, "mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", folder], check=True)


class Faults(Flow):
    @classmethod
    def setUpClass(cls) -> None:
        if lab.missing():
            raise unittest.SkipTest(lab.missing())
        cls.folder = Folder("faults")
        cls.addClassCleanup(cls.folder.remove)
        cls.lab = lab.Lab(cls.folder.path)
        cls.addClassCleanup(cls.lab.close)
        small = cls.folder.path / "small"
        small.mkdir()
        mount_small(str(small), "200m")
        cls.addClassCleanup(ctypes.CDLL(None).umount2, os.fsencode(small), 2)
        cls.server = Server(cls.folder.path, cls.lab.server_options(), slots=3, data=small / "data").start()
        cls.addClassCleanup(cls.server.close)
        cls.small = small

    def setUp(self) -> None:
        super().setUp()
        # The host's side of it is a process of this machine.
        spawned = (Path(os.environ["TIDEGATE_LAB"]) / "run" / "training-host.pid").read_text().split()[0]
        inside = int(Path(f"/proc/{spawned}/task/{spawned}/children").read_text().split()[0])
        kept = self.lab.host.read(f"{self.root}/shared/mlflow.env")
        mount_small(self.root, "300m", inside)
        self.addCleanup(subprocess.run, ["nsenter", "-t", str(inside), "-m", "-p", "umount", "-l", self.root])
        self.lab.host.sh(f"mkdir -p {self.root}/shared && printf '%s' '{kept}' >{self.root}/shared/mlflow.env")
        self.host_disk = Disk(self.root, self.lab.host.sh)
        self.server_disk = Disk(str(self.small), lambda command: subprocess.check_output(command, shell=True, text=True))
        repository = self.small / "data" / "repositories" / "e2e" / f"{self.name}.git"
        self.branch = Lock(repository / "refs" / "heads" / "main.lock")

    def proxy(self, cell: Cell):
        own = getattr(self, cell.part, None)
        return own or getattr(self.lab, cell.part + "_proxy")

    def all_up(self) -> None:
        self.lab.all_up()
        for part in (self.host_disk, self.server_disk, self.branch):
            part.up()

    def begin(self, cell: Cell, number: int) -> dict:
        """The flow stands right before the step; its version."""
        if cell.gate == "check":
            self.hold_on_host("check")
        else:
            self.hold(cell.gate)
        job = {"push": "deploy", "deploy": "deploy", "check": "deploy", "load": "load", "after": "after"}[cell.gate]
        if cell.flow == "curriculum":
            version = self.load_graph(number, f"g{number}-", job)
        else:
            self.land("training", f"{number}.jsonl", f"object {number}")
            version = self.running("training", number, job)
        self.wait_log(version, job, "flipped to" if cell.gate == "check" else f"at {cell.gate}")
        return version | {"job": job}

    def words(self, version: dict) -> str:
        """All that people are told of it."""
        deliveries = [d["message"] for d in self.project.own("/deliveries")["deliveries"]]
        reason = self.project.version(version["source"], version["number"])["reason"]
        return "\n".join([reason, *deliveries, self.log(version, version["job"])])

    def told(self, cell: Cell, version: dict) -> bool:
        return re.search(cell.says, self.words(version)) is not None

    def play_fetch(self, cell: Cell, number: int) -> str:
        """The object lands while the fault is there already."""
        before = self.state()
        self.proxy(cell).down()
        seen = self.server.log.stat().st_size
        self.land("training", f"{number}.jsonl", f"object {number}")
        until("the log says so", lambda: re.search(cell.says, self.server.log.read_text(errors="replace")[seen:]))
        self.all_up()
        version = until("it has a pipeline", lambda: [v for v in self.project.versions("training")[number - 1:] if v["pipeline"]])
        self.live(version[0], before)
        return cell.ends

    def play(self, cell: Cell, number: int) -> str:
        if cell.step == "fetch":
            return self.play_fetch(cell, number)
        before = self.state()
        version = self.begin(cell, number)
        if cell.do == "down":
            self.proxy(cell).down()
        else:
            self.proxy(cell).fault = cell.do
        if cell.gate == "check":
            self.let_go_on_host("check")
        else:
            self.let_go(cell.gate)
        if cell.says:
            until(f"{cell.step}, {cell.part} {cell.fault}: people are told; the log says:\n" +
                  self.log(version, version["job"])[-800:], lambda: self.told(cell, version))
        if cell.says and cell.ends == "live" and cell.step in ("pull", "release", "probe"):
            self.assertEqual(self.state(), before, "something has moved")
        if cell.fault != "slow" and cell.ends == "live":
            self.all_up()
        if cell.ends == "live":
            self.live(version, before)
        else:
            self.project.version(version["source"], version["number"], "rejected")
            self.all_up()
            self.rejected(version, before)
        self.all_up()
        return cell.ends + ", later" if cell.fault == "slow" else cell.ends

    def test_faults_by_steps(self) -> None:
        self.make()
        self.load_graph(1, "first")
        self.project.version("curriculum", 1, "live")
        numbers = {"training": 0, "curriculum": 1}
        table: dict[tuple[str, str], str] = {}
        for cell in CELLS:
            if not (ALL or cell.always) or not re.search(ONLY, f"{cell.step} {cell.part} {cell.fault}"):
                continue
            numbers[cell.flow] += 1
            with self.subTest(step=cell.step, part=cell.part, fault=cell.fault):
                table[f"{cell.step} ({cell.part})", cell.fault] = "FAILED"
                try:
                    table[f"{cell.step} ({cell.part})", cell.fault] = self.play(cell, numbers[cell.flow])
                finally:
                    self.clear(cell)
        show(table)

    def clear(self, cell: Cell) -> None:
        """What a cell that failed has left in the way of the next."""
        self.all_up()
        for gate in ("push", "deploy", "load", "after"):
            (self.gates / f"hold-{gate}").unlink(missing_ok=True)
        self.lab.host.sh(f"rm -f {self.root}/hold--check")

        def over() -> bool:
            return all(v["finished_at"] for v in self.project.versions(cell.flow))
        until("all is decided", over)


def show(table: dict[tuple[str, str], str]) -> None:
    faults = ["down", "slow", "half", "lies", "full", "locked"]
    print(f"\n{'step':<22}" + "".join(f"{fault:<13}" for fault in faults))
    for step in dict.fromkeys(step for step, _ in table):
        print(f"{step:<22}" + "".join(f"{table.get((step, fault), '-'):<13}" for fault in faults))


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--all"])
