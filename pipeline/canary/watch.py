"""When a run can no longer give a verdict, and must not go on for minutes. What the canary does is the judge's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.canary.schedule import Phase
from pipeline.judge.evidence import Problem

__all__ = ["HOPELESS_SECONDS", "LOST_SECONDS", "Watch"]

HOPELESS_SECONDS = 30  # a baseline that gave no good answer for so long, under load, is not going to
LOST_SECONDS = 10  # a host that no scrape reached for so long is gone; one slow second is not


@dataclass(slots=True)
class Watch:
    """Looks at each second of a run; `second` gives the problem for which the run must stop, or None."""

    silent: int = 0

    def second(
        self, phase: Phase, good: int, missed: Mapping[str, int], hosts: Mapping[str, str]
    ) -> Problem | None:
        """One second of load on `phase` with `good` right answers.

        `missed` holds each arm's scrapes in a row that failed, `hosts` the arms' host names. Only the baseline's
        measured phases count towards hopelessness: a service may take its warm-up to come up.
        """
        for arm, count in missed.items():
            if count >= LOST_SECONDS:
                return Problem(
                    "invalid", f"host {hosts[arm]} stopped answering: its exporters were silent for {count} s"
                )
        counts = phase.kind == "measure" and phase.arm == "baseline"
        self.silent = self.silent + 1 if counts and not good else 0
        if self.silent < HOPELESS_SECONDS:
            return None
        return Problem(
            "invalid", f"the baseline gave no good answer for {self.silent} s under load; stopped early"
        )
