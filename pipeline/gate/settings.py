"""What one gate is asked to do, and what of it can be told to be wrong before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pipeline.base.errors import UsageError
from pipeline.base.text import duration
from pipeline.series.config import USUAL_STEP, JudgeConfig, load_config

__all__ = ["EARLY_STOPS", "EarlyStop", "Settings"]

EarlyStop = Literal["off", "fail", "both"]
EARLY_STOPS: Final = ("off", "fail", "both")
_MOST_STEPS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What was typed.

    Attributes:
        config: the configuration's file.
        sets: a release's own values, each KEY=VALUE.
        url: of the Prometheus, without a password.
        planned: seconds from the begin to the end; None: as the configuration says.
        every: seconds from one look to the next; None: the configuration's step.
        early_stop: which verdicts end it before its planned end.
        min_requests: the fewest requests of each version for a pass; None: the policy's.
        runs: where its run directory is made.
        patience: seconds that a server which is away is waited for once the window is over.
    """

    config: Path
    sets: tuple[str, ...]
    url: str
    planned: float | None = None
    every: float | None = None
    early_stop: EarlyStop = "fail"
    min_requests: int | None = None
    runs: Path = Path("runs")
    patience: float = 900.0

    def read(self) -> JudgeConfig:
        """The configuration as this gate uses it: with its step and length, both versions at the same time.

        Raises UsageError and ConfigError.
        """
        config = load_config(self.config, "prometheus", self.sets)
        planned = config.planned if self.planned is None else self.planned
        if not isinstance(planned, float):
            raise UsageError(
                "how long is to be watched? a pass needs an end that was fixed before",
                hint="--for 30m, or planned: 30m in the configuration",
            )
        if config.pairing == "age":
            raise UsageError(
                f"{self.config}: pairing: age is for versions that ran one after the other; a gate watches both at "
                "once",
                hint="leave pairing: away, or judge two windows: pipeline judge --config",
            )
        step = config.step or USUAL_STEP
        if planned / step > _MOST_STEPS:
            raise UsageError(
                f"{planned / step:,.0f} steps: at most {_MOST_STEPS:,}", hint="take a larger step"
            )
        if planned % step:
            raise UsageError(
                f"{duration(planned)} are no whole number of steps of {duration(step)}",
                hint=f"--for {(planned // step + 1) * step:g}s",
            )
        needed = config.policy.min_blocks
        if planned / step < needed and any(one.kind in ("level", "trend") for one in config.metrics):
            raise UsageError(
                f"{duration(planned)} are {planned / step:g} steps of {duration(step)}: no level passes with fewer "
                f"than {needed}",
                hint=f"--for {needed * step:g}s, or a shorter step: in the configuration",
            )
        if self.min_requests is not None and not any(one.kind == "proportion" for one in config.metrics):
            raise UsageError(
                "--min-requests: no metric of the configuration counts requests",
                hint="kind: proportion, with total: the requests",
            )
        return config.model_copy(update={"pairing": "time", "step": step, "planned": planned})
