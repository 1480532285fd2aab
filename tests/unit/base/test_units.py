"""Rates with their unit; durations are read as the loader reads them."""

from __future__ import annotations

import pytest

import loadgen.durations
from pipeline.base.units import parse_duration, parse_rate, parse_share


def test_rates_are_read_and_without_a_unit_they_are_a_second_s() -> None:
    assert [parse_rate(text) for text in ("50/s", "300/min", 50)] == [50.0, 5.0, 50.0]


def test_there_is_one_reader_of_durations() -> None:
    assert parse_duration is loadgen.durations.parse_duration


def test_a_share_is_a_percentage_or_a_fraction_of_less_than_all() -> None:
    assert [parse_share(text) for text in ("10%", "12.5 %", "0.25", "0.0001%")] == [0.1, 0.125, 0.25, 1e-6]
    for text in ("0", "0%", "100%", "1", "50", "-5%", "0.00001%", "", "%", "1e-3", "ten"):
        with pytest.raises(ValueError, match="share"):
            parse_share(text)
