"""A planned length: how it is written, what it cuts off, and what the verdict may rest on for it."""

from __future__ import annotations

import pytest

from pipeline.series.planned import UNKNOWN, cut, ending, parse_planned
from pipeline.series.window import Span, moves


def test_a_planned_length_is_a_duration_or_unknown() -> None:
    assert parse_planned("30m") == 1800
    assert parse_planned(90) == 90
    assert parse_planned(UNKNOWN) == UNKNOWN


@pytest.mark.parametrize("value", ["0s", "-5m", "nan", "inf", "500d", "soon", "", True, None, [1], 0.5])
def test_what_is_no_length_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_planned(value)


def test_what_comes_after_the_planned_end_is_left_out() -> None:
    spans = {"baseline": Span(0, 900), "canary": Span(1000, 5000)}
    assert cut(spans, 1800.0) == {"baseline": Span(0, 900), "canary": Span(1000, 2800)}
    assert cut(spans, None) == cut(spans, UNKNOWN) == spans


@pytest.mark.parametrize(
    ("seconds", "planned", "whole", "rests_on", "words"),
    [
        (1800, 1800.0, False, (1800, False), "The planned 30 min are over"),
        (600, 1800.0, False, (1800, False), "10 min of the planned 30 min"),
        (600, 1800.0, True, (1800, False), "10 min of the planned 30 min"),
        (600, None, False, (None, False), "Nobody said before"),
        (600, None, True, (None, True), "taken for the whole measurement"),
        (600, UNKNOWN, True, (None, False), "Nobody said before"),
    ],
)
def test_the_end_counts_where_it_was_planned_and_files_are_whole_unless_said_otherwise(
    seconds: float, planned: float | None, whole: bool, rests_on: tuple[float | None, bool], words: str
) -> None:
    found = ending(seconds, planned, whole=whole)
    assert (found.planned, found.once) == rests_on
    assert words in found.said


@pytest.mark.parametrize(
    ("text", "yes"), [("now", True), (" -30m", True), ("now-5m", True), ("2026-01-31T10:00:00Z", False)]
)
def test_an_instant_relative_to_now_moves(text: str, yes: bool) -> None:
    assert moves(text) is yes
