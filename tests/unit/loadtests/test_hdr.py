"""HdrHistogram's logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import UsageError
from pipeline.loadtests.formats import read_load_test
from tests.support.load_tests import by_our_loader


def test_a_log_has_the_latencies_of_the_requests_in_their_seconds(tmp_path: Path) -> None:
    rows, log = by_our_loader(tmp_path)
    single, counted = read_load_test(rows), read_load_test(log)

    assert len(counted.requests) == len(single.requests)
    np.testing.assert_allclose(
        np.sort(counted.requests.latency), np.sort(single.requests.latency), rtol=2e-3, atol=2e-6
    )
    assert counted.step == 1.0
    assert counted.begin == pytest.approx(1_796_000_000.0)


def test_it_tells_latency_and_nothing_else(tmp_path: Path) -> None:
    test = read_load_test(by_our_loader(tmp_path)[1])

    assert test.tells == {"latency_p50", "latency_p99", "latency_quantiles", "slow_requests"}
    assert any("which requests failed is not known" in note for note in test.notes)


def test_a_log_that_does_not_say_its_unit_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    log = by_our_loader(tmp_path)[1]
    log.write_text("".join(log.read_text().splitlines(keepends=True)[1:]))

    with pytest.raises(UsageError, match="in which unit its values are") as raised:
        read_load_test(log)
    assert raised.value.hint is not None
    assert "#[Values are microseconds]" in raised.value.hint


def test_several_tags_are_several_versions(tmp_path: Path) -> None:
    log = by_our_loader(tmp_path, servers=("blue", "green"))[1]
    with pytest.raises(UsageError, match="histograms of several tags, blue, green"):
        read_load_test(log)


def test_a_histogram_that_was_spoilt_is_refused_with_its_line(tmp_path: Path) -> None:
    log = by_our_loader(tmp_path)[1]
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:7], lines[7][:-20], *lines[8:], ""]))

    with pytest.raises(UsageError, match=r"latency.hlog:8: the histogram cannot be decoded"):
        read_load_test(log)
