"""Whether new hosts can be used: SSH answers, and what a cloud's image does at its first start is done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import HostError
from pipeline.inventory.hosts import Host
from pipeline.remote.ask import ask, ask_all

__all__ = ["wait_ready"]

_PATIENCE = 300.0  # seconds from "running" to the first answer; a minute is usual
# cloud-init configures apt and the user; before it is done apt may be locked
_FIRST_START = (
    "if command -v cloud-init > /dev/null; then cloud-init status --wait > /dev/null; fi; sudo -n true"
)


def wait_ready(
    hosts: Sequence[Host], progress: Progress, patience: float = _PATIENCE, every: float = 3.0
) -> None:
    """Wait until all hosts can be used.

    Args:
        hosts: The hosts, which run already.
        progress: Gets a line on what is waited for.
        patience: The longest to wait, in seconds.
        every: Seconds between two tries.

    Raises:
        HostError: For the first host that could not be used in time.
    """
    began = time.monotonic()
    waiting = list(hosts)
    while True:
        left = max(1.0, patience - (time.monotonic() - began))
        answers = ask_all(waiting, partial(_ask, seconds=left))
        problems = [(host, problem) for host, problem in answers if problem]
        if not problems:
            return
        if time.monotonic() - began >= patience:
            first, problem = problems[0]
            raise HostError(
                first.name,
                f"SSH to {first.user}@{first.address} does not work after {patience:.0f} s: {problem}",
                hint="does ssh_from in prod.yml have this machine's address, and does the network here let port "
                f"{first.port} out? then the same command again",
            )
        waiting = [host for host, _ in problems]
        names = ", ".join(host.name for host in waiting)
        progress.detail(f"{time.monotonic() - began:.0f} s until SSH answers: {names}")
        time.sleep(every)


def _ask(host: Host, seconds: float) -> str:
    """What keeps `host` from being ready, or "". It has `seconds` to answer."""
    if host.known_hosts is not None:
        host.known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Two questions: a firewall that lets nothing through, and a first start that does not end, are both silent.
    asked = [("true", "no answer (a firewall?)"), (_FIRST_START, "its first start does not end (cloud-init)")]
    for command, silence in asked:
        try:
            answer = ask(host, command, known_hosts=Path("/dev/null"), seconds=seconds)
        except FileNotFoundError:
            return "there is no ssh on this machine"
        if answer.status is None:
            return silence
        if answer.status != 0:
            return answer.said(f"it ended with {answer.status}")
    return ""
