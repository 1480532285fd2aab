"""What to do about a verdict, in one short sentence: the first line of each report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pipeline.judge.verdict import Decision, Lack, MetricVerdict, Outcome, Verdict
from pipeline.judge.words import amount, percent, titles_of

__all__ = ["PATIENCE", "headline"]

# Minutes that somebody may wait for. Beyond, more of the same is no advice.
PATIENCE: Final = 60.0


def headline(verdict: Verdict) -> str:
    """Promote, do not promote, cannot tell yet, or the run is invalid; and why, by the strongest reason.

    >>> headline(Verdict(Outcome.PASSED, 100.0, 75.0, (), (), ()))
    'promote: no metric is worse than allowed'
    """
    if verdict.outcome is Outcome.PASSED:
        return _passed(verdict)
    if verdict.outcome is Outcome.FAILED:
        return f"do not promote: {_failed(verdict)}"
    if verdict.outcome is Outcome.INVALID:
        return f"the run is invalid: {_first(verdict, 'nothing can be concluded from it')}"
    return _cannot_tell(verdict)


def _of(verdict: Verdict, decision: Decision) -> list[MetricVerdict]:
    return [metric for metric in verdict.metrics if metric.decision is decision]


def _passed(verdict: Verdict) -> str:
    worse, undecided = _of(verdict, Decision.FAIL), _of(verdict, Decision.INCONCLUSIVE)
    if verdict.let_pass:
        n = f"{len(verdict.let_pass)} of {len(verdict.metrics)} metrics {_is(verdict.let_pass)}"
        return f"no harm shown: promote, though {n} undecided (policy undecided: pass)"
    if worse:
        return f"promote: {_titles(worse)} {_is(worse)} worse, too little to fail the canary"
    if undecided:
        return f"promote: no metric is shown to be worse than allowed; {_titles(undecided)} {_is(undecided)} undecided"
    return "promote: no metric is worse than allowed"


def _is(those: Sequence[object]) -> str:
    return "is" if len(those) == 1 else "are"


def _failed(verdict: Verdict) -> str:
    failed = sorted(_of(verdict, Decision.FAIL), key=lambda m: (not m.critical, -m.weight))
    sentences = [f"{metric.title}: {metric.reason}" for metric in failed]
    # A reason that is no metric's comes from the run itself (the canary did not start) and says it all.
    if not failed or (verdict.reasons and verdict.reasons[0] not in sentences):
        return _first(verdict, "the canary failed")
    worst = failed[0]
    # What is worse in another group may be its cause: CPU, where latency comes first. Failed requests say enough.
    others = [] if worst.critical else [metric for metric in failed if metric.group != worst.group]
    return _in_users_words(worst) + (f"; also worse: {_titles(others)}" if others else "")


def _in_users_words(metric: MetricVerdict) -> str:
    """What is wrong, as the one who will be paged for it would say it."""
    n, share = metric.canary.n, metric.canary.value
    name = metric.name.partition("[")[0]
    if share is not None and name in _COUNTED:
        hits = round(share * n)
        if name == "availability":
            return f"{n - hits:,} of {n:,} seconds {_COUNTED[name]}"
        what, _, does = _COUNTED[name].partition(" ")
        return f"{hits:,} of {n:,} {what}{f' of {metric.request}' if metric.request else ''} {does}{_where(metric)}"
    if share is not None and metric.name == "service_restarts":
        return f"the service restarted {'once' if share == 1 else f'{share:,.0f} times'}"
    title = _lowered(metric.title or metric.name)
    b, c = amount(metric.baseline.value, metric.unit), amount(metric.canary.value, metric.unit)
    if metric.effect is not None and metric.effect_kind == "relative" and math.isfinite(metric.effect):
        return f"{title} is {percent(metric.effect)} worse ({c}, the baseline {b}){_where(metric)}"
    if "-" in (b, c):
        return f"{title} is worse than allowed"
    return f"{title} at {c}, the baseline at {b}"  # a title may be in the plural


def _where(metric: MetricVerdict) -> str:
    """Which requests of a mix are worse by themselves, where it is not for one of them that the metric is told."""
    return f", by itself: {titles_of(metric.worse)}" if metric.worse else ""


_COUNTED: Final = {
    "error_rate": "requests fail",
    "wrong_body_rate": "answers have a wrong body",
    "new_statuses": "answers have a status that the baseline never gave",
    "availability": "had no good answer",
    "slow_requests": "answers take more than twice the baseline's p99",
}


def _cannot_tell(verdict: Verdict) -> str:
    undecided = _of(verdict, Decision.INCONCLUSIVE)
    failed = [f"{metric.title}: {metric.reason}" for metric in _of(verdict, Decision.FAIL)]
    open_ones = [reason for reason in verdict.reasons if reason not in failed]
    # A reason that is no metric's comes from the run itself (somebody interrupted it).
    if not open_ones or not open_ones[0].endswith(tuple(f": {metric.reason}" for metric in undecided)):
        return f"cannot tell: {_lowered(open_ones[0]) if open_ones else 'there is not enough evidence'}"
    doubtful = [metric for metric in undecided if metric.lacks is Lack.TRUST]
    if doubtful:
        same = [metric for metric in doubtful if metric.reason == doubtful[0].reason]
        return f"cannot tell: {same[0].reason} ({titles_of([m.title or m.name for m in same], most=2)})"
    waits = [math.inf if metric.more_minutes is None else metric.more_minutes for metric in undecided]
    if max(waits) <= PATIENCE:
        minutes = max(1, math.ceil(max(waits)))
        return f"cannot tell yet: {minutes} more minute{'' if minutes == 1 else 's'}"
    endless = [metric for metric, wait in zip(undecided, waits, strict=True) if wait > PATIENCE]
    few = sum(metric.lacks is Lack.SAMPLES for metric in endless)
    if few:
        of = f"{few} of {len(verdict.metrics)} metrics {'has' if few == 1 else 'have'}"
        return f"cannot tell yet: {of} too few samples; measure longer"
    return f"cannot tell: more of the same would hardly decide {_titles(endless)}; less noise would, or a wider margin"


def _titles(metrics: Sequence[MetricVerdict]) -> str:
    return _lowered(titles_of([metric.title or metric.name for metric in metrics], most=2))


def _first(verdict: Verdict, otherwise: str) -> str:
    return _lowered(verdict.reasons[0]) if verdict.reasons else otherwise


def _lowered(sentence: str) -> str:
    """As the second half of a sentence; an abbreviation keeps its capitals."""
    return (
        sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence
    )
