"""Series from CSV files: two layouts, and what is wrong with a file told with its line."""

from __future__ import annotations

import codecs
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.errors import ConfigError
from pipeline.series.csvfile import read_series_csv


def _file(directory: Path, text: str | bytes) -> Path:
    path = directory / "series.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "t,cpu,errors\n0,1.5,2\n1,,3e0\n",
        "t,metric,value\n0,cpu,1.5\n0,errors,2\n1,cpu,NaN\n1,errors,3\n",
        "Time;CPU;errors\n0;1,5;2\n1;;3\n".replace("CPU", "cpu"),
        'sep=;\r\n"Time";"cpu";"errors"\r\n1767268800000;1.5;2\r\n1767268815000;undefined;3\r\n;;\r\n',
        "Series;Time;Value\ncpu;2026-01-01T12:00:00Z;1,5\ncpu;2026-01-01T12:00:15Z;N/A\n"
        "errors;2026-01-01T12:00:00Z;2\nerrors;2026-01-01T12:00:15Z;3\n",
        "TIMESTAMP\tcpu\terrors\r0\t1.5\t2\r1\t-\t3\r",
        "Time,Metric,Value\n0,cpu,1.5\n0,errors,2\n1,cpu,NULL\n1,errors,3\n",
        '\ufefftimestamp, cpu ,errors\r\n2026-01-01T00:00:00Z,1.5,2\r\n\r\n2026-01-01T00:00:01Z,null,"3"',
    ],
)
def test_wide_and_long_files_give_the_same_series(tmp_path: Path, text: str) -> None:
    series = read_series_csv(_file(tmp_path, text))
    assert list(series) == ["cpu", "errors"]
    assert series["errors"].tolist() == [2, 3]
    assert series["cpu"][0] == 1.5
    assert math.isnan(series["cpu"][1])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("cpu,errors\n1,2\n", 1, "the first column is the time"),
        ("t|cpu\n", 1, "the first column is the time"),
        ("0,1\n1,2\n", 1, "no header: the first line names the columns"),
        ("cpu,time\n1,2\n", 1, "the first column is the time"),
        ("time,cpu\n0,1,5\n", 2, "3 columns, the header has 2; are these decimal commas?"),
        ("t;cpu;mem\n0;1,5;2\n1;2;1.5\n", 3, "mem is '1.5', but '1,5' stands in line 2"),
        ("t;cpu\n0;1.234\n1;999\n", 2, "cpu is '1.234': thousands or decimals?"),
        ("t,cpu\n0,120 ms\n", 2, "cpu is '120 ms', with the unit ms"),
        ("metric,time,value\ncpu,0,45%\n", 2, "cpu is '45%', with the unit %"),
        ("t,cpu\n1767268800,1\n1767268815000,1\n", 3, "t is milliseconds since 1970, but seconds"),
        ("t,metric,value\n1767268800,a,1\n1767268815000,b,1\n", 3, "t is milliseconds since 1970, but"),
        ("t,cpu\n0,1\n1000,1\n2000,1\n", 1, "t goes on by 1000: seconds, or milliseconds (t_ms)?"),
        ("sep=;\nt;cpu\n0;1\n1;x\n", 4, "cpu is 'x', not a number"),
        ("t,cpu\n,1\n", 2, "t is '', neither seconds"),
        (codecs.BOM_UTF16_LE + "t,cpu\n0,1\n".encode("utf-16-le"), 1, "is UTF-16: save it as UTF-8"),
        ("t\n1\n", 1, "no column beside the time"),
        ("t,cpu,cpu\n", 1, "the column 'cpu' is there twice"),
        ("t,cpu,\n", 1, "a column has no name"),
        ("t,cpu\n0,1\n1,high\n", 3, "cpu is 'high', not a number"),
        ("t,cpu\n0,inf\n", 2, "cpu is 'inf', not a number"),
        ("t,cpu\n0,1e999\n", 2, "cpu is '1e999', not a number"),
        ("t,cpu\n0,1_0\n", 2, "cpu is '1_0', not a number"),
        ("t,cpu\nnoon,1\n", 2, "t is 'noon', neither seconds"),
        ("t,cpu\n0,1,2\n", 2, "3 columns, the header has 2"),
        ("t,metric,value\n0,,2\n", 2, "the metric has no name"),
        ('t,cpu\n0,"1\n', 2, "not CSV"),
        (b"t,cpu\n0,\xff\n", 2, "not a text file in UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, words: str
) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_series_csv(path)
    assert caught.value.problems[0].startswith(f"{path}:{line}: {words}")


def test_of_many_problems_ten_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_series_csv(_file(tmp_path, "t,cpu\n" + "0,x\n" * 1000))
    assert len(caught.value.problems) == 10


def test_a_file_that_is_not_there_is_a_problem_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 problem"):
        read_series_csv(tmp_path / "none.csv")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.text(alphabet='t,metricvalue0129.-+eENan"\n\r; \x00').map(str.encode)))
def test_garbage_is_read_or_refused_with_a_line_and_never_raises_anything_else(
    tmp_path: Path, raw: bytes
) -> None:
    path = _file(tmp_path, raw)
    problems: tuple[str, ...] = ()
    values: list[float] = []
    try:
        values = [value for series in read_series_csv(path).values() for value in series]
    except ConfigError as error:
        problems = error.problems
    assert all(problem.startswith(f"{path}:") for problem in problems)
    assert not any(math.isinf(value) for value in values)
