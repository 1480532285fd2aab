"""Two load tests, the baseline's and the canary's, to the case that is judged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.base.errors import UsageError
from pipeline.base.text import duration
from pipeline.judge.catalogue import CATALOGUE, Kind
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.words import count_of
from pipeline.loadtests.config import LoadTestConfig
from pipeline.loadtests.formats import read_load_test
from pipeline.loadtests.recorded import LoadTest
from pipeline.series.evidence import Case
from pipeline.series.metric import SeriesRule

__all__ = ["from_load_tests"]

# As of a run: more of the requests than this left out, and what was measured is another thing than what was planned.
_MOST_LEFT_OUT: Final = 0.01
_OTHER_RATE: Final = 0.05  # loads that differ by more are said to
_LONGEST_BLOCK: Final = 60.0
_LATER: Final = (
    "The load tests ran at different times: what changed between those (the machine, its neighbours, data) cannot be "
    "told from what the canary changed"
)
_AT_ONCE: Final = (
    "The load tests ran at the same time: each moment of the canary is compared with the baseline's"
)
_SENT: Final = (
    "Latency counts from when {tool} sent a request: "
    "what waited to be sent because answers were slow is not in it"
)


def from_load_tests(
    baseline: Path, canary: Path, config: LoadTestConfig, *, form: str | None = None, warmup: float = 0.0
) -> Case:
    """The case of two files.

    Args:
        baseline, canary: the files.
        config: what is compared.
        form: which tool wrote them; None: by their content.
        warmup: so many seconds at the beginning of each are left out.

    Raises:
        UsageError: They cannot be read or do not go together.
    """
    if baseline.exists() and canary.exists() and baseline.samefile(canary):
        raise UsageError(f"{canary}: the same file for both versions, so nothing would be compared")
    tests = {"baseline": read_load_test(baseline, form), "canary": read_load_test(canary, form)}
    _refuse_different(*tests.values())
    spans = {arm: (test.begin + warmup, test.end) for arm, test in tests.items()}
    common = _common(tests, spans)
    if common is not None:
        spans = dict.fromkeys(tests, common)
    for arm, (begin, end) in spans.items():
        if end - begin < 1:
            raise UsageError(
                f"{tests[arm].path}: {max(end - begin, 0):.3g} s of load are left: too little to judge"
            )
    policy = _policy(config.policy, tests)
    rules, problems = _rules(config, tests)
    arms = {arm: _arm(test, *spans[arm]) for arm, test in tests.items()}
    notes = [_AT_ONCE if common is not None else _LATER]
    if warmup:
        notes.append(f"The first {duration(warmup)} of each are left out as warm-up")
    elif common is None:
        notes.append("Nothing was left out as warm-up: --warmup 30s leaves out the first seconds of each")
    tool = tests["baseline"].tool
    if tests["baseline"].requests.t.size and tool != "pipeline's loader":
        notes.append(_SENT.format(tool=tool))
    for note in dict.fromkeys(note for test in tests.values() for note in test.notes):
        of = [arm for arm, test in tests.items() if note in test.notes]
        notes.append(note if len(of) == len(tests) else f"Of the {of[0]}: {note}")
    notes += _other_rate(arms)
    summary = bool(tests["baseline"].summary)
    evidence = Evidence(
        baseline=arms["baseline"],
        canary=arms["canary"],
        problems=(*problems, *_left_out(tests), *(Problem("note", note) for note in dict.fromkeys(notes))),
        pairing="time" if common is not None else "age",
        planned=arms["canary"].seconds,
        load=not summary,
        once=True,
        weights=_weights(arms["baseline"].requests, arms["canary"].requests),
    )
    return Case(evidence, rules, policy, {arm: str(test.path) for arm, test in tests.items()})


def _refuse_different(baseline: LoadTest, canary: LoadTest) -> None:
    if baseline.tool != canary.tool:
        raise UsageError(
            f"{baseline.path} is of {baseline.tool}, {canary.path} of {canary.tool}: they measure differently, so "
            "their figures cannot be compared",
            hint="test both versions with one tool",
        )
    if bool(baseline.summary) != bool(canary.summary):
        single, whole = (canary, baseline) if baseline.summary else (baseline, canary)
        raise UsageError(
            f"{single.path} has single requests and {whole.path} only sums of them: give two files of one kind"
        )


def _common(
    tests: Mapping[str, LoadTest], spans: Mapping[str, tuple[float, float]]
) -> tuple[float, float] | None:
    """The time that both lasted, where that is at least half of the longer; None: they ran one after the other."""
    if not all(test.clock for test in tests.values()):
        return None
    begin, end = max(begin for begin, _ in spans.values()), min(end for _, end in spans.values())
    longer = max(end - begin for begin, end in spans.values())
    return (begin, end) if end - begin >= longer / 2 else None


def _policy(policy: Policy, tests: Mapping[str, LoadTest]) -> Policy:
    """A block is no shorter than what the times are known to, and of whole such steps."""
    step = max(test.step for test in tests.values())
    if step > _LONGEST_BLOCK:
        raise UsageError(f"samples {step:g} s apart: at most {_LONGEST_BLOCK:g} s can be judged")
    if not step:
        return policy
    return policy.model_copy(update={"block_seconds": math.ceil(policy.block_seconds / step - 1e-9) * step})


def _rules(
    config: LoadTestConfig, tests: Mapping[str, LoadTest]
) -> tuple[tuple[MetricRule, ...], list[Problem]]:
    """What can be compared, and what is to be said of what cannot."""
    asked = config.rules()
    tells = frozenset.intersection(*(test.tells for test in tests.values()))
    told = tuple(rule for rule in asked if rule.name in tells)
    untold = [rule for rule in asked if rule.name not in tells]
    if not told:
        raise UsageError(
            f"nothing of what the configuration asks for is in these files; they tell {', '.join(tells)}"
        )
    problems = []
    if untold:
        titles = ", ".join(CATALOGUE[rule.name].title.lower() for rule in untold)
        # What was asked for by name, and a metric that alone fails a canary, is no trifle to be without.
        needed = config.metrics is not None or any(
            rule.critical and rule.name == "error_rate" for rule in untold
        )
        said = f"The files do not tell: {titles}"
        if needed:
            said += "; so nothing passes by them (a --config whose metrics leave these out asks for less)"
        problems.append(Problem("inconclusive" if needed else "note", said))
    if any(test.summary for test in tests.values()):
        return tuple(_of_summary(rule) for rule in told), problems
    return told, problems


def _of_summary(rule: MetricRule) -> MetricRule:
    """The rule for a summary's series: of a quantile there are the values of intervals, so it is a level."""
    metric = rule.metric
    share = metric.kind is Kind.PROPORTION
    return SeriesRule.of(
        replace(
            metric,
            series=f"{rule.name}/hits" if share else rule.name,
            total=f"{rule.name}/total" if share else "",
            kind=Kind.PROPORTION if share else Kind.LEVEL,
            requests=False,
            needs_work=False,
            direction=rule.direction,
            threshold=rule.threshold,
            weight=rule.weight,
            critical=rule.critical,
            group=rule.group,
        )
    )


