"""A canary's hosts in the environment of prod.yml: made for one run, and removed when it is over."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipeline.base.console import Progress
from pipeline.base.errors import ConfigError, PipelineError, UsageError
from pipeline.base.interrupt import afterwards, held_back, uninterrupted
from pipeline.base.lock import hosts_lock
from pipeline.base.step_hook import begins
from pipeline.inventory.hosts import Host, Inventory
from pipeline.prod.apply import apply, reachable
from pipeline.prod.aws.cloud import AwsCloud
from pipeline.prod.aws.found import ALIVE
from pipeline.prod.aws.keys import directory
from pipeline.prod.aws.part import canary_part
from pipeline.prod.cloud import Machine, Plan
from pipeline.prod.ready import wait_ready
from pipeline.prod.settings import CANARY_ROLES, LocalSettings, load_settings

__all__ = ["CanaryHosts", "canary_cloud", "kept_hosts"]

_USUAL: Final = Path("prod.yml")
_AROUND: Final = 300.0  # seconds that boot, both deploys and the removal take, besides the load

_Wait = Callable[[Sequence[Host], Progress], None]


def canary_cloud(file: Path | None, port: int = 0) -> AwsCloud:
    """AWS, for the three hosts of a canary whose service listens on `port` (0: none are made).

    `file`: prod.yml, unless another one is named. Raises ConfigError, or UsageError where it is not about AWS.
    """
    path = file or _USUAL
    try:
        settings = load_settings(path)
    except ConfigError as error:
        if not path.exists():
            error.hint = (
                f"cp prod.example.yml {path}, and name your region; without --cloud the canary runs in a lab"
            )
        raise
    if isinstance(settings, LocalSettings):
        raise UsageError(
            f"--cloud aws: {path} says cloud: {settings.cloud}",
            hint="-f another file; a lab needs no --cloud",
        )
    return AwsCloud(settings, part=canary_part(settings, port))


@contextmanager
def kept_hosts(file: Path | None) -> Iterator[Inventory]:
    """The hosts that `--keep` left, found by their tags; no run of this user has them meanwhile.

    Raises UsageError where there are none, and LockedError where a run has them.
    """
    cloud = canary_cloud(file)
    machines = [machine for machine in cloud.machines() if machine.host is not None]
    if not machines:
        raise UsageError(
            f"there are no hosts of a canary of {cloud.settings.name} in {cloud.where}",
            hint="pipeline canary BASELINE CANARY --cloud aws --keep",
        )
    with _lock_of(cloud):
        yield _inventory(machines)


def _lock_of(cloud: AwsCloud) -> AbstractContextManager[None]:
    return hosts_lock(directory(cloud.settings.name, cloud.aws.region))


class CanaryHosts:
    """Three hosts for one run. `seconds` is how long its load takes, `keep` whether they stay afterwards.

    `file` as in `canary_cloud`. `plan` is what will be done; nothing is made before `made` is entered. `wait` is for
    tests; usually it waits for SSH.
    """

    def __init__(
        self,
        cloud: AwsCloud,
        progress: Progress,
        *,
        file: Path | None,
        seconds: float,
        keep: bool,
        wait: _Wait = wait_ready,
    ) -> None:
        self._cloud = cloud
        self._progress = progress
        self._keep = keep
        self._wait = wait
        self._known: tuple[Machine, ...] = ()
        named = "" if file in (None, _USUAL) else f" -f {shlex.quote(str(file))}"
        self._command = f"pipeline prod down --canary{named}"
        self.gone = False  # whether the hosts have been removed
        self.left = ""  # what could not be removed, and what to type
        plan = cloud.plan()
        after = f"They stay, and are paid for, until {self._command}" if keep else "They go after the run"
        self.plan: Final[Plan] = replace(
            plan,
            environment=f"canary of {plan.environment}",
            notes=(*plan.notes, f"{after}."),
            seconds=None if keep else seconds + _AROUND,
        )

    def lock(self) -> AbstractContextManager[None]:
        """Of the runs that this user begins in one environment the second is refused, with a LockedError."""
        return _lock_of(self._cloud)

    @contextmanager
    def made(self) -> Iterator[Inventory]:
        """Make the hosts; whatever happens in here, they are removed again, unless they are to stay."""
        begins("hosts")
        with afterwards("removing the hosts", self._end):
            for step in self.plan.steps:
                # An instance whose making is cut short could not be found at once, and so not be removed.
                with uninterrupted(f"making the {step.change.kind} {step.change.name}".rstrip()):
                    apply(self._cloud, step, self._progress)
                if held_back():
                    raise KeyboardInterrupt
            self._known = self._cloud.settle(self._progress)
            self._progress.say("waiting until the hosts answer SSH")
            self._wait(reachable(self._known), self._progress)
            yield _inventory(self._known)

    def _end(self) -> None:
        if self._keep:
            if self._known or self._cloud.made:
                self._progress.say(f"the hosts stay, and are paid for, until: {self._command}")
            return
        begins("remove")
        self._progress.say("removing the hosts")
        try:
            for step in self._cloud.removal().steps:
                apply(self._cloud, step, self._progress)
            self.gone = True
        except PipelineError as error:
            # must not cost the verdict that was reached on them
            self.left = f"the hosts could not be removed: {error.message}; {self._still_there()}"
            self._progress.say(self.left)

    def _still_there(self) -> str:
        """Which instances are left, and what removes them."""
        try:
            alive = [machine for machine in self._cloud.machines() if machine.state in ALIVE]
            there = [f"{machine.name} {machine.identifier}" for machine in alive]
            self.gone = not there
        except PipelineError:  # the same reason, often; then it is those that were made
            there = [f"{machine.name} {machine.identifier}" for machine in self._known]
            there = there or sorted(self._cloud.made)
        what = f"left, and paid for: {', '.join(there)}" if there else "no instance is left"
        return f"{what}; type: {self._command}"


def _inventory(machines: Sequence[Machine]) -> Inventory:
    """A group for each of the roles that there is."""
    hosts = {machine.role: machine.host for machine in machines if machine.host is not None}
    return Inventory({role: (hosts[role],) for role in CANARY_ROLES if role in hosts})
