"""The order of phases."""

from __future__ import annotations

import itertools

import pytest

from pipeline.canary.schedule import concurrent, interleaved, phased
from pipeline.runs.phases import Phase, under_way


def measured(phases: tuple[Phase, ...], arm: str) -> float:
    return sum(phase.end - phase.start for phase in phases if phase.arm == arm and phase.kind == "measure")


def test_the_default_is_the_seeds_five_minutes_on_blue_then_five_on_green() -> None:
    phases = phased(300, 20)
    assert [(p.colour, p.kind, p.end - p.start) for p in phases] == [
        ("blue", "warmup", 20),
        ("blue", "measure", 300),
        ("green", "warmup", 20),
        ("green", "measure", 300),
    ]


@pytest.mark.parametrize("duration", [10, 45, 60, 100, 300])
def test_interleaved_measures_both_arms_for_just_the_duration(duration: float) -> None:
    phases = interleaved(duration, 10)
    assert measured(phases, "baseline") == pytest.approx(duration, abs=0.05)
    assert measured(phases, "canary") == pytest.approx(duration, abs=0.05)


def test_interleaved_gives_both_arms_the_same_mean_time_so_a_linear_drift_cancels() -> None:
    phases = interleaved(120, 10)
    centre = {
        arm: sum((p.start + p.end) / 2 for p in phases if p.arm == arm and p.kind == "measure")
        for arm in ("baseline", "canary")
    }
    assert centre["baseline"] == pytest.approx(centre["canary"])


@pytest.mark.parametrize("phases", [phased(60, 0), phased(60, 5), interleaved(60, 5)])
def test_phases_follow_each_other_without_a_gap(phases: tuple[Phase, ...]) -> None:
    assert phases[0].start == 0
    assert all(before.end == after.start for before, after in itertools.pairwise(phases))


def test_no_warmup_means_no_warmup_phase() -> None:
    assert [phase.kind for phase in phased(60, 0)] == ["measure", "measure"]


def test_concurrent_warms_up_and_measures_both_arms_in_the_same_seconds() -> None:
    assert [(p.colour, p.kind, p.start, p.end) for p in concurrent(60, 5)] == [
        ("blue", "warmup", 0, 5),
        ("green", "warmup", 0, 5),
        ("blue", "measure", 5, 65),
        ("green", "measure", 5, 65),
    ]
    assert [p.kind for p in concurrent(60, 0)] == ["measure", "measure"]


@pytest.mark.parametrize(
    ("phases", "at", "arms"),
    [
        (phased(60, 5), 4.9, ["baseline"]),
        (phased(60, 5), 65, ["canary"]),
        (phased(60, 5), 999, ["canary"]),
        (concurrent(60, 5), 0, ["baseline", "canary"]),
        (concurrent(60, 5), 64.9, ["baseline", "canary"]),
        (concurrent(60, 5), 65.2, ["baseline", "canary"]),
    ],
)
def test_which_arms_carry_load_at_a_second(phases: tuple[Phase, ...], at: float, arms: list[str]) -> None:
    assert [phase.arm for phase in under_way(phases, at)] == arms
