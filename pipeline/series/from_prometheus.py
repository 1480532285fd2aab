"""A configuration's metrics, asked of a Prometheus: for each version the samples of each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import UsageError
from pipeline.base.text import clean
from pipeline.judge.evidence import usable
from pipeline.series import promql
from pipeline.series.asked import Question
from pipeline.series.config import JudgeConfig
from pipeline.series.matchers import Matcher
from pipeline.series.metric import MetricConfig, PrometheusSource
from pipeline.series.prometheus import LabelledSeries, Prometheus
from pipeline.series.samples import Samples, events, level, proportion, rises
from pipeline.series.window import Span

__all__ = ["ARMS", "fetch", "fetch_arm"]

Floats = NDArray[np.float64]
_Columns = tuple[Floats, Floats]
ARMS: Final = ("baseline", "canary")
_NONE: Final = np.zeros(0)
_SHARED: Final = (
    "its query looks back further than one step, so neighbouring samples share what they are made of and tell less "
    "than as many single ones: write [$step] and, where that is too short, a longer step"
)


@dataclass(frozen=True, slots=True)
class _Question:
    """One version's view of the server: its grid of steps from `span.start` on, and its label matchers."""

    client: Prometheus
    arm: str
    span: Span
    step: float
    labels: Mapping[str, Matcher]

    def filled(self, query: object) -> str:
        template = query if isinstance(query, str) else str(getattr(query, self.arm))
        return promql.fill(template, self.labels, self.step)


def fetch(
    config: JudgeConfig, client: Prometheus, spans: Mapping[str, Span], step: float
) -> Mapping[str, Mapping[str, Samples]]:
    """Samples by version and metric; their times are Unix seconds, each the end of the step it stands for.

    Raises UsageError when a query is wrong, gives several series where one is needed, or the same for both
    versions; and what the client raises.
    """
    labels = {arm: getattr(config.arms, arm) if config.arms else {} for arm in ARMS}
    questions = {arm: _Question(client, arm, spans[arm], step, labels[arm]) for arm in ARMS}
    for metric in config.metrics:
        _check(metric, questions)
    return {
        arm: {metric.name: _samples(metric, question) for metric in config.metrics}
        for arm, question in questions.items()
    }


def fetch_arm(
    config: JudgeConfig, client: Prometheus, arm: str, span: Span, step: float
) -> Mapping[str, Samples]:
    """As fetch, of one version alone."""
    question = _Question(client, arm, span, step, getattr(config.arms, arm) if config.arms else {})
    return {metric.name: _samples(metric, question) for metric in config.metrics}


def _source(metric: MetricConfig) -> PrometheusSource:
    return metric.prometheus or PrometheusSource()


def _check(metric: MetricConfig, questions: Mapping[str, _Question]) -> None:
    source = _source(metric)
    baseline, canary = (questions[arm].span for arm in ARMS)
    overlap = max(baseline.start, canary.start) < min(baseline.end, canary.end)
    for key, query in source.queries():
        texts = {arm: question.filled(query) for arm, question in questions.items()}
        if texts["baseline"] == texts["canary"] and overlap:
            raise UsageError(
                f"{metric.name}: {key} asks the same for both versions at the same time, so nothing would be compared",
                hint="put $arm between its braces, or give a query for each version (docs/prometheus.md)",
            )
        if metric.kind in ("count", "proportion") and not source.counters:
            step = questions["baseline"].step
            for seconds in promql.ranges(texts["canary"]):
                if abs(seconds - step) > 0.001:
                    raise UsageError(
                        f"{metric.name}: {key} counts over {seconds:g} s at each step of {step:g} s, so not each "
                        "event once",
                        hint="write [$step], or select the counter itself and say counters: true",
                    )


