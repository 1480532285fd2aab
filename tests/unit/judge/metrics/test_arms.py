"""Which requests of an arm are good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.policy import Policy
from pipeline.judge.verdict import Outcome
from tests.support.judge_samples import HEALTHY, HEALTHY_SECONDS, RULES


def test_a_status_other_than_the_expected_one_is_an_error() -> None:
    created = replace(
        HEALTHY.canary,
        requests=replace(
            HEALTHY.canary.requests, status=np.full(HEALTHY_SECONDS * samples.RATE, 201, dtype=np.int64)
        ),
    )
    evidence = replace(HEALTHY, canary=created)
    rules = [rule for rule in RULES if rule.name != "new_statuses"]
    assert judge(evidence, rules, Policy()).outcome is Outcome.PASSED
    assert judge(evidence, RULES, Policy(expected_status=(200,))).outcome is Outcome.FAILED
