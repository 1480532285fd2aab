"""How often a gate is wrong however often it looks, and how often it passes the same code.

`python -m bench.gate_watch --count N --seed S`. Two versions at the same time, one metric, which has all of alpha: a
level (margin 10 %) whose noise of 5 % is AR(1) with correlation PHI from one step to the next; or errors (margin 0.5
points, 1 % on the baseline, 10 requests a second, each alone). A look after each step, and the end.

*At the edge* the canary is worse by just the margin: a fail is wrong, and so is a pass. What any look fails, the last
one before the end fails as well, since `low` is the highest of all looks; so two judgements tell of all: that one, and
the end. *Earlier passes* are those of `--early-stop both`: a bound of some look lies within the margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.inputs.run import options
from pipeline.judge import judge
from pipeline.judge.metrics.spending import beta_at_end
from pipeline.judge.stats.mean import scan_bounds
from pipeline.judge.stats.ratio import Ratio
from pipeline.judge.stats.shares import Tally, proportion_bounds
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.series.config import JudgeConfig
from pipeline.series.evidence import build
from pipeline.series.planned import ending
from pipeline.series.samples import Samples, level, proportion
from pipeline.series.window import Span

__all__ = ["ALPHA", "BETA", "Watched", "rows", "watched"]

Floats = NDArray[np.float64]

ALPHA: Final = 0.02
BETA: Final = 0.05
MARGIN: Final = 0.1  # of the level
POINTS: Final = 0.005  # of the errors
ERRORS: Final = 0.01
RATE: Final = 10.0  # requests a second
_LEVEL: Final = {"name": "latency", "kind": "level", "unit": "s", "margin": "10%", "critical": True}
_ERRORS: Final = {"name": "errors", "kind": "proportion", "margin": "0.5pp", "critical": True}
_CONFIGS: Final = tuple(JudgeConfig.model_validate({"metrics": [one]}) for one in (_LEVEL, _ERRORS))


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of one watch: shown worse at some look or at the end; passed at the end; passed at a look before."""

    failed: bool
    passed: bool
    early: bool


def _noise(rng: np.random.Generator, phi: float, steps: int) -> Floats:
    shocks = rng.standard_normal(200 + steps)
    grown = lfilter([math.sqrt(1 - phi**2)], [1, -phi], shocks)[200:]
    return np.asarray(1 + 0.05 * grown, dtype=np.float64)


def watched(seed: int, step: float, phi: float | None, steps: int, *, edge: bool) -> Watched:
    """One watch of so many steps of so many seconds; phi None: of errors. `edge`: the canary is worse by the margin."""
    rng = np.random.default_rng([seed, int(step), 200 if phi is None else round(100 * phi), steps])
    t, looks_beta = step * np.arange(1.0, steps + 1), BETA - beta_at_end(BETA)
    if phi is None:
        shares = {"baseline": ERRORS, "canary": ERRORS + edge * POINTS}
        n = {arm: rng.poisson(RATE * step, steps).astype(np.float64) for arm in shares}
        hits = {
            arm: rng.binomial(n[arm].astype(int), share).astype(np.float64) for arm, share in shares.items()
        }
        before, after = (Tally(hits[arm], n[arm], step) for arm in shares)
        every = proportion_bounds(before, after, 0.0, looks_beta, fixed_baseline=False)
        room, config = POINTS, _CONFIGS[1]

        def samples(k: int) -> dict[str, dict[str, Samples]]:
            return {
                arm: {
                    "errors": proportion((t[:k], hits[arm][:k]), (t[:k], n[arm][:k]), zero=True, counted=True)
                }
                for arm in shares
            }
    else:
        values = {
            "baseline": _noise(rng, phi, steps),
            "canary": (1 + edge * MARGIN) * _noise(rng, phi, steps),
        }
        harm = Ratio(values["baseline"], values["canary"], 1e-3)
        room, config = math.log1p(MARGIN), _CONFIGS[0]
        every = scan_bounds(harm, 0.0, looks_beta, planned=steps, beyond=room)

        def samples(k: int) -> dict[str, dict[str, Samples]]:
            return {arm: {"latency": level(t[:k], value[:k])} for arm, value in values.items()}

    def look(k: int) -> Verdict:
        end, given = ending(k * step, steps * step, whole=False), samples(k)
        spans, names = dict.fromkeys(given, Span(0.0, k * step)), {arm: arm for arm in given}
        case = build(config, given, spans, step, by_time=True, end=end, names=names)
        return judge(case.evidence, case.rules, case.policy)

    nearly, last = look(steps - 1), look(steps)
    return Watched(
        failed=Outcome.FAILED in (nearly.outcome, last.outcome),
        passed=last.outcome is Outcome.PASSED,
        early=bool(np.any(every.high[:-1] <= room)),
    )


def rows(count: int, seed: int) -> Iterator[tuple[float, float | None, int, Floats, Floats]]:
    """Step, phi and steps of each row, with its shares at the edge and of the same code."""
    seeds = range(seed, seed + count)
    for steps in (30, 60):
        for phi in (0.0, 0.6, 0.9, None):
            for step in (15.0, 60.0):
                at_edge, same = (
                    np.mean(
                        [
                            (one.failed, one.passed, one.early)
                            for one in (watched(s, step, phi, steps, edge=edge) for s in seeds)
                        ],
                        axis=0,
                    )
                    for edge in (True, False)
                )
                yield step, phi, steps, at_edge, same


def main() -> int:
    """The table; 1 where a chance of error is larger than promised by three standard errors."""
    given = options(__doc__, 500)
    limits = [p + 3 * math.sqrt(p * (1 - p) / given.count) for p in (ALPHA, BETA, BETA)]
    broken = 0
    print(f"seeds {given.seed} to {given.seed + given.count - 1}")
    print(
        "| what | step | steps | edge: fails | passes at the end | passes before | same code: fails | passes |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for step, phi, steps, edge, same in rows(given.count, given.seed):
        what = "errors" if phi is None else f"level, phi {phi:g}"
        shares = " | ".join(f"{share:.1%}" for share in (*edge, *same[:2]))
        print(f"| {what} | {step:g} s | {steps} | {shares} |", flush=True)
        broken += bool(np.any(edge > limits)) or same[0] > limits[0]
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
