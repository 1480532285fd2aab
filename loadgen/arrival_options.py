"""The options that say when requests are due."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from loadgen.arguments import DURATION, LONGEST, RATE, STAGE
from loadgen.arrivals import Stage
from loadgen.option_group import OptionGroup, added

__all__ = ["ArrivalOptions", "arrival_options"]

_MOST_USERS = 60_000
_LARGEST_SEED = 2**32


_OPTIONS = (
    click.option("--rate", type=RATE, default=50, show_default=True, help="Requests a second."),
    click.option("--duration", type=DURATION, default="60s", show_default=True, help="How long to send."),
    click.option(
        "--stage",
        type=STAGE,
        multiple=True,
        help="A part of the load, instead of both: 30s@50, or 2m@50..200 for a ramp. May be repeated.",
    ),
    click.option(
        "--arrivals",
        type=click.Choice(("constant", "poisson")),
        default="constant",
        show_default=True,
        help="poisson: at random, independent of each other, as those of many users are.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, _LARGEST_SEED),
        help="Poisson arrivals of the same seed are the same; the summary has the one that was drawn.",
    ),
    click.option(
        "--users",
        type=click.IntRange(1, _MOST_USERS),
        help="A closed load instead of a rate: so many users, each sends when its last answer is there.",
    ),
    click.option("--think", type=DURATION, help="How long each of --users waits before the next request."),
)
arrival_options = added(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class ArrivalOptions(OptionGroup):
    """What was given for them."""

    rate: float
    duration: float
    stage: tuple[Stage, ...]
    arrivals: str
    seed: int | None
    users: int | None
    think: float | None

    def of_plan(self, context: click.Context, *, phases: bool) -> dict[str, Any]:
        """What a plan has of them. Raises click.UsageError where they do not go together.

        Args:
            context: Of the command: which options were given.
            phases: Whether the load goes from one place to another.
        """
        given = {
            name
            for name in self.__dataclass_fields__
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT
        }
        for one, others in (("users", ("rate", "stage", "arrivals")), ("stage", ("rate", "duration"))):
            if one in given and (other := next((name for name in others if name in given), None)):
                raise click.UsageError(f"--{one} and --{other}: the load is given by one of them")
        for one, needed in (("think", "users"), ("seed", "arrivals")):
            if one in given and needed not in given:
                raise click.UsageError(
                    f"--{one} is for --{needed}{' poisson' if needed == 'arrivals' else ''}"
                )
        if self.users is not None:
            if phases:
                raise click.UsageError("--users and --phase-end: a closed load has no phases")
            return {
                "rate": 0.0,
                "duration": self.duration,
                "users": self.users,
                "think": self.think or 0.0,
                "connections": self.users,
            }
        plan: dict[str, Any] = {"rate": self.rate, "duration": self.duration}
        if self.stage:
            plan = self._staged()
        if self.arrivals == "poisson":
            plan["seed"] = random.randrange(_LARGEST_SEED) if self.seed is None else self.seed  # noqa: S311
        elif self.seed is not None:
            raise click.UsageError("--seed is for --arrivals poisson")
        return plan

    def _staged(self) -> dict[str, Any]:
        seconds = sum(stage.seconds for stage in self.stage)
        requests = sum(stage.requests for stage in self.stage)
        if seconds > LONGEST or not requests:
            raise click.BadParameter(
                "together they last more than 24h" if requests else "no request is due in any of them",
                param_hint="'--stage'",
            )
        return {"rate": requests / seconds, "duration": seconds, "stages": self.stage}
