"""How the chances of error are divided between the looks and the end."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.judge.evidence import Arm, Requests
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.spending import spend_alpha, spend_beta
from pipeline.judge.policy import Policy


def _arms(seconds: float, *, once: bool = False, open_ended: bool = False) -> ArmPair:
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    view = ArmView(Arm(Requests(none, none, whole, whole, whole), {}, seconds), Policy())
    return ArmPair(view, view, Policy(), 0.01, "time", 60.0, None, once=once, open_ended=open_ended)


@pytest.mark.parametrize("seconds", [59.0, 60.0, 600.0])
def test_the_end_decides_once_the_planned_time_is_over_and_never_where_none_was_planned(
    seconds: float,
) -> None:
    watched, endless = _arms(seconds), _arms(seconds, open_ended=True)
    reached = seconds >= 60
    assert (spend_alpha(watched, 0.01).end > 0, spend_beta(watched).end > 0) == (reached, reached)
    assert spend_alpha(endless, 0.01).end == spend_beta(endless).end == 0
    assert not endless.complete


@pytest.mark.parametrize("arms", [_arms(60.0), _arms(60.0, once=True), _arms(60.0, open_ended=True)])
def test_the_looks_and_the_end_have_all_of_it_together(arms: ArmPair) -> None:
    alpha, beta = spend_alpha(arms, 0.01), spend_beta(arms)
    assert alpha.looks + alpha.end == pytest.approx(0.01, rel=1e-12)
    assert beta.looks + beta.end == pytest.approx(arms.policy.beta, rel=1e-12)
