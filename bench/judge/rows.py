"""The rows of each table about runs with requests, the titles first. bench/judge/short.py has those about series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean, median

from bench.judge.conditions import ALIKE, AT_THE_MARGIN, EQUAL_ERRORS, SAME_CODE, Case
from bench.judge.harms import HARMS, HOSTILE, LOOKED_AT, MORE_ERRORS
from bench.judge.ours import at_the_end, every_look, rules
from bench.judge.parallel import OrderedMap, each_case
from bench.judge.simulate import RANK_ALPHA, STEP, Result, say
from bench.judge.tables import interval, share
from bench.judge.traffic import run
from bench.judge.wald import bound_with_margin, sample_bound
from pipeline.canary.schedule import SLICE_SECONDS
from pipeline.judge.policy import Policy

__all__ = ["Asked", "Rows", "alike", "errors", "harms", "hostile", "looks", "margin", "passes"]

Rows = Iterator[list[str]]

_KAYENTA_TITLES = ("Kayenta, once", "Kayenta with our margins, once", f"the same every {STEP} s")
_OUTCOMES = ("failed", "inconclusive", "passed")
_ERROR_ALPHA = 0.01  # what the errors have of the run's
_ERROR_MARGIN = 0.003  # how many more are allowed


@dataclass(frozen=True, slots=True)
class Asked:
    """What a table is asked for.

    Attributes:
        runs: of each row.
        seed: of all rows.
        mapped: does the runs, on one process or several.
        only: a regular expression that a row's first cells, joined by " | ", must have somewhere.
        family: of short series, "tune" or "show".
    """

    runs: int
    seed: int
    mapped: OrderedMap = map
    only: str = ""
    family: str = "show"

    def chosen(self, cases: Sequence[Case]) -> list[Case]:
        """The cases whose rows are wanted."""
        return [case for case in cases if re.search(self.only, case.title)]


def _each(cases: Sequence[Case], asked: Asked, *, peers: bool = False) -> Iterator[tuple[Case, Result]]:
    work = partial(say, seed=asked.seed, peers=peers)
    for case, said in each_case(work, asked.chosen(cases), asked.runs, asked.mapped):
        yield case, Result(said)


def alike(asked: Asked) -> Rows:
    """Any alarm of any metric, in percent of the runs of the same code twice."""
    yield [
        "both versions alike",
        "schedule",
        "ours, every look",
        "95 % interval",
        *_KAYENTA_TITLES,
        f"rank p < {RANK_ALPHA} every s",
        "fails of ours",
    ]
    for case, result in _each(ALIKE, asked, peers=True):
        ranked = share(len(result.rank_looks), result.n)
        yield [*_name(case), *_alarms(result), *_kayenta(result), ranked, _failed(result)]


def margin(asked: Asked) -> Rows:
    """Any fail, where nothing is beyond its margin and something is exactly on it; and how often that one passes."""
    yield [
        "exactly what is allowed",
        "schedule",
        "ours, every look",
        "95 % interval",
        "fails",
        "passed at the end",
    ]
    for case, result in _each((*AT_THE_MARGIN, *EQUAL_ERRORS), asked):
        passed = share(result.passed, result.n) if case.metric else "-"
        yield [*_name(case), *_alarms(result), _failed(result), passed]


def harms(asked: Asked) -> Rows:
    """What is found of harm, and the median second of the canary's measurement at which."""
    yield [
        "canary",
        "schedule",
        "ours: a fail",
        "median s",
        "outcome failed",
        "inconclusive",
        "passed",
        *_KAYENTA_TITLES,
        "median s",
    ]
    for case, result in _each(HARMS, asked, peers=True):
        found, after = share(len(result.ours), result.n), _median(result.ours)
        looked = _median(result.kayenta_looks)
        yield [*_name(case), found, after, *_outcomes(result), *_kayenta(result), looked]


def passes(asked: Asked) -> Rows:
    """What identical code is told, by how long it is measured: the seconds are those of both versions together."""
    yield [
        "the same code twice",
        "schedule",
        "seconds in all",
        *reversed(_OUTCOMES),
        "invalid",
        "fails of ours",
    ]
    for case, result in _each(SAME_CODE, asked):
        told = [share(result.outcomes[name], result.n) for name in (*reversed(_OUTCOMES), "invalid")]
        yield [*_name(case), str(2 * case.condition.seconds), *told, _failed(result)]


