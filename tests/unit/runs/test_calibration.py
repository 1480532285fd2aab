"""What the same code measured twice differs by: stored per kind of run, and demanded of later fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tests.support.report_samples as samples
from pipeline.base.errors import EnvironmentError_, RunDirectoryError
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.runs.calibration import (
    Calibration,
    Key,
    Measured,
    Store,
    drift_bound,
    measured_of,
    note,
    trends_of,
)
from pipeline.runs.directory import load, write_record
from pipeline.runs.record import Record

KEY = Key("preview", "sample", "lxc", "phased", 50, 120, 15)


def measured(effect: float, kind: str = "relative", name: str = "latency_p50") -> Measured:
    return Measured("2026-11-23T10:00:00+00:00", "a" * 40, {name: effect}, {name: kind}, {name: 0.01})


def verdict(outcome: Outcome, effect: float | None, decision: Decision) -> Verdict:
    metric = samples.metric("latency_p50", effect=effect, decision=decision)
    return samples.verdict(outcome=outcome, metrics=(metric,))


@pytest.mark.parametrize("m", [2, 5, 20])
def test_the_next_difference_of_the_same_code_is_within_the_bound_nearly_always(m: int) -> None:
    draws = np.random.default_rng(m).normal(0, 0.02, (4000, m + 1))
    inside = [drift_bound(row[:-1].tolist()) >= row[-1] for row in draws]
    assert np.mean(inside) >= 0.975


def test_one_run_alone_bounds_next_to_nothing() -> None:
    assert drift_bound([0.01]) == pytest.approx(0.18, rel=0.01)


def test_a_version_that_never_differed_from_itself_has_no_drift() -> None:
    assert drift_bound([0.0, 0.0, 0.0]) == 0


def test_runs_of_one_key_add_up_and_other_keys_know_nothing_of_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "calibration.json")
    store.add(KEY, measured(0.01))
    store.add(replace(KEY, schedule="interleaved"), measured(0.5))
    stored = store.add(KEY, measured(-0.03))
    assert stored == store.find(KEY)
    assert stored.effects("latency_p50") == ("relative", [0.01, -0.03])
    assert store.find(replace(KEY, rate=51)) is None


def test_another_share_is_another_key_and_what_was_stored_before_there_were_shares_is_found(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calibration.json"
    store, at_once = Store(path), replace(KEY, schedule="concurrent", share=0.5)
    store.add(at_once, measured(0.01))
    assert store.find(at_once) is not None
    assert store.find(replace(at_once, share=0.1)) is None
    store.add(KEY, measured(0.02))
    path.write_text(path.read_text().replace('"warmup": 15,\n    "share": null', '"warmup": 15'))
    assert '"share": null' not in path.read_text()
    assert store.find(KEY) is not None


def test_the_newest_twenty_runs_stay_and_a_fresh_start_leaves_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "calibration.json")
    for number in range(22):
        store.add(KEY, measured(number / 100))
    known = store.find(KEY)
    assert known is not None
    assert [run.effects["latency_p50"] for run in known.runs] == [number / 100 for number in range(2, 22)]
    assert len(store.add(KEY, measured(0.0), fresh=True).runs) == 1


def test_differences_in_other_terms_are_not_mixed() -> None:
    """Where the floor was the margin the effect is an amount: 0.002 s is not 0.2 %."""
    calibration = Calibration(KEY, (measured(0.002, "absolute"), measured(0.01), measured(0.03)))
    assert calibration.effects("latency_p50") == ("relative", [0.01, 0.03])


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9}', '{"format": 1, "calibrations": [{}]}', "\0"])
def test_a_file_that_cannot_be_used_is_one_line_and_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(EnvironmentError_) as caught:
        Store(tmp_path / "calibration.json").find(KEY)
    assert "\n" not in caught.value.message
    assert caught.value.hint == f"rm {tmp_path / 'calibration.json'}"


def test_an_invalid_run_says_nothing_about_the_machine() -> None:
    record = Record.from_dict({"created": "2026-11-23T10:00:00+00:00", "canary": {"sha": "a" * 40}})
    assert measured_of(record, verdict(Outcome.INVALID, 0.5, Decision.FAIL), {}) is None
    found = measured_of(record, verdict(Outcome.FAILED, 0.06, Decision.FAIL), {"latency_p50": 0.1})
    assert found is not None
    assert (found.effects, found.trends) == ({"latency_p50": 0.06}, {"latency_p50": 0.1})


def test_what_was_not_compared_has_no_difference() -> None:
    record = Record.from_dict({"created": "2026-11-23T10:00:00+00:00", "canary": {"sha": "a" * 40}})
    found = measured_of(record, verdict(Outcome.PASSED, None, Decision.NODATA), {})
    assert found is not None
    assert found.effects == {}


def run_json(calibration: object) -> dict[str, Any]:
    settings = {"schedule": "interleaved", "duration": 120.0}
    profile = {"metrics": [{"name": "latency_p50", "threshold": "5%"}]}
    return {"format": 1, "profile": profile, "settings": settings, "phases": [], "calibration": calibration}


def test_a_calibration_in_run_json_reaches_the_judge_and_the_report(tmp_path: Path) -> None:
    calibration = Calibration(KEY, (measured(0.03), measured(-0.02))).to_run()
    write_record(tmp_path, Record.from_dict(run_json(calibration)))
    evidence = load(tmp_path).evidence
    assert evidence.drift == {"latency_p50": pytest.approx(calibration["drift"]["latency_p50"])}
    assert (evidence.pairing, evidence.planned) == ("time", 120)
    (said,) = evidence.problems
    assert said.effect == "note"
    assert said.message == (
        "Calibrated with 2 runs of the same code, the last 2026-11-23: to fail, these must be worse by more: "
        "Latency, median 13.4 % instead of 5 %"
    )


def test_a_drift_within_the_margin_changes_nothing_and_says_so() -> None:
    rule = MetricRule.model_validate({"name": "latency_p50", "threshold": "5%"})
    said = note(Calibration(KEY, (measured(0.001),) * 5).to_run(), [rule])
    assert said.endswith("no margin is widened")


@pytest.mark.parametrize(
    "calibration",
    [[], {}, {"drift": {"latency_p50": -1}}, {"drift": {"latency_p50": "x"}}, {"drift": {}, "kinds": 3}],
)
def test_a_broken_calibration_in_run_json_is_one_line(tmp_path: Path, calibration: object) -> None:
    write_record(tmp_path, Record.from_dict(run_json(calibration)))
    with pytest.raises(RunDirectoryError, match="calibration: "):
        _ = load(tmp_path).evidence


def test_the_trend_within_a_phase_is_a_fraction_a_minute() -> None:
    t = np.arange(0, 60, 0.1)
    whole = np.zeros(len(t), dtype=np.int64)
    requests = Requests(t, 0.006 * np.exp(0.02 * t / 60), whole + 200, whole + 1, whole)
    seconds = np.arange(0, 60, 1.0)
    arm = Arm(requests, {"service_cpu": Series(seconds, np.full(60, 0.3))}, 60, (0.0,))
    trends = trends_of(Evidence(arm, arm))
    assert trends["latency_p50"] == pytest.approx(0.02, rel=0.01)
    assert trends["service_cpu"] == pytest.approx(0, abs=1e-9)