def _arm(test: LoadTest, begin: float, end: float) -> Arm:
    """What lies within the span, in seconds since its beginning."""
    rows = test.requests
    kept = rows.where((rows.t >= begin) & (rows.t < end))
    requests = replace(kept, t=kept.t - begin)
    series = {}
    for name, one in test.summary.items():
        # Of an interval the end is stamped; it counts in the middle.
        middle = one.t - _spacing(one) / 2
        inside = (middle >= begin) & (middle < end)
        series[name] = Series(middle[inside] - begin, one.value[inside])
    return Arm(requests, series, round(end - begin, 3), (0.0,))


def _weights(baseline: Requests, canary: Requests) -> dict[str, float]:
    """What part of both versions' requests each is, by name; empty where they have no names."""
    if not len(baseline.request) or not len(canary.request):
        return {}
    names, counts = np.unique(np.concatenate((baseline.request, canary.request)), return_counts=True)
    return dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))


def _spacing(series: Series) -> float:
    return float(np.median(np.diff(series.t))) if len(series.t) > 1 else 0.0


def _left_out(tests: Mapping[str, LoadTest]) -> Iterator[Problem]:
    """What the tool did not send, or could not make sense of: the machine's fault, or of a version that is too slow."""
    for arm, test in tests.items():
        due = len(test.requests) + test.unsent + test.own_failures
        if test.broken:
            yield Problem("invalid", f"{test.path}: {test.broken}")
        if test.own_failures:
            said = (
                f"{test.path}: {test.tool} could not read or send {count_of(test.own_failures, due)} requests"
            )
            yield Problem("invalid", f"{said}: nothing is known about them")
        if test.unsent:
            said = (
                f"{test.path}: {test.tool} did not send {count_of(test.unsent, due)} requests that were due"
            )
            if test.unsent <= _MOST_LEFT_OUT * due:
                yield Problem("note", said)
            else:
                effect = "invalid" if arm == "baseline" else "inconclusive"
                yield Problem(
                    effect, f"{said}: the load was not what was planned (more users, or a lower rate)"
                )


def _other_rate(arms: Mapping[str, Arm]) -> Sequence[str]:
    """That one version got more requests a second than the other."""
    b, c = (len(arms[arm].requests) / arms[arm].seconds for arm in ("baseline", "canary"))
    if not b or not c or abs(c / b - 1) <= _OTHER_RATE:
        return ()
    return (
        f"The baseline got {b:.3g} requests a second, the canary {c:.3g}. Where the tool waits for each answer, a "
        "version's own speed does that; else the loads differ, and so may all else",
    )
