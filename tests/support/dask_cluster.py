"""A real Dask cluster on loopback: `dask scheduler` and `dask worker` as processes, of which a test may end one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

__all__ = ["Cluster", "cluster"]

_OF_ONE_MACHINE = ("--host", "127.0.0.1", "--no-dashboard")


class Cluster(NamedTuple):
    """`address` is the scheduler's; `workers` by their addresses."""

    address: str
    workers: dict[str, subprocess.Popen[str]]


@contextmanager
def cluster(count: int, directory: Path) -> Iterator[Cluster]:
    """With so many workers, without nannies, so that one that is killed stays away."""
    with ExitStack() as stack:
        scheduler = _started(stack, ["scheduler", *_OF_ONE_MACHINE, "--port", "0"])
        address = _told(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        workers = {}
        for number in range(count):
            where = str(directory / f"worker{number}")
            worker = _started(
                stack,
                [
                    "worker",
                    address,
                    *_OF_ONE_MACHINE,
                    "--no-nanny",
                    "--nthreads",
                    "1",
                    "--local-directory",
                    where,
                ],
            )
            workers[_told(worker, r"Start worker at:\s+(tcp://\S+)")] = worker
            _told(worker, r"Registered to:\s+(tcp://\S+)")
        yield Cluster(address, workers)


def _started(stack: ExitStack, command: Sequence[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def _told(process: subprocess.Popen[str], pattern: str) -> str:
    """What a process says of itself."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError("".join(said))
