"""Charts as drawings: places on an axis, gaps in a line, boxes and bars."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pipeline.report.aggregate import bin_width, per_bin, thin
from pipeline.report.figures import Drawing, bands, bars, boxes, distribution, time_axis, timeline
from pipeline.report.plot import HEIGHT, WIDTH, Axis, area, log_axis, nice_axis, path
from pipeline.runs.phases import Phase

UNIT = Axis(0.0, 10.0, (0.0, 5.0, 10.0))
PHASES = (
    Phase("baseline", "warmup", 0, 5),
    Phase("baseline", "measure", 5, 50),
    Phase("canary", "measure", 55, 100),
)


def drawing(values: list[float]) -> Drawing:
    t = np.arange(len(values), dtype=np.float64)
    return Drawing(np.asarray(values), thin(t, np.asarray(values)))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0.0013), (0, 87), (3, 3), (-5, 1e9), (0.1, 0.11), (0, 1), (1e-12, 2e-12)]
)
def test_an_axis_has_a_few_round_marks_and_holds_all_values(low: float, high: float) -> None:
    axis = nice_axis(low, high)
    assert 2 <= len(axis.marks) <= 8
    assert axis.low <= low
    assert axis.high >= high
    assert len({f"{mark:,.6g}" for mark in axis.marks}) == len(axis.marks)


def test_a_value_beyond_an_axis_is_drawn_at_its_end() -> None:
    assert (UNIT.place(-1), UNIT.place(5), UNIT.place(99)) == (0.0, 0.5, 1.0)


def test_a_logarithmic_axis_gives_each_tenfold_the_same_room() -> None:
    axis = log_axis([1.0, 100.0, 0.0, -3.0])
    assert axis is not None
    assert axis.place(10.0) == pytest.approx(0.5)
    assert log_axis([0.0]) is None


def test_marks_that_would_overlap_are_left_out() -> None:
    ticks = Axis(0.0, 100.0, (0.0, 1.0, 2.0, 50.0)).ticks()
    assert [tick.text for tick in ticks] == ["0", "50"]
    assert [tick.at for tick in Axis(0.0, 100.0, (0.0, 50.0)).ticks(vertical=True)] == [100.0, 50.0]


def test_a_gap_ends_a_line_and_a_lone_point_is_still_seen() -> None:
    d = path(([0.0, 5.0, None, 10.0], [0.0, 10.0, None, 5.0]), UNIT, UNIT)
    assert d == f"M0 {HEIGHT}L500 0M{WIDTH - 2} 100h4"


def test_an_area_goes_along_one_line_and_back_along_the_other() -> None:
    d = area(([0.0, 10.0], [0.0, 0.0]), ([0.0, 10.0], [10.0, 10.0]), UNIT, UNIT)
    assert d == f"M0 0L{WIDTH} 0L{WIDTH} {HEIGHT}L0 {HEIGHT}Z"


def test_phases_stand_where_they_were_and_only_wide_ones_are_named() -> None:
    found = bands(PHASES, time_axis(PHASES, {}))
    assert [(band.role, band.at, band.width, band.text) for band in found] == [
        ("warmup", 0.0, 5.0, ""),
        ("baseline", 5.0, 45.0, "baseline"),
        ("canary", 55.0, 45.0, "canary"),
    ]


def test_what_is_allowed_lies_within_the_axis() -> None:
    plot = timeline(
        {"baseline": drawing([1.0, 2.0]), "canary": drawing([1.0, 2.0])}, PHASES, "ms", 50.0, zero=True
    )
    assert plot.lines[-1].role == "limit"
    assert plot.y_ticks[-1].text in ("50", "60")


def test_an_arm_without_samples_is_said_and_draws_nothing() -> None:
    plot = boxes({"baseline": drawing([1.0, 2.0, 3.0]), "canary": drawing([])}, "ms")
    assert plot.note == "nothing of the canary to show"
    assert [rect.role for rect in plot.rects] == ["baseline"]


def test_a_box_shows_the_quarters_and_stays_within_the_drawing_when_all_values_are_the_same() -> None:
    (rect,) = boxes({"baseline": drawing([7.0] * 5)}, "count").rects
    assert 0.3 * WIDTH < rect.x < 0.7 * WIDTH
    wide = boxes({"baseline": drawing([float(i) for i in range(101)])}, "count").rects[0]
    assert 0.4 * WIDTH < wide.width < 0.6 * WIDTH


def test_bars_leave_out_what_never_came_and_are_as_long_as_their_share() -> None:
    plot = bars(
        {"baseline": {"2xx": 100.0, "4xx": 0.0, "5xx": 0.0}, "canary": {"2xx": 50.0, "4xx": 0.0, "5xx": 50.0}}
    )
    assert [tick.text for tick in plot.y_ticks] == ["2xx", "5xx"]
    good, half = plot.rects[0], plot.rects[1]
    assert good.width == pytest.approx(2 * half.width, rel=0.01)
    assert (good.text, half.text) == ("100 %", "50 %")


def test_the_tail_is_drawn_from_above_so_that_few_slow_requests_are_seen() -> None:
    slow = [10.0] * 980 + [500.0] * 20
    plot = distribution({"baseline": drawing([10.0] * 1000), "canary": drawing(slow)}, "ms", 0.99, log=True)
    assert plot.y_label == "% of requests that are slower"
    ends = {
        line.role: max(float(x) for x in re.findall(r"[ML ]([\d.]+) [\d.]+", line.d))
        for line in plot.lines[:2]
    }
    assert ends["canary"] > ends["baseline"] + 0.5 * WIDTH


def test_bins_hold_some_thirty_samples() -> None:
    assert bin_width(np.arange(0, 20, 0.1)) == pytest.approx(3.0)
    assert bin_width(np.arange(0, 1200, 0.1)) == pytest.approx(10.0, rel=0.01), "at most 120 of them"
    assert bin_width(np.arange(0, 10, 0.01)) == 1.0
    xs, ys = per_bin(np.arange(0, 10, 0.5), np.ones(20), lambda x: float(np.sum(x)), 5.0)
    assert ys == [10.0, 10.0]
    assert xs == [2.5, 7.5]


def test_samples_every_15_seconds_are_one_line_and_a_missing_quarter_of_an_hour_is_a_gap() -> None:
    t = np.concatenate([np.arange(0, 300, 15.0), np.arange(1200, 1500, 15.0)])
    _, ys = thin(t, np.ones(len(t)))
    assert ys.count(None) == 1
