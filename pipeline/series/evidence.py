"""From samples of any origin to what the judge takes: the evidence, the rules and the policy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from pipeline.base.errors import UsageError
from pipeline.base.text import duration
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.series.asked import Question, Questions
from pipeline.series.config import JudgeConfig
from pipeline.series.metric import MetricConfig
from pipeline.series.planned import Ending
from pipeline.series.samples import Samples
from pipeline.series.window import Span

__all__ = ["Case", "build", "common_span"]

_LONGEST_STEP = 3600.0  # seconds
# Where nobody said how long the window would be, late changes are looked for as in one of so many blocks. It must not
# grow with the window, for bounds hold at every look only while this stays what it is.
_OPEN_BLOCKS = 240
_A_DATE = 1e8  # Unix seconds; a smaller time is counted from somewhere else


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Everything that `pipeline.judge.judge` takes, what `baseline` and `canary` are called, and what was asked."""

    evidence: Evidence
    rules: tuple[MetricRule, ...]
    policy: Policy
    names: Mapping[str, str]
    questions: Questions = field(default_factory=Questions)


def common_span(baseline: Span, canary: Span, pairing: str | None) -> Span | None:
    """The time both versions were there, when they are to be paired by time; None: by age.

    Without `pairing` given, by time where the spans overlap by at least half of the longer. Raises UsageError when
    they are to be paired by time and do not overlap.
    """
    both = Span(max(baseline.start, canary.start), min(baseline.end, canary.end))
    if pairing == "time" and both.seconds <= 0:
        raise UsageError(
            "pairing: time needs versions that ran at the same time; these windows do not overlap"
        )
    longer = max(baseline.seconds, canary.seconds)
    by_time = both.seconds >= longer / 2 if pairing is None else pairing == "time"
    return both if by_time else None


def build(
    config: JudgeConfig,
    samples: Mapping[str, Mapping[str, Samples]],
    spans: Mapping[str, Span],
    step: float,
    *,
    by_time: bool,
    end: Ending,
    names: Mapping[str, str],
    notes: Iterable[str] = (),
    source: str = "",
) -> Case:
    """The case that `samples` make: by version and metric, at the ends of their steps, in the clock of `spans`."""
    if not 0 < step <= _LONGEST_STEP:
        raise UsageError(f"samples {step:g} s apart: at most {_LONGEST_STEP:g} s can be judged")
    wanted = config.policy.block_seconds
    # A block shorter than a step would be empty most of the time.
    blocks = math.ceil(wanted / step - 1e-9) * step
    policy = config.policy.model_copy(update={"block_seconds": blocks})
    arms = {arm: _arm(config, samples[arm], spans[arm], step) for arm in samples}
    problems = dict.fromkeys(_notes(config, samples))  # both versions may give the same
    how = (
        "Both versions ran at the same time: each step of the canary is compared with the baseline's of that time"
        if by_time
        else "The versions ran at different times: what changed between those (load, data, hour of the day) "
        "cannot be told from what the canary changed"
    )
    evidence = Evidence(
        baseline=arms["baseline"],
        canary=arms["canary"],
        problems=(*(Problem("note", said) for said in (how, end.said, *notes)), *problems),
        pairing="time" if by_time else "age",
        planned=_planned(end, spans["canary"], blocks),
        load=False,
        once=end.once,
        open_ended=end.planned is None and not end.once,
        untrusted=_untrusted(config, samples),
    )
    questions = Questions(
        source, {arm: _window(span) for arm, span in spans.items()}, step, tuple(_asked(config, samples))
    )
    return Case(evidence, config.rules(), policy, names, questions)


def _asked(config: JudgeConfig, samples: Mapping[str, Mapping[str, Samples]]) -> Iterator[Question]:
    """What was asked for each metric; the columns of files, which are not asked, by their names."""
    for metric in config.metrics:
        for arm, own in samples.items():
            one = own[metric.name]
            yield from one.asked or (
                Question(metric.name, arm, f"column {name}", min(len(one), 1), len(one))
                for name in metric.columns()
            )


def _window(span: Span) -> str:
    """From when to when, in UTC; files may count from zero."""
    if span.start < _A_DATE:
        return f"{span.start:g} s to {span.end:g} s, {duration(span.seconds)}"
    start, end = (datetime.fromtimestamp(t, UTC) for t in (span.start, span.end))
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC, {duration(span.seconds)}"


def _planned(end: Ending, canary: Span, blocks: float) -> float:
    if end.planned is not None:
        return end.planned
    return canary.seconds if end.once else _OPEN_BLOCKS * blocks


def _untrusted(config: JudgeConfig, samples: Mapping[str, Mapping[str, Samples]]) -> Mapping[str, str]:
    """By metric, that and where the server says that it has not answered with all it has."""
    found: dict[str, str] = {}
    for metric in config.metrics:
        said = {
            arm: own[metric.name].incomplete for arm, own in samples.items() if own[metric.name].incomplete
        }
        if said:
            words = "; ".join(dict.fromkeys(text for texts in said.values() for text in texts))
            found[metric.name] = (
                f"the server says that its answer for the {' and the '.join(said)} is incomplete: {words}"
            )
    return found


def _arm(config: JudgeConfig, samples: Mapping[str, Samples], span: Span, step: float) -> Arm:
    series: dict[str, Series] = {}
    for metric in config.metrics:
        series |= dict(_series(metric, samples[metric.name], span, step))
    # To the millisecond: instants since 1970 are not exact beyond, and a planned length must be seen to be reached.
    return Arm(_no_requests(), series, round(span.seconds, 3), (0.0,))


def _series(metric: MetricConfig, samples: Samples, span: Span, step: float) -> Iterator[tuple[str, Series]]:
    """The series that the rule's metric names, in seconds since the span's start; each sample at its step's middle."""
    own = metric.rule().metric
    t = samples.t - span.start - step / 2
    if samples.total is not None:
        yield own.series, Series(t, samples.value)
        yield own.total, Series(t, samples.total)
    elif metric.kind == "count":
        counter = np.concatenate([[0.0], np.cumsum(samples.value)]) if len(samples) else samples.value
        yield own.series, Series(np.concatenate([[0.0], t]) if len(samples) else t, counter)
    else:
        yield own.series, Series(t, samples.value)


def _no_requests() -> Requests:
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    return Requests(none, none, whole, whole, whole)


def _notes(config: JudgeConfig, samples: Mapping[str, Mapping[str, Samples]]) -> Iterator[Problem]:
    for metric in config.metrics:
        for arm, own in samples.items():
            one = own[metric.name]
            yield from (Problem("note", note) for note in one.notes)
            if one.missing:
                n = f"{one.missing:,} of {one.missing + len(one):,}"
                yield Problem(
                    "note", f"{metric.name}: {n} samples of the {arm} hold no number and are left out"
                )
