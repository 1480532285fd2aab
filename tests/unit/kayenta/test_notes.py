"""Directions that make no sense for what a metric is called."""

from __future__ import annotations

import pytest

from pipeline.kayenta.notes import notes


@pytest.mark.parametrize(
    ("name", "direction", "noted"),
    [
        ("latency_p99", "decrease", True),
        ("ErrorRate", "decrease", True),
        ("HTTP 5xx", "decrease", True),
        ("success.rate", "increase", True),
        ("latency_p99", "increase", False),
        ("latency_p99", "either", False),
        ("latency of successes", "decrease", False),
        ("terrors", "decrease", False),
        ("requests", "decrease", False),
    ],
)
def test_a_direction_in_which_no_harm_lies_is_noted(name: str, direction: str, noted: bool) -> None:
    metric = {"name": name, "groups": [], "analysisConfigurations": {"canary": {"direction": direction}}}
    told = list(notes({"metrics": [metric], "classifier": {}}, "NetflixACAJudge-v1.0"))
    assert [at[-1] for at, _ in told] == ["direction"] * noted
