"""The first line of each report: what to do, and why."""

from __future__ import annotations

from typing import Any

import pytest

import tests.support.judge_samples as samples
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, Lack, Outcome, Summary
from tests.support.report_samples import metric, verdict


def said(*metrics: Any, outcome: Outcome, reasons: tuple[str, ...] = (), **more: Any) -> str:
    own = tuple(f"{m.title}: {m.reason}" for m in metrics if m.decision is not Decision.PASS)
    return headline(verdict(outcome=outcome, metrics=metrics, reasons=reasons or own, **more))


def undecided(name: str = "latency_p50", **changes: Any) -> Any:
    return metric(name, **{"decision": Decision.INCONCLUSIVE, "lacks": Lack.CERTAINTY, **changes})


def failed(name: str, n: int = 100, value: float | None = 0.03, **changes: Any) -> Any:
    return metric(name, decision=Decision.FAIL, canary=Summary(n, value), **changes)


def test_a_pass_says_promote() -> None:
    assert said(metric(), outcome=Outcome.PASSED) == "promote: no metric is worse than allowed"


def test_a_pass_with_a_fail_or_an_undecided_metric_names_it() -> None:
    light = failed("service_threads", title="Service threads")
    assert said(metric(), light, outcome=Outcome.PASSED) == (
        "promote: service threads is worse, too little to fail the canary"
    )
    assert said(metric(), undecided(title="Host load"), outcome=Outcome.PASSED) == (
        "promote: no metric is shown to be worse than allowed; host load is undecided"
    )


def test_a_pass_by_the_policy_claims_no_more_than_was_shown() -> None:
    one = undecided()
    line = said(metric(), one, outcome=Outcome.PASSED, undecided="pass", let_pass=(one.name,))
    assert line == ("no harm shown: promote, though 1 of 2 metrics is undecided (policy undecided: pass)")


@pytest.mark.parametrize(
    ("worst", "words"),
    [
        (failed("error_rate"), "3 of 100 requests fail"),
        (failed("wrong_body_rate", 3000, 0.019), "57 of 3,000 answers have a wrong body"),
        (failed("new_statuses"), "3 of 100 answers have a status that the baseline never gave"),
        (failed("availability", 60, 0.75), "15 of 60 seconds had no good answer"),
        (failed("service_restarts", 60, 3.0), "the service restarted 3 times"),
        (failed("service_restarts", 60, 1.0), "the service restarted once"),
        (
            failed("latency_p50", title="Latency, median", value=0.0263, effect=0.229),
            "latency, median is 22.9 % worse (26.3 ms, the baseline 21.4 ms)",
        ),
        (
            failed("x", title="CPU of a pod", effect_kind="absolute", value=0.04),
            "CPU of a pod at 40 ms, the baseline at 21.4 ms",
        ),
        (failed("joint_shift", title="All together", value=None, effect_kind="absolute"), "all together is worse than"),
    ],
)  # fmt: skip
def test_a_fail_says_what_is_wrong_in_a_user_s_words(worst: Any, words: str) -> None:
    line = said(metric(), worst, outcome=Outcome.FAILED)
    assert line.startswith(f"do not promote: {words}")


def test_the_critical_fail_is_the_strongest_reason_then_the_heaviest() -> None:
    light, heavy = failed("new_statuses"), failed("wrong_body_rate", weight=30.0)
    assert "wrong body" in said(light, heavy, outcome=Outcome.FAILED)
    assert "requests fail" in said(light, heavy, failed("error_rate", critical=True), outcome=Outcome.FAILED)


def test_what_is_worse_in_another_group_is_named_as_well_but_not_beside_failed_requests() -> None:
    latency = failed("latency_p50", title="Latency, median", group="latency", weight=30.0)
    tail = failed("latency_p99", title="Latency, p99", group="latency", weight=30.0)
    cpu = failed("host_cpu", title="Host CPU", group="host", weight=10.0)
    line = said(latency, tail, cpu, outcome=Outcome.FAILED)
    assert line.startswith("do not promote: latency, median is ")
    assert line.endswith("; also worse: host CPU")
    assert "also worse" not in said(latency, tail, outcome=Outcome.FAILED)
    errors = failed("error_rate", group="errors", critical=True)
    assert "also worse" not in said(errors, latency, cpu, outcome=Outcome.FAILED)


def test_a_canary_that_did_not_start_failed_by_that() -> None:
    line = said(failed("error_rate"), outcome=Outcome.FAILED, reasons=("The canary did not start: exit 1",))
    assert line == "do not promote: the canary did not start: exit 1"


@pytest.mark.parametrize(
    ("waits", "words"),
    [((0.2, 1.4), "2 more minutes"), ((0.2,), "1 more minute"), ((60.0,), "60 more minutes")],
)
def test_where_more_time_would_tell_it_says_how_much_for_all(waits: tuple[float, ...], words: str) -> None:
    metrics = [undecided(f"m{wait}", more_minutes=wait) for wait in waits]
    assert said(*metrics, outcome=Outcome.INCONCLUSIVE) == f"cannot tell yet: {words}"


def test_where_more_time_would_not_tell_it_says_what_may() -> None:
    slow, quick = undecided("a", title="Latency, p99"), undecided("b", more_minutes=1.0)
    assert said(slow, quick, outcome=Outcome.INCONCLUSIVE) == (
        "cannot tell: more of the same would hardly decide latency, p99; less noise would, or a wider margin"
    )


def test_a_light_fail_beside_it_does_not_hide_what_is_open() -> None:
    light = failed("service_threads", title="Service threads", weight=1.0)
    assert said(light, undecided(more_minutes=1.4), outcome=Outcome.INCONCLUSIVE) == (
        "cannot tell yet: 2 more minutes"
    )


def test_too_few_samples_want_a_longer_run() -> None:
    few = undecided("a", lacks=Lack.SAMPLES)
    assert said(few, metric(), outcome=Outcome.INCONCLUSIVE) == (
        "cannot tell yet: 1 of 2 metrics has too few samples; measure longer"
    )


def test_a_doubt_is_said_as_it_is() -> None:
    odd = [
        undecided(name, title=name, lacks=Lack.TRUST, reason="a copy") for name in ("CPU", "Memory", "Load")
    ]
    assert said(*odd, outcome=Outcome.INCONCLUSIVE) == "cannot tell: a copy (CPU; Memory and 1 more)"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.INVALID, "the run is invalid: no request was measured on the baseline"),
        (Outcome.INCONCLUSIVE, "cannot tell: no request was measured on the baseline"),
    ],
)
def test_what_the_run_itself_lacks_comes_before_any_metric(outcome: Outcome, words: str) -> None:
    why = ("No request was measured on the baseline",)
    assert said(undecided(more_minutes=1.0), outcome=outcome, reasons=why) == words


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_verdict_with_nothing_in_it_has_a_line_too(outcome: Outcome) -> None:
    assert headline(verdict(outcome=outcome, metrics=(), reasons=(), groups=()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (samples.broken, "do not promote: 6,000 of 6,000 requests fail"),
        (samples.wrong, "do not promote: 623 of 6,000 answers have a wrong body"),
        (samples.leak, "do not promote: service memory growth at 21.1 MB/min, the baseline at 1.26 MB/min"),
    ],
)
def test_real_verdicts_have_a_short_one(change: samples.Change, words: str) -> None:
    assert headline(samples.judged(1, change, 120)) == words
