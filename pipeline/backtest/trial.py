"""One window, with or without harm, judged as the gate would judge it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.backtest.harms import NONE, Harm
from pipeline.backtest.history import History
from pipeline.judge import judge
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.series.config import JudgeConfig
from pipeline.series.evidence import build
from pipeline.series.planned import ending

__all__ = ["Trial", "judge_window", "try_window"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came out.

    Attributes:
        begin, seconds: the window.
        harm: its name.
        outcome: the verdict's.
        after: seconds until harm was first shown; None where none was.
        shown: by metric, that the harm is at least so much, in the terms of its margin; None: nothing could be said.
        kinds: by metric, whether that is "relative" or "absolute".
    """

    begin: float
    seconds: float
    harm: str
    outcome: str
    after: float | None
    shown: Mapping[str, float | None]
    kinds: Mapping[str, str]

    @property
    def found(self) -> bool:
        """Whether the gate failed."""
        return self.outcome == Outcome.FAILED

    @property
    def key(self) -> tuple[float, float, str]:
        """Which trial it is."""
        return self.begin, self.seconds, self.harm

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trial:
        """As json holds it. Raises KeyError and TypeError."""
        return cls(**{name: data[name] for name in cls.__slots__})


def judge_window(
    config: JudgeConfig, history: History, begin: float, seconds: float, harm: Harm = NONE
) -> Verdict:
    """The verdict on one window. The same window and harm give the same each time."""
    rng = np.random.default_rng(zlib.crc32(f"{begin:.3f} {seconds:.3f} {harm.name}".encode()))
    spans = history.spans(begin, seconds)
    samples: dict[str, Mapping[str, Any]] = {arm: history.within(arm, span) for arm, span in spans.items()}
    samples["canary"] = harm.put_into(config, samples["canary"], begin, rng)
    case = build(
        config,
        samples,
        spans,
        history.step,
        by_time=history.at_once,
        end=ending(seconds, seconds, whole=False),
        names={arm: arm for arm in spans},
    )
    return judge(case.evidence, case.rules, case.policy)


def try_window(config: JudgeConfig, history: History, begin: float, seconds: float, harm: Harm) -> Trial:
    """Judges one window, as `judge_window` does."""
    verdict = judge_window(config, history, begin, seconds, harm)
    failed = [m for m in verdict.metrics if m.decision is Decision.FAIL]
    return Trial(
        begin=begin,
        seconds=seconds,
        harm=harm.name,
        outcome=str(verdict.outcome),
        after=min((m.decided_after for m in failed if m.decided_after is not None), default=None),
        shown={m.name: m.low for m in verdict.metrics},
        kinds={m.name: m.effect_kind for m in verdict.metrics},
    )
