"""Durations: each way to write one, and what is none."""

from __future__ import annotations

import click
import pytest

from loadgen.arguments import DURATION
from loadgen.durations import parse_duration


def test_units_are_read_and_their_absence_means_seconds() -> None:
    written = ("250ms", "20s", "1.5m", "5min", "5 min", "1h", "7", 7, 0.5)
    assert [parse_duration(text) for text in written] == [0.25, 20, 90, 300, 300, 3600, 7, 7, 0.5]


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 parsec", "1e3s", "0", "nan", "1s 2", "\uff11s", True])
def test_a_duration_that_is_none_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("100ms", 0.1), ("60s", 60), ("5m", 300), ("5min", 300), ("1h", 3600), ("24h", 86_400), ("90", 90)],
)
def test_the_loader_takes_what_pipeline_takes(text: str, seconds: float) -> None:
    assert DURATION.convert(text, None, None) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["0s", "25h", "5 parsecs", "", "-1s"])
def test_the_loader_refuses_what_is_no_duration_up_to_a_day(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration such as 100ms, 60s or 5m"):
        DURATION.convert(text, None, None)
