"""The demo's command line: puts up the stage, plays the acts, and tells how they went."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

import acts_graph
import acts_training
import storm
from act import Act
from parts import PartError
from server import PROJECT, URL
from setting import Setting, default_state
from terminal import FAILED, PASSED, Terminal, table

HELP = """\
Plays the whole way of new data, from the bucket to the live release, against real parts on this machine: S3, Git,
Docker, a registry, two hosts behind SSH, MLflow, Neo4j. Each act is checked from outside, by the parts' own protocols.

  1  First release      the example is pushed; both flows are built, tested and released
  2  New training data  an object lands; minutes later the training host runs on it
  3  Bad data           a broken object is refused; nothing has moved
  4  New curriculum     the graph is replaced in one step, while a client reads
  5  Bad curriculum     a cycle and a dangling reference are refused by name
  6  Bad release        the tests pass, the health check on the host fails; all three flip back
  7  Storm              one object announced over and over, the server killed twice; one pipeline, one release

Every play begins anew (the demo's project, objects, releases and graph of the last one are removed) and keeps caches:
packages, base images, image layers, wheels on the hosts. Act 1 is always played first; the others build on it.
State: $TIDEGATE_DEMO, by default ~/.cache/tidegate/demo. Exit codes: 0 all good, 1 a check failed, 3 something is missing.
"""

ACTS = {
    1: ("First release", acts_training.first_release),
    2: ("New training data", acts_training.new_data),
    3: ("Bad data", acts_training.bad_data),
    4: ("New curriculum", acts_graph.new_curriculum),
    5: ("Bad curriculum", acts_graph.bad_curriculum),
    6: ("Bad release", acts_training.bad_release),
    7: ("Storm", storm.storm),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./demo", description=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="end after the last act and leave nothing running")
    parser.add_argument("--act", type=int, nargs="+", choices=sorted(ACTS), metavar="N", help="play only these (and 1)")
    parser.add_argument("--fresh", action="store_true", help="forget the hosts' packages and the image layers too")
    parser.add_argument("--keep-lab", action="store_true", help="leave the lab up even when the demo started it")
    return parser.parse_args()


def play(setting: Setting, numbers: list[int]) -> list[Act]:
    played = []
    for number in numbers:
        title, script = ACTS[number]
        act = Act(number, title, setting)
        with act.playing():
            script(act)
        played.append(act)
        if number == 1 and act.failed:
            setting.terminal.line("\nWithout a first release there is nothing for the other acts to build on.", "red")
            break
    return played


def tell(terminal: Terminal, played: list[Act], numbers: list[int], setup_seconds: float) -> None:
    rows = [["act", "", "result", "checks", "seconds", "jobs (seconds)"]]
    rows.append(["", "Stage set", PASSED, "", f"{setup_seconds:.1f}", ""])
    for act in played:
        result = f"{FAILED} failed" if act.failed else f"{PASSED} passed"
        rows.append([str(act.number), act.title, result, f"{act.passed}/{act.passed + act.failed}", f"{act.seconds:.1f}",
                     ", ".join(act.watch.job_times)])
    for number in numbers[len(played):]:
        rows.append([str(number), ACTS[number][0], "not played", "", "", ""])
    terminal.header("How it went")
    for line in table(rows):
        terminal.line(line)


def stay(setting: Setting) -> None:
    """Where to look, until Ctrl-C."""
    binary, env = setting.server.binary, setting.env
    setting.terminal.line(f"""
Everything stays up until Ctrl-C. Where to look:

  export TIDEGATE_URL={URL} TIDEGATE_PROJECT={PROJECT} TIDEGATE_TOKEN={setting.tokens['project']}
  {binary} pipelines
  {binary} data list
  {binary} releases training
  curl -H "PRIVATE-TOKEN: $TIDEGATE_TOKEN" {URL}/api/v4/projects/{PROJECT.replace('/', '%2F')}/pipelines
  curl -F token={setting.tokens['trigger']} -F ref=main {URL}/api/v4/projects/{PROJECT.replace('/', '%2F')}/trigger/pipeline

  MLflow  {env['MLFLOW_TRACKING_URI']}
  Neo4j   {env['NEO4J_HTTP_URL']} ({env['NEO4J_USER']}; the password is in {env['TIDEGATE_LAB']}/env)
  hosts   ssh -F {env['TIDEGATE_SSH_CONFIG']} training-host
  upload  tools/lab/s3put training/mine.jsonl FILE
  Git     {setting.work}
  log     {setting.server.log}
""")
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        setting.terminal.line()


def set_stage(setting: Setting, options: argparse.Namespace) -> None:
    setting.terminal.header("The stage")
    setting.lock()
    setting.install()
    binary = setting.build()
    setting.lab_up()
    setting.arrivals()
    setting.start_anew(binary, options.fresh)
    setting.open_server()
    setting.connect_hook()
    setting.seed()


def main() -> int:
    options = arguments()
    os.umask(0o022)
    numbers = sorted({1, *(options.act or ACTS)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    terminal, code = Terminal(), 1
    setting = Setting(terminal, default_state())
    started = time.monotonic()
    try:
        set_stage(setting, options)
        setup_seconds = time.monotonic() - started
        played = play(setting, numbers)
        tell(terminal, played, numbers, setup_seconds)
        code = 0 if len(played) == len(numbers) and not any(act.failed for act in played) else 1
        terminal.line(f"\n{'All good' if code == 0 else 'Not good'}, after {time.monotonic() - started:.0f} s.",
                      "green" if code == 0 else "red", "bold")
        if not options.once:
            stay(setting)
    except PartError as error:
        terminal.line(f"\n{FAILED} {error}", "red")
        code = 3
    except KeyboardInterrupt:
        terminal.line("\nstopped", "yellow")
        code = 130
    finally:
        # A second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        setting.close(options.keep_lab)
    return code


if __name__ == "__main__":
    sys.exit(main())
