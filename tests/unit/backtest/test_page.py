"""The page and the lines: what they say, and that no name lies on another."""

from __future__ import annotations

import re
from itertools import pairwise

from pipeline.backtest.page import render_page, render_text
from pipeline.backtest.summary import Found, Margin, Share, Summary
from pipeline.backtest.svg import curves

_HALF, _ALL = Share(50, 100), Share(100, 100)
_BOTH = {1800.0: _HALF, 3600.0: _ALL}
_SUMMARY = Summary(
    1800.0,
    Share(1, 100),
    Share(95, 100),
    Share(4, 100),
    (
        Found("latency +5 %", "latency", 0.05, _HALF, Share(2, 100), 900.0, _BOTH, 3600.0, None),
        Found("latency +10 %", "latency", 0.1, _ALL, Share(0, 100), 60.0, {1800.0: _ALL, 3600.0: _ALL}, 1800.0, None),
        Found(
            "errors +0.5 %", "errors", 0.005, _HALF, Share(0, 100), None, {1800.0: _HALF}, None,
            Margin("error_rate", 0.002, False, "fraction", Share(3, 100)),
        ),
    ),
)  # fmt: skip


def test_the_lines_say_false_alarms_what_was_found_and_what_would_find_more() -> None:
    text = render_text(_SUMMARY, ["a note"])

    assert (
        "Of 100 windows of 30 min in which nothing was wrong this gate would have failed 1 % (0.2 to 5.4 %)"
        in text
    )
    assert re.search(r"latency \+5 % +50 % \(40.4 to 59.6 %\) +15 min +2 % +windows of 60 min", text)
    assert re.search(r"latency \+10 % +100 % \(96.3 to 100 %\) +1 min +0 % +it is", text)
    assert "a margin of 0.2pp" in text
    assert "note: a note" in text


def test_the_page_escapes_what_is_not_ours() -> None:
    page = render_page(_SUMMARY, ["<script>alert(1)</script>"], "A & B")

    assert "<script>" not in page
    assert "A &amp; B" in page
    assert page.count("<svg") == 2


def test_names_of_curves_that_end_in_one_place_stand_below_one_another_and_within_the_picture() -> None:
    lines = {f"curve {index}": [_ALL, Share(0, 100)] for index in range(6)}
    heights = [
        float(found)
        for found in re.findall(r'y="([\d.]+)" fill="#', curves("a title", "length", ["1", "2"], lines))
    ]

    assert len(heights) == 6
    assert all(later - earlier >= 12.9 for earlier, later in pairwise(heights))
    assert max(heights) < 240
