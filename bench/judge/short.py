"""Short series judged once, as `pipeline judge --config` does, beside Kayenta's classifier and a rank test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np
from scipy.stats import mannwhitneyu

from bench.judge.labelled import HARMFUL, HARMLESS, NOISES, Pair, labelled_pair
from bench.judge.parallel import each_case
from bench.judge.rows import Asked, Rows
from bench.judge.spoilt import SPOILT, spoil
from bench.judge.tables import share
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.kayenta.classify import Label, classify
from pipeline.kayenta.config import Analysis
from pipeline.series.config import JudgeConfig
from pipeline.series.evidence import Case as SeriesCase
from pipeline.series.evidence import build
from pipeline.series.planned import ending
from pipeline.series.samples import level
from pipeline.series.window import Span

__all__ = ["kinds", "series_case", "short"]

_STEP: Final = 15.0  # seconds
_START: Final = 1_767_225_600.0  # Unix seconds
_TOGETHER: Final = 0.5  # mean of change over margin that all metrics together may have
_RANK_ALPHA: Final = 0.05
_JUDGES: Final = (
    "ours",
    "ours, undecided: pass",
    "Kayenta",
    "Kayenta with our margins",
    f"rank test, any p < {_RANK_ALPHA}",
)
_UNDECIDED: Final = (Outcome.INCONCLUSIVE, Outcome.INVALID)


@dataclass(frozen=True, slots=True)
class _Set:
    """Cases of one kind on one noise."""

    noise: str
    kind: str
    family: str


def series_case(pair: Pair) -> SeriesCase:
    """What `pipeline judge --config` makes of both series: a level each, an increase is harm; also together."""
    names = [f"m{index}" for index in range(len(pair.baseline))]
    margin = f"{100 * pair.margin:g}%"
    metrics = [{"name": name, "kind": "level", "margin": margin} for name in names]
    seconds = pair.baseline.shape[1] * _STEP
    t = _START + _STEP * np.arange(1, pair.baseline.shape[1] + 1)
    samples = {
        arm: {name: level(t, value) for name, value in zip(names, values, strict=True)}
        for arm, values in (("baseline", pair.baseline), ("canary", pair.canary))
    }
    span = Span(_START, _START + seconds)
    return build(
        JudgeConfig.model_validate({"metrics": metrics, "together": _TOGETHER}),
        samples,
        {"baseline": span, "canary": span},
        _STEP,
        by_time=True,
        end=ending(seconds, None, whole=True),
        names={"baseline": "baseline", "canary": "canary"},
    )


def short(asked: Asked) -> Rows:
    """How often each judge is right about labelled pairs; a row is a noise and a judge.

    Balanced accuracy is the mean of the harmless that are called so and the harmful that are. With `undecided passes`
    what is undecided counts as harmless.
    """
    yield [
        "noise",
        "judge",
        "false fails",
        "found",
        "undecided harmless",
        "undecided harmful",
        "balanced accuracy, undecided passes",
        "of the decided",
    ]
    sets = [
        _Set(noise, kind, asked.family)
        for noise in NOISES
        if re.search(asked.only, noise)
        for kind in (*HARMLESS, *HARMFUL)
    ]
    everything = _answers(sets, asked, peers=True)
    for noise, group in groupby(everything, key=lambda one: one[0].noise):
        of_noise = list(group)
        for index, name in enumerate(_JUDGES):
            harmless, harmful = (
                Counter(answers[index] for one, some in of_noise if one.kind in label for answers in some)
                for label in (HARMLESS, HARMFUL)
            )
            yield [noise, name, *_scores(harmless, harmful)]


def _scores(harmless: Counter[Outcome], harmful: Counter[Outcome]) -> list[str]:
    n, m = harmless.total(), harmful.total()
    false, found = harmless[Outcome.FAILED], harmful[Outcome.FAILED]
    right, missed = harmless[Outcome.PASSED], harmful[Outcome.PASSED]
    undecided = [share(sum(some[one] for one in _UNDECIDED), some.total()) for some in (harmless, harmful)]
    decided = (
        f"{(right / (right + false) + found / (found + missed)) / 2:.3f}"
        if right + false and found + missed
        else "-"
    )
    policy = (1 - false / n + found / m) / 2
    return [share(false, n), share(found, m), *undecided, f"{policy:.3f}", decided]


def kinds(asked: Asked) -> Rows:
    """What ours says of each kind of change: percent failed / inconclusive / passed; a column is a noise."""
    yield ["the canary's change", "label", *NOISES]
    labels = {
        **dict.fromkeys(HARMLESS, "harmless"),
        **dict.fromkeys(HARMFUL, "harmful"),
        **dict.fromkeys(SPOILT, "must not pass"),
    }
    chosen = {kind: label for kind, label in labels.items() if re.search(asked.only, f"{kind} | {label}")}
    sets = [_Set(noise, kind, asked.family) for kind in chosen for noise in NOISES]
    for kind, group in groupby(_answers(sets, asked, peers=False), key=lambda one: one[0].kind):
        cells = []
        for _, answers in group:
            told = Counter(one[0] for one in answers)
            parts = (told[Outcome.FAILED], sum(told[one] for one in _UNDECIDED), told[Outcome.PASSED])
            cells.append(" / ".join(f"{100 * part / told.total():.0f}" for part in parts))
        yield [kind, chosen[kind], *cells]


def _answers(
    sets: Sequence[_Set], asked: Asked, *, peers: bool
) -> Iterator[tuple[_Set, list[tuple[Outcome, ...]]]]:
    work = partial(_judged, seed=asked.seed, peers=peers)
    return each_case(work, sets, asked.runs, asked.mapped)


def _judged(one: _Set, number: int, *, seed: int, peers: bool) -> tuple[Outcome, ...]:
    """What each of _JUDGES says (ours alone without `peers`) of one case."""
    how = one.kind if one.kind in SPOILT else ""
    pair = labelled_pair(one.family, one.noise, "no change" if how else one.kind, seed, number)
    case = series_case(pair)
    evidence = spoil(case.evidence, how)
    ours = judge(evidence, case.rules, case.policy).outcome
    if not peers:
        return (ours,)
    lenient = ours
    if ours is Outcome.INCONCLUSIVE:  # nothing else is changed by the policy
        policy = case.policy.model_copy(update={"undecided": "pass"})
        lenient = judge(evidence, case.rules, policy).outcome
    return ours, lenient, _kayenta(pair, 0.0), _kayenta(pair, pair.margin), _ranks(pair)


def _kayenta(pair: Pair, margin: float) -> Outcome:
    """Fails what any metric is High in; it has no other answer than pass."""
    asked = Analysis.model_validate({"direction": "increase", "effectSize": {"allowedIncrease": 1 + margin}})
    high = any(
        classify(baseline, canary, asked).label is Label.HIGH
        for baseline, canary in zip(pair.baseline, pair.canary, strict=True)
    )
    return Outcome.FAILED if high else Outcome.PASSED


def _ranks(pair: Pair) -> Outcome:
    p = mannwhitneyu(pair.canary, pair.baseline, alternative="greater", axis=1).pvalue
    return Outcome.FAILED if np.any(p < _RANK_ALPHA) else Outcome.PASSED
