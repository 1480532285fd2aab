"""Spoilt configurations and profiles, as bench makes them in numbers."""

from __future__ import annotations

from collections import Counter

from bench.inputs.fuzz_configs import faults


def test_a_spoilt_configuration_is_read_or_refused_with_its_line() -> None:
    seen: Counter[str] = Counter()
    assert list(faults(120, 3, seen)) == []
    assert sum(seen.values()) == 120
    assert {f"{kind} refused" for kind in ("series", "kayenta", "profile")} <= seen.keys()