def _samples(metric: MetricConfig, question: _Question) -> Samples:
    source, notes, incomplete = _source(metric), list[str](), list[str]()
    asked = list[Question]()

    def ask(query: object) -> tuple[LabelledSeries, ...]:
        text = question.filled(query)
        if metric.kind in ("level", "trend") and max(promql.ranges(text), default=0) > question.step:
            notes.append(f"{metric.name}: {_SHARED}")
        answer = question.client.query_range(text, question.span.start, question.span.end, question.step)
        notes.extend(f"{metric.name}: the server remarks: {said}" for said in answer.remarks)
        incomplete.extend(answer.incomplete)
        count = sum(len(one.t) for one in answer.series)
        asked.append(Question(metric.name, question.arm, text, len(answer.series), count))
        if not answer.series:
            notes.append(f"{metric.name}: nothing in the {question.arm} for {clean(text, 300)}")
        return answer.series

    try:
        if metric.kind == "proportion":
            samples = _proportion(ask(source.total), ask(source.hits), metric, question)
        elif metric.kind == "count":
            samples = events(*_events(ask(source.query), metric, question))
        else:
            samples = level(*_one(ask(source.query), metric, question))
    except ValueError as error:
        raise UsageError(f"{metric.name}, {question.arm}: {error}") from None
    return replace(
        samples, notes=tuple(notes), incomplete=tuple(dict.fromkeys(incomplete)), asked=tuple(asked)
    )


def _proportion(
    total: Sequence[LabelledSeries], hits: Sequence[LabelledSeries], metric: MetricConfig, question: _Question
) -> Samples:
    source = _source(metric)
    if source.counters:
        first = _first_step(total, question)
        pair = _risen(hits, question, first), _risen(total, question, first)
    else:
        pair = _one(hits, metric, question), _one(total, metric, question)
    # A series of hits that exists has been seen to work: where it has no sample yet, there was no hit.
    zero = bool(hits) or source.absent == "zero"
    return proportion(*pair, zero=zero, counted=source.counters)


def _events(series: Sequence[LabelledSeries], metric: MetricConfig, question: _Question) -> _Columns:
    source = _source(metric)
    if not series and source.absent == "zero":
        steps = np.arange(1, _count(question) + 1)
        return _ends(steps, question), np.zeros(len(steps))
    if source.counters:
        return _risen(series, question, _first_step(series, question))
    return _one(series, metric, question)


def _steps(found: LabelledSeries, question: _Question) -> NDArray[np.int64]:
    return np.rint((found.t - question.span.start) / question.step).astype(np.int64)


def _first_step(series: Sequence[LabelledSeries], question: _Question) -> int:
    """The earliest step at which any of the series has a sample; 0 where none has."""
    return min((int(_steps(found, question)[0]) for found in series if len(found.t)), default=0)


def _count(question: _Question) -> int:
    """How many whole steps the window has."""
    return int(question.span.seconds / question.step + 1e-6)


def _ends(step: NDArray[np.int64], question: _Question) -> Floats:
    return np.asarray(question.span.start + step * question.step, dtype=np.float64)


def _one(series: Sequence[LabelledSeries], metric: MetricConfig, question: _Question) -> _Columns:
    """The samples of the one series, from the end of the window's first step on."""
    if not series:
        return _NONE, _NONE
    if len(series) > 1:
        raise UsageError(
            f"{metric.name}: {len(series)} series in the {question.arm} where one is needed: {_differ(series)}",
            hint="add them up: sum(...), avg(...), max(...); or narrow the labels",
        )
    step = _steps(series[0], question)
    within = step >= 1
    return _ends(step[within], question), series[0].value[within]


def _differ(series: Sequence[LabelledSeries]) -> str:
    names = sorted({name for found in series for name in found.labels})
    values = {name: sorted({found.labels.get(name, "") for found in series}) for name in names}
    told = [
        f"{clean(name, 60)} ({', '.join(clean(value, 40) or 'none' for value in several[:3])}"
        + (", ...)" if len(several) > 3 else ")")
        for name, several in values.items()
        if len(several) > 1
    ]
    return "they differ in " + ", ".join(told) if told else "their labels are the same"


def _risen(series: Sequence[LabelledSeries], question: _Question, first: int) -> _Columns:
    """The rises of all counters together, by step. One that appears after step `first` began at 0 then."""
    steps = _count(question) + 1
    total, seen = np.zeros(steps), np.zeros(steps, dtype=np.bool_)
    for found in series:
        known = usable(found.value)
        step, value = _steps(found, question)[known], found.value[known]
        if len(step):
            at, rise = rises(step.astype(np.float64), value, appeared=bool(step[0] > first))
            index = at.astype(np.int64)
            inside = (index >= 1) & (index < steps)
            np.add.at(total, index[inside], rise[inside])
            seen[index[inside]] = True
    at_step = np.flatnonzero(seen)
    return _ends(at_step, question), total[at_step]
