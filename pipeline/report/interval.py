"""A metric's interval as a small bar against its margin, drawn in the page's table.

The scale is the margin: zero and what is allowed stand at the same places in every row, so that rows can be
compared at a glance. What lies beyond the scale is cut off there, with an arrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pipeline.judge.verdict import MetricVerdict
from pipeline.report.text import change, plain, size, threshold

__all__ = ["WIDTH", "Bar", "bar"]

WIDTH: Final = 120.0  # of the drawing, in its own units
_FROM, _TO = -2.0, 3.0  # the scale's ends, in margins


@dataclass(frozen=True, slots=True)
class Bar:
    """Places from 0 to WIDTH; `cut_low` and `cut_high`: that end lies beyond the scale, or there is none.

    `fails_from` is where a fail begins: the margin, or the calibrated drift where that is more. `spoken` is the
    same in words, for those who do not see it.
    """

    zero: float
    margin: float
    fails_from: float
    low: float
    high: float
    estimate: float
    cut_low: bool
    cut_high: bool
    spoken: str


def bar(metric: MetricVerdict) -> Bar | None:
    """The drawing of one metric; None where there is no effect or no bound at all."""
    low, high = _end(metric.low, -math.inf), _end(metric.high, math.inf)
    effect = metric.effect
    if effect is None or not math.isfinite(effect) or (math.isinf(low) and math.isinf(high)):
        return None
    ends = [abs(x) for x in (low, high, effect) if math.isfinite(x)]
    margin = metric.threshold if math.isfinite(metric.threshold) and metric.threshold > 0 else 0.0
    unit = margin or max(ends) or 1.0

    def place(value: float) -> float:
        within = min(max(value / unit, _FROM), _TO)
        return round((within - _FROM) / (_TO - _FROM) * WIDTH, 1)

    return Bar(
        zero=place(0.0),
        margin=place(margin),
        fails_from=place(max(margin, metric.drift)),
        low=place(low),
        high=place(high),
        estimate=place(effect),
        cut_low=low / unit < _FROM,
        cut_high=high / unit > _TO,
        spoken=_spoken(metric, low, high),
    )


def _end(value: float | None, missing: float) -> float:
    return missing if value is None or math.isnan(value) else value


def _spoken(metric: MetricVerdict, low: float, high: float) -> str:
    def side(value: float) -> str:
        return (
            "no change" if value == 0 else f"{size(abs(value), metric)} {'worse' if value > 0 else 'better'}"
        )

    if math.isinf(low):
        where = f"at most {side(high)}" if high > 0 else f"at least {side(high)}"
    elif math.isinf(high):
        where = f"at least {side(low)}" if low > 0 else f"at most {side(low)}"
    else:
        where = f"between {side(low)} and {side(high)}"
    estimate = change(metric).replace("none", "no change")
    return plain(f"{where}; estimate {estimate}; allowed {threshold(metric)}")
