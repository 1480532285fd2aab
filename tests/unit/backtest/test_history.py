"""The past is cut into windows; what was excluded and what has holes is left out, and counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.backtest.history import windows
from pipeline.series.window import Span
from tests.support.past_series import history


def test_a_window_needs_one_before_it_where_both_sides_are_one_fleet() -> None:
    one = history(240)
    begins, excluded, holes = windows(one, 300, ())

    assert [begin - one.span.start for begin in begins] == [300.0 * k for k in range(1, 12)]
    assert (excluded, holes) == (0, 0)
    assert one.spans(begins[0], 300)["baseline"] == Span(one.span.start, one.span.start + 300)


def test_two_halves_are_compared_in_the_same_window() -> None:
    one = history(240, at_once=True)

    assert len(windows(one, 300, ())[0]) == 12
    assert one.spans(one.span.start, 300)["baseline"] == one.spans(one.span.start, 300)["canary"]


def test_each_sample_is_in_one_window() -> None:
    one = history(240, at_once=True)
    found = [
        one.within("canary", one.spans(begin, 300)["canary"])["p50"].t for begin in windows(one, 300, ())[0]
    ]

    np.testing.assert_array_equal(np.concatenate(found), one.samples["canary"]["p50"].t)


def test_windows_that_touch_what_is_excluded_are_left_out_on_both_sides() -> None:
    one = history(240)
    deploy = Span(one.span.start + 700, one.span.start + 710)
    begins, excluded, _ = windows(one, 300, [deploy])

    # In the window from 600 s on, and so in the baseline of the next.
    assert [begin - one.span.start for begin in begins[:3]] == [300.0, 1200.0, 1500.0]
    assert excluded == 2


def test_a_time_without_samples_is_no_window() -> None:
    one = history(240)
    kept = {
        name: replace(
            own,
            t=np.delete(own.t, slice(40, 60)),
            value=np.delete(own.value, slice(40, 60)),
            total=None if own.total is None else np.delete(own.total, slice(40, 60)),
        )
        for name, own in one.samples["canary"].items()
    }
    holed = replace(one, samples=dict.fromkeys(("baseline", "canary"), kept))

    begins, _, holes = windows(holed, 300, ())
    assert (len(begins), holes) == (9, 2)
