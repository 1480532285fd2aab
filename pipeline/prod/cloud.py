"""What a cloud must be able to do for `prod up` and `prod down`, and the plan that it makes.

A cloud is one class with the methods of `Cloud`; everything else (confirming, the order of steps, the wait for SSH, the
inventory, what is shown) is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.base.console import Progress
from pipeline.inventory.hosts import Host

__all__ = ["Action", "Change", "Cloud", "Machine", "Plan", "Step"]

Action = Literal["create", "change", "keep", "remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan. `hourly` is what the thing costs once the plan is done: USD an hour, None: not known."""

    action: Action
    kind: str
    name: str = ""  # empty where there is only one of the kind
    detail: str = ""
    hourly: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a plan and how it is done. `run` is None for what stays, or is done along with a later step."""

    change: Change
    run: Callable[[Progress], None] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are done.

    `where` names the place for people; `notes` are things to know before saying yes; `obstacles` are things of other
    people that keep something of ours from being removed. `seconds`: about how long what is made will be there, None:
    until somebody removes it.
    """

    environment: str
    where: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is not just kept."""
        return tuple(step.change for step in self.steps if step.change.action != "keep")


@dataclass(frozen=True, slots=True)
class Machine:
    """A host as the cloud sees it now. `state` is the cloud's word; `host` is None while it has no address."""

    name: str
    role: str
    type: str
    state: str
    identifier: str
    hourly: float | None
    host: Host | None


class Cloud(Protocol):
    """A place where production can live. Every method raises PipelineError, in one line, when the cloud refuses."""

    def plan(self) -> Plan:
        """What makes things as prod.yml says. Changes nothing."""

    def removal(self) -> Plan:
        """What removes all that is the environment's, and nothing else. Changes nothing."""

    def apply(self, step: Step, progress: Progress) -> None:
        """Do one step of a plan. Whatever it breaks off at, the next plan goes on from there."""

    def settle(self, progress: Progress) -> tuple[Machine, ...]:
        """Wait until every host runs; gives them."""

    def machines(self) -> tuple[Machine, ...]:
        """The hosts that are there, by name."""

    def forget(self) -> str:
        """After everything was removed: drop what this machine knew of its hosts. A sentence on what stays, or ""."""
