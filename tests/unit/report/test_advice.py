"""What to type next where a run could not tell."""

from __future__ import annotations

from typing import Any

import pytest

import tests.support.report_samples as samples
from pipeline.judge.verdict import Decision, Lack, Outcome
from pipeline.report.advice import advice
from pipeline.report.facts import read_facts
from pipeline.runs.record import Record


def said(
    *waits: float | None, outcome: Outcome = Outcome.INCONCLUSIVE, schedule: str = "phased", **run: Any
) -> str | None:
    metrics = tuple(samples.metric(decision=Decision.INCONCLUSIVE, more_minutes=wait) for wait in waits)
    settings = {"schedule": schedule, "duration": 60}
    facts = read_facts(Record.from_dict(samples.run(settings=settings, **run)))
    return advice(samples.verdict(outcome=outcome, metrics=metrics), facts)


def test_a_few_minutes_more_are_added_to_what_was_measured() -> None:
    assert said(0.4, 1.2) == "next: the same command with --duration 3m"


@pytest.mark.parametrize("waits", [(None,), (1.0, None), (40.0,)])
def test_where_waiting_does_not_help_measuring_both_at_once_may(waits: tuple[float | None, ...]) -> None:
    assert "--schedule concurrent" in (said(*waits) or "")


def test_the_advice_is_the_headlines_where_nothing_better_can_be_had() -> None:
    """Measured in turns already, twelve more minutes are twelve more minutes."""
    assert said(12.0, schedule="interleaved") == "next: the same command with --duration 13m"


def test_in_turns_already_only_the_machine_or_the_margin_is_left() -> None:
    assert "a quieter machine, or a wider margin" in (said(None, schedule="interleaved") or "")


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED, Outcome.INVALID])
def test_a_verdict_needs_no_advice(outcome: Outcome) -> None:
    assert said(1.0, outcome=outcome) is None


def test_an_interrupted_run_speaks_for_itself() -> None:
    problems = [{"effect": "inconclusive", "message": "interrupted before the schedule ended"}]
    assert said(1.0, problems=problems) is None


def test_samples_that_cannot_be_true_are_mended_first() -> None:
    odd = samples.metric(decision=Decision.INCONCLUSIVE, lacks=Lack.TRUST)
    facts = read_facts(Record.from_dict(samples.run()))
    assert advice(samples.verdict(outcome=Outcome.INCONCLUSIVE, metrics=(odd,)), facts) is None


def test_series_from_elsewhere_have_no_schedule_to_change() -> None:
    assert said(1.0, schedule="") is None
