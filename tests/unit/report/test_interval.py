"""The interval as a drawing, what a decision rests on, and the score's sum."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

import tests.support.report_samples as samples
from pipeline.report import html
from pipeline.report.interval import WIDTH, bar
from pipeline.runs.record import Record


def test_zero_and_the_margin_stand_at_the_same_places_whatever_the_metric() -> None:
    first = bar(samples.metric(threshold=0.25))
    second = bar(samples.metric(effect_kind="absolute", unit="B", threshold=8e6, effect=1e6, low=0, high=2e6))
    assert first is not None
    assert second is not None
    assert (first.zero, first.margin) == (second.zero, second.margin)
    assert 0 < first.zero < first.margin < WIDTH


def test_an_interval_within_the_margin_ends_left_of_it_and_one_beyond_it_begins_right_of_it() -> None:
    within = bar(samples.metric(low=-0.04, high=0.11, threshold=0.25))
    beyond = bar(samples.metric(low=0.3, high=0.5, threshold=0.25, effect=0.4))
    assert within is not None
    assert beyond is not None
    assert within.low < within.zero < within.high < within.margin
    assert beyond.margin < beyond.low < beyond.estimate < beyond.high


@pytest.mark.parametrize("low", [None, math.nan, -math.inf, -9.0])
def test_what_lies_beyond_the_scale_is_cut_off_there(low: float | None) -> None:
    drawn = bar(samples.metric(low=low, high=9.0))
    assert drawn is not None
    assert (drawn.low, drawn.high, drawn.cut_low, drawn.cut_high) == (0.0, WIDTH, True, True)


def test_a_margin_of_nothing_is_drawn_at_zero() -> None:
    drawn = bar(
        samples.metric(effect_kind="absolute", unit="count", threshold=0.0, effect=2, low=0.5, high=3)
    )
    assert drawn is not None
    assert drawn.margin == drawn.zero
    assert drawn.zero < drawn.low < drawn.high <= WIDTH


def test_a_drift_above_the_margin_moves_where_a_fail_begins() -> None:
    drawn = bar(samples.metric(threshold=0.1, drift=0.15))
    assert drawn is not None
    assert drawn.fails_from > drawn.margin
    steady = bar(samples.metric(threshold=0.1, drift=0.05))
    assert steady is not None
    assert steady.fails_from == steady.margin


@pytest.mark.parametrize(
    "nothing",
    [
        {"effect": None},
        {"effect": math.nan},
        {"low": None, "high": None},
        {"low": math.nan, "high": math.nan},
    ],
)
def test_nothing_is_drawn_where_nothing_is_known(nothing: dict[str, Any]) -> None:
    assert bar(samples.metric(**nothing)) is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.04, 0.11, "between 4 % better and 11 % worse"),
        (None, 0.11, "at most 11 % worse"),
        (None, -0.02, "at least 2 % better"),
        (0.3, None, "at least 30 % worse"),
        (-0.3, math.inf, "at most 30 % better"),
        (0.0, 0.1, "between no change and 10 % worse"),
    ],
)
def test_the_drawing_is_said_in_words(low: float | None, high: float | None, said: str) -> None:
    drawn = bar(samples.metric(low=low, high=high))
    assert drawn is not None
    assert drawn.spoken == f"{said}; estimate 3.3 % worse; allowed 25 %"


def test_each_compared_metric_s_row_and_section_has_the_drawing_with_its_words() -> None:
    page = html.render(samples.verdict(), Record.from_dict(samples.run()), samples.evidence())
    labels = re.findall(r'<svg class="bar"[^>]*role="img" aria-label="([^"]+)"', page)
    # Three of the four have an effect, each drawn in the table and in its section; the failed one stands above, too.
    assert len(labels) == 7
    told = "between 93 points worse and 100 points worse; estimate 100 points worse; allowed 0.5 points"
    assert labels[0] == f"Failed requests: {told}"
