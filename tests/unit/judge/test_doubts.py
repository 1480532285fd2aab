"""Evidence that is too good, or too little, to be true never passes; and what only looks like it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.catalogue import Direction, Kind, Metric
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.judge.policy import Policy
from pipeline.judge.verdict import Decision, Lack, Outcome, Verdict
from pipeline.series.metric import SeriesRule
from tests.support.judge_samples import HEALTHY, HEALTHY_SECONDS, POLICY, RULES, row

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Broken = Callable[[Arm], Arm]


def with_canary(change: Broken, evidence: Evidence = HEALTHY) -> Verdict:
    return judge(replace(evidence, canary=change(evidence.canary)), RULES, POLICY)


def taking(arm: Arm, latency: Floats) -> Arm:
    return replace(arm, requests=replace(arm.requests, latency=latency))


def some(arm: Arm, share: float) -> Bools:
    return np.asarray(np.random.default_rng(5).random(len(arm.requests)) < share)


def scaled(arm: Arm, factor: float) -> Arm:
    series = {name: Series(one.t, one.value * factor) for name, one in arm.series.items()}
    return replace(taking(arm, arm.requests.latency * factor), series=series)


def kept(arm: Arm, requests: Bools, *, samples_too: bool = False) -> Arm:
    r = arm.requests
    series = dict(arm.series)
    if samples_too:
        ends = r.t[requests].max()
        series = {
            name: Series(one.t[one.t <= ends], one.value[one.t <= ends]) for name, one in series.items()
        }
    few = Requests(
        r.t[requests], r.latency[requests], r.status[requests], r.body_ok[requests], r.size[requests]
    )
    return replace(arm, requests=few, series=series)


def second_half(arm: Arm) -> Bools:
    return np.asarray(arm.requests.t >= arm.phase_starts[0] + HEALTHY_SECONDS / 2)


def some_negative(arm: Arm) -> Arm:
    return taking(arm, np.where(some(arm, 0.02), -1.0, arm.requests.latency))


def all_negative(arm: Arm) -> Arm:
    return taking(arm, -arm.requests.latency)


def ends_half_way(arm: Arm) -> Arm:
    half = np.arange(HEALTHY_SECONDS) >= HEALTHY_SECONDS / 2
    series = {name: Series(one.t, np.where(half, np.nan, one.value)) for name, one in arm.series.items()}
    return replace(arm, series=series)


@pytest.mark.parametrize(
    ("change", "metric", "words"),
    [
        (
            lambda arm: taking(arm, np.where(some(arm, 0.01), -1, 1) * arm.requests.latency),
            "latency_p50",
            "answers of the canary took a negative time",
        ),
        (lambda arm: taking(arm, -arm.requests.latency), "throughput", "9,000 of 9,000 answers of the canary"),
        (
            lambda arm: taking(arm, np.where(second_half(arm), np.nan, arm.requests.latency)),
            "latency_p99",
            "4,500 of 9,000 (50 %) answers of the canary took a negative time, or one that is no number",
        ),
        (
            lambda arm: samples.with_series(arm, "service_memory", -arm.series["service_memory"].value),
            "service_memory",
            "180 of 180 samples of the canary are below zero, which no size is",
        ),
        (
            lambda arm: scaled(arm, 1e-3),
            "latency_p50",
            "0.00602 ms on the canary is 1/1,000 of the baseline's 6.01 ms (medians): are both in one unit?",
        ),
        (lambda arm: scaled(arm, 1e-3), "service_memory_growth", "are both in one unit?"),
        (lambda arm: scaled(arm, 1e-3), "service_threads", "are both in one unit?"),
        (
            lambda arm: samples.with_series(arm, "service_cpu", np.zeros(HEALTHY_SECONDS)),
            "service_cpu",
            "0 on the canary, 0.151 cores on the baseline: was it measured?",
        ),
        (ends_half_way, "service_restarts", "no samples of the canary for 90 s of its 180 s (from 90 s to 180 s)"),
        (
            lambda arm: kept(arm, ~second_half(arm)),
            "error_rate",
            "no samples of the canary for 90 s of its 180 s (from 90 s to 180 s)",
        ),
        (lambda _: HEALTHY.baseline, "latency_p50", "the canary's samples are the baseline's, bit for bit"),
        (lambda _: HEALTHY.baseline, "service_cpu", "the canary's samples are the baseline's, bit for bit"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_undecided_and_says_why_first(change: Broken, metric: str, words: str) -> None:
    verdict = with_canary(change)
    found = row(verdict, metric)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert (found.decision, found.lacks, found.more_minutes) == (Decision.INCONCLUSIVE, Lack.TRUST, None)
    assert words in found.reason
    doubted = [one.reason for one in verdict.metrics if one.lacks is Lack.TRUST]
    assert verdict.reasons[0].endswith(tuple(doubted))
    assert any(reason.endswith(found.reason) for reason in verdict.reasons)


@pytest.mark.parametrize("undecided", ["inconclusive", "pass"])
@pytest.mark.parametrize("arm", ["baseline", "canary"])
def test_it_is_the_same_whichever_arm_and_policy(arm: str, undecided: str) -> None:
    policy = Policy.model_validate({"undecided": undecided})
    for change in (ends_half_way, some_negative, all_negative):
        broken = change(HEALTHY.baseline if arm == "baseline" else HEALTHY.canary)
        evidence = replace(HEALTHY, baseline=broken) if arm == "baseline" else replace(HEALTHY, canary=broken)
        verdict = judge(evidence, RULES, policy)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert f"of the {arm}" in verdict.reasons[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda arm: taking(arm, np.where(np.arange(len(arm.requests)) == 17, -1, arm.requests.latency)),
        lambda arm: samples.with_series(arm, "service_cpu", arm.series["service_cpu"].value / 10),
        lambda arm: taking(arm, arm.requests.latency / 10),
        # The load of a machine that rests falls to next to nothing, and a canary may hold no file open.
        lambda arm: samples.with_series(arm, "host_load1", np.full(HEALTHY_SECONDS, 0.001)),
    ],
    ids=["a stray one", "a tenth of the processor", "ten times as fast", "an idle machine"],
)
def test_what_can_be_true_may_pass(change: Broken) -> None:
    verdict = with_canary(change)
    assert verdict.outcome is Outcome.PASSED
    assert not any(metric.lacks is Lack.TRUST for metric in verdict.metrics)


def test_a_few_scrapes_that_a_busy_machine_missed_are_no_gap() -> None:
    def missing(arm: Arm) -> Arm:
        seen = np.arange(HEALTHY_SECONDS) % 20 >= 3  # three seconds of every twenty, 15 % of the time
        series = {name: Series(one.t[seen], one.value[seen]) for name, one in arm.series.items()}
        return replace(arm, series=series)

    assert with_canary(missing).outcome is Outcome.PASSED


def test_a_run_that_ended_early_lacks_nothing() -> None:
    verdict = judge(
        replace(HEALTHY, canary=samples.until(HEALTHY.canary, 30), planned=float(HEALTHY_SECONDS)),
        RULES,
        POLICY,
    )
    assert not any(metric.lacks is Lack.TRUST for metric in verdict.metrics)


@pytest.mark.parametrize("seconds", [30, 95])
def test_in_turns_an_arm_is_held_to_its_own_slices(seconds: int) -> None:
    whole = samples.in_turn(samples.pair(2, seconds=120), length=6.0)
    cut = whole.canary.phase_starts[0] + seconds
    r = whole.canary.requests
    brief = replace(
        kept(whole.canary, np.asarray(r.t < cut), samples_too=True),
        seconds=float(np.count_nonzero(r.t < cut)) / samples.RATE,
        phase_starts=tuple(start for start in whole.canary.phase_starts if start < cut),
    )
    verdict = judge(replace(whole, canary=brief, planned=120.0), RULES, POLICY)
    assert not any(metric.lacks is Lack.TRUST for metric in verdict.metrics)
    # Four of its slices of memory are gone.
    t = whole.canary.series["service_memory"].t
    lost = np.isin(np.searchsorted(whole.canary.phase_starts, t, side="right"), (3, 5, 6, 9, 11, 14))
    memory = Series(t[~lost], whole.canary.series["service_memory"].value[~lost])
    gappy = replace(whole.canary, series={**whole.canary.series, "service_memory": memory})
    found = row(judge(replace(whole, canary=gappy), RULES, POLICY), "service_memory")
    assert found.reason.startswith(
        "no samples of the canary for 36 s of its 120 s where the baseline has them"
    )


def test_a_metric_that_neither_version_has_is_no_gap() -> None:
    bare = Evidence(
        samples.without(HEALTHY.baseline, "host_cpu"), samples.without(HEALTHY.canary, "host_cpu")
    )
    verdict = judge(bare, RULES, POLICY)
    assert row(verdict, "host_cpu").decision is Decision.NODATA
    assert verdict.outcome is Outcome.PASSED


def test_a_proven_fail_stays_one_and_a_note_asks() -> None:
    def slow_and_gone(arm: Arm) -> Arm:
        slow = samples.flaky(samples.slow(arm, np.random.default_rng(1)), np.random.default_rng(2))
        return kept(slow, ~second_half(arm))

    verdict = with_canary(slow_and_gone)
    assert verdict.outcome is Outcome.FAILED
    assert row(verdict, "error_rate").decision is Decision.FAIL
    assert any("Errors" in note and "no samples of the canary for 90 s" in note for note in verdict.notes)
    # What it has not failed by is in doubt.
    assert row(verdict, "wrong_body_rate").decision is Decision.INCONCLUSIVE


def test_impossible_numbers_show_no_harm_either() -> None:
    verdict = with_canary(lambda arm: taking(arm, -arm.requests.latency))
    assert not samples.failed(verdict)


def test_a_canary_worse_by_the_factor_between_two_units_fails_with_one_note() -> None:
    verdict = with_canary(lambda arm: scaled(arm, 1000.0))
    assert verdict.outcome is Outcome.FAILED
    asked = [note for note in verdict.notes if "are both in one unit?" in note]
    assert len(asked) == 1
    assert "6.02 s on the canary is 1,000 times the baseline's 6.01 ms" in asked[0]


def test_constant_series_may_be_equal() -> None:
    names = ("service_threads", "service_restarts")
    rules = [rule for rule in RULES if rule.name in names]
    evidence = replace(HEALTHY, load=False)
    verdict = judge(evidence, rules, POLICY)
    assert [metric.decision for metric in verdict.metrics] == [Decision.PASS, Decision.PASS]


def test_memory_by_pages_and_counters_that_rise_evenly_may_be_equal() -> None:
    pages: Floats = 70e6 + 4096.0 * np.floor(np.arange(HEALTHY_SECONDS) / 20)

    def even(arm: Arm) -> Arm:
        return samples.with_series(arm, "service_memory", pages)

    verdict = judge(Evidence(even(HEALTHY.baseline), even(HEALTHY.canary)), RULES, POLICY)
    assert row(verdict, "service_memory").lacks is not Lack.TRUST
    assert verdict.outcome is Outcome.PASSED


def own_rule(**changes: object) -> SeriesRule:
    metric = Metric("own", "Own", "count", "service", Kind.LEVEL, Direction.INCREASE, "10%", 10.0)
    return SeriesRule.of(replace(metric, **changes))  # type: ignore[arg-type]


def of_series(rule: SeriesRule, baseline: Floats, canary: Floats, **more: tuple[Floats, Floats]) -> Verdict:
    """The verdict on series at steps of 15 s, judged once."""

    def arm(which: int, values: Floats) -> Arm:
        t: Floats = 15.0 * np.arange(len(values), dtype=np.float64) + 7.5
        none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
        series = {"own": Series(t, values)} | {name: Series(t, pair[which]) for name, pair in more.items()}
        return Arm(Requests(none, none, whole, whole, whole), series, 15.0 * len(values), (0.0,))

    evidence = Evidence(arm(0, baseline), arm(1, canary), load=False, once=True)
    return judge(evidence, [rule], Policy(block_seconds=15))


def noise(seed: int, n: int = 40, level: float = 100.0) -> Floats:
    return level * (1 + 0.02 * np.random.default_rng(seed).standard_normal(n))


@pytest.mark.parametrize(
    ("unit", "low", "high", "words"),
    [
        ("fraction", 0.1, 1.5, "lie outside 0 to 1"),
        ("fraction", -0.2, 0.5, "lie outside 0 to 1"),
        ("s", -0.1, 3.0, "below zero, which no time is"),
        ("1/s", -1.0, 3.0, "below zero, which no rate is"),
        ("cores", -1.0, 3.0, "below zero, which no use of cores is"),
        ("load", -1.0, 3.0, "below zero, which no load is"),
        ("count", -1.0, 3.0, "below zero, which no count is"),
        ("degrees", -10.0, 30.0, ""),
    ],
)
def test_a_known_unit_has_its_bounds_and_one_of_your_own_has_none(
    unit: str, low: float, high: float, words: str
) -> None:
    values = np.linspace(low, high, 40)
    found = of_series(own_rule(unit=unit), noise(1, level=0.5), np.random.default_rng(2).permutation(values))
    if not words:
        assert found.metrics[0].lacks is not Lack.TRUST
    else:
        assert found.outcome is Outcome.INCONCLUSIVE
        assert words in found.reasons[0]


def test_what_rounding_leaves_of_a_zero_is_no_impossible_value() -> None:
    values = np.where(np.arange(40) % 7 == 0, -1e-12, noise(2))
    assert of_series(own_rule(), noise(1), values).metrics[0].lacks is not Lack.TRUST


def test_hits_beyond_their_total_are_impossible() -> None:
    rule = own_rule(kind=Kind.PROPORTION, unit="fraction", threshold="1pp", series="own", total="all")
    all_of_them = np.full(40, 750.0)
    hits = np.zeros(40)
    more = hits.copy()
    more[3:5] = 800
    assert of_series(rule, hits, hits, all=(all_of_them, all_of_them)).outcome is Outcome.PASSED
    verdict = of_series(rule, hits, more, all=(all_of_them, all_of_them))
    assert "2 of 40 (5 %) steps of the canary have more hits than their total" in verdict.metrics[0].reason
    assert verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("unit", "factor", "doubt"),
    [
        ("s", 1 / 19, False),
        ("s", 1 / 21, True),
        ("count", 1 / 40, False),  # threads, queues: a leak that was mended
        ("count", 1 / 60, True),
        ("fraction", 1 / 40, False),
        ("load", 1 / 1000, False),
        ("jobs", 1 / 1000, True),
    ],
)
def test_how_much_better_is_too_good_depends_on_the_unit(unit: str, factor: float, doubt: bool) -> None:
    verdict = of_series(own_rule(unit=unit), noise(1, level=0.9), noise(2, level=0.9 * factor))
    assert (verdict.metrics[0].lacks is Lack.TRUST) is doubt


def test_where_less_is_worse_more_may_be_too_good() -> None:
    rule = own_rule(unit="1/s", direction=Direction.DECREASE)
    assert "is 1,000 times the baseline's" in of_series(rule, noise(1), noise(2, level=1e5)).metrics[0].reason
    assert of_series(rule, noise(1), noise(2, level=1e3)).metrics[0].decision is Decision.PASS


def test_near_its_floor_and_at_zero_nothing_is_too_good() -> None:
    small = own_rule(unit="s", floor=0.1)
    assert of_series(small, noise(1, level=0.15), noise(2, level=0.0001)).metrics[0].lacks is not Lack.TRUST
    assert of_series(own_rule(), noise(1), np.zeros(40)).metrics[0].lacks is not Lack.TRUST


def test_spikes_that_one_version_has_are_no_other_unit() -> None:
    spiky = np.where(np.arange(40) % 13 == 5, 1e5, noise(1))
    assert of_series(own_rule(unit="s"), spiky, noise(2)).metrics[0].lacks is not Lack.TRUST


@pytest.mark.parametrize(("lost", "doubt"), [(10, False), (11, True)])
def test_a_quarter_of_the_steps_may_be_missing_and_no_more(lost: int, doubt: bool) -> None:
    at = np.random.default_rng(3).permutation(40)[:lost]
    values = noise(2)
    values[at] = np.nan
    found = of_series(own_rule(), noise(1), values).metrics[0]
    assert (found.lacks is Lack.TRUST) is doubt
    assert ("the longest gap from" in found.reason) is doubt


@pytest.mark.parametrize(("same", "doubt"), [(40, True), (39, False)])
def test_a_copy_is_one_to_the_last_value(same: int, doubt: bool) -> None:
    baseline, canary = noise(1), noise(2)
    canary[:same] = baseline[:same]
    assert (of_series(own_rule(), baseline, canary).metrics[0].lacks is Lack.TRUST) is doubt


def test_the_beginning_of_a_copy_is_one_too() -> None:
    assert of_series(own_rule(), noise(1), noise(1)[:20]).metrics[0].lacks is Lack.TRUST


def test_samples_that_their_server_does_not_vouch_for_show_neither_harm_nor_its_absence() -> None:
    """Nor does what is made of them and of others."""
    rules = [
        SeriesRule.of(Metric(name, name, "s", "g", kind, Direction.INCREASE, threshold, 1.0))
        for name, kind, threshold in (
            ("a", Kind.LEVEL, "10%"),
            ("b", Kind.LEVEL, "10%"),
            ("c", Kind.LEVEL, "10%"),
            ("together", Kind.JOINT, "0.5"),
        )
    ]
    rng = np.random.default_rng(8)
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)

    def arm(factor: float) -> Arm:
        series = {name: Series(np.arange(120.0), factor * rng.normal(1, 0.01, 120)) for name in "abc"}
        return Arm(Requests(none, none, whole, whole, whole), series, 120.0, (0.0,))

    for factor in (1.0, 1.5):
        evidence = Evidence(arm(1), arm(factor), pairing="time", load=False, once=True)
        decision = {m.name: m.decision for m in judge(evidence, rules, Policy()).metrics}
        assert len(set(decision.values())) == 1
        verdict = judge(replace(evidence, untrusted={"b": "it said so"}), rules, Policy())
        found = {m.name: (m.decision, m.reason) for m in verdict.metrics}
        for name in ("b", "together"):
            assert found[name] == (Decision.INCONCLUSIVE, "it said so")
        assert found["a"][0] == found["c"][0] == decision["a"]
        assert verdict.outcome is not Outcome.PASSED


def slow_in(arm: Arm, thirds: tuple[int, ...], times: float) -> Arm:
    third = (arm.requests.t - arm.phase_starts[0]) // (HEALTHY_SECONDS / 3)
    return taking(arm, np.where(np.isin(third, thirds), times, 1.0) * arm.requests.latency)


@pytest.mark.parametrize(
    ("slow", "words"),
    [
        ((0,), "the baseline was still becoming faster while it was measured (median 23"),
        ((2,), "became slower"),
    ],
)
def test_a_baseline_that_had_not_settled_hides_no_slower_canary(slow: tuple[int, ...], words: str) -> None:
    verdict = judge(replace(HEALTHY, baseline=slow_in(HEALTHY.baseline, slow, 4)), RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    for name in ("latency_p50", "latency_p99", "slow_requests", "service_cpu"):
        assert words in row(verdict, name).reason
    assert row(verdict, "error_rate").decision is Decision.PASS


def test_a_canary_that_begins_slowly_fails_and_a_note_says_that_it_settled_later() -> None:
    verdict = judge(replace(HEALTHY, canary=slow_in(HEALTHY.canary, (0, 1), 4)), RULES, POLICY)
    assert verdict.outcome is Outcome.FAILED
    assert any("the canary was still becoming faster" in note for note in verdict.notes)


@pytest.mark.parametrize(("slow", "times"), [((0,), 2.0), ((1,), 4.0)])
def test_a_baseline_of_moods_that_a_machine_has_is_settled(slow: tuple[int, ...], times: float) -> None:
    verdict = judge(replace(HEALTHY, baseline=slow_in(HEALTHY.baseline, slow, times)), RULES, POLICY)
    assert not any(metric.lacks is Lack.TRUST for metric in verdict.metrics)


def test_both_at_once_settle_in_the_same_seconds() -> None:
    baseline, canary = slow_in(HEALTHY.baseline, (0,), 4), slow_in(HEALTHY.canary, (0,), 4)
    verdict = judge(replace(HEALTHY, baseline=baseline, canary=canary, pairing="time"), RULES, POLICY)
    assert not any(metric.lacks is Lack.TRUST for metric in verdict.metrics)