def hostile(asked: Asked) -> Rows:
    """What is told of harm that hides, and of samples that are not to be believed."""
    yield ["canary", "schedule", *_OUTCOMES, "median s", "fails of ours"]
    for case, result in _each(HOSTILE, asked):
        yield [*_name(case), *_outcomes(result), _median(result.ours), _failed(result)]


def errors(asked: Asked) -> Rows:
    """Requests of the canary until the errors are shown to be worse, against Wald's bound."""
    yield [
        "errors",
        "schedule",
        "decided",
        "mean requests",
        "Wald's bound",
        "ratio",
        "with the margin",
        "ratio",
        "median s",
        "slowest s",
    ]
    for case, result in _each(MORE_ERRORS, asked):
        condition, shown = case.condition, result.after("error_rate")
        before, after = condition.machine.errors, condition.harm.errors or 0.0
        undecided = [float(condition.measured)] * (result.n - len(shown))
        mean_requests = condition.rate * mean([*shown, *undecided])
        bound = sample_bound(before, after, _ERROR_ALPHA)
        # Phased, the baseline's share is all but known when the canary begins.
        known = condition.schedule == "phased"
        asked_bound = bound_with_margin(before, after, _ERROR_MARGIN, _ERROR_ALPHA, known=known)
        yield [
            *_name(case),
            share(len(shown), result.n),
            f"{mean_requests:.0f}",
            f"{bound:.0f}",
            f"{mean_requests / bound:.2f}" if after < 1 else "-",
            f"{asked_bound:.0f}",
            f"{mean_requests / asked_bound:.2f}" if after < 1 else "-",
            _median(shown),
            f"{max(shown, default=0):.0f}",
        ]


def looks(asked: Asked) -> Rows:
    """Whether a judgement at each look and one at the end find the same fails, at once."""
    yield ["case", "schedule", "fails of metrics", "one judgement at the end alike"]
    step = 3 * Policy().block_seconds
    work = partial(_looked, seed=asked.seed, step=step)
    for case, found in each_case(work, asked.chosen(LOOKED_AT), asked.runs, asked.mapped):
        # in turns, a block's partner may be a slice later, and only then is the block looked at
        wait = step + 2 * SLICE_SECONDS if case.condition.schedule == "interleaved" else step
        alike = sum(_same(each, end, name, wait) for each, end in found for name in each.keys() | end.keys())
        yield [*_name(case), str(sum(len(each) for each, _ in found)), str(alike)]


def _looked(
    case: Case, number: int, *, seed: int, step: float
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """What failed, and after how many seconds: by a judgement at every look, and by one at the end."""
    evidence, policy, wanted = run(case.condition, seed, number), Policy(), rules(case.thresholds)
    return every_look(evidence, wanted, policy, step), at_the_end(evidence, wanted, policy).failed


def _same(looked: Mapping[str, float], told: Mapping[str, float], name: str, wait: float) -> bool:
    return name in looked and name in told and 0 <= looked[name] - told[name] <= wait


def _name(case: Case) -> list[str]:
    return [case.condition.name, case.condition.schedule]


def _kayenta(result: Result) -> list[str]:
    """How often Kayenta found something, as _KAYENTA_TITLES says."""
    found = (result.kayenta_plain, result.kayenta_sized, len(result.kayenta_looks))
    return [share(count, result.n) for count in found]


def _alarms(result: Result) -> list[str]:
    low, high = interval(len(result.ours), result.n)
    return [share(len(result.ours), result.n), f"{100 * low:.1f} - {100 * high:.1f} %"]


def _outcomes(result: Result) -> list[str]:
    return [share(result.outcomes[name], result.n) for name in _OUTCOMES]


def _failed(result: Result) -> str:
    return ", ".join(f"{name} {count}" for name, count in list(result.failed.items())[:4]) or "-"


def _median(seconds: Sequence[float]) -> str:
    """To a tenth where it is a few seconds."""
    if not seconds:
        return "-"
    middle = median(seconds)
    return f"{middle:.1f}" if middle < 10 else f"{middle:.0f}"
