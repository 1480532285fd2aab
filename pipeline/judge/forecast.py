"""What a run could show: for how long identical code must be measured to pass.

`forecast` tells it from a baseline, `forecast_errors` from the numbers of requests alone.

The baseline is compared with itself, moved by half of its length so that no sample meets its own copy. What that
comparison leaves open is this service's and this machine's noise, and the width of an interval falls with the length
in a known way. A wide enough margin for the estimate's own chance is added, so that a run of that length passes in
about nine of ten cases, if it is of the same code and the machine goes on as it did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Kind
from pipeline.judge.compare import arm_pair, compare
from pipeline.judge.evidence import Arm, Evidence, Series
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.finding import Finding, Harm
from pipeline.judge.metrics.spending import beta_at_end
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final_shares import Dispersion, cosines
from pipeline.judge.stats.run_length import chance_to_pass, requests_needed
from pipeline.judge.words import percent, points, rough

__all__ = ["ErrorForecast", "Need", "errors_in_words", "forecast", "forecast_errors", "in_words"]

Floats = NDArray[np.float64]

# Room for the estimate's own chance: an interval's half width is about 1.75 standard errors, and 1.28 more are
# exceeded in one of ten runs.
_ROOM: Final = (1.75 + 1.28) / 1.75
# Nobody is told to wait longer (seconds).
_HORIZON: Final = 3600.0
_LEAST_SECONDS: Final = 5.0  # of a baseline that tells anything
_MOST_RUNS: Final = 0.9
_LEAST_SHARE: Final = 1e-5  # fewer errors than this count as none
_NAMED: Final = 3  # of the metrics that a run cannot show
# By which power of the length an interval becomes narrower; a slope's is 3/2, all others' 1/2.
_POWER_OF_TREND: Final = 1.5


@dataclass(frozen=True, slots=True)
class Need:
    """How long a run must be for one metric to be shown within its margin.

    Attributes:
        name, title: the metric's.
        seconds: of each version's measurement; None where an hour would not do.
        allowed: the margin in words.
    """

    name: str
    title: str
    seconds: float | None
    allowed: str


def forecast(
    baseline: Arm, rules: Sequence[MetricRule], policy: Policy, *, share: float = 1.0
) -> tuple[Need, ...]:
    """What each metric that has data needs; empty where the baseline was not measured for long enough to tell.

    Args:
        baseline: measured in one phase.
        rules: the run's.
        policy: the run's.
        share: which part of these requests each version will get in the run, in (0, 1].
    """
    if baseline.seconds < _LEAST_SECONDS or len(baseline.phase_starts) != 1:
        return ()
    baseline = _thinned(baseline, share)
    evidence = Evidence(baseline, _moved(baseline), planned=baseline.seconds)
    views = ArmView(evidence.baseline, policy), ArmView(evidence.canary, policy)
    needs = []
    for rule in rules:
        finding = compare(rule, rules, arm_pair(rule, rules, evidence, views, policy))
        seconds = _seconds(finding, rule, baseline.seconds)
        if seconds is not None and finding.harm is not None:
            known = seconds if seconds <= _HORIZON else None
            needs.append(Need(rule.name, rule.metric.title, known, finding.harm.allowed))
    return tuple(needs)


@dataclass(frozen=True, slots=True)
class ErrorForecast:
    """What a run's number of requests can show of errors and other shares, if they come independently.

    Attributes:
        shortest: so many seconds of each version are needed where there is no error at all; None: a day is not enough.
        slowest: the title of the metric that needs them, and its margin in words.
        tolerated: the most errors that both versions may have for the same code to pass in nine of ten runs; None
            where not even a run without any would.
    """

    shortest: float | None
    slowest: tuple[str, str]
    tolerated: float | None

    def passes_within(self, seconds: float) -> bool:
        """Whether a run that measures each version for so long can pass at all."""
        return self.shortest is not None and self.shortest <= seconds and self.tolerated is not None


def forecast_errors(
    rules: Sequence[MetricRule], policy: Policy, *, seconds: float, rate: float, together: bool
) -> ErrorForecast | None:
    """For a run whose baseline nobody has measured; None without a metric of shares.

    Args:
        rules: the run's.
        policy: the run's.
        seconds: of each version's measurement.
        rate: requests a second of the version that has less of them.
        together: both versions are measured in the same seconds.
    """
    shares = [rule for rule in rules if rule.metric.kind is Kind.PROPORTION and rule.name != "availability"]
    if not shares:
        return None
    beta = beta_at_end(policy.beta)

    def needed(rule: MetricRule) -> float:
        n = requests_needed(0.0, 1.0, rule.limit.value, beta, rate=rate, together=together)
        return math.inf if n is None else max(n, policy.min_requests) / rate

    lengths = {rule.name: needed(rule) for rule in shares}
    slowest = max(shares, key=lambda rule: lengths[rule.name])
    errors = next((rule for rule in shares if rule.name == "error_rate"), slowest)
    found = Dispersion(1.0, cosines(seconds) * (1 if together else 2))

    def passes(share: float) -> bool:
        chance = chance_to_pass(share, found, seconds * rate, seconds * rate, errors.limit.value, beta)
        return chance >= _MOST_RUNS

    tolerated = None
    if passes(0.0):
        below, above = 0.0, 0.5
        while above - below > 0.02 * above:
            middle = (below + above) / 2
            below, above = (middle, above) if passes(middle) else (below, middle)
            if above < _LEAST_SHARE:
                break
        tolerated = below
    shortest = lengths[slowest.name]
    return ErrorForecast(
        shortest if math.isfinite(shortest) else None,
        (slowest.metric.title, points(slowest.limit.value)),
        tolerated,
    )


def in_words(needs: Sequence[Need], seconds: float) -> str:
    """What a run of `seconds` can show, and what it cannot; empty without needs.

    >>> in_words([Need("error_rate", "Errors", 540.0, "0.3 points")], 120)
    '2 minutes cannot show Errors to be within 0.3 points (9 minutes can)'
    >>> in_words([Need("error_rate", "Errors", 60.0, "0.3 points")], 120)
    'the same code can pass in 2 minutes'
    """
    if not needs:
        return ""
    open_ = [need for need in needs if need.seconds is None or need.seconds > seconds]
    if not open_:
        return f"the same code can pass in {_length(seconds)}"
    open_.sort(key=lambda need: need.seconds or math.inf, reverse=True)
    named = [
        f"{need.title} to be within {need.allowed} "
        f"({'an hour cannot either' if need.seconds is None else f'{_length(need.seconds)} can'})"
        for need in open_[:_NAMED]
    ]
    more = f" and {len(open_) - _NAMED} more" if len(open_) > _NAMED else ""
    return f"{_length(seconds)} cannot show {', '.join(named)}{more}"


def errors_in_words(found: ErrorForecast, seconds: float) -> str:
    """What a run of `seconds` needs for a pass.

    >>> errors_in_words(ErrorForecast(33.2, ("Wrong bodies", "0.2 points"), 0.009), 300)
    'within 5 minutes the same code can pass with up to 0.9 % errors in both versions, without any after 34 s'
    >>> errors_in_words(ErrorForecast(33.2, ("Wrong bodies", "0.2 points"), None), 20)
    'in 20 s nothing can pass: Wrong bodies within 0.2 points need 34 s'
    """
    if not found.passes_within(seconds) or found.shortest is None or found.tolerated is None:
        title, allowed = found.slowest
        needs = "more than a day" if found.shortest is None else _length(found.shortest)
        return f"in {_length(seconds)} nothing can pass: {title} within {allowed} need {needs}"
    share = percent(rough(found.tolerated)) if found.tolerated >= _LEAST_SHARE else "no"
    with_errors = (
        "without errors in both versions" if share == "no" else f"with up to {share} errors in both versions"
    )
    after = "" if share == "no" else f", without any after {_length(found.shortest)}"
    return f"within {_length(seconds)} the same code can pass {with_errors}{after}"


def _length(seconds: float) -> str:
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    return (
        f"{math.ceil(seconds / 6 - 0.01) / 10:.3g} minutes"
        if seconds < 600
        else f"{math.ceil(seconds / 60)} minutes"
    )


def _seconds(finding: Finding, rule: MetricRule, measured: float) -> float | None:
    """The most that any of its respects needs; None where so little data does not tell."""
    each = [_needed(harm, rule.metric.kind, measured) for harm in finding.harms]
    if finding.short is not None and finding.short_minutes is not None:
        each.append(measured + 60 * finding.short_minutes)
    known = [one for one in each if one is not None]
    return max(known, default=None) if len(known) == len(each) else None


def _needed(harm: Harm, kind: Kind, measured: float) -> float | None:
    if kind is Kind.COUNT:
        return measured if harm.within else math.inf
    width = harm.high - harm.effect
    if not math.isfinite(width):
        return None if harm.more is None else measured + 60 * harm.more
    # Without any hit the interval is as wide as 3 / n, which falls with the length itself and has no chance in it.
    exact = kind is Kind.PROPORTION and harm.baseline.value in (0.0, 1.0)
    power = 1.0 if exact else _POWER_OF_TREND if kind is Kind.TREND else 0.5
    times = (1.0 if exact else _ROOM) * width / harm.margin if harm.margin > 0 else math.inf
    return float(measured * max(times, 0.0) ** (1 / power))


def _moved(arm: Arm) -> Arm:
    """The arm with its second half before its first."""
    start, length = arm.phase_starts[0], arm.seconds

    def moved(t: Floats) -> Floats:
        return np.asarray(start + (t - start + length / 2) % length, dtype=np.float64)

    series = {name: Series(moved(one.t), one.value) for name, one in arm.series.items()}
    return replace(arm, requests=replace(arm.requests, t=moved(arm.requests.t)), series=series)


def _thinned(arm: Arm, share: float) -> Arm:
    """The arm with about this share of its requests, chosen by chance as the proxy does."""
    if share >= 1:
        return arm
    return replace(
        arm, requests=arm.requests.where(np.random.default_rng(0).random(len(arm.requests)) < share)
    )
