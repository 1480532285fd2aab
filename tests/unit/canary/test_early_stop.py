"""A run judged while it is under way: what ends it, what is thrown away, and what is said of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import tests.support.report_samples as samples
from pipeline.canary.early_stop import EarlyEnd, EarlyStop, in_short
from pipeline.judge import judge
from pipeline.judge.evidence import Evidence
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.runs.directory import Run, load, write_record
from pipeline.runs.record import Record
from tests.support.canary_stage import AT_ONCE, AT_ONCE_RUN, PHASES, RATE, RUN, Stage


class Watched(Stage):
    """The stage with a look at it."""

    def __init__(self, path: Path, early_stop: str = "fail") -> None:
        super().__init__(path)
        write_record(path, Record.from_dict({**RUN, "phases": []}))
        self.early_stop = EarlyStop(Run(path, Record.from_dict(RUN)), PHASES, RATE, early_stop)

    def until(self, begin: int, end: int, status: int) -> None:
        """Grows second by second, looked at after each, until it is decided."""
        for second in range(begin, end):
            self.requests(second, second + 1, status=status)
            self.samples(second + 1, second + 2)
            self.early_stop.look()
            if self.early_stop.end is not None:
                return


def verdict(outcome: Outcome, decisions: list[Decision]) -> Verdict:
    metrics = [samples.metric(title=f"Metric {i}", decision=each) for i, each in enumerate(decisions)]
    return samples.verdict(outcome=outcome, metrics=tuple(metrics))


def test_a_canary_of_errors_is_decided_within_seconds_and_the_files_say_the_same(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.samples(0, 1)
    watched.until(0, 12, 200)
    watched.until(12, 24, 500)
    decided = watched.early_stop.end
    assert decided is not None
    assert (decided.outcome, decided.at) == (Outcome.FAILED, 14 + decided.after)
    assert decided.after <= 6  # a baseline of ten seconds leaves much open
    assert "shown worse: " in watched.early_stop.so_far
    phases = [phase.to_dict() for phase in PHASES]
    phases[-1]["end"] = decided.at
    stopped = {**RUN, "phases": phases, "stopped_early": decided.to_dict()}
    write_record(tmp_path, Record.from_dict(stopped))
    run = load(tmp_path)
    again = judge(run.evidence, run.rules, run.policy)
    assert again.outcome is Outcome.FAILED


def test_both_at_once_are_judged_from_the_first_block_on_and_a_canary_of_errors_is_decided(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, AT_ONCE, AT_ONCE_RUN)
    early_stop = EarlyStop(Run(tmp_path, Record.from_dict(AT_ONCE_RUN)), AT_ONCE, RATE, "fail")
    stage.samples(0, 1)
    for second in range(22):
        stage.requests(second, second + 1, green=500)
        stage.samples(second + 1, second + 2)
        early_stop.look()
        if early_stop.end is not None:
            break
    assert early_stop.end is not None
    assert (early_stop.end.outcome, early_stop.end.at) == (Outcome.FAILED, 2 + early_stop.end.after)
    assert "shown worse: Errors" in early_stop.so_far


def test_once_the_baseline_is_measured_it_is_said_what_the_run_can_show(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.samples(0, 1)
    watched.until(0, 12, 200)
    assert "Errors to be within 0.3 points (100 s can)" in watched.early_stop.forecast


def test_looks_at_the_baseline_are_thrown_away_whatever_they_see(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "both")
    watched.samples(0, 1)
    watched.until(0, 12, 500)
    assert (watched.early_stop.end, watched.early_stop.so_far) == (None, "")


@pytest.mark.parametrize(
    ("early_stop", "outcome", "stops"),
    [
        ("fail", Outcome.FAILED, True),
        ("fail", Outcome.PASSED, False),
        ("both", Outcome.FAILED, True),
        ("both", Outcome.PASSED, True),
        ("both", Outcome.INCONCLUSIVE, False),
        ("both", Outcome.INVALID, False),
    ],
)
def test_what_ends_a_run_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early_stop: str, outcome: Outcome, stops: bool
) -> None:
    def decided(_evidence: Evidence, _rules: tuple[MetricRule, ...], _policy: Policy) -> Verdict:
        return verdict(outcome, [])

    watched = Watched(tmp_path, early_stop)
    monkeypatch.setattr(watched.early_stop, "_judge", decided)
    watched.requests(0, 16)
    watched.samples(0, 17)
    watched.early_stop.look()
    assert watched.early_stop.end == (EarlyEnd(16, outcome, 2) if stops else None)


def test_a_block_is_judged_once_and_half_of_the_next_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Evidence] = []

    def count(evidence: Evidence, _rules: tuple[MetricRule, ...], _policy: Policy) -> Verdict:
        judged.append(evidence)
        return verdict(Outcome.PASSED, [])

    watched = Watched(tmp_path)
    monkeypatch.setattr(watched.early_stop, "_judge", count)
    watched.requests(0, 16)
    watched.samples(0, 17)
    watched.early_stop.look()
    watched.early_stop.look()
    watched.requests(16, 17)
    watched.samples(17, 18)
    watched.early_stop.look()
    assert [evidence.canary.seconds for evidence in judged] == [2]


def test_nothing_passes_whose_single_requests_were_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of their time they have had."""

    def by_itself_worse(
        _evidence: Evidence, _rules: tuple[MetricRule, ...], _policy: Policy, *, each: bool = True
    ) -> Verdict:
        return verdict(Outcome.FAILED if each else Outcome.PASSED, [])

    watched = Watched(tmp_path)
    mix = {**RUN, "profile": {**RUN["profile"], "requests": [{"name": "a"}, {"name": "b"}]}}
    early_stop = EarlyStop(Run(tmp_path, Record.from_dict(mix)), PHASES, RATE, "both")
    monkeypatch.setattr(early_stop, "_judge", by_itself_worse)
    monkeypatch.setattr(early_stop, "_spent_on_each", 1e9)
    watched.requests(0, 16)
    watched.samples(0, 17)
    early_stop.look()
    assert early_stop.end == EarlyEnd(16, Outcome.FAILED, 2)


