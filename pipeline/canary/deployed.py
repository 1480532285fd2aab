"""Both versions on their hosts, installed, started and answering; where the canary is not, whose fault that is.

A fault of one host must not be taken for one of the version that went there. Both hosts are looked at before either
installs (deploys/kit/ready.py); whatever befalls the baseline comes first, in whatever order an inventory names the
hosts; and before the canary is blamed the baseline's commit is put on the canary's host, where it must come up.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, ProvisionError, ServiceError
from pipeline.base.interrupt import run_async
from pipeline.base.places import DEPLOYS
from pipeline.base.private import private_directory
from pipeline.canary.answering import answering, proxys_addresses
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.plan import Plan
from pipeline.inventory.hosts import Host, Inventory
from pipeline.judge.evidence import Problem
from pipeline.remote.provision import provision
from pipeline.source.repository import Commit

__all__ = ["Hosts", "deploy"]

# Whatever its reason, what is wrong on the first of them is told.
_ORDER: Final = ("proxy", "blue", "green")
_NOT_COME: Final = {"install": "did not install", "start": "did not come up", "probe": "did not come up"}


@dataclass(frozen=True, slots=True)
class Hosts:
    """Three hosts that are up, and where they come from: the lab's provider, "inventory", or a cloud's name.

    `gone` says whether they have been removed since.
    """

    inventory: Inventory
    known_hosts: Path
    provider: str
    gone: Callable[[], bool] = lambda: False

    @property
    def is_lab(self) -> bool:
        """Whether they are a lab's, with one network that nobody else needs."""
        return self.provider not in ("inventory", "aws")


def deploy(plan: Plan, hosts: Hosts, run: RunInProgress, progress: Progress) -> None:
    """Both versions onto their hosts. A version that does not come up is a problem of the run, with the reason.

    Raises:
        HostError: A host is not as needed: for either version, or by what an installation said.
        ProvisionError: Something else did not finish on a host.
    """
    inventory = Inventory({group: (hosts.inventory.one(group),) for group in _ORDER}, hosts.inventory.path)
    with private_directory() as temporary:
        deployment = _Deployment(plan, hosts, inventory, run, progress, temporary)
        progress.say(f"deploying {plan.baseline.sha[:7]} to blue and {plan.canary.sha[:7]} to green")
        try:
            deployment.bring({"blue": plan.baseline, "green": plan.canary})
        except ServiceError as error:
            run.add_problem(deployment.whose_fault(error))


class _Deployment:
    """What goes where, for as long as `temporary` is there."""

    def __init__(
        self,
        plan: Plan,
        hosts: Hosts,
        inventory: Inventory,
        run: RunInProgress,
        progress: Progress,
        temporary: Path,
    ) -> None:
        self._plan = plan
        self._hosts = hosts
        self._inventory = inventory
        self._run = run
        self._progress = progress
        self._temporary = temporary
        self._proxy = inventory.one("proxy")

    def bring(self, commits: Mapping[str, Commit], again: str = "") -> None:
        """Install and start a commit on each colour's host, and wait until it answers there and for the proxy.

        Without both colours the proxy is left alone. `again` is a word: what was installed without it, or with another
        one, is installed once more. Raises what `provision` and `answering` do; the baseline's comes first.
        """
        groups = _ORDER if len(commits) > 1 else tuple(commits)
        provision(
            Inventory({group: (self._inventory.one(group),) for group in groups}, self._inventory.path),
            DEPLOYS / "canary.py",
            self._data(commits, again),
            log=self._run.path / "logs" / "provision.log",
            known_hosts=self._hosts.known_hosts,
            say=self._progress.detail,
        )
        there = {colour: self._inventory.one(colour) for colour in commits}
        run_async(answering(self._proxy, there, self._hosts.known_hosts, self._plan.profile))

    def whose_fault(self, error: ServiceError) -> Problem:
        """What a version that did not come up says of the run."""
        what = _NOT_COME[error.step]
        if error.host != self._inventory.one("green").name:
            return Problem("invalid", f"the baseline {what}: {error.message}")
        if error.machine:
            return Problem(
                "invalid", f"the canary {what}, for want of something on its host: {error.message}"
            )
        self._progress.say(
            f"the canary {what}; trying the baseline's commit on its host, to tell one from the other"
        )
        try:
            # What the canary's own installation did not get through is gone through by the baseline's as well.
            again = secrets.token_hex(8) if error.step == "install" else ""
            self.bring({"green": self._plan.baseline}, again)
        except (HostError, ProvisionError) as other:
            return Problem(
                "invalid",
                f"the canary {what} ({error.message}), but the baseline's commit does not come up there, either: "
                f"{other.message}",
            )
        return Problem(
            "failed", f"the canary {what}: {error.message}; the baseline's commit came up on the same host"
        )

    def _data(self, commits: Mapping[str, Commit], again: str) -> Mapping[str, Mapping[str, object]]:
        """What each host's deploy reads."""
        profile, lab = self._plan.profile, self._hosts.is_lab
        blue, green = self._inventory.one("blue"), self._inventory.one("green")
        sources = proxys_addresses(self._proxy, (blue, green), self._hosts.known_hosts, lab=lab)
        data: dict[str, Mapping[str, object]] = {
            self._proxy.name: {
                "blue": f"{blue.private_address}:{profile.port}",
                "green": f"{green.private_address}:{profile.port}",
                "public_path": profile.request.path,
                "runtime_user": self._proxy.user,
                # On hosts of the user's own the proxy may serve others, too.
                "public_from": [_own_address(self._proxy)] if lab else [],
                "closed": lab,
            }
        }
        for colour, commit in commits.items():
            archive = self._plan.source.archive(commit, self._temporary / f"{commit.sha}.tar.gz")
            data[self._inventory.one(colour).name] = {
                "archive": str(archive),
                "commit": commit.sha,
                "install": [list(argv) for argv in profile.install],
                "start": list(profile.start),
                "environment": dict(profile.environment),
                "port": profile.port,
                "packages": list(profile.packages),
                "again": again,
                "port_from": sources,
                "closed": lab,
            }
        return data


def _own_address(proxy: Host) -> str:
    """This machine's address as a lab's proxy sees it. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect((proxy.private_address, 9))
        return str(asked.getsockname()[0])
