"""Profiles and URLs with secrets in them, some dozens of those of bench/inputs."""

from __future__ import annotations

from bench.inputs.fuzz_profiles import fuzz


def test_no_secret_of_a_profile_or_url_is_seen_anywhere_and_nothing_breaks() -> None:
    tally, wrong = fuzz(60, seed=1)
    assert wrong == []
    assert tally["read"] > 10
    assert tally["refused"] > 10
