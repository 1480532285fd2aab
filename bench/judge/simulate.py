"""One case many times: how often ours and the others find something, and after how many seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.judge.conditions import Case
from bench.judge.ours import Judged, at_the_end, rules
from bench.judge.peers import kayenta_first, kayenta_once, rank_first, seconds_of
from bench.judge.spoilt import spoil
from bench.judge.traffic import run
from pipeline.judge.policy import Policy

__all__ = ["RANK_ALPHA", "STEP", "Peers", "Result", "Said", "say"]

RANK_ALPHA = 0.01
STEP = 5  # seconds between two looks of Kayenta's: its exact rules at each second would take hours


@dataclass(frozen=True, slots=True)
class Peers:
    """Whether Kayenta found something at the end, without and with our margins, and when it and a rank test did."""

    plain: bool
    sized: bool
    kayenta_after: int | None
    rank_after: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one run; `passed`: the case's own metric was shown to be within its margin."""

    ours: Judged
    passed: bool
    peers: Peers | None


def say(case: Case, number: int, *, seed: int, peers: bool) -> Said:
    """One run of a case, judged; the others look at it too with `peers`."""
    evidence = spoil(run(case.condition, seed, number), case.spoilt)
    ours = at_the_end(evidence, rules(case.thresholds), Policy())
    passed = case.metric in ours.passed
    if not peers:
        return Said(ours, passed, None)
    metrics = seconds_of(evidence)
    others = Peers(
        kayenta_once(metrics, sized=False),
        kayenta_once(metrics, sized=True),
        kayenta_first(metrics, sized=True, step=STEP),
        rank_first(metrics, RANK_ALPHA),
    )
    return Said(ours, passed, others)


class Result:
    """What was said of all runs of one case."""

    def __init__(self, said: Sequence[Said]) -> None:
        self._said = said
        self._peers = [one.peers for one in said if one.peers is not None]

    @property
    def n(self) -> int:
        """How many runs there were."""
        return len(self._said)

    @property
    def failed(self) -> Mapping[str, int]:
        """How often each metric failed in ours, the most frequent first."""
        return dict(Counter(name for one in self._said for name in one.ours.failed).most_common())

    @property
    def outcomes(self) -> Counter[str]:
        """Ours at the end."""
        return Counter(one.ours.outcome.value for one in self._said)

    @property
    def passed(self) -> int:
        """In how many the case's own metric was shown to be within its margin at the end."""
        return sum(one.passed for one in self._said)

    @property
    def ours(self) -> list[float]:
        """Seconds of the canary's measurement at which any metric of ours failed first, where one did."""
        return [one.ours.first for one in self._said if one.ours.first is not None]

    def after(self, name: str) -> list[float]:
        """Those of one metric."""
        return [one.ours.failed[name] for one in self._said if name in one.ours.failed]

    @property
    def kayenta_plain(self) -> int:
        """In how many Kayenta found something at the end, as it comes."""
        return sum(one.plain for one in self._peers)

    @property
    def kayenta_sized(self) -> int:
        """In how many it did with our margins."""
        return sum(one.sized for one in self._peers)

    @property
    def kayenta_looks(self) -> list[int]:
        """Seconds at which it did, looked at every STEP seconds, where it did."""
        return [one.kayenta_after for one in self._peers if one.kayenta_after is not None]

    @property
    def rank_looks(self) -> list[int]:
        """Seconds at which a rank test of any metric did, looked at every second."""
        return [one.rank_after for one in self._peers if one.rank_after is not None]
