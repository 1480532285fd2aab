"""Instants as people write them."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pipeline.series.window import parse_instant


@given(st.text() | st.from_regex(r"(now)?-?\d{0,20}[a-z]{0,3}"))
def test_a_time_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_instant(text, 1e9) <= 4_102_444_800
