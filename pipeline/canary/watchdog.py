"""Finds, second by second, that a run can come to no verdict any more, or that its canary hangs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.judge.evidence import Problem
from pipeline.runs.phases import ANSWER_SECONDS, COLOURS, Phase

__all__ = ["HOPELESS_SECONDS", "HUNG_SECONDS", "LOST_SECONDS", "Watchdog"]

HOPELESS_SECONDS: Final = 20  # a baseline that gave no good answer for so long, under load, is not going to
LOST_SECONDS: Final = 10  # a host that no scrape reached for so long is gone; one slow second is not
# A canary that gave no good answer for so long hangs: more than twice what the judge takes for one burst of errors, so
# that it decides late where that begins under way. More than LOST_SECONDS: a host that stands still is no version.
HUNG_SECONDS: Final = 12
_LEAST_BAD: Final = 20  # answers of it that were not good, meanwhile
_LEAST_UNANSWERED: Final = (
    8  # probes on its own host, one a second, without a right answer: it is not the network
)


@dataclass(slots=True)
class Watchdog:
    """Finds the problem for which a run must stop, by its seconds one after the other.

    By arm: `silent` for how many measured seconds it has given no good answer, `bad` how many others it gave meanwhile.
    `unheard`: for how many seconds there has been no answer with the name of either.
    """

    silent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLOURS, 0))
    bad: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLOURS, 0))
    unheard: int = 0

    def check_second(
        self,
        phases: Sequence[Phase],
        good: Mapping[str, int],
        served: Mapping[str, int],
        missed: Mapping[str, int],
        unanswered: Mapping[str, int],
        hosts: Mapping[str, str],
    ) -> Problem | None:
        """Whether the run must stop after this second of load, and why.

        Only an arm's measured phases count as silence: a service may take its warm-up to come up.

        Args:
            phases: The phases under way.
            good: By arm, how many right answers it gave.
            served: By arm, how many answers have its name, the proxy's own for it as well.
            missed: By arm, how many scrapes in a row have failed.
            unanswered: By arm, how many probes on its own host have had no right answer since the last that had one.
            hosts: By arm, the host's name.
        """
        for arm, count in missed.items():
            if count >= LOST_SECONDS:
                said = f"host {hosts[arm]} stopped answering: its exporters were silent for {count} s"
                return Problem("invalid", said)
        self.unheard = 0 if any(good.values()) or any(served.values()) else self.unheard + 1
        for arm in COLOURS:
            if good[arm]:
                self.silent[arm] = self.bad[arm] = 0
            elif any(phase.kind == "measure" and phase.arm == arm for phase in phases):
                self.silent[arm] += 1
                self.bad[arm] += served[arm]
        baseline, canary = self.silent["baseline"], self.silent["canary"]
        if baseline >= HOPELESS_SECONDS:
            # What a version does not answer, HAProxy answers for it, with its name: who hears nothing has no proxy. But
            # of answers that had begun before it is heard once their time is over.
            no_proxy = self.unheard >= baseline - ANSWER_SECONDS - 1
            silent = "the proxy gave no answer" if no_proxy else "the baseline gave no good answer"
            said = f"{silent} for {baseline} s under load; stopped early"
            return Problem("invalid", said)
        hangs = canary >= HUNG_SECONDS and self.bad["canary"] >= _LEAST_BAD and 3 * baseline <= canary
        if hangs and unanswered.get("canary", 0) >= _LEAST_UNANSWERED and not missed.get("canary", 0):
            said = (
                f"the canary gave no good answer for {canary} s under load, on its own host neither, and the baseline "
                "did; stopped early"
            )
            return Problem("failed", said)
        return None
