"""The monitor and the exporters of all hosts, through deploys/monitor.py: what `prod up` does once the hosts answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.console import Progress, Steps
from pipeline.base.places import DEPLOYS, log_file, state_directory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.remote.provision import provision

__all__ = ["GROUP", "USER", "Watched", "password_place", "watch"]

GROUP = "monitor"
USER = "pipeline"  # of the page
_SECONDS = 1800.0  # the packages of bare hosts over a slow line


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of `watch`. `changes` are the operations that changed something, by host.

    `up` of `targets` answered; `down` are those that did not, `HOST JOB` each.
    """

    changes: Mapping[str, Sequence[str]]
    seconds: float
    targets: int
    up: int
    down: Sequence[str]
    log: Path

    def words(self) -> str:
        """All of it in a sentence."""
        changed = sum(map(len, self.changes.values()))
        what = f"{changed} change{'s' if changed != 1 else ''}" if changed else "nothing to do"
        text = f"the monitor: {what}, {self.seconds:.0f} s; {self.up} of {self.targets} targets answer"
        return text + (f"; not yet: {'; '.join(_by_host(self.down))}" if self.down else "")

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "changes": {host: list(names) for host, names in self.changes.items()},
            "seconds": round(self.seconds, 1),
            "targets": self.targets,
            "up": self.up,
            "down": list(self.down),
        }


def _by_host(down: Sequence[str]) -> list[str]:
    """The targets that do not answer, a text for each host.

    >>> _by_host(["itrust jmx", "itrust mtail", "web mtail"])
    ['itrust jmx, mtail', 'web mtail']
    """
    jobs: dict[str, list[str]] = {}
    for host, job in (text.split(" ", 1) for text in down):
        jobs.setdefault(host, []).append(job)
    return [f"{host} {', '.join(names)}" for host, names in jobs.items()]


def watch(inventory: Inventory, progress: Progress) -> Watched:
    """Bring the monitor up, and what it reads on every host; a second time changes nothing.

    Raises PipelineError in one line: a host that cannot be reached, or what failed on it.
    """
    monitor = inventory.one(GROUP)
    log = log_file("monitor", monitor.name)
    progress.say(f"the monitor and the exporters: {', '.join(host.name for host in inventory)}")
    with Steps(progress, monitor.name) as steps:
        steps.begin("looking at all hosts")
        done = provision(
            inventory,
            DEPLOYS / "monitor.py",
            {},
            log=log,
            known_hosts=state_directory() / "known_hosts",
            say=steps.begin,
            timeout=_SECONDS,
        )
    progress.say(f"{monitor.name}: done")  # ends the moving line: what follows begins on a line of its own
    proofs = [report for report in done.reports.get(monitor.name, ()) if "targets" in report]
    told: Mapping[str, Any] = proofs[-1] if proofs else {"targets": 0, "up": 0, "down": ()}
    return Watched(done.changes, done.seconds, told["targets"], told["up"], told["down"], log)


def password_place(monitor: Host) -> str:
    """Where a person finds the page's password; never the password."""
    environment = monitor.data.get("environment") or "production"
    directory = monitor.data.get("secrets_directory") or "~/.config/pipeline/secrets"
    return f"monitor_password in {directory}/{environment}.yml"
