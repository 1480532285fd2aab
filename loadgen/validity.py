"""Whether a run says something about the server, or about a loader that was starved, late or out of something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from loadgen.plan import Plan

__all__ = ["MOST_MISSING", "Divided", "Own", "why_invalid"]

_MAX_OVERLOADED = 0.01  # share of the requests; p99 is the highest percentile anyone is promised
# Of the latency that is told, p99, so much may be the loader's own lateness; below a part of --max-lateness it is too
# small to matter, and what the system says of reading (in steps of 4 ms) too coarse.
_MAX_OWN_SHARE = 0.5
_SMALL = 0.1
_BUSY = 0.9  # of a core; a closed load above it is as fast as the loader is, and not as the server
MOST_MISSING = 0.01  # share of the load whose shards were lost
_STARVED = 0.05  # share of the time; with less the processors are not what made the loader late


class Own(NamedTuple):
    """The loader's own part in a run.

    Attributes:
        late_ms: p99 of how late it sent; None without a request.
        read_late_ms: p99 of how long answers were here before it read them; None where that is not known.
        overloaded: Requests that waited for a connection while the loader used, or waited for, a whole core.
        waited_share: Share of the time in which it was ready and had no processor.
        busy_share: Share of the time in which it used a core, or was ready and had none.
    """

    late_ms: float | None
    read_late_ms: float | None
    overloaded: int
    waited_share: float
    busy_share: float


class Divided(NamedTuple):
    """What became of the parts of a run that was divided.

    Attributes:
        reason: Why it says nothing of the server; None where it does.
        shards: What a summary has of each part.
    """

    reason: str | None
    shards: list[dict[str, Any]]


def why_invalid(
    plan: Plan,
    own: Own,
    *,
    latency_ms: float | None,
    scheduled: int,
    errors: Mapping[str, int],
    examples: Mapping[str, str],
) -> str | None:
    """Why the run says nothing of the server; None where it does.

    Args:
        plan: What was to be sent.
        own: The loader's own part.
        latency_ms: The p99 that is told; None where it is beyond the timeout, or nothing was measured.
        scheduled: How many requests fell due.
        errors: Requests without a whole answer, by kind.
        examples: The first of each kind.
    """
    reasons = _late(plan.max_lateness * 1000, own, latency_ms)
    if own.overloaded > _MAX_OVERLOADED * scheduled:
        reasons.append(
            f"the loader was overloaded: {own.overloaded} requests waited while it used a whole core"
        )
    if plan.users and own.busy_share > _BUSY:
        reasons.append(
            "the loader used a whole core, so the rate may be its own: use fewer --users, --think, or --processes"
        )
    if reasons and own.waited_share >= _STARVED:
        reasons.append(f"it was ready and had no processor for {own.waited_share:.0%} of the time")
    if unread := errors.get("protocol", 0):
        answers = "1 answer" if unread == 1 else f"{unread} answers"
        reasons.append(f"the loader could not read {answers}: {examples['protocol']}")
    if unable := errors.get("exhausted", 0):
        requests = "1 request" if unable == 1 else f"{unable} requests"
        reasons.append(f"the loader could not send {requests}: {examples['exhausted']}")
    return "; ".join(reasons) or None


def _late(limit: float, own: Own, latency_ms: float | None) -> list[str]:
    sides = {"was late": own.late_ms or 0.0, "read late": own.read_late_ms or 0.0}
    reasons = [
        f"the loader {how}: p99 {late:.0f} ms, the limit is {limit:g} ms"
        for how, late in sides.items()
        if late > limit
    ]
    how, worst = max(sides.items(), key=lambda side: side[1])
    if not reasons and latency_ms and worst > limit * _SMALL and worst > latency_ms * _MAX_OWN_SHARE:
        reasons.append(
            f"the loader {how}, and that is most of the latency: p99 {worst:.0f} of {latency_ms:.0f} ms"
        )
    return reasons
