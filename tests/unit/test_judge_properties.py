"""Whatever the samples are, the judge gives a verdict; and only evidence ever passes."""

from __future__ import annotations

import judge_samples as samples
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.judge.rules import Policy, default_rules
from pipeline.judge.verdict import Decision, Outcome

RULES, POLICY = default_rules(), Policy()
FLOATS = st.floats(width=64)


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


@settings(max_examples=150, deadline=None)
@given(any_arm(), any_arm())
def test_garbage_never_raises_and_never_passes(baseline: Arm, canary: Arm) -> None:
    verdict = judge(Evidence(baseline, canary), RULES, POLICY)
    assert verdict.outcome is not Outcome.PASSED
    assert verdict.reasons


@settings(max_examples=40, deadline=None)
@given(any_arm())
def test_garbage_never_passes_against_a_healthy_baseline(canary: Arm) -> None:
    assert judge(Evidence(samples.arm(0), canary), RULES, POLICY).outcome is not Outcome.PASSED


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    evidence = samples.pair(1, samples.flaky)
    order = np.random.default_rng(seed).permutation(len(evidence.canary.requests))
    r = evidence.canary.requests
    shuffled = Requests(r.t[order], r.latency[order], r.status[order], r.body_ok[order], r.size[order])
    canary = Arm(shuffled, evidence.canary.series, evidence.canary.seconds, evidence.canary.phase_starts)
    assert judge(Evidence(evidence.baseline, canary), RULES, POLICY) == judge(evidence, RULES, POLICY)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([samples.slow, samples.tail, samples.leak, samples.hog]))
def test_with_the_versions_swapped_what_was_harm_is_none(seed: int, change: samples.Change) -> None:
    evidence = samples.pair(seed, change)
    swapped = judge(Evidence(evidence.canary, evidence.baseline), RULES, POLICY)
    assert not [metric for metric in swapped.metrics if metric.decision is Decision.FAIL]
