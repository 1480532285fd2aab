"""Harm is put into the metrics that it moves, and into no other."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.backtest.harms import HARMS, NONE, Harm
from pipeline.series.config import JudgeConfig
from tests.support.past_series import judged, past


def _named(name: str) -> Harm:
    return next(harm for harm in HARMS if harm.name == name)


def _with(harm: Harm, samples: int = 4000) -> dict[str, float]:
    """How much the mean of each metric moved."""
    before = past(samples)
    after = harm.put_into(judged(), before, float(before["p50"].t[0]) - 15, np.random.default_rng(1))
    return {name: float(after[name].value.mean() - before[name].value.mean()) for name in before}


def test_latency_grows_by_its_share_and_nothing_else_does() -> None:
    moved = _with(_named("latency +10 %"))

    assert moved["p50"] == pytest.approx(0.1 * past(4000)["p50"].value.mean())
    assert moved["errors"] == moved["memory"] == 0


def test_errors_are_added_to_the_requests_that_had_none() -> None:
    total = past(4000)["errors"].total
    assert total is not None
    assert _with(_named("errors +0.5 %"))["errors"] == pytest.approx(0.005 * 0.998 * total.mean(), rel=0.05)


def test_a_share_of_what_is_good_loses_as_many() -> None:
    config = JudgeConfig.model_validate(
        {"metrics": [{"name": "errors", "kind": "proportion", "margin": "0.3pp", "direction": "decrease"}]}
    )
    before = past(4000)["errors"]
    after = _named("errors +1 %").put_into(config, {"errors": before}, 0.0, np.random.default_rng(1))[
        "errors"
    ]

    assert np.all(after.value <= before.value)
    assert np.all(after.value >= 0)


def test_a_leak_grows_by_twice_the_margin_a_minute() -> None:
    before = past(4000)["memory"]
    begin = float(before.t[0]) - 15
    after = _named("a leak, twice its margin").put_into(judged(), past(4000), begin, np.random.default_rng(1))

    grown = after["memory"].value - before.value
    assert grown[3] == pytest.approx(4e6)  # a minute after the window's beginning


def test_a_harm_that_no_metric_shows_is_told_apart() -> None:
    assert _named("CPU +20 %").metrics(judged()) == ()
    assert _named("latency +5 %").metrics(judged()) == ("p50",)
    assert NONE.metrics(judged()) == ()
