"""Counts of events: restarts."""

from __future__ import annotations

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import judged, row


@pytest.mark.parametrize(
    ("restarts", "decision"),
    [((), Decision.PASS), ((5,), Decision.INCONCLUSIVE), ((5, 11), Decision.FAIL)],
)
def test_one_restart_may_come_from_elsewhere_two_in_a_row_do_not(
    restarts: tuple[int, ...], decision: Decision
) -> None:
    def restarting(arm: Arm, _: np.random.Generator) -> Arm:
        second = np.arange(len(arm.series["service_restarts"].t))
        counter = np.sum([second >= at for at in restarts], axis=0) + np.zeros(len(second))
        return samples.with_series(arm, "service_restarts", counter)

    found = row(judged(0, restarting, 60), "service_restarts")
    assert found.decision is decision
    if decision is Decision.INCONCLUSIVE:
        assert found.reason.endswith("so few may have come from elsewhere")
