"""A canary configuration's series, asked of a Prometheus as Kayenta asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.base.errors import UsageError
from pipeline.base.text import clean
from pipeline.kayenta.asked import Asked, AskedMetric, Question
from pipeline.kayenta.judge import MetricPair
from pipeline.kayenta.pairs import SidePair, pairs
from pipeline.kayenta.scopes import ARMS
from pipeline.series.case import check_steps, span_of
from pipeline.series.planned import Length, cut
from pipeline.series.prometheus import Answer, Prometheus
from pipeline.series.window import Span

__all__ = ["Answered", "ask"]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What the server has for one metric: both answers, what they make together, and where they were asked."""

    question: Question
    spans: Mapping[str, Span]
    answers: Mapping[str, Answer]
    pairs: tuple[SidePair, ...]

    @property
    def metric(self) -> AskedMetric:
        """The metric."""
        return self.question.metric

    @property
    def compares(self) -> bool:
        """Whether the two answers are of two versions: not where the same was asked of the same time."""
        return _compares(self.question, self.spans)

    def metric_pairs(self) -> Iterator[MetricPair]:
        """What Kayenta's judge takes."""
        for one in self.pairs:
            yield MetricPair(self.metric, one.baseline.values(), one.canary.values(), one.tags)

    def notes(self) -> Iterator[str]:
        """What a reader should know of the answers."""
        name = self.metric.name
        if not self.compares:
            yield f"{name}: its query is the same for both versions, so it compares nothing"
        for arm, answer in self.answers.items():
            if not answer.series:
                yield f"{name}: nothing in the {arm} for {clean(self.question.queries[arm], 300)}"
            for said in answer.incomplete:
                yield f"{name}: the server says that its answer for the {arm} is incomplete: {said}"
            for said in answer.remarks:
                yield f"{name}: the server remarks: {said}"
            endless = sum(int(np.count_nonzero(np.isinf(one.value))) for one in answer.series)
            if endless:
                yield f"{name}: {endless:,} infinite samples of the {arm} are left out; Kayenta computes with them"


def ask(
    asked: Asked, client: Prometheus, times: Mapping[str, str], *, now: float, planned: Length = None
) -> tuple[Answered, ...]:
    """Each metric's series; `times` are instants that win over the request's, as of series.case.

    Raises UsageError where the scopes name nothing, or the same, and where labels make no pairs; and what the client
    raises.
    """
    windows = [
        cut({arm: span_of(one.scopes.window, arm, times, now, planned) for arm in ARMS}, planned)
        for one in asked.questions
    ]
    for spans, one in zip(windows, asked.questions, strict=True):
        check_steps(spans, one.scopes.step)
    _tell_apart(asked, windows)
    found = []
    for spans, one in zip(windows, asked.questions, strict=True):
        answers = {
            arm: client.query_range(one.queries[arm], span.start, span.end, one.scopes.step)
            for arm, span in spans.items()
        }
        steps = [int(spans[arm].seconds / one.scopes.step + 1e-6) for arm in ARMS]
        try:
            made = pairs(answers["baseline"].series, answers["canary"].series, (steps[0], steps[1]))
        except ValueError as error:
            hint = "aggregate by labels that both have: groupByFields, or sum by (...) in a PromQL: template"
            raise UsageError(f"{one.metric.name}: {error}", hint=hint) from None
        found.append(Answered(one, spans, answers, made))
    _named(asked, found)
    return tuple(found)


def _compares(question: Question, spans: Mapping[str, Span]) -> bool:
    baseline, canary = (spans[arm] for arm in ARMS)
    overlap = max(baseline.start, canary.start) < min(baseline.end, canary.end)
    return not overlap or question.queries["baseline"] != question.queries["canary"]


def _tell_apart(asked: Asked, windows: list[dict[str, Span]]) -> None:
    if not any(_compares(one, spans) for spans, one in zip(windows, asked.questions, strict=True)):
        raise UsageError(
            "each metric asks the same for both versions at the same time, so nothing would be compared",
            hint="--scope baseline=NAME --scope canary=NAME, and ${scope} in the templates (docs/kayenta.md)",
        )


def _named(asked: Asked, found: list[Answered]) -> None:
    own = [one for one in found if one.compares]
    for arm in ARMS:
        if not any(len(series.t) for one in own for series in one.answers[arm].series):
            none = (
                "its query gives no series"
                if len(own) == 1
                else f"none of its {len(own)} queries gives a series"
            )
            query = own[0].question.queries[arm]
            raise UsageError(
                f"the scope of the {arm}, {clean(asked.name(arm), 60)!r}, names nothing: {none}: {clean(query, 300)}",
                hint="is it spelt as in the labels, and was it there from --from to --to?",
            )
