"""Rates with their unit; durations are read as the loader reads them."""

from __future__ import annotations

import loadgen.durations
from pipeline.base.units import parse_duration, parse_rate


def test_rates_are_read_and_without_a_unit_they_are_a_second_s() -> None:
    assert [parse_rate(text) for text in ("50/s", "300/min", 50)] == [50.0, 5.0, 50.0]


def test_there_is_one_reader_of_durations() -> None:
    assert parse_duration is loadgen.durations.parse_duration
