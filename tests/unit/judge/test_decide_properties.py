"""Whatever the samples are, the judge gives a verdict; only evidence ever passes; and what must not matter does not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.catalogue import Direction
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules
from pipeline.judge.verdict import Decision, Outcome, Verdict

RULES, POLICY, LENIENT = default_rules(), Policy(), Policy(undecided="pass")
FLOATS = st.floats(width=64)
CHANGES = [None, samples.slow, samples.tail, samples.flaky, samples.leak, samples.hog]


@st.composite
def any_arm(draw: st.DrawFn) -> Arm:
    n = draw(st.integers(0, 40))
    floats, ints = hnp.arrays(np.float64, n, elements=FLOATS), hnp.arrays(np.int64, n)
    requests = Requests(draw(floats), draw(floats), draw(ints), draw(ints), draw(ints))
    m = draw(st.integers(0, 30))
    column = hnp.arrays(np.float64, m, elements=FLOATS)
    names = draw(st.lists(st.sampled_from([rule.name for rule in RULES] + ["other"]), max_size=4))
    series = {name: Series(draw(column), draw(column)) for name in names}
    starts = draw(st.lists(FLOATS, max_size=3))
    return Arm(requests, series, draw(FLOATS), tuple(starts))


@settings(max_examples=60, deadline=None)
@given(
    any_arm(), any_arm(), st.sampled_from(["age", "time"]), st.booleans(), st.sampled_from([POLICY, LENIENT])
)
def test_garbage_never_raises_and_never_passes(
    baseline: Arm, canary: Arm, pairing: str, load: bool, policy: Policy
) -> None:
    verdict = judge(Evidence(baseline, canary, pairing=pairing, load=load), RULES, policy)
    assert verdict.outcome is not Outcome.PASSED
    assert verdict.reasons


def test_a_request_within_almost_no_time_passes_nothing() -> None:
    """The planned length is then more times as long than a number can say."""
    once = Requests(*(np.zeros(1, dtype=one) for one in (float, float, int, int, int)))
    arms = Arm(once, {}, 1.0, ()), Arm(once, {}, 4e-259, ())
    assert judge(Evidence(*arms, pairing="age"), RULES, POLICY).outcome is not Outcome.PASSED


def test_a_phase_that_begins_in_no_possible_time_passes_nothing() -> None:
    answered = Requests(np.zeros(1), np.zeros(1), np.array([200]), np.array([1]), np.zeros(1, dtype=int))
    arms = Arm(answered, {}, 0.0, ()), Arm(answered, {}, 0.0, (2.0**62,))
    assert judge(Evidence(*arms, pairing="time"), RULES, POLICY).outcome is not Outcome.PASSED


@settings(max_examples=20, deadline=None)
@given(any_arm(), st.sampled_from(["age", "time"]), st.sampled_from([POLICY, LENIENT]))
def test_garbage_never_passes_against_a_healthy_baseline(canary: Arm, pairing: str, policy: Policy) -> None:
    verdict = judge(Evidence(samples.arm(0), canary, pairing=pairing), RULES, policy)
    assert verdict.outcome is not Outcome.PASSED


@pytest.mark.parametrize("change", [None, samples.slow, samples.broken])
@pytest.mark.parametrize("seconds", [4, 30, 90])
def test_the_lenient_policy_changes_an_inconclusive_outcome_to_a_pass_or_nothing(
    change: samples.Change | None, seconds: int
) -> None:
    evidence = look_at(samples.pair(1, change, seconds=90), seconds)
    usual, lenient = judge(evidence, RULES, POLICY), judge(evidence, RULES, LENIENT)
    assert (lenient.metrics, lenient.score) == (usual.metrics, usual.score)
    if lenient.outcome is not usual.outcome:
        assert (usual.outcome, lenient.outcome) == (Outcome.INCONCLUSIVE, Outcome.PASSED)
        assert not [metric for metric in usual.metrics if metric.decision is Decision.FAIL]


def shuffled(arm: Arm, seconds: float, rng: np.random.Generator) -> Arm:
    """The arm with its samples dealt anew among the times of each block of `seconds`."""

    def order(t: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.lexsort((rng.random(len(t)), np.floor((t - arm.phase_starts[0]) / seconds)))

    r = arm.requests
    at = order(r.t)
    series = {}
    for name, one in arm.series.items():
        series[name] = Series(one.t, one.value[order(one.t)])
    latency, status = r.latency[at], r.status[at]
    requests = Requests(r.t, latency, status, r.body_ok[at], r.size[at])
    return replace(arm, requests=requests, series=series)


@pytest.mark.parametrize("change", CHANGES)
def test_the_order_within_a_second_does_not_matter(change: samples.Change | None) -> None:
    evidence = samples.pair(1, change, seconds=60)
    rng = np.random.default_rng(3)
    other = Evidence(shuffled(evidence.baseline, 1, rng), shuffled(evidence.canary, 1, rng))
    assert judge(other, RULES, POLICY) == judge(evidence, RULES, POLICY)


@pytest.mark.parametrize("change", CHANGES)
def test_the_order_within_a_block_does_not_matter_to_levels(change: samples.Change | None) -> None:
    evidence = samples.pair(1, change, seconds=60)
    rules = [rule for rule in RULES if rule.metric.kind in ("level", "trend")]
    rng = np.random.default_rng(3)
    other = Evidence(shuffled(evidence.baseline, 2, rng), shuffled(evidence.canary, 2, rng))
    assert judge(other, rules, POLICY) == judge(evidence, rules, POLICY)


def test_the_order_of_the_rows_does_not_matter() -> None:
    evidence = samples.pair(1, samples.flaky)
    r = evidence.canary.requests
    at = np.random.default_rng(4).permutation(len(r))
    rows = Requests(r.t[at], r.latency[at], r.status[at], r.body_ok[at], r.size[at])
    other = replace(evidence, canary=replace(evidence.canary, requests=rows))
    assert judge(other, RULES, POLICY) == judge(evidence, RULES, POLICY)


def scaled(arm: Arm, factor: float) -> Arm:
    """The arm in another unit of time, of bytes and of cores."""
    r = arm.requests
    series = {name: Series(one.t, one.value * factor) for name, one in arm.series.items()}
    return replace(arm, requests=replace(r, latency=r.latency * factor), series=series)


@pytest.mark.parametrize("change", [None, samples.slow, samples.tail])
def test_units_do_not_matter(change: samples.Change | None) -> None:
    evidence = samples.pair(1, change, seconds=60)
    names = ("latency_p50", "latency_p99", "latency_quantiles", "service_cpu", "host_memory")
    rules = [rule for rule in RULES if rule.name in names]
    plain = judge(evidence, rules, POLICY)
    for factor in (8.0, 1000.0):
        other = judge(
            Evidence(scaled(evidence.baseline, factor), scaled(evidence.canary, factor)), rules, POLICY
        )
        for one, two in zip(plain.metrics, other.metrics, strict=True):
            assert (one.decision, one.effect_kind, one.decided_after) == (
                two.decision,
                two.effect_kind,
                two.decided_after,
            )
            assert (two.effect, two.low, two.high) == pytest.approx((one.effect, one.low, one.high))


def mirrored(rule: MetricRule) -> MetricRule:
    """The rule that calls harm what the rule calls an improvement, with the margin at the same distance."""
    threshold = f"{100 * rule.limit.value / (1 + rule.limit.value):.12f}%"
    return rule.model_copy(update={"direction": Direction.DECREASE, "threshold": threshold})


@pytest.mark.parametrize("change", [None, samples.slow, samples.hog])
@pytest.mark.parametrize("turn", [False, True], ids=["phased", "in turn"])
def test_swapping_the_versions_mirrors_what_is_found(change: samples.Change | None, turn: bool) -> None:
    evidence = samples.pair(1, change, seconds=90)
    evidence = samples.in_turn(evidence) if turn else evidence
    names = ("latency_p50", "latency_p99", "service_cpu", "host_cpu")
    rules = [rule for rule in RULES if rule.name in names]
    plain = judge(evidence, rules, POLICY)
    swap = replace(evidence, baseline=evidence.canary, canary=evidence.baseline)
    for one, two in zip(
        plain.metrics, judge(swap, [mirrored(r) for r in rules], POLICY).metrics, strict=True
    ):
        assert two.decision is one.decision
        assert one.effect is not None
        assert two.effect is not None
        assert two.effect == pytest.approx(1 - 1 / (1 + one.effect))
        assert (two.canary.value, two.baseline.value) == (one.baseline.value, one.canary.value)


@pytest.mark.parametrize("change", CHANGES[1:])
def test_with_the_versions_swapped_what_was_harm_is_none(change: samples.Change) -> None:
    evidence = samples.pair(2, change, seconds=120)
    swapped = judge(Evidence(evidence.canary, evidence.baseline), RULES, POLICY)
    assert not [metric for metric in swapped.metrics if metric.decision is Decision.FAIL]


def twice(arm: Arm) -> Arm:
    """The arm measured as long again, with the very same samples."""
    r, seconds = arm.requests, arm.seconds

    def again(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([t, t + seconds])

    def same(column: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([column, column])

    requests = Requests(
        again(r.t),
        np.concatenate([r.latency, r.latency]),
        same(r.status),
        same(r.body_ok),
        same(r.size),
    )
    series = {
        name: Series(again(one.t), np.concatenate([one.value, one.value]))
        for name, one in arm.series.items()
        if name != "service_restarts"
    }
    counter = arm.series["service_restarts"]
    series["service_restarts"] = Series(
        again(counter.t), np.concatenate([counter.value, counter.value + counter.value[-1]])
    )
    return replace(arm, requests=requests, series=series, seconds=2 * seconds)


@pytest.mark.parametrize("change", [samples.slow, samples.tail, samples.flaky, samples.hog, samples.wrong])
def test_the_same_evidence_again_never_turns_a_fail_into_a_pass(change: samples.Change) -> None:
    evidence = samples.pair(1, change, seconds=120)
    once = judge(evidence, RULES, POLICY)
    more = judge(Evidence(twice(evidence.baseline), twice(evidence.canary)), RULES, POLICY)
    assert once.outcome is more.outcome is Outcome.FAILED
    for before, after in zip(once.metrics, more.metrics, strict=True):
        assert (before.decision, after.decision) != (Decision.FAIL, Decision.PASS)


def look_at(evidence: Evidence, seconds: float) -> Evidence:
    """What was known after so many seconds of the canary's measurement."""
    canary = samples.until(evidence.canary, seconds)
    return replace(evidence, canary=canary, planned=evidence.canary.seconds)