def test_off_looks_at_nothing(tmp_path: Path) -> None:
    early_stop = Watched(tmp_path, "off").early_stop
    asyncio.run(asyncio.wait_for(early_stop.run(), 1))
    assert early_stop.end is None


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        ([Decision.FAIL, Decision.PASS], "shown worse: Metric 0"),
        ([Decision.FAIL] * 4, "shown worse: Metric 0, Metric 1 and 2 more"),
        (
            [Decision.PASS, Decision.INCONCLUSIVE, Decision.NODATA],
            "1 of 2 metrics shown to be within their margin",
        ),
    ],
)
def test_the_verdict_so_far_is_a_phrase(decisions: list[Decision], words: str) -> None:
    assert in_short(verdict(Outcome.INCONCLUSIVE, decisions)) == words


@pytest.mark.parametrize(
    ("status", "probes", "least"), [(500, 0, 1), (503, 0, 8), (503, 24, 6)], ids=["own", "alone", "probed"]
)
def test_a_canary_is_not_blamed_for_what_may_be_the_network_s_before_its_host_was_asked(
    tmp_path: Path, status: int, probes: int, least: int
) -> None:
    watched = Watched(tmp_path)
    rows = "".join(
        f"{t}.1,canary,request_begun,1\n{t}.1,canary,request_on_host,inf\n" for t in range(14, 14 + probes)
    )
    (tmp_path / "network.csv").write_text(f"t,arm,metric,value\n{rows}")
    watched.samples(0, 1)
    watched.until(0, 12, 200)
    watched.until(12, 24, status)
    assert watched.early_stop.end is not None
    assert watched.early_stop.end.outcome is Outcome.FAILED
    assert least <= watched.early_stop.end.after <= max(least, 6)
