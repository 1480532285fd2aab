"""The loader's command line: usage errors, files that survive an interrupt, and what the files hold."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from loadgen.arguments import with_query
from loadgen.cli import INTERRUPTED, INVALID, OK, OUTPUT, USAGE, main
from loadgen.record import Recorder
from loadgen.result import COLUMNS, Answer, Result
from tests.support.loadgen_server import serving

pytestmark = pytest.mark.usefixtures("engine")

URL = "http://127.0.0.1:9/"  # nothing listens there


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def intervals(path: Path) -> list[Any]:
    reader = HistogramLogReader(str(path), HdrHistogram(1, 3_600_000_000, 3))
    try:
        return list(iter(reader.get_next_interval_histogram, None))
    finally:
        reader.close()


def command(
    path: str, *options: str, after_second: signal.Signals | None = None
) -> tuple[int, list[dict[str, Any]], str]:
    """Run `python -m loadgen` as a child against the test server: exit code, events, stderr.

    Unless `options` say otherwise, the loader may be late: other tests use the processors, too.
    """

    async def go(after_second: signal.Signals | None) -> tuple[int, list[dict[str, Any]], str]:
        async with serving() as server:
            child = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "loadgen",
                    server.url + path,
                    "--events",
                    "--max-lateness=5s",
                    *options,
                ),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert child.stdout is not None
            assert child.stderr is not None
            events = []
            async for line in child.stdout:
                events.append(json.loads(line))
                if after_second is not None and events[-1]["event"] == "second":
                    child.send_signal(after_second)
                    after_second = None
            errors = (await child.stderr.read()).decode()
            return await child.wait(), events, errors

    return asyncio.run(go(after_second))


def test_the_csv_and_the_histogram_log_hold_every_response(tmp_path: Path) -> None:
    out, log = tmp_path / "requests.csv", tmp_path / "latency.hlog"
    code, events, errors = command(
        "/ok", "--duration=1.2s", f"--requests-out={out}", f"--hist-out={log}", "--expect-body-regex=hello"
    )

    assert (code, errors) == (OK, "")
    kept, summary = rows(out), events[-1]["summary"]
    assert tuple(kept[0]) == COLUMNS
    assert len(kept) == summary["completed"] == 60
    assert sorted(float(row["t"]) for row in kept) == pytest.approx([i / 50 for i in range(60)])
    assert {(row["status"], row["error"], row["bytes"], row["body_ok"]) for row in kept} == {
        ("200", "", "20", "1")
    }
    assert all(int(row["latency_us"]) >= int(row["lateness_us"]) >= 0 for row in kept)
    assert all(re.fullmatch("[0-9a-f]{8}", row["body_crc"]) for row in kept)
    by_tag = {"blue": 0, "green": 0}
    for interval in intervals(log):
        by_tag[interval.get_tag()] += interval.get_total_count()
    assert by_tag == summary["served_by"] == {"blue": 30, "green": 30}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_measured(number: signal.Signals, tmp_path: Path) -> None:
    out, log = tmp_path / "requests.csv", tmp_path / "latency.hlog"
    code, events, errors = command(
        "/ok", "--duration=1h", f"--requests-out={out}", f"--hist-out={log}", after_second=number
    )

    assert (code, errors) == (INTERRUPTED, "")
    summary = events[-1]["summary"]
    assert summary["interrupted"] is True
    assert len(rows(out)) == summary["completed"] == sum(i.get_total_count() for i in intervals(log))
    assert summary["scheduled"] == summary["completed"] + summary["errors"] + summary["abandoned"]


def test_a_kill_keeps_all_but_the_last_second(tmp_path: Path) -> None:
    out, log = tmp_path / "requests.csv", tmp_path / "latency.hlog"
    code, events, _ = command(
        "/ok", "--duration=1h", f"--requests-out={out}", f"--hist-out={log}", after_second=signal.SIGKILL
    )

    assert code == -signal.SIGKILL
    told = next(event["completed"] for event in events if event["event"] == "second")
    assert len(rows(out)) >= told > 0
    assert sum(interval.get_total_count() for interval in intervals(log)) >= told


def test_a_loader_whose_reader_is_gone_stops() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "loadgen", URL, "--events", "--duration=1h"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        errors = child.stderr.read()

    assert (child.returncode, errors) == (OUTPUT, "loadgen: cannot write the results: Broken pipe\n")


def test_an_interrupt_does_not_wait_for_a_server_that_hangs() -> None:
    code, events, _ = command("/hang", "--timeout=1h", "--connections=5", after_second=signal.SIGINT)

    summary = events[-1]["summary"]
    assert code == INTERRUPTED
    assert summary["abandoned"] == summary["scheduled"] > summary["sent"] == 5
    assert (summary["completed"], summary["errors"]) == (0, 0)


def test_the_summary_is_written_whatever_the_terminal_can_show_and_says_what_was_beyond_the_timeout() -> None:
    async def go(path: str, limit: str) -> tuple[int, str, str]:
        async with serving() as server:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "loadgen", server.url + path, "--duration=200ms", limit),
                *("--max-lateness=5s", "--served-by-header=X-Name"),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONIOENCODING": "ascii"},
            )  # fmt: skip
            out, err = await child.communicate()
            return await child.wait(), out.decode("ascii"), err.decode()

    code, out, err = asyncio.run(go("/named", "--timeout=30s"))
    assert (code, err) == (OK, "")
    assert "served by     bl?: 10" in out
    code, out, err = asyncio.run(go("/hang", "--timeout=500ms"))
    assert (code, err) == (OK, "")
    assert (
        "latency       p50 > 0.5 s  p90 > 0.5 s  p95 > 0.5 s  p99 > 0.5 s  p99.9 > 0.5 s  max > 0.5 s" in out
    )
    assert "no whole header within 0.5 s" in out


def test_a_run_whose_loader_was_late_exits_with_its_own_code() -> None:
    code, events, _ = command("/ok", "--duration=200ms", "--max-lateness=0.0001ms")

    assert code == INVALID
    assert events[-1]["summary"]["valid"] is False


def test_results_that_cannot_be_written_are_one_line_and_their_own_code() -> None:
    code, _, errors = command("/ok", "--duration=1h", "--requests-out=/dev/full")

    assert code == OUTPUT
    assert errors == "loadgen: cannot write /dev/full: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument 'URL'"),
        (["ftp://h/"], "'ftp://h/' is not an http"),
        (["http://"], "is not an http"),
        (["http://h:99999/"], "is not an http"),
        (["http://me:s3cret@h/"], "an address is no place for a password"),
        (["http://h/\u00fc"], "write them percent-encoded"),
        ([URL, "--rate", "-5"], "'-5' is not a rate"),
        ([URL, "--rate", "nan"], "'nan' is not a rate"),
        ([URL, "--duration", "0s"], "'0s' is not a duration"),
        ([URL, "--duration", "5 parsecs"], "is not a duration"),
        ([URL, "--header", "no colon"], "a header is written 'Name: value'"),
        ([URL, "--header", "X: a\r\nY: b"], "the value of X holds a control character"),
        ([URL, "--header", "Content-Length: 3"], "Content-Length follows from the body"),
        ([URL, "--method", "GE T"], "'GE T' is not a method"),
        ([URL, "--body-file", "/nowhere/body"], "/nowhere/body: No such file or directory"),
        ([URL, "--requests-out", "/nowhere/out.csv"], "/nowhere/out.csv: No such file or directory"),
        ([URL, "--expect-body-regex", "("], "'(' is not a regular expression"),
        ([URL, "--start-at", "1000"], "the time is past"),
        ([URL, "--start-at", "nan"], "the time is past"),
        ([URL, "--max-body", "2TB"], "'2TB' is not a size"),
        ([URL, "--max-body", "0"], "'0' is not a size"),
        ([URL, "--frob"], "No such option"),
    ],
)
def test_a_bad_argument_is_one_line_and_exit_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("loadgen: ")
    assert says in err
    assert err.count("\n") == 1


def test_a_bad_header_is_refused_without_repeating_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([URL, "--header", "Authorization: s3cret\x07"]) == USAGE
    assert main(["http://me:s3cret@h/"]) == USAGE
    assert "s3cret" not in capsys.readouterr().err


def test_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == OK
    text = capsys.readouterr().out
    assert all(
        re.search(rf"^ *{code} ", text, re.MULTILINE) for code in (OK, USAGE, OUTPUT, INVALID, INTERRUPTED)
    )


def test_a_server_cannot_break_the_files_with_its_header(tmp_path: Path) -> None:
    out, log = tmp_path / "requests.csv", tmp_path / "latency.hlog"
    recorder = Recorder(out, log)
    recorder.start(1_700_000_000.0)
    names = ['a,b "c" d', *(f"name{i}" for i in range(100))]
    for name in names:
        recorder.add(Result(0.0, 0, 1000, Answer(0.0, status=200, served_by=name)))
    recorder.flush(1.0)
    recorder.close()

    assert [row["served_by"] for row in rows(out)] == names
    kept = intervals(log)
    assert sum(interval.get_total_count() for interval in kept) == len(names)
    assert len(kept) <= 33, "a new name in each response must not cost a histogram each"


def test_a_query_comes_from_a_file_and_is_not_repeated_when_it_cannot_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "query"
    file.write_text("api_key=s%20x&page=2\n")
    assert with_query("http://h/x", file) == "http://h/x?api_key=s%20x&page=2"
    assert with_query("http://h/x", None) == "http://h/x"
    file.write_text("")
    assert with_query("http://h/x", file) == "http://h/x"
    for url, text in ((URL, "a s3cret"), (URL + "?a=b", "s3cret"), (URL, "#s3cret")):
        file.write_text(text)
        assert main([url, "--query-file", str(file)]) == USAGE
        said = capsys.readouterr().err
        assert "--query-file" in said
        assert "s3cret" not in said