def look(evidence: Evidence, seconds: float) -> Verdict:
    """What would have been said then."""
    return judge(look_at(evidence, seconds), RULES, POLICY)


@pytest.mark.parametrize("change", [samples.flaky, samples.slow, samples.leak, samples.crash])
def test_a_fail_is_dated_to_the_first_look_that_would_have_shown_it(change: samples.Change) -> None:
    evidence = samples.pair(1, change, seconds=120)
    dated = {one.name: one.decided_after for one in look(evidence, 120).metrics}
    first = {name: after for name, after in dated.items() if after is not None}
    assert first
    for name, after in first.items():
        for then, failed in ((after, True), (after - 2, False)):
            found = next(one for one in look(evidence, then).metrics if one.name == name)
            assert (found.decision is Decision.FAIL) is failed, (name, then)


@pytest.mark.parametrize("change", CHANGES)
def test_every_number_of_the_table_is_finite_and_the_decision_follows_from_it(
    change: samples.Change | None,
) -> None:
    verdict = judge(samples.pair(3, change, seconds=120), RULES, POLICY)
    for one in verdict.metrics:
        numbers = (one.effect, one.low, one.high, one.effective, one.more_minutes, one.decided_after)
        assert all(number is None or math.isfinite(number) for number in numbers)
        if one.decision is Decision.FAIL:
            assert one.low is not None
            assert one.low > max(one.threshold, one.drift)
        if one.decision is Decision.PASS:
            assert one.high is not None
            assert one.high <= one.threshold


def slowly(arm: Arm, name: str, seconds: float) -> dict[int, float]:
    """The mean of each block's samples, block by block and in no other way than one would by hand."""
    blocks: dict[int, list[float]] = {}
    series = arm.series[name]
    for t, value in zip(series.t.tolist(), series.value.tolist(), strict=True):
        blocks.setdefault(int((t - arm.phase_starts[0]) // seconds), []).append(value)
    return {number: sum(values) / len(values) for number, values in blocks.items()}


@pytest.mark.parametrize("name", ["service_cpu", "host_cpu"])
def test_the_table_shows_the_arithmetic_means_of_paired_blocks_and_their_ratio(name: str) -> None:
    evidence = samples.pair(4, samples.hog, seconds=90)
    before, after = (slowly(arm, name, 2) for arm in (evidence.baseline, evidence.canary))
    found = next(one for one in judge(evidence, RULES, POLICY).metrics if one.name == name)
    mean = [sum(one[k] for k in range(45)) / 45 for one in (before, after)]
    assert (found.baseline.value, found.canary.value) == pytest.approx(tuple(mean))
    assert found.baseline.value is not None
    assert found.canary.value is not None
    assert found.effect == pytest.approx(found.canary.value / found.baseline.value - 1, rel=1e-12)
