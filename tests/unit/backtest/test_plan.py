"""What is tried, and what it costs."""

from __future__ import annotations

import pytest

from pipeline.backtest.plan import make_plan
from pipeline.base.errors import UsageError
from pipeline.series.config import JudgeConfig
from tests.support.past_series import history, judged


def test_each_window_is_tried_as_it_was_and_with_each_harm_that_a_metric_shows() -> None:
    plan = make_plan(judged(), history(480), 300, (), 3600)
    here = [task for task in plan.tasks if task.seconds == 300]

    assert len({task.begin for task in here}) == 23
    assert {task.harm.name for task in here} == {
        "no harm", "latency +5 %", "latency +10 %", "latency +20 %",
        "errors +0.1 %", "errors +0.5 %", "errors +1 %", "a leak, twice its margin",
    }  # fmt: skip
    assert {task.seconds for task in plan.tasks} == {300, 600}  # others are too few, or too short
    assert len({task.key for task in plan.tasks}) == len(plan.tasks)
    assert (
        "23 windows of 5 min (0 excluded, 0 without their samples), 7 kinds of harm, 2 lengths"
        in plan.said[0]
    )


def test_what_is_beyond_the_budget_is_left_out_evenly_and_told() -> None:
    whole = make_plan(judged(), history(480), 300, (), 3600)
    small = make_plan(judged(), history(480), 300, (), whole.cost / 2)
    begins = sorted({task.begin for task in small.tasks if task.seconds == 300})

    assert 10 <= len(begins) < 23
    assert small.cost < whole.cost
    assert begins[0] == min(task.begin for task in whole.tasks)
    assert begins[-1] == max(task.begin for task in whole.tasks if task.seconds == 300)
    assert "more than the budget" in small.said[1]


def test_too_short_a_past_is_refused_with_what_is_missing() -> None:
    with pytest.raises(UsageError, match=r"3 windows of 5 min are in this past .*: 10 are needed"):
        make_plan(judged(), history(80), 300, (), 3600)


def test_a_configuration_that_shows_no_harm_is_refused() -> None:
    config = JudgeConfig.model_validate({"metrics": [{"name": "p50", "kind": "level", "margin": "5%"}]})
    with pytest.raises(UsageError, match="no metric is a latency"):
        make_plan(config, history(480), 300, (), 3600)
