"""A run's samples as Kayenta's metrics see them."""

from __future__ import annotations

import numpy as np

from pipeline.kayenta.run_series import run_series
from tests.support import judge_samples


def test_a_runs_requests_become_series_by_second() -> None:
    series = run_series(judge_samples.arm(1, seconds=10))
    assert series["requests"].tolist() == [judge_samples.RATE] * 10
    assert series["errors"].tolist() == [0.0] * 10
    assert np.all(series["latency_p50"] < series["latency_p99"])
    assert "service_memory" in series


def test_a_status_that_the_profile_does_not_expect_is_an_error() -> None:
    series = run_series(judge_samples.arm(1, seconds=10), right=(201,))
    assert series["errors"].tolist() == [judge_samples.RATE] * 10
