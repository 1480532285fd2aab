"""run.json, typed: what was written comes back as it was, and what cannot be used is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tests.support.report_samples as samples
from pipeline.base.errors import RunDirectoryError
from pipeline.judge.evidence import Problem
from pipeline.runs.entries import Entries
from pipeline.runs.phases import Phase
from pipeline.runs.record import Record, Terms, Version

SETTINGS = {"schedule": "interleaved", "rate": 25.0, "duration": 24.0, "provider": None}
BEGUN: dict[str, Any] = {
    "format": 1,
    "tool": "0.1.0",
    "created": "2026-11-29T22:48:14+00:00",
    "repo": "bundled sample (services/preview)",
    "sample": True,
    "sample_why": "it was asked for",
    "baseline": {
        "ref": "master",
        "sha": "c2200fe" + "0" * 33,
        "subject": "The service",
        "date": "2024-01-01",
    },
    "canary": {"ref": "broken", "sha": "a7474e4" + "0" * 33, "subject": "A fault", "date": "2024-01-01"},
    "settings": SETTINGS,
    "profile": {"name": "preview", "expect": {"status": 200, "body_regex": None}},
    "problems": [],
    "phases": [],
    "t0_unix": 0.0,
    "promoted": None,
}
PHASES = [
    {"arm": "baseline", "kind": "warmup", "start": 0.0, "end": 3.0},
    {"arm": "baseline", "kind": "measure", "start": 3.0, "end": 15.0},
    {"arm": "canary", "kind": "measure", "start": 15.0, "end": 21.0},
]
STOPPED = {"at": 21.0, "outcome": "failed", "decided_after": 4.0}
INVALID = {"effect": "invalid", "message": "the baseline did not come up"}
RUNS: dict[str, dict[str, Any]] = {
    "failed": {
        **BEGUN,
        **{"phases": PHASES, "t0_unix": 1795992569.50271, "promoted": False, "provider": "lxc"},
        **{"hosts": {"blue": {"cpus": 1}}, "routes": {"baseline": "/preview"}, "stopped_early": STOPPED},
        **{"load": {"sent": 600}, "reconciliation": {"mismatches": []}},
    },
    "passed": {**BEGUN, "phases": PHASES, "promoted": True, "provider": "lxc", "calibration": {"drift": {}}},
    "invalid": {**BEGUN, "problems": [INVALID], "promoted": False, "provider": "inventory", "load": {}},
    "interrupted": BEGUN,
    "of a later version": {"new": [1, {"a": None}], **BEGUN, "newer": "x"},
    "of an earlier version": {"format": 1, "phases": PHASES},
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_what_is_read_is_written_again_with_the_same_keys_in_the_same_order(run: dict[str, Any]) -> None:
    text = json.dumps(run)
    assert json.dumps(Record.from_dict(json.loads(text)).to_dict()) == text


def test_a_run_writes_its_keys_in_the_order_of_the_format() -> None:
    keys = list(Entries.__annotations__)
    for run in RUNS.values():
        known = [key for key in run if key in keys]
        assert known == sorted(known, key=keys.index)


def test_a_record_grows_into_another_one() -> None:
    before = Record.from_dict(BEGUN)
    after = before.grown(provider="lxc", promoted=True)
    assert (before.provider, before.promoted) == ("", None)
    assert (after.provider, after.promoted) == ("lxc", True)
    assert list(after.to_dict()) == [*BEGUN, "provider"]


def test_a_record_is_typed() -> None:
    record = Record.from_dict(RUNS["failed"])
    assert record.baseline == Version("master", "c2200fe" + "0" * 33, "The service", "2024-01-01")
    assert (record.profile_name, record.expected_status, record.rate) == ("preview", (200,), 25.0)
    assert (record.sample, record.promoted, record.stopped_early["outcome"]) == (True, False, "failed")
    assert record.phases == (
        Phase("baseline", "warmup", 0, 3),
        Phase("baseline", "measure", 3, 15),
        Phase("canary", "measure", 15, 21),
    )
    assert record.measured == record.phases[1:]
    assert record.terms == Terms("time", 24.0, {})
    assert Record.from_dict(RUNS["invalid"]).problems == (Problem("invalid", "the baseline did not come up"),)


@pytest.mark.parametrize("run", [{}, dict.fromkeys(Entries.__annotations__), dict.fromkeys(BEGUN, "odd")])
def test_what_only_describes_a_run_is_empty_where_it_is_absent_or_odd(run: dict[str, Any]) -> None:
    record = Record.from_dict(run)
    assert (record.baseline, record.profile, record.profile_name) == (Version(), None, "")
    assert (record.expected_status, record.schedule, record.rate, record.promoted) == ((), "", None, None)
    assert (record.sample, dict(record.stopped_early)) == (False, {})


def test_a_phase_that_never_came_beyond_its_start_is_left_out() -> None:
    phases = [*PHASES, {"arm": "canary", "kind": "measure", "start": 21.0, "end": None}]
    phases.append({"arm": "canary", "kind": "measure", "start": 30.0, "end": 30.0})
    phases.append({"arm": "canary", "kind": "warmup", "start": "odd"})
    assert len(Record.from_dict({"phases": phases}).phases) == len(PHASES)


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ("x", "phases must be a list of objects"),
        ([{"arm": "red", "kind": "measure"}], "phases: unknown arm or kind: 'red', 'measure'"),
        ([{**PHASES[1], "end": "x"}], "phases: start and end must be seconds, not 3.0 and 'x'"),
        ([PHASES[1], {**PHASES[2], "start": 14.0}], "phases overlap at 14 s"),
    ],
)
def test_phases_that_cannot_be_used_are_one_line_that_names_the_file(phases: object, words: str) -> None:
    with pytest.raises(RunDirectoryError) as caught:
        _ = Record.from_dict({"phases": phases}, Path("runs/x/run.json")).measured
    assert caught.value.message == f"runs/x/run.json: {words}"


BOTH = [{**PHASES[1], "arm": arm} for arm in ("baseline", "canary")]
AT_ONCE = {"schedule": "concurrent", "share": 0.1, "duration": 12.0}


def test_a_concurrent_run_measures_both_versions_in_the_same_seconds() -> None:
    record = Record.from_dict({"phases": BOTH, "settings": AT_ONCE})
    assert [(phase.arm, phase.start, phase.end) for phase in record.measured] == [
        ("baseline", 3.0, 15.0),
        ("canary", 3.0, 15.0),
    ]
    assert record.terms == Terms("time", 12.0, {}, 0.1)
    assert Record.from_dict({"settings": {**AT_ONCE, "schedule": "phased"}}).terms.share is None


@pytest.mark.parametrize(
    ("phases", "settings", "words"),
    [
        (BOTH, {**AT_ONCE, "schedule": "phased"}, "phases overlap at 3 s"),
        ([BOTH[0], {**BOTH[0], "start": 14.0, "end": 20.0}], AT_ONCE, "phases overlap at 14 s"),
        (BOTH, {"schedule": "concurrent"}, "settings: the share of a concurrent run is a fraction, not None"),
        (BOTH, {**AT_ONCE, "share": 1}, "settings: the share of a concurrent run is a fraction, not 1"),
    ],
)
def test_what_a_concurrent_run_may_not_be_is_one_line(
    phases: object, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(RunDirectoryError, match=words):
        _ = Record.from_dict({"phases": phases, "settings": settings}).measured


def test_the_samples_of_the_reports_are_a_record_too() -> None:
    assert Record.from_dict(samples.run()).to_dict() == samples.run()


def test_an_older_run_s_secrets_are_masked_when_it_is_read() -> None:
    profile = {
        "name": "x",
        "environment": {"DATABASE_URL": "postgres://app:pw@db"},
        "request": {"query": "token=s"},
    }
    kept = Record.from_dict({"profile": profile}).to_dict()["profile"]
    assert kept == {"name": "x", "environment": {"DATABASE_URL": "***"}, "request": {"query": "token=***"}}
    assert Record.from_dict({}).grown(profile=profile).to_dict()["profile"] == kept
