"""Metrics that are undecided because of what another has shown read as explained by that one."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.verdict import Decision, Outcome, Verdict
from tests.support.judge_samples import POLICY, RULES, row


def after(seconds: float) -> Verdict:
    """What is said so many seconds after a canary began that answers nothing but errors."""
    whole = samples.pair(3, samples.broken, seconds=120)
    return judge(replace(whole, canary=samples.until(whole.canary, seconds), planned=120.0), RULES, POLICY)


@pytest.mark.parametrize(
    ("name", "decision", "reason"),
    [
        (
            "new_statuses",
            Decision.INCONCLUSIVE,
            "150 of 150 answers of the canary had a status new to the baseline's (500)",
        ),
        ("throughput", Decision.INCONCLUSIVE, "0/s on the canary, 50/s on the baseline: 100 % less"),
        ("wrong_body_rate", Decision.INCONCLUSIVE, "no data from the canary, so nothing to compare with"),
        ("latency_p50", Decision.NODATA, "not comparable: only 0 of 150 canary requests were answered well"),
        ("service_cpu", Decision.NODATA, "not comparable: only 0 of 150 canary requests were answered well"),
    ],
)
def test_what_a_dead_canary_ruins_is_explained_by_its_errors(
    name: str, decision: Decision, reason: str
) -> None:
    found = row(after(3), name)
    assert found.decision is decision
    assert found.reason.startswith(reason)
    assert found.reason.endswith("; explained by Errors, which failed")


def test_what_is_not_worse_than_allowed_is_explained_by_nothing() -> None:
    verdict = after(3)
    for name in ("service_threads", "service_fds", "service_restarts"):
        assert "explained" not in row(verdict, name).reason


def test_without_a_fail_nothing_is_explained() -> None:
    verdict = samples.judged(1, None, 20)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert not any("explained" in metric.reason for metric in verdict.metrics)


def test_it_is_words_alone() -> None:
    verdict = after(3)
    assert verdict.outcome is Outcome.FAILED
    assert row(verdict, "new_statuses").more_minutes is not None
    assert not any("explained" in reason for reason in verdict.reasons)


def test_a_note_names_the_undecided_ones() -> None:
    said = (
        "Wrong bodies; New statuses; Good responses and 1 more: undecided, explained by Errors, which failed"
    )
    assert said in after(3).notes
