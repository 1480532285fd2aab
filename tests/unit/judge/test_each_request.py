"""A mix: what is worse in one request is found and named, and what is not worse is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.judge import judge
from pipeline.judge.compare import arm_pair
from pipeline.judge.each_request import each_request
from pipeline.judge.evidence import Arm, Evidence, Requests
from pipeline.judge.headline import headline
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict
from tests.support.judge_samples import POLICY, RULES, pair

# No quantile that is judged of all together lies where one request's latencies end and the next one's begin.
WEIGHTS = {"list": 0.32, "item": 0.3, "cart": 0.1, "search": 0.28}
TIMES = np.array([1.0, 2.0, 3.0, 5.0])

Hit = NDArray[np.bool_]
Harm = Callable[[Requests, Hit], Requests]


def mixed(seed: int, harm: Harm | None = None, *, seconds: int = 60) -> Evidence:
    """The samples' arms, each request with a name and a latency of its own; `harm` is done to the canary's carts."""
    evidence = pair(seed, seconds=seconds)
    rng = np.random.default_rng(seed)

    def of(arm: Arm, worse: Harm | None) -> Arm:
        rows = arm.requests
        number = rng.choice(len(WEIGHTS), len(rows), p=list(WEIGHTS.values()))
        rows = replace(rows, request=np.array([*WEIGHTS])[number], latency=rows.latency * TIMES[number])
        return replace(arm, requests=worse(rows, rows.request == "cart") if worse else rows)

    return replace(
        evidence,
        baseline=of(evidence.baseline, None),
        canary=of(evidence.canary, harm),
        weights=WEIGHTS,
    )


def slower(rows: Requests, hit: Hit) -> Requests:
    return replace(rows, latency=np.where(hit, 1.3 * rows.latency, rows.latency))


def failing(rows: Requests, hit: Hit) -> Requests:
    return replace(rows, status=np.where(hit, 500, rows.status), body_ok=np.where(hit, -1, rows.body_ok))


def failed(verdict: Verdict) -> dict[str, MetricVerdict]:
    return {metric.name: metric for metric in verdict.metrics if metric.decision is Decision.FAIL}


@pytest.mark.parametrize("seed", [1, 2])
def test_one_request_that_is_slower_is_named_within_two_minutes_though_all_together_are_not(
    seed: int,
) -> None:
    verdict = judge(mixed(seed, slower, seconds=120), RULES, POLICY)

    assert verdict.outcome is Outcome.FAILED
    found = failed(verdict)
    assert "latency_p50[cart]" in found
    assert {metric.request for metric in found.values()} == {"cart"}
    assert headline(verdict).startswith("do not promote: latency, median of cart is ")
    assert "worse by itself: cart" in " ".join(verdict.notes)


def test_without_the_names_nobody_sees_it() -> None:
    evidence = replace(mixed(1, slower, seconds=120), weights={})
    assert not failed(judge(evidence, RULES, POLICY))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_code_passes_though_no_single_request_is_shown_within_every_margin(seed: int) -> None:
    verdict = judge(mixed(seed), RULES, POLICY)

    assert not failed(verdict)
    assert verdict.outcome is judge(replace(mixed(seed), weights={}), RULES, POLICY).outcome
    undecided = [metric for metric in verdict.by_request if metric.decision is Decision.INCONCLUSIVE]
    assert undecided, "or this test shows nothing"
    assert "none is shown to be worse" in " ".join(verdict.notes)


def test_where_all_together_fail_the_metric_says_which_requests_do_so_by_themselves() -> None:
    verdict = judge(mixed(1, failing), RULES, POLICY)

    errors = failed(verdict)["error_rate"]
    assert errors.worse == ("cart",)
    assert errors.reason.endswith("; by themselves so is cart")
    assert "error_rate[cart]" not in failed(verdict), "it is told once"
    assert headline(verdict).endswith("requests fail, by itself: cart")


def test_where_every_request_is_worse_none_is_singled_out() -> None:
    everywhere = mixed(1, lambda rows, _: failing(rows, np.ones(len(rows), dtype=np.bool_)))

    errors = failed(judge(everywhere, RULES, POLICY))["error_rate"]

    assert errors.worse == ()
    assert errors.reason.endswith("; so is each of the 4 requests by itself")


def test_a_right_status_is_that_of_the_request() -> None:
    def other(rows: Requests, hit: Hit) -> Requests:
        return replace(rows, status=np.where(hit, 201, 200), expected=np.ones(len(rows), dtype=np.bool_))

    evidence = mixed(1, other)
    canary = ArmView(evidence.canary, POLICY.model_copy(update={"expected_status": (200,)}))

    assert canary.errors().count == 0


def test_alpha_is_shared_by_weight_and_all_parts_are_the_policy_s() -> None:
    evidence = mixed(1)
    views = ArmView(evidence.baseline, POLICY), ArmView(evidence.canary, POLICY)

    of_all = sum(arm_pair(rule, RULES, evidence, views, POLICY).alpha for rule in RULES)

    assert of_all == pytest.approx(POLICY.alpha / 2)
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_a_doubt_about_all_requests_is_one_about_each() -> None:
    untrusted = {"latency_p50": "the network between them was slow"}
    evidence = replace(mixed(1, slower), untrusted=untrusted)

    found = {metric.name: metric for metric in judge(evidence, RULES, POLICY).by_request}

    assert found["latency_p50[cart]"].decision is Decision.INCONCLUSIVE
    assert found["latency_p50[cart]"].reason == untrusted["latency_p50"]


def test_a_calibrated_drift_is_the_bar_for_each_request_too() -> None:
    evidence = replace(mixed(1, slower, seconds=120), drift={"latency_p50": 0.5})
    found = {metric.name: metric for metric in judge(evidence, RULES, POLICY).by_request}
    assert found["latency_p50[cart]"].drift == 0.5
    assert found["latency_p50[cart]"].decision is not Decision.FAIL

    own = replace(evidence, drift={"latency_p50": 0.5, "latency_p50[cart]": 0.02})
    found = {metric.name: metric for metric in judge(own, RULES, POLICY).by_request}
    assert found["latency_p50[cart]"].decision is Decision.FAIL


def test_of_a_rare_request_the_time_of_its_fail_is_told_in_seconds_that_went_by() -> None:
    evidence = mixed(1, failing)
    rows = evidence.canary.requests
    rare = np.flatnonzero(rows.request == "cart")[::15]  # one in three seconds or so
    kept = rows.request != "cart"
    kept[rare] = True
    evidence = replace(evidence, canary=replace(evidence.canary, requests=rows.where(kept)))

    (errors,) = [m for m in judge(evidence, RULES, POLICY).by_request if m.name == "error_rate[cart]"]

    assert errors.decision is Decision.FAIL
    seconds = np.unique(np.floor(rows.t[rare]))
    assert errors.decided_after is not None
    assert errors.decided_after > np.count_nonzero(seconds <= 10 + errors.decided_after)


def test_a_request_that_a_version_never_got_decides_nothing_and_is_named() -> None:
    evidence = mixed(1)
    without = evidence.canary.requests.where(evidence.canary.requests.request != "cart")
    evidence = replace(evidence, canary=replace(evidence.canary, requests=without))

    verdict = judge(evidence, RULES, POLICY)

    assert not [name for name in failed(verdict) if "[cart]" in name]
    assert "Fewer than 100 requests of a version: cart" in " ".join(verdict.notes)


def test_one_kind_of_request_has_no_rows_of_its_own() -> None:
    assert each_request(pair(1), RULES, POLICY, {}) == []
