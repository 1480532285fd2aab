"""Both versions at once: whether the proxy dealt the requests as it was told, and what can be compared then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Kind
from pipeline.judge.evidence import Problem
from pipeline.judge.rules import MetricRule
from pipeline.judge.words import count_of, percent
from pipeline.runs.phases import COLOURS, EVEN_SHARE
from pipeline.runs.tables import RequestRows

__all__ = ["comparable", "deal_problems", "incomparable_note", "split_chance"]

# A request whose answer has no colour can be neither version's. More of them than this, and the proxy is broken.
_MOST_WITHOUT_COLOUR: Final = 0.01
# A split that chance makes more rarely than this is not the one that was asked for.
_RAREST_SPLIT: Final = 1e-6
# What of a host or a service grows with the requests that it gets. How many came a second is the proxy's doing anyway.
_BY_LOAD: Final = (Kind.LEVEL, Kind.TREND, Kind.JOINT)
_DEALT: Final = "throughput"


def deal_problems(
    rows: RequestRows, inside: NDArray[np.bool_], share: float, until: float, left_out: NDArray[np.bool_]
) -> list[Problem]:
    """What is wrong with how the proxy dealt the requests of the measured time.

    A version that fails, hangs or dies is answered for by HAProxy, with its colour, before the loader gives up (each
    request has a connection for that, see pipeline/canary/loader_arguments.py). So what has no colour is neither
    version's fault, and is left out: the proxy was gone, or the loader gave up before the proxy had it.

    Args:
        rows: All requests.
        inside: Which of them are of the measured time.
        share: What the canary was to get of them.
        until: The split is looked at up to this second. Of a run that was ended early the last requests had no answer
            yet, and of a slow version more than of the other: none of them is in `rows`.
        left_out: Which others there were, of which nobody knows to which version they went. Those of a version that is
            slow are more likely to be among them, so a split is wrong only if it is, wherever they went.
    """
    sent = int(np.count_nonzero(inside))
    problems = []
    if unknown := sent - sum(_by_colour(rows, inside)):
        said = f"{count_of(unknown, sent)} requests have an answer of neither version and are left out"
        if unknown > _MOST_WITHOUT_COLOUR * sent:
            problems.append(Problem("invalid", f"{said}: the proxy did not answer for them"))
        else:
            problems.append(Problem("note", said))
    due = rows.t < until
    blue, green = _by_colour(rows, inside & due)
    total = int(np.count_nonzero((inside | left_out) & due))
    nearest = min(max(round(share * total), green), total - blue)
    if split_chance(nearest, total, share) < _RAREST_SPLIT:
        said = (
            f"{count_of(green, blue + green)} requests went to the canary, which was to get {percent(share)}"
        )
        problems.append(Problem("invalid", f"{said}: the proxy did not split as it was told"))
    return problems


def _by_colour(rows: RequestRows, which: NDArray[np.bool_]) -> tuple[int, int]:
    """How many of these requests blue answered, and how many green."""
    blue, green = (int(np.count_nonzero(which & (rows.served_by == colour))) for colour in COLOURS.values())
    return blue, green


def split_chance(green: int, total: int, share: float) -> float:
    """How probable it is that a count as far from `share` x `total` as `green` comes about by chance, on either side.

    Twice the smaller tail of the binomial distribution (Clopper & Pearson 1934).

    >>> split_chance(50, 100, 0.5), round(split_chance(60, 100, 0.5), 3), split_chance(0, 100, 0.5) < 1e-6
    (1.0, 0.057, True)
    """
    from scipy.special import bdtr, bdtrc

    if total == 0:
        return 1.0
    above = 1.0 if green == 0 else float(bdtrc(green - 1, total, share))
    return min(1.0, 2 * min(float(bdtr(green, total, share)), above))


def comparable(rules: Sequence[MetricRule], share: float) -> tuple[MetricRule, ...]:
    """The rules that compare the versions fairly where the canary gets `share` of the requests by chance.

    How many requests came a second is chance, or the share, so good responses a second are never compared: the requests
    that failed say the same. With unequal shares neither is what grows with the load: CPU, memory and the like.
    """
    return tuple(rule for rule in rules if rule.name not in _left_out(rules, share))


def incomparable_note(rules: Sequence[MetricRule], share: float) -> Problem | None:
    """What `comparable` leaves out, in words; None where it is nothing."""
    titles = [rule.metric.title for rule in rules if rule.name in _left_out(rules, share)]
    if not titles:
        return None
    why = (
        "the proxy deals requests by chance"
        if share == EVEN_SHARE
        else f"the canary gets {percent(share)} of the requests"
    )
    return Problem("note", f"Not compared, because {why}: {', '.join(titles)}")


def _left_out(rules: Sequence[MetricRule], share: float) -> set[str]:
    return {
        rule.name
        for rule in rules
        if rule.name == _DEALT
        or (share != EVEN_SHARE and rule.metric.kind in _BY_LOAD and not rule.metric.requests)
    }
