"""How far one version's windows of the last day lie apart, and the margins that follow from that."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.backtest.history import History, windows
from pipeline.backtest.trial import judge_window
from pipeline.base.errors import UsageError
from pipeline.gate.families import Role
from pipeline.judge.rules import Threshold
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.series.config import JudgeConfig
from pipeline.series.from_prometheus import fetch_arm
from pipeline.series.metric import MetricConfig
from pipeline.series.prometheus import BudgetError, Prometheus
from pipeline.series.samples import Samples
from pipeline.series.window import Span

__all__ = ["Margin", "Noise", "Past", "judge_past", "outcomes", "proposed", "read_past"]

_DAY: Final = 86_400.0
_MOST: Final = 40  # windows that are judged
_FEWEST: Final = 3
_SHARE: Final = 0.9  # of the windows are within the noise that is told
_ROOM: Final = 1.25  # times the noise is the least margin: the next day is not the last
_STEPS: Final = (1, 1.5, 2, 3, 4, 5, 7.5)  # of a power of ten: margins as people write them
_WIDEST: Final = 300.0  # percent
_DIGITS: Final = "0123456789."
_NOTHING: Final = "nothing of it in the last day"


@dataclass(frozen=True, slots=True)
class Past:
    """One version's last day: the samples of the metrics that have any, and why others have none."""

    history: History
    lacking: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Noise:
    """Of one metric over the windows: nine of ten were shown to be within `bound`, in the margin's terms."""

    windows: int
    bound: float


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin that is proposed, and the noise that it follows from; None: of that too little is known."""

    text: str
    noise: Noise | None


def read_past(
    config: JudgeConfig, client: Prometheus, end: float, step: float, tell: Callable[[str], None]
) -> Past:
    """The baseline's series of the day before `end`. A metric that cannot be asked is left out, with the reason.

    Raises what the client raises where the server does not answer.
    """
    span = Span(round(end - _DAY, 3), round(end, 3))
    samples, lacking = dict[str, Samples](), dict[str, str]()
    for metric in config.metrics:
        tell(f"reading the last day of {metric.name}")
        alone = config.model_copy(update={"metrics": (metric,)})
        try:
            found = fetch_arm(alone, client, "baseline", span, step)[metric.name]
        except BudgetError:
            raise
        except UsageError as error:
            lacking[metric.name] = error.message
            continue
        if found.incomplete:
            lacking[metric.name] = f"the server's answer is incomplete: {found.incomplete[0]}"
        elif not len(found) or (found.total is not None and not found.total.sum()):
            lacking[metric.name] = _NOTHING
        else:
            samples[metric.name] = found
    return Past(History({"baseline": samples, "canary": samples}, span, step, at_once=False), lacking)


def judge_past(
    config: JudgeConfig, history: History, seconds: float, tell: Callable[[str], None]
) -> list[Verdict]:
    """The verdicts on windows of the past, each compared with the one before; evenly spread where they are many."""
    begins = windows(history, seconds, ())[0]
    if len(begins) > _MOST:
        begins = [begins[int(at)] for at in np.linspace(0, len(begins) - 1, _MOST)]
    if len(begins) < _FEWEST:
        return []
    verdicts = []
    for index, begin in enumerate(begins):
        tell(f"judging the last day: window {index + 1} of {len(begins)}")
        verdicts.append(judge_window(config, history, begin, seconds))
    return verdicts


def proposed(metric: MetricConfig, role: Role, verdicts: list[Verdict]) -> Margin:
    """The margin of a metric by what the verdicts on its past say of it."""
    limit = metric.rule().limit
    kind = "relative" if limit.relative else "absolute"
    bounds = [
        one.high
        for verdict in verdicts
        for one in verdict.metrics
        if one.name == metric.name and one.high is not None and one.effect_kind == kind
    ]
    bounds = [bound for bound in bounds if math.isfinite(bound)]
    if len(bounds) < _FEWEST or len(bounds) < _SHARE * len(verdicts):
        return Margin(role.margin, None)
    noise = Noise(len(bounds), max(0.0, float(np.quantile(bounds, _SHARE, method="higher"))))
    return Margin(_written(metric, role.least, _ROOM * noise.bound), noise)


def _written(metric: MetricConfig, least: str, bound: float) -> str:
    """The closest margin as people write it that is not below the bound, nor below `least`.

    In the unit of `least`: `7.5%`, `0.3pp`, `2MB/min`.
    """
    digits = len(least) - len(least.lstrip(_DIGITS))
    number, unit = float(least[:digits]), least[digits:]
    one = Threshold.parse(f"1{unit}", metric.rule().metric).value
    wanted = max(number, bound / one)
    if unit == "%":
        wanted = min(wanted, _WIDEST)
    power = 10.0 ** math.floor(math.log10(wanted))
    found = next((step * power for step in _STEPS if step * power >= wanted * (1 - 1e-9)), 10 * power)
    return f"{found:g}{unit}"


def outcomes(verdicts: list[Verdict]) -> Mapping[str, int]:
    """How many of them passed, failed and stayed undecided."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    passed, failed = counts[Outcome.PASSED], counts[Outcome.FAILED]
    return {"passed": passed, "failed": failed, "undecided": len(verdicts) - passed - failed}
