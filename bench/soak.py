"""Runs or deploys back to back: does anything grow with each, here or on the hosts?

    python -m bench.soak runs [-n 30]
    python -m bench.soak deploys [-n 30]

`runs` are canaries of the bundled sample, ten seconds of load each, on one kept lab; `deploys` go to a local host that
is made for it, from the bundled checkbox site, two versions in turn. A line is printed for each; the last two lines
compare the means of the first third, without the first three, with those of the last third. Whole labs:
bench/lab_cycles.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tabulate import tabulate

from pipeline.base.lock import lab_lock
from pipeline.base.places import CACHE, ROOT, SERVICES, state_directory
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab import lxc
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY, PRODUCTION, HostSet

_MARK: Final = "PIPELINE_SOAK"  # all that comes of a command has it in its environment
_HEADERS: Final = (
    *("number", "exit", "seconds", "processes left", "temporary files", "state MB", "cache MB"),
    *("on hosts: processes", "memory MB", "disk MB", "SSH connections"),
)
_GUEST: Final = (
    "ps -e --no-headers | wc -l; awk '/MemTotal/{t=$2} /MemAvailable/{a=$2} END{print t-a}' /proc/meminfo;"
    " du -skx / | cut -f1; ss -Htn state established sport = :22 | wc -l"
)


class Soak:
    """Commands with one environment, and what is there after each."""

    def __init__(self, directory: Path, host_set: HostSet) -> None:
        self._set = host_set
        self._mark = uuid.uuid4().hex
        self._temporary = directory / "t"
        self._temporary.mkdir()
        self.rows: list[list[float]] = []

    def command(self, *arguments: str) -> None:
        """One command of `pipeline`, and a row of what is there when it has ended."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
            env={**os.environ, _MARK: self._mark, "TMPDIR": str(self._temporary)},
        )  # fmt: skip
        seconds = time.monotonic() - began
        if done.returncode not in (0, 11):
            print(done.stderr[-600:], file=sys.stderr)
        row = [len(self.rows) + 1, done.returncode, seconds, *self._here(), *self._there()]
        self.rows.append(row)
        print(tabulate([row], tablefmt="plain", floatfmt=".1f"), flush=True)

    def _here(self) -> list[float]:
        marked = f"{_MARK}={self._mark}".encode()
        return [
            sum(marked in _environment(path) for path in Path("/proc").glob("[0-9]*")),
            len(list(self._temporary.iterdir())),
            _megabytes(ROOT / ".pipeline"),
            _megabytes(CACHE),
        ]

    def _there(self) -> list[float]:
        sums = [0.0, 0.0, 0.0, 0.0]
        for name in lxc.containers(self._set.prefix(ROOT)):
            if lxc.state(name) == "running":
                told = subprocess.run(
                    ["lxc-attach", "-n", name, "--clear-env", "--", "sh", "-c", _GUEST],
                    capture_output=True, text=True, check=True,
                ).stdout.split()  # fmt: skip
                sums = [have + float(new) for have, new in zip(sums, told, strict=True)]
        processes, memory, disk, connections = sums
        return [processes, memory / 1024, disk / 1024, connections]

    def growth(self) -> str:
        """The means of the first third and of the last one."""
        settled = self.rows[3:]
        third = max(1, len(settled) // 3)
        ends = [settled[:third], settled[-third:]]
        table = [
            [
                f"{part[0][0]:.0f} to {part[-1][0]:.0f}",
                "",
                *map(statistics.mean, [*zip(*part, strict=True)][2:]),
            ]
            for part in ends
        ]
        return tabulate(table, _HEADERS, floatfmt=".1f")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["runs", "deploys"])
    parser.add_argument("-n", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        soak = (runs if options.what == "runs" else deploys)(Path(name), options.n)
    print(soak.growth())
    return 0 if all(row[1] in (0, 11) and not any(row[3:5]) for row in soak.rows) else 1


def runs(directory: Path, count: int) -> Soak:
    """Canaries of the sample's master against itself."""
    soak = Soak(directory, CANARY)
    try:
        for _ in range(count):
            soak.command(
                *("canary", "master", "master", "--repo", "sample", "--keep", "--schedule", "concurrent"),
                *("--duration", "10s", "--warmup", "3s", "--rate", "20", "--runs", str(directory / "runs")),
            )
    finally:
        with lab_lock(CANARY.state(state_directory())):
            Lab(ROOT, None, lambda _: None, CANARY).down()
    return soak


def deploys(directory: Path, count: int) -> Soak:
    """checkbox.io's stand-in, two commits of it in turn."""
    repository = directory / "repository"
    shutil.copytree(SERVICES / "checkbox", repository, ignore=shutil.ignore_patterns("node_modules"))
    git = ["git", "-C", str(repository), "-c", "user.name=soak", "-c", "user.email=soak@example.org"]
    for words in (
        ["init", "-q", "-b", "one"],
        ["add", "."],
        ["commit", "-qm", "One"],
        ["checkout", "-qb", "two"],
    ):
        subprocess.run([*git, *words], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Two"], check=True)
    soak = Soak(directory, PRODUCTION)
    with production() as lab:
        inventory = directory / "hosts.ini"
        host = lab.inventory().one("checkbox")
        write_inventory(Inventory({"checkbox": (host,)}), inventory)
        for number in range(count):
            soak.command(
                *("deploy", "checkbox.io", "-i", str(inventory), "--repo", str(repository)),
                *("--ref", "two" if number % 2 else "one"),
            )
    return soak


@contextmanager
def production() -> Iterator[Lab]:
    """Production's hosts, new, and removed afterwards."""
    lab = Lab(ROOT, None, lambda _: None, PRODUCTION)
    with lab_lock(PRODUCTION.state(state_directory())):
        lab.down()
        lab.up()
    try:
        yield lab
    finally:
        with lab_lock(PRODUCTION.state(state_directory())):
            lab.down()


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""  # it has just ended, or is the kernel's


def _megabytes(path: Path) -> float:
    if not path.exists():
        return 0.0
    told = subprocess.run(["du", "-skx", str(path)], capture_output=True, text=True, check=False).stdout
    return int(told.split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
