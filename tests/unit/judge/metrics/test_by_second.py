"""What is counted by the second needs enough requests."""

from __future__ import annotations

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from tests.support.judge_samples import POLICY, RULES, row


def test_a_run_of_a_second_is_too_short_to_tell() -> None:
    short = samples.pair(2, seconds=1)
    verdict = judge(short, RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "too few to tell" in row(verdict, "error_rate").reason
