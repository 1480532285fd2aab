"""The series that were asked for Kayenta's judge, as what our judge takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import UsageError
from pipeline.judge.evidence import usable
from pipeline.kayenta.asked import Asked
from pipeline.kayenta.config import Thresholds
from pipeline.kayenta.from_prometheus import Answered
from pipeline.kayenta.own_rules import OwnMetric, notes_on, own_config, own_metrics
from pipeline.kayenta.pairs import Side
from pipeline.kayenta.scopes import ARMS
from pipeline.series.asked import Question
from pipeline.series.case import within
from pipeline.series.evidence import Case, build, common_span
from pipeline.series.planned import Length, ending
from pipeline.series.samples import Samples, level
from pipeline.series.window import Span

__all__ = ["OwnCase", "own_case"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OwnCase:
    """What our judge takes; `names` has, for each of Kayenta's results, what it is called there (None: muted)."""

    case: Case
    names: tuple[str | None, ...]


def own_case(
    asked: Asked, thresholds: Thresholds, answered: Sequence[Answered], *, typed: bool, planned: Length = None
) -> OwnCase:
    """The case of what was answered.

    Args:
        asked: the configuration and its queries.
        thresholds: of which the pass is our score's.
        answered: the series, by metric.
        typed: the windows were typed. Those of a request have a length that was planned.
        planned: as of `parse_planned`; wins over the request's.

    Raises UsageError where the metrics have different windows or steps, which Kayenta allows.
    """
    spans, step = _one_window(answered)
    requested = not typed and all(one.question.scopes.window is not None for one in answered)
    length = round(spans["canary"].seconds, 3) if planned is None and requested else planned
    each = [(one, pair) for one in answered for pair in one.pairs]
    owns = own_metrics([(one.metric, pair.tags, _negative(pair.baseline, pair.canary)) for one, pair in each])
    metrics = [own for own in owns if own is not None]
    config = own_config(asked.config, thresholds, metrics)
    both = common_span(spans["baseline"], spans["canary"], None)
    used = dict.fromkeys(ARMS, both) if both is not None else spans
    samples: dict[str, dict[str, Samples]] = {}
    for arm in ARMS:
        seen = _seen(answered, arm, spans[arm], step)
        samples[arm] = {
            own.name: within(_samples(own, one, arm, getattr(pair, arm), (spans[arm], step, seen)), used[arm])
            for own, (one, pair) in zip(owns, each, strict=True)
            if own is not None
        }
    case = build(
        config,
        samples,
        used,
        step,
        by_time=both is not None,
        end=ending(round(used["canary"].seconds, 3), length, whole=False),
        names={arm: asked.name(arm) for arm in ARMS},
        notes=(
            *asked.config.notes,
            *notes_on(asked.config),
            *(note for one in answered for note in one.notes()),
        ),
    )
    return OwnCase(case, tuple(own.name if own else None for own in owns))


def _one_window(answered: Sequence[Answered]) -> tuple[Mapping[str, Span], float]:
    first = answered[0]
    for one in answered[1:]:
        if one.spans != first.spans or one.question.scopes.step != first.question.scopes.step:
            raise UsageError(
                f"{one.metric.name} has another window or step than {first.metric.name}: our judge takes one for all",
                hint="--from, --to and --scope step=60s win over the request's; or give --judge kayenta",
            )
    return first.spans, float(first.question.scopes.step)


def _negative(*sides: Side) -> bool:
    return any(side.series is not None and bool(np.any(side.series.value < 0)) for side in sides)


def _steps(t: NDArray[np.float64], span: Span, step: float) -> Ints:
    return np.rint((t - span.start) / step).astype(np.int64)


def _seen(answered: Sequence[Answered], arm: str, span: Span, step: float) -> Ints:
    """The steps in which any metric of a version alone has a value: there it was, and was scraped."""
    own = [answer for answer in answered if answer.compares]
    found = [_steps(one.t, span, step) for answer in own for one in answer.answers[arm].series]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def _samples(own: OwnMetric, one: Answered, arm: str, side: Side, grid: tuple[Span, float, Ints]) -> Samples:
    span, step, seen = grid
    none = np.zeros(0)
    t, value = (side.series.t, side.series.value) if side.series is not None else (none, none)
    count = len(t)
    if own.metric.analysis.replaces_nan:
        # Nothing is taken for 0, but not where nothing of the version was seen: then it was not there.
        known = dict(zip(_steps(t, span, step).tolist(), value.tolist(), strict=True))
        filled = np.asarray([known.get(at, 0.0) for at in seen.tolist()], dtype=np.float64)
        value = np.asarray(np.where(usable(filled), filled, 0.0), dtype=np.float64)
        t = np.asarray(span.start + seen * step, dtype=np.float64)
    answer = one.answers[arm]
    question = Question(own.name, arm, one.question.queries[arm], int(side.series is not None), count)
    return replace(level(t, value), incomplete=answer.incomplete, asked=(question,))
