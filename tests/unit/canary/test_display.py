"""What a second of load looks like where there is no terminal."""

from __future__ import annotations

import pytest

from pipeline.base.console import Progress
from pipeline.canary.display import LoadDisplay, Second
from pipeline.runs.phases import Phase

EVENT = {"completed": 50, "p50_ms": 6.04, "p99_ms": None}
HEALTH = {"baseline": {"host_cpu": 0.254, "host_memory": 123e6}, "canary": {}}


def second(at: float, so_far: str = "", kind: str = "measure") -> Second:
    return Second([Phase("baseline", kind, 0, 60)], at, 150, EVENT, 2, HEALTH, so_far)


def shown(*seconds: Second) -> None:
    display = LoadDisplay(Progress())
    with display.shown():
        for each in seconds:
            display.second(each)


def test_a_second_is_told_with_its_requests_and_both_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    shown(second(20))
    assert capsys.readouterr().err.partition("s  ")[2] == (
        "load on baseline (blue), 40 s left, 130 s in all: 50/s, 2 failed, p50 6.0 ms, p99 -; "
        "blue CPU 0.25 memory 123 MB, green CPU - memory - MB\n"
    )


def test_what_took_longer_than_the_loader_waits_is_told_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    event = {**EVENT, "beyond": 30, "timeout_s": 5.0}
    shown(Second([Phase("baseline", "measure", 0, 60)], 20, 150, event, 2, HEALTH))
    assert "p50 6.0 ms, p99 > 5 s; " in capsys.readouterr().err


def test_what_the_judge_says_so_far_ends_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown(second(20, "shown worse: Failed requests"))
    assert capsys.readouterr().err.endswith("; so far: shown worse: Failed requests\n")


def test_there_is_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    shown(*(second(at, kind="warmup") for at in range(1, 36)))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("(blue), ")[2].partition(" s left")[0] for line in lines] == ["50", "40", "30"]
    assert all("warm-up of baseline" in line for line in lines)


def test_load_on_both_at_once_is_told_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    event = {**EVENT, "served_by": {"blue": 26, "green": 24}, "good_by": {"blue": 26, "green": 22}}
    shown(Second([Phase(arm, "measure", 0, 60) for arm in ("baseline", "canary")], 20, 60, event, 2, HEALTH))
    assert (
        "load on both at once, 40 s left: 50/s, 2 failed (blue 0 of 26, green 2 of 24), p50 6.0 ms"
        in capsys.readouterr().err
    )
