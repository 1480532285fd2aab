"""Brings the lab up and down again and again; prints how long each took and what was left behind.

    python bench/lab_cycles.py [CYCLES]

Disk is what this lab itself can leave: its containers, .vagrant, .pipeline and Vagrant's home. The machine's
free space moves with everything else that runs on it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pipeline.base.errors import PipelineError
from pipeline.base.lock import lab_lock
from pipeline.base.places import ROOT, state_directory
from pipeline.lab import lxc
from pipeline.lab.box import ensure_box, vagrant_home
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY

HEADERS = (
    "cycle",
    "up s",
    "up again s",
    "down s",
    "failure",
    "containers",
    "veths",
    "mounts",
    "processes",
    "MB",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cycles", nargs="?", type=int, default=10)
    cycles = parser.parse_args().cycles
    lab = Lab(ROOT, None, lambda _line: None)
    rows: list[list[Any]] = []
    with lab_lock(state_directory()):
        lab.down()
        print(f"provider {lab.provider}, box {ensure_box(lab.provider, print)}, {os.cpu_count()} cores")
        lab.up()  # the first unpacks the box; that is the box's cost, not the cycle's
        lab.down()
        disk = megabytes()
        for cycle in range(1, cycles + 1):
            up, failure = timed(lab.up)
            again, _ = timed(lab.up)
            down, trouble = timed(lab.down)
            rows.append([cycle, up, again, down, failure or trouble or "-", *left(), megabytes() - disk])
            print(
                f"cycle {cycle}: up {up:.1f} s, down {down:.1f} s, load {os.getloadavg()[0]:.1f}", flush=True
            )
    print(tabulate(rows, HEADERS, floatfmt=".1f"))
    for column, name in ((1, "up"), (3, "down")):
        values = [float(row[column]) for row in rows]
        print(f"{name}: median {statistics.median(values):.1f} s, worst {max(values):.1f} s")
    failures = sum(row[4] != "-" for row in rows)
    print(f"failures: {failures} of {cycles}")
    return 1 if failures or any(any(row[5:9]) for row in rows) else 0


def timed(action: Callable[[], object]) -> tuple[float, str | None]:
    """Seconds that a method of the lab took, and its error."""
    started = time.monotonic()
    try:
        action()
        error = None
    except PipelineError as caught:
        error = str(caught)
    return time.monotonic() - started, error


def left() -> list[int]:
    """What is there of this lab: containers, veths that no running container explains, mounts, processes."""
    ours = CANARY.prefix(ROOT)
    others = [
        name for name in lxc.containers("") if not name.startswith(ours) and lxc.state(name) == "running"
    ]
    bridge = Path("/sys/class/net/lxcbr0/brif")
    veths = len(list(bridge.iterdir())) if bridge.is_dir() else 0
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if ours in line]
    listed = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    processes = [line for line in listed if ours in line or (str(ROOT) in line and "vagrant" in line)]
    return [len(lxc.containers(ours)), veths - len(others), len(mounts), len(processes)]


def megabytes() -> float:
    """Disk space of all that belongs to this lab."""
    places = [ROOT / ".vagrant", ROOT / ".pipeline", vagrant_home()]
    places += [lxc.CONTAINERS / name for name in lxc.containers(CANARY.prefix(ROOT))]
    present = [str(place) for place in places if place.exists()]
    listed = subprocess.run(["du", "-skcx", *present], capture_output=True, text=True, check=False).stdout
    return int(listed.splitlines()[-1].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
