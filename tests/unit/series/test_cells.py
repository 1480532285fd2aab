"""What a cell holds: a number, nothing, or what is refused with the unit it names."""

from __future__ import annotations

import math

import pytest

from pipeline.series.cells import Decimals, number


@pytest.mark.parametrize(
    "text",
    ["", "NaN", "nan", "-nan", "N/A", "#N/A", "NA", "null", "NULL", "None", "nil", "undefined", "-", "\\N"],
)
def test_each_way_to_write_that_there_is_no_sample_is_known(text: str) -> None:
    assert math.isnan(number("cpu", text))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("120 ms", "ms"),
        ("120ms", "ms"),
        ("1.5\u00a0MiB", "MiB"),
        ("45%", "%"),
        ("1,5 s", "s"),
        ("12 req/s", "req/s"),
        ("-3 °C", "°C"),
        ("1.2K", "K"),
        ("5µs", "µs"),
        ("$3", "$"),
    ],
)
def test_a_unit_in_a_cell_is_refused_by_name(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match="export plain numbers, all of one unit") as caught:
        number("latency", text)
    assert str(caught.value).startswith(f"latency is {text!r}, with the unit {unit}:")


@pytest.mark.parametrize("text", ["1,234.5", "1,234", "1 234", "1'234", "1.234.567", "1\u202f234,5"])
def test_grouped_digits_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="leave out what groups its digits"):
        number("cpu", text)


@pytest.mark.parametrize(
    "text", ["high", "inf", "+Inf", "1e999", "1_0", "0x1F", "1e", "\u0661", "--5", "1;2"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|with the unit e"):
        number("cpu", text)


def test_a_comma_is_a_decimal_mark_where_it_does_not_separate_columns() -> None:
    decimals = Decimals(";")
    assert [decimals.point("cpu", text, 2) for text in ("1,5", "-,5e3", "7", "n/a")] == [
        "1.5",
        "-.5e3",
        "7",
        "n/a",
    ]
    assert Decimals(",").point("cpu", "1,5", 2) == "1,5"


def test_two_decimal_marks_in_one_file_are_refused() -> None:
    decimals = Decimals(";")
    decimals.point("cpu", "1,5", 2)
    with pytest.raises(ValueError, match=r"mem is '1\.5', but '1,5' stands in line 2"):
        decimals.point("mem", "1.5", 3)


@pytest.mark.parametrize("mark", [".", ","])
def test_a_file_of_nothing_but_thousands_or_three_decimals_is_refused(mark: str) -> None:
    decimals = Decimals("\t")
    for line, text in enumerate((f"1{mark}234", "999", f"12{mark}000"), 2):
        decimals.point("cpu", text, line)
    ((line, message),) = decimals.unsure()
    assert line == 2
    assert message.startswith(f"cpu is '1{mark}234': thousands or decimals?")
    decimals.point("mem", f"0{mark}125", 5)
    assert decimals.unsure() == []
