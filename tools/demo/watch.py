"""Live progress of pipelines and dataset versions, from the API."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone

from parts import PartError
from server import Api, Unreachable
from terminal import Terminal

PIPELINE_ENDS = {"success", "failed", "canceled", "skipped"}
VERSION_ENDS = {"live", "rejected", "superseded", "baseline"}
QUIET = {"created", "pending", "waiting_for_resource", "preparing"}
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|section_(start|end):\d+:[^\r\n]*\r?|\r")


def plain(log: str) -> str:
    """A job's log without colours and section marks."""
    return _ESCAPES.sub("", log)


class Watch:
    """Follows one pipeline, and the version it is for, until both are decided."""

    def __init__(self, api: Api, terminal: Terminal):
        self._api = api
        self._terminal = terminal
        self._status: dict[int, str] = {}
        self._read: dict[int, int] = {}
        self._away = False
        self.job_times: list[str] = []

    def pipeline(self, number: int, seconds: float = 900, until=lambda jobs: False) -> dict:
        """Until the pipeline's end, or until what its jobs show is enough."""
        return self._follow(lambda: self._pipeline_once(number, until), f"pipeline #{number}", seconds)

    def version(self, source: str, object_version: str, seconds: float = 900) -> dict:
        """From the landed object to the end of its version, with the pipeline in between."""
        return self._follow(lambda: self._version_once(source, object_version), f"{source} {object_version}", seconds)

    def _follow(self, once, what: str, seconds: float):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = once()
                if self._away:
                    self._terminal.step("the server answers again")
                self._away = False
                if found:
                    self._terminal.status("")
                    return found
            except Unreachable:
                if not self._away:
                    self._terminal.step("the server does not answer")
                self._away = True
            time.sleep(0.25)
        raise PartError(f"{what} has not ended after {seconds:.0f} s")

    def _version_once(self, source: str, object_version: str) -> dict | None:
        found = [v for v in self._api.versions(source) if v["object_version"] == object_version]
        if not found:
            self._terminal.status("           waiting for the object to be announced")
            return None
        version = found[0]
        key = -version["number"]
        if self._status.get(key) != version["state"]:
            self._status[key] = version["state"]
            reason = f": {version['reason']}" if version["reason"] else ""
            self._terminal.step(f"{source}/{version['number']} {version['state']}{reason}"[:180])
        if version["pipeline"]:
            self._pipeline_once(version["pipeline"], lambda jobs: False)
        return version if version["state"] in VERSION_ENDS else None

    def _pipeline_once(self, number: int, until) -> dict | None:
        pipeline, jobs = self._api.pipeline(number), self._api.jobs(number)
        for job in jobs:
            self._show(job)
        running = [f"{j['name']} {_age(j):.0f} s" for j in jobs if j["status"] == "running"]
        self._terminal.status(f"           #{number} {pipeline['status']}  " + "  ".join(running))
        return pipeline if pipeline["status"] in PIPELINE_ENDS or until(jobs) else None

    def _show(self, job: dict) -> None:
        number, name, status = job["id"], job["name"], job["status"]
        if status not in QUIET and job["stage"] == "deploy" and self._status.get(number) not in PIPELINE_ENDS:
            self._deploy_lines(number)
        if self._status.get(number) == status:
            return
        self._status[number] = status
        if status in QUIET:
            return
        if job["duration"] is not None and status in PIPELINE_ENDS:
            self.job_times.append(f"{name} {job['duration']:.1f}")
            why = f" ({job['failure_reason']})" if job["failure_reason"] else ""
            self._terminal.step(f"{name:<13} {status}{why}, {job['duration']:.1f} s")
        elif status == "running":
            self._terminal.step(f"{name:<13} running")

    def _deploy_lines(self, number: int) -> None:
        """What `tidegate deploy` and `tidegate load` say while they work."""
        lines = plain(self._api.trace(number)).split("\n")[:-1]
        at = self._read.get(number, 0)
        if at > len(lines):  # the job began anew
            at = 0
        for i in range(at, len(lines)):
            commands = [line for line in lines[:i + 1] if line.startswith(("$ ", "Running with", "Cleaning up", "Uploading"))]
            if commands and commands[-1].startswith("$ tidegate") and not lines[i].startswith("$ "):
                self._terminal.note(lines[i][:150])
        self._read[number] = len(lines)


def _age(job: dict) -> float:
    if not job["started_at"]:
        return 0
    return (datetime.now(timezone.utc) - datetime.fromisoformat(job["started_at"])).total_seconds()
