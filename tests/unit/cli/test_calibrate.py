"""`pipeline calibrate`: what it shows, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from pipeline.runs.calibration import Key, Measured, Store

KEY = Key("preview", "sample", "lxc", "phased", 50, 120, 15)
NAME = "latency_p50"


def measured(effect: float) -> Measured:
    return Measured("2026-11-23T10:00:00+00:00", "a" * 40, {NAME: effect}, {NAME: "relative"}, {NAME: 0.01})


def test_show_prints_each_metric_with_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.base.places.ROOT", tmp_path)
    for effect in (0.01, -0.02):
        (tmp_path / ".pipeline").mkdir(exist_ok=True)
        Store(tmp_path / ".pipeline" / "calibration.json").add(KEY, measured(effect))
    assert run(["calibrate", "--show"]) == Exit.OK
    text = capsys.readouterr().out
    assert "sample, profile preview, lxc, phased, 50/s, 120 s after 15 s: 2 runs, the last 2026-11-23" in text
    assert [line.split() for line in text.splitlines() if line.startswith("latency_p50")] == [
        ["latency_p50", "-2", "%", "1", "%", "8.33", "%", "1", "%/min"]
    ]
    assert run(["calibrate", "--show", "--json"]) == Exit.OK
    (found,) = json.loads(capsys.readouterr().out)["calibrations"]
    assert found["bounds"]["latency_p50"] == pytest.approx(0.0833, rel=0.01)


def test_show_says_what_share_the_canary_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.base.places.ROOT", tmp_path)
    (tmp_path / ".pipeline").mkdir()
    key = replace(KEY, schedule="concurrent", share=0.1)
    Store(tmp_path / ".pipeline" / "calibration.json").add(key, measured(0.01))
    assert run(["calibrate", "--show"]) == Exit.OK
    assert "lxc, concurrent with 10 % to the canary, 50/s, 120 s after 15 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["calibrate"], ["calibrate", "master", "--show"], ["calibrate", "master", "--runs", "0"]]
)
def test_a_call_that_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    assert run(arguments) == Exit.USAGE
