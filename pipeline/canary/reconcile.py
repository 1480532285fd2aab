"""HAProxy's counters against the loader's: two independent books of the same requests must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["difference", "reconcile"]

Counters = Mapping[str, Mapping[str, int]]


def difference(before: Counters, after: Counters) -> dict[str, dict[str, int]]:
    """What each colour's counters grew by."""
    return {
        colour: {name: value - before.get(colour, {}).get(name, 0) for name, value in counters.items()}
        for colour, counters in after.items()
    }


def reconcile(grown: Counters, served: Mapping[str, int], unattributed: int) -> dict[str, Any]:
    """Compare what HAProxy counted per colour with what the loader did.

    `served` is the loader's count of responses by the colour that they name; `unattributed` are its requests that got
    no response at all, each of which HAProxy may or may not have seen. A difference larger than those is a mismatch.

    >>> reconcile({"blue": {"req_tot": 10}}, {"blue": 9}, 1)["mismatches"]
    []
    """
    mismatches = []
    for colour in sorted(set(grown) | set(served)):
        counted, seen = grown.get(colour, {}).get("req_tot", 0), served.get(colour, 0)
        if not 0 <= counted - seen <= unattributed:
            mismatches.append(
                f"{colour}: HAProxy counted {counted} requests, the loader {seen} ({unattributed} unanswered)"
            )
    return {
        "haproxy": {colour: dict(counters) for colour, counters in grown.items()},
        "loader": dict(served),
        "unattributed": unattributed,
        "mismatches": mismatches,
    }
