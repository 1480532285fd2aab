"""What the trials say, and what would find more."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.backtest.summary import Share, summarize
from pipeline.backtest.trial import Trial, try_window
from tests.support.past_series import history, judged


def _trial(begin: int, harm: str, outcome: str, low: float, seconds: float = 300.0) -> Trial:
    after = 60.0 + begin if outcome == "failed" else None
    return Trial(float(begin), seconds, harm, outcome, after, {"p50": low}, {"p50": "relative"})


def test_shares_times_and_the_length_that_finds_enough() -> None:
    trials = [_trial(i, "no harm", "failed" if i < 2 else "passed", 0.0) for i in range(100)]
    trials += [_trial(i, "latency +10 %", "failed" if i < 60 else "inconclusive", 0.06) for i in range(100)]
    trials += [_trial(i, "latency +10 %", "failed", 0.07, seconds=600.0) for i in range(50)]

    summary = summarize(judged(), trials, 300.0)
    (found,) = summary.harms

    assert (summary.alarms, summary.passed, summary.undecided) == (
        Share(2, 100),
        Share(98, 100),
        Share(0, 100),
    )
    assert (found.failed, found.passed, found.length) == (Share(60, 100), Share(0, 100), 600.0)
    assert found.after == pytest.approx(60 + np.median(range(60)))


def test_the_margin_that_would_find_enough_is_below_all_but_5_percent_of_the_bounds() -> None:
    rng = np.random.default_rng(1)
    bounds = rng.normal(0.08, 0.01, 1000)
    trials = [_trial(i, "latency +10 %", "inconclusive", low) for i, low in enumerate(bounds.tolist())]
    trials += [_trial(i, "no harm", "passed", 0.07 if i < 5 else -0.02) for i in range(1000)]
    (found,) = summarize(judged(), trials, 300.0).harms

    assert found.margin is not None
    assert found.margin.metric == "p50"
    assert np.mean(bounds > found.margin.value) == pytest.approx(0.95, abs=0.002)
    assert found.margin.alarms == Share(5, 1000)


def test_no_margin_is_named_where_most_bounds_show_nothing() -> None:
    trials = [_trial(i, "latency +5 %", "inconclusive", -0.01) for i in range(100)]
    trials += [_trial(i, "no harm", "passed", -0.02) for i in range(100)]

    (found,) = summarize(judged(), trials, 300.0).harms
    assert found.margin is None
    assert found.length is None


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (0, 7), (7, 7), (3, 10), (999, 1000)])
def test_an_interval_has_its_share_in_it(hits: int, n: int) -> None:
    low, high = Share(hits, n).limits
    assert 0 <= low <= Share(hits, n).value <= high <= 1


def test_a_window_gives_the_same_result_each_time_and_harm_is_found_in_it() -> None:
    from pipeline.backtest.harms import HARMS, NONE

    one, latency = history(240), next(harm for harm in HARMS if harm.name == "latency +20 %")
    begin = one.span.start + 900

    assert try_window(judged(), one, begin, 900, NONE).outcome != "failed"
    first, again = (try_window(judged(), one, begin, 900, latency) for _ in range(2))
    assert first == again
    assert first.found
    assert first.after is not None
    assert 0 < first.after <= 900
