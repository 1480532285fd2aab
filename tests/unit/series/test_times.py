"""What a column of times means: its unit by what is possible or by its name, and what is refused."""

from __future__ import annotations

import pytest

from pipeline.series.times import TimeColumn, Times, TimesError, is_time_name

NOON = 1_767_268_800  # 2026-01-01T12:00:00Z


def _read(name: str, *cells: str) -> Times:
    column = TimeColumn(name)
    for line, cell in enumerate(cells, 2):
        column.add(cell, line)
    return column.read()


@pytest.mark.parametrize(
    ("name", "first", "second", "clock"),
    [
        ("t", "1767268800", "1767268815", "epoch"),
        ("t", "1767268800000", "1767268815000", "epoch"),
        ("Time", "1.7672688E12", "1767268815000.0", "epoch"),
        ("t", "1767268800000000", "1767268815000000", "epoch"),
        ("t", "1767268800000000000", "1767268815000000000", "epoch"),
        ("time_ms", "1767268800000", "1767268815000", "epoch"),
        ("t_s", "1767268800", "1767268815", "epoch"),
        ("t", "2026-01-01T12:00:00Z", "2026-01-01T12:00:15.000Z", "zoned"),
        ("t", "2026-01-01T13:00:00+01:00", "2026-01-01T06:00:15-06:00", "zoned"),
        ("t", "2026-01-01 12:00:00 UTC", "2026-01-01 12:00:15 +0000 UTC", "zoned"),
        ("t", "2026-01-01T12:00:00.000000000Z", "2026-01-01T12:00:15,000Z", "zoned"),
        ("date", "2026-01-01 12:00:00", "2026-01-01T12:00:15", "naive"),
    ],
)
def test_a_moment_is_the_same_in_every_unit(name: str, first: str, second: str, clock: str) -> None:
    read = _read(name, first, second)
    assert read.seconds.tolist() == pytest.approx([NOON, NOON + 15], abs=1e-3)
    assert read.clock == clock


@pytest.mark.parametrize(
    ("name", "cells", "seconds"),
    [
        ("t", ("0", "15"), [0, 15]),
        ("t", ("-1.5", "+2e1"), [-1.5, 20]),
        ("elapsed", (), None),
        ("t_ms", ("0", "15000"), [0, 15]),
        ("Time [us]", ("0", "15000000"), [0, 15]),
        ("t_ns", ("0", "1000000000", "2000000000"), [0, 1, 2]),
        ("t_min", ("0", "0.25"), [0, 15]),
        ("time (h)", ("0", "1"), [0, 3600]),
    ],
)
def test_times_from_a_beginning_of_their_own_have_the_unit_of_their_name(
    name: str, cells: tuple[str, ...], seconds: list[float] | None
) -> None:
    if seconds is None:
        assert not is_time_name(name)
        return
    read = _read(name, *cells)
    assert read.clock == "relative"
    assert read.seconds.tolist() == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("name", "cells", "line", "words"),
    [
        (
            "t",
            ("1767268800", "1767268815000"),
            3,
            "t is milliseconds since 1970, but seconds since 1970 in line 2",
        ),
        (
            "t",
            ("0", "1767268815000"),
            3,
            "t is milliseconds since 1970, but seconds from the file's beginning",
        ),
        ("t", ("1767268800", "2026-01-01T12:00:00Z"), 3, "t is a date with a zone, but a number in line 2"),
        (
            "t",
            ("2026-01-01T12:00", "2026-01-01T12:00Z"),
            3,
            "with a zone, but a date without a zone in line 2",
        ),
        ("t", ("0", "5e10"), 3, "t is 50000000000: neither seconds, milliseconds"),
        ("t", ("1e300",), 2, "neither seconds, milliseconds"),
        ("t", ("20260101", "20260102"), None, "seconds, or a date? write dates like"),
        ("t", ("2026010112", "2026010113"), None, "seconds, or a date? write dates like"),
        ("t_s", ("1767268800000",), 2, "called t_s, but 1767268800000 is milliseconds since 1970"),
        (
            "time_ms",
            ("1767268800", "1767268815"),
            2,
            "called time_ms, but 1767268800 is seconds since 1970",
        ),
        (
            "t_ms",
            ("0", "1767268815000"),
            3,
            "milliseconds since 1970, but milliseconds from the file's beginning",
        ),
        ("t_ms", ("0", "1767268815"), 3, "called t_ms, but 1767268815 is seconds since 1970"),
        ("t", ("0", "15", "5e8"), 4, "t is 500000000, years away from the others"),
        ("t_ms", ("0", "15000", "5e10"), 4, "t_ms is 50000000000, years away from the others"),
        ("t_h", ("5e9",), 2, "in hours is before 2000 or after 2100"),
    ],
)
def test_what_cannot_be_told_is_refused(
    name: str, cells: tuple[str, ...], line: int | None, words: str
) -> None:
    with pytest.raises(TimesError) as caught:
        _read(name, *cells)
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("noon", "neither seconds nor an ISO 8601 date"),
        ("01/02/2026 10:00", "neither seconds nor an ISO 8601 date"),
        ("2026-01-01 10:00:00 CEST", "neither seconds nor an ISO 8601 date"),
        ("10:00:00", "neither seconds nor an ISO 8601 date"),
        ("", "neither seconds nor an ISO 8601 date"),
        ("nan", "neither seconds nor an ISO 8601 date"),
        ("1970-01-01T00:00:00Z", "before 2000 or after 2100"),
        ("0001-01-01T00:00:00+14:00", "before 2000 or after 2100"),
        ("9999-12-31T23:59:59-14:00", "before 2000 or after 2100"),
    ],
)
def test_a_cell_that_is_no_time_is_refused_at_once(cell: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TimeColumn("t").add(cell, 2)


@pytest.mark.parametrize("steps", [[1], [15], [60], [300.2, 300.1], [3600], [1, 500], [0.02, 15], []])
def test_steps_that_people_take_in_seconds_need_no_unit(steps: list[float]) -> None:
    TimeColumn("t").check_steps(steps)  # raises nothing


@pytest.mark.parametrize(
    "steps", [[100], [250], [1000], [1000, 2000], [15_000], [60_000], [0.0167], [1.7e-4]]
)
def test_steps_that_are_as_likely_in_another_unit_need_one(steps: list[float]) -> None:
    with pytest.raises(TimesError, match="call the column t_s if seconds are meant"):
        TimeColumn("t").check_steps(steps)
    TimeColumn("t_s").check_steps(steps)  # raises nothing
