"""Which tool wrote a file is told by its content; what cannot be read is one line with its place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import UsageError
from pipeline.loadtests.formats import FORMATS, read_load_test
from tests.support.load_tests import recorded, text_of

_TOOLS = {
    "k6-master.csv.gz": "k6",
    "k6-master.json.gz": "k6",
    "vegeta-master.json.gz": "vegeta",
    "vegeta-master.csv.gz": "vegeta",
    "locust-master.csv.gz": "locust",
    "locust-master_stats_history.csv.gz": "locust",
    "jmeter-csv-master.jtl.gz": "JMeter",
    "jmeter-xml-master.jtl.gz": "JMeter",
    "loadgen-master.csv.gz": "pipeline's loader",
    "loadgen-master.hlog.gz": "HdrHistogram",
}


@pytest.mark.parametrize(("name", "tool"), _TOOLS.items())
def test_each_tool_is_told_by_what_it_wrote(name: str, tool: str) -> None:
    assert read_load_test(recorded(name)).tool == tool


@pytest.mark.parametrize("name", _TOOLS)
def test_a_file_is_the_same_packed_or_not_with_a_mark_and_with_crlf(tmp_path: Path, name: str) -> None:
    packed, plain = read_load_test(recorded(name)), tmp_path / "plain"
    plain.write_bytes(
        b"\xef\xbb\xbf" + text_of(name).encode().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    )

    again = read_load_test(plain)

    assert (again.begin, again.end, again.tells) == (packed.begin, packed.end, packed.tells)
    assert again.requests.latency.tolist() == pytest.approx(packed.requests.latency.tolist(), nan_ok=True)


@pytest.mark.parametrize("name", [name for name in _TOOLS if "xml" not in name])
def test_a_file_that_was_cut_off_in_a_line_is_refused_with_that_line(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / "cut", text_of(name)
    path.write_text(text[: len(text) * 2 // 3].rstrip("\n"))

    with pytest.raises(UsageError, match=r"cut:\d+: the last line has no end: the file was cut off"):
        read_load_test(path)


def test_xml_that_was_cut_off_is_refused_with_its_line(tmp_path: Path) -> None:
    path, text = tmp_path / "cut.jtl", text_of("jmeter-xml-master.jtl.gz")
    path.write_text(text[: text.rindex("</testResults>")])

    with pytest.raises(UsageError, match=r"cut.jtl:\d+: not whole XML"):
        read_load_test(path)


def test_a_compressed_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(recorded("k6-master.csv.gz").read_bytes()[:-100])

    with pytest.raises(UsageError, match="the compressed file is cut off"):
        read_load_test(path)


@pytest.mark.parametrize("name", [name for name in _TOOLS if "xml" not in name])
def test_a_file_with_another_ones_lines_in_it_is_refused_with_the_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mixed"
    other = "vegeta-master.csv.gz" if "k6" in name else "k6-master.csv.gz"
    own = text_of(name).splitlines()
    path.write_text("\n".join([*own[:30], *text_of(other).splitlines()[:3], *own[30:], ""]))

    with pytest.raises(UsageError, match=r"mixed:(29|30|31|32|33): "):
        read_load_test(path)


def test_a_header_in_the_middle_of_two_files_put_together_is_refused(tmp_path: Path) -> None:
    path, one = tmp_path / "both.csv", text_of("locust-master.csv.gz")
    path.write_text(one + one)

    with pytest.raises(UsageError, match=rf"both.csv:{one.count(chr(10)) + 1}: .*not"):
        read_load_test(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("k6-summary-master.json", "k6's summary of a whole test"),
        ("vegeta-report-master.json", "vegeta's report"),
        ("locust-master_stats.csv", "locust's sums of a whole test"),
        ("locust-master_failures.csv", "locust's list of failures"),
        ("locust-master_exceptions.csv", "locust's list of exceptions"),
    ],
)
def test_a_summary_is_refused_with_what_to_give_instead(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"{words}: without the time of each request") as raised:
        read_load_test(recorded(name))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hello\n", ":1: of no load test that is known"),
        (b"Running 30s test @ http://127.0.0.1:80/\n  2 threads\n", "wrk's report"),
        (b"t,metric,value\n1,cpu,2\n", ":1: of no load test that is known"),
        (gzip.compress(b"hello\n", mtime=0), "of no load test that is known"),
    ],
)
def test_what_is_no_load_test_is_said_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=words) as raised:
        read_load_test(path)
    assert "\n" not in raised.value.message


def test_a_directory_and_a_file_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a directory"):
        read_load_test(tmp_path)
    with pytest.raises(UsageError, match="No such file"):
        read_load_test(tmp_path / "none")


@settings(max_examples=60)
@given(data=st.data(), form=st.sampled_from([None, *FORMATS]))
def test_no_spoilt_file_is_a_defect(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: str | None
) -> None:
    """A byte changed, a line lost or doubled: it is read, or refused in one line."""
    name = data.draw(st.sampled_from(sorted(_TOOLS)))
    lines = text_of(name)[:20_000].encode().split(b"\n")[:40]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["byte", "lose", "double", "cell"]))
        if kind == "byte":
            line = bytearray(lines[at] or b"x")
            line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
            lines[at] = bytes(line)
        elif kind == "lose":
            del lines[at]
            lines = lines or [b""]
        elif kind == "double":
            lines.insert(at, lines[at])
        else:
            cells = lines[at].split(b",")
            cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(
                st.sampled_from([b"", b"-1", b"nan", b"inf", b"1e400", b"9" * 30, b'"', b"{", b"\x00"])
            )
            lines[at] = b",".join(cells)
    path = tmp_path_factory.getbasetemp() / "spoilt"
    path.write_bytes(b"\n".join(lines) + b"\n")
    try:
        read_load_test(path, form)
    except UsageError as error:
        assert "\n" not in error.message  # noqa: PT017
