"""The judge on simulated runs, as the tables of docs/judge.md.

Run: .venv/bin/python -m bench.judge                          everything
     .venv/bin/python -m bench.judge alike --pairs 2000       false alarms, the same code in both arms
     .venv/bin/python -m bench.judge margin                   harm exactly as large as is allowed
     .venv/bin/python -m bench.judge harms                    what is found of real harm, and when
     .venv/bin/python -m bench.judge errors                   1 % -> 3 % errors against Wald's bound; total failure
     .venv/bin/python -m bench.judge looks                    one judgement at the end tells of all looks

Pure simulation: no hosts, no files. One core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean, median

from bench.judge.conditions import ALIKE, AT_THE_MARGIN, EQUAL_ERRORS, HARMS, LOOKED_AT, Case
from bench.judge.ours import at_the_end, every_look, rules
from bench.judge.screening import alarms
from bench.judge.simulate import RANK_ALPHA, STEP, Result, simulate
from bench.judge.tables import interval, lines, share
from bench.judge.traffic import RATE, Condition, Harm, runs
from bench.judge.wald import sample_bound
from pipeline.canary.schedule import SLICE_SECONDS
from pipeline.judge.policy import Policy

_Rows = Iterator[list[str]]  # the titles first

_JUDGED = 20  # of each harm's runs, to the whole verdict
_KAYENTA_TITLES = ("Kayenta, once", "Kayenta with our margins, once", f"the same every {STEP} s")
_PAIRS = {"alike": 2000, "margin": 1000, "harms": 200, "errors": 200, "looks": 20}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.judge")
    parser.add_argument("what", nargs="*", choices=[*_PAIRS, []], default=[], metavar="|".join(_PAIRS))
    parser.add_argument(
        "--pairs", type=int, help="runs of each condition, instead of each table's own number"
    )
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args(arguments)
    for name in given.what or _PAIRS:
        began, pairs = time.process_time(), given.pairs or _PAIRS[name]
        print(f"\n### {name}\n")
        for line in lines(_TABLES[name](pairs, given.seed)):
            # A row takes about a minute: what is there already must not be lost when somebody stops the rest.
            print(line, flush=True)
        print()
        spent = time.process_time() - began
        print(
            f"{pairs} runs a row; `python -m bench.judge {name} --pairs {pairs} --seed {given.seed}`: {spent:.0f} s"
        )


def alike(pairs: int, seed: int) -> _Rows:
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
    for case, result in _each(ALIKE, pairs, seed):
        yield [
            case.condition.name,
            case.condition.schedule,
            *_alarms(result),
            *_kayenta(result),
            share(len(result.rank_looks), result.n),
            _failed(result),
        ]


def margin(pairs: int, seed: int) -> _Rows:
    """Any fail, where nothing is beyond its margin and something is exactly on it; and how often that one passes."""
    yield [
        "exactly what is allowed",
        "schedule",
        "ours, every look",
        "95 % interval",
        "fails",
        "passed at the end",
    ]
    for case, result in _each((*AT_THE_MARGIN, *EQUAL_ERRORS), pairs, seed, peers=False):
        passed = share(result.passed, result.n) if case.metric else "-"
        yield [case.condition.name, case.condition.schedule, *_alarms(result), _failed(result), passed]


def harms(pairs: int, seed: int) -> _Rows:
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
    for case, result in _each(HARMS, pairs, seed, judged=_JUDGED):
        yield [
            case.condition.name,
            case.condition.schedule,
            share(len(result.ours), result.n),
            _median(result.ours),
            *(share(result.outcomes[x], result.judged) for x in ("failed", "inconclusive", "passed")),
            *_kayenta(result),
            _median(result.kayenta_looks),
        ]


def errors(pairs: int, seed: int) -> _Rows:
    """Requests of the canary until the errors are shown to be worse, against Wald's bound."""
    yield [
        "errors",
        "schedule",
        "decided",
        "mean requests",
        "Wald's bound",
        "ratio",
        "median s",
        "slowest s",
    ]
    for before, after in ((0.01, 0.03), (0.002, 1.0)):
        for schedule in ("phased", "interleaved"):
            name = f"{before:.1%} -> {after:.0%}"
            condition = Condition(name, schedule, phi=0.3, errors=before, harm=Harm(errors=after))
            seconds = [_errors_shown(condition, seed, number) for number in range(pairs)]
            shown = [s for s in seconds if s is not None]
            mean_requests = mean(RATE * (condition.seconds if s is None else s) for s in seconds)
            bound = sample_bound(before, after, 0.01)
            yield [
                name,
                schedule,
                share(len(shown), pairs),
                f"{mean_requests:.0f}",
                f"{bound:.0f}",
                f"{mean_requests / bound:.2f}" if after < 1 else "-",
                _median(shown),
                f"{max(shown, default=0):.0f}",
            ]


def _errors_shown(condition: Condition, seed: int, number: int) -> float | None:
    (evidence,) = runs(condition, 1, seed, number)
    return at_the_end(evidence, rules({}), Policy()).failed.get("error_rate")


def looks(pairs: int, seed: int) -> _Rows:
    """Whether a judgement at each look, one at the end and the short cut (screening) find the same fails at once."""
    yield ["case", "schedule", "fails of metrics", "one judgement at the end alike", "short cut alike"]
    policy, step = Policy(), 3 * Policy().block_seconds
    for case in LOOKED_AT:
        fails = at_end = short_cut = 0
        asked = rules(case.thresholds)
        for evidence, shown in alarms(
            runs(case.condition, max(1, pairs // len(LOOKED_AT)), seed), asked, policy
        ):
            each, end = every_look(evidence, asked, policy, step), at_the_end(evidence, asked, policy).failed
            names = each.keys() | end.keys() | shown.keys()
            fails += len(each)
            # in turns, a block's partner may be a slice later, and only then is the block looked at
            wait = step if case.condition.schedule == "phased" else step + 2 * SLICE_SECONDS
            at_end += sum(_same(each, end, name, wait) for name in names)
            short_cut += sum(_same(each, shown, name, wait) for name in names)
        yield [case.condition.name, case.condition.schedule, str(fails), str(at_end), str(short_cut)]


def _same(looked: Mapping[str, float], told: Mapping[str, float], name: str, wait: float) -> bool:
    return name in looked and name in told and 0 <= looked[name] - told[name] <= wait


def _each(
    cases: Sequence[Case], pairs: int, seed: int, *, peers: bool = True, judged: int = 0
) -> Iterator[tuple[Case, Result]]:
    for case in cases:
        yield case, simulate(case, pairs, seed, peers=peers, judged=judged)


def _kayenta(result: Result) -> list[str]:
    """How often Kayenta found something, as _KAYENTA_TITLES says."""
    found = (result.kayenta_plain, result.kayenta_sized, len(result.kayenta_looks))
    return [share(count, result.n) for count in found]


def _alarms(result: Result) -> list[str]:
    low, high = interval(len(result.ours), result.n)
    return [share(len(result.ours), result.n), f"{100 * low:.1f} - {100 * high:.1f} %"]


def _failed(result: Result) -> str:
    return ", ".join(f"{name} {count}" for name, count in result.failed.most_common(4)) or "-"


def _median(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.0f}" if seconds else "-"


_TABLES: dict[str, Callable[[int, int], _Rows]] = {
    "alike": alike,
    "margin": margin,
    "harms": harms,
    "errors": errors,
    "looks": looks,
}

if __name__ == "__main__":
    main()
