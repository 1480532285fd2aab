"""A verdict's outcome, and a metric's decision and effect, as a person reads them: the same words in every report."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict
from pipeline.judge.words import amount, percent

__all__ = [
    "DECISIONS",
    "MISSING",
    "TELLING",
    "between",
    "capital",
    "change",
    "outcome_words",
    "plain",
    "short",
    "size",
    "threshold",
    "worse_by",
]

MISSING: Final = "-"
DECISIONS: Final[Mapping[Decision, str]] = {
    Decision.PASS: "pass",
    Decision.FAIL: "FAIL",
    Decision.INCONCLUSIVE: "inconclusive",
    Decision.NODATA: "no data",
}
_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.PASSED: "The canary passed",
    Outcome.FAILED: "The canary failed",
    Outcome.INCONCLUSIVE: "Inconclusive: not enough evidence",
    Outcome.INVALID: "Invalid: the experiment is broken",
}
# Of which decision the metrics are that explain an outcome; a pass has none.
TELLING: Final[Mapping[Outcome, Decision]] = {
    Outcome.FAILED: Decision.FAIL,
    Outcome.INCONCLUSIVE: Decision.INCONCLUSIVE,
}
_BYTES: Final = ("B", "B/min")


def outcome_words(verdict: Verdict) -> str:
    """The verdict as a heading."""
    return "No harm shown" if verdict.let_pass else _OUTCOMES[verdict.outcome]


def capital(sentence: str) -> str:
    """`sentence` with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def size(value: float, metric: MetricVerdict) -> str:
    """An effect, bound or threshold of `metric`: percent when relative, else percentage points or the unit."""
    if metric.effect_kind == "relative":
        return percent(value)
    if metric.unit == "fraction":
        return percent(value).replace("%", "pp")  # percentage points, as a profile writes thresholds
    return amount(value, metric.unit)


def change(metric: MetricVerdict) -> str:
    """How far the canary is from the baseline: `25 % worse`, `3 % better`, `none`, `-` when unknown."""
    effect = metric.effect
    if effect is None or math.isnan(effect):
        return MISSING
    if math.isinf(effect):
        return "far worse" if effect > 0 else "far better"
    if effect == 0:
        return "none"
    return f"{size(abs(effect), metric)} {'worse' if effect > 0 else 'better'}"


def worse_by(metric: MetricVerdict) -> str:
    """`change` for a narrow column: only harm has a size (`25 %`, no `/min`), the rest is one word."""
    said = change(metric)
    if said.endswith(" better"):
        return "better"
    return said.removesuffix(" worse").removesuffix("/min")


def between(metric: MetricVerdict) -> str:
    """Where the change lies, + being worse: `-1.2 … +5 %`, `≥ +1.2 %` with one end, `-` with none."""
    given = [end for end in (metric.low, metric.high) if end is not None and math.isfinite(end)]
    # both ends to the decimal of the larger one's third digit: beside 5 %, 0.0123 % is nothing
    digits = 2 - math.floor(math.log10(max(map(abs, given)))) if any(given) else 0
    low, high = (_signed(end, metric, digits) for end in (metric.low, metric.high))
    if not low or not high:
        return f"≥ {low}" if low else f"≤ {high}" if high else MISSING
    if metric.unit in _BYTES and metric.effect_kind != "relative":
        return _bytes(given, metric.unit)
    unit = high.partition(" ")[2]
    return f"{low.removesuffix(f' {unit}') if unit else low} … {high}"


def _bytes(ends: list[float], unit: str) -> str:
    """Both ends in the larger one's unit."""
    steps = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
    factor, prefix = next((s for s in steps if s[0] <= max(map(abs, ends))), steps[-1])
    low, high = (f"{'+' if end > 0 else ''}{end / factor:.3g}" for end in ends)
    return f"{low} … {high} {prefix}{unit}"


def _signed(value: float | None, metric: MetricVerdict, digits: int) -> str:
    """An end of the interval; empty where there is none."""
    if value is None or not math.isfinite(value):
        return ""
    value = round(value, digits) + 0.0  # never -0.0
    return f"{'+' if value > 0 else ''}{size(value, metric)}"


def plain(text: str) -> str:
    """An effect where there is room for a word that everybody knows.

    >>> plain("0.3 pp worse")
    '0.3 points worse'
    """
    return re.sub(r" pp\b", " points", text)


def short(text: str) -> str:
    """An effect for a table: without the words that only one metric has, and that would widen the column of all."""
    return text.replace(" of a margin", "")


def threshold(metric: MetricVerdict) -> str:
    """The largest harmful effect that is allowed, in the same terms as `change`."""
    return size(metric.threshold, metric) if math.isfinite(metric.threshold) else MISSING
