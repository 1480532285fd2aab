"""How often a gate is wrong however often it looks, and how often it passes the same code.

`python -m bench.gate_watch --count N --seed S`. Two versions at the same time: a level (margin 10 %) whose noise of 5 %
is AR(1) with correlation PHI from one step to the next, and errors (margin 0.5 points, 0.2 % in both, 10 requests a
second). A look after each step, and the end.

*At the edge* the canary's level is just 10 % higher: a fail is wrong, and so is a pass. What any look fails, the last
one before the end fails as well, since `low` is the highest of all looks; so two judgements tell of all: that one, and
the end. *Early passes* are those of `--early-stop both`: whether the bound of any look lies within the margin.
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
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.series.config import JudgeConfig
from pipeline.series.evidence import build
from pipeline.series.planned import ending
from pipeline.series.samples import level, proportion
from pipeline.series.window import Span

__all__ = ["ALPHA", "BETA", "Watched", "rows", "watched"]

Floats = NDArray[np.float64]

MARGIN: Final = 0.1
ALPHA: Final = 0.02
BETA: Final = 0.05
RATE: Final = 10.0  # requests a second
ERRORS: Final = 0.002
_CONFIG: Final = JudgeConfig.model_validate(
    {
        "metrics": [
            {"name": "latency", "kind": "level", "unit": "s", "margin": "10%", "weight": 30, "critical": True},
            {"name": "errors", "kind": "proportion", "margin": "0.5pp", "weight": 30, "critical": True},
        ]
    }
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of one watch: shown worse at some look or at the end, passed at the end, and of the level alone."""

    failed: bool
    passed: bool
    level_passed: bool
    early: bool


def _noise(rng: np.random.Generator, phi: float, steps: int) -> Floats:
    shocks = rng.standard_normal(200 + steps)
    grown = lfilter([math.sqrt(1 - phi**2)], [1, -phi], shocks)[200:]
    return np.asarray(1 + 0.05 * grown, dtype=np.float64)


def watched(seed: int, step: float, phi: float, steps: int, worse: float) -> Watched:
    """One watch of so many steps of so many seconds."""
    rng = np.random.default_rng([seed, int(step), round(100 * phi), steps])
    values = {"baseline": _noise(rng, phi, steps), "canary": (1 + worse) * _noise(rng, phi, steps)}
    t = step * np.arange(1.0, steps + 1)
    counts = {arm: rng.poisson(RATE * step, steps) for arm in values}
    hits = {arm: rng.binomial(n, ERRORS) for arm, n in counts.items()}

    def look(k: int) -> Verdict:
        samples = {
            arm: {
                "latency": level(t[:k], value[:k]),
                "errors": proportion(
                    (t[:k], hits[arm][:k].astype(float)), (t[:k], counts[arm][:k].astype(float)), zero=True, counted=True
                ),
            }
            for arm, value in values.items()
        }
        end = ending(k * step, steps * step, whole=False)
        spans = dict.fromkeys(values, Span(0.0, k * step))
        case = build(_CONFIG, samples, spans, step, by_time=True, end=end, names={arm: arm for arm in values})
        return judge(case.evidence, case.rules, case.policy)

    before, last = look(steps - 1), look(steps)
    harm = Ratio(values["baseline"], values["canary"], 1e-3)
    every = scan_bounds(harm, 0.0, BETA - beta_at_end(BETA), planned=steps, beyond=math.log1p(MARGIN))
    return Watched(
        failed=Outcome.FAILED in (before.outcome, last.outcome),
        passed=last.outcome is Outcome.PASSED,
        level_passed=last.metrics[0].decision is Decision.PASS,
        early=bool(np.any(every.high[:-1] <= math.log1p(MARGIN))),
    )


def rows(count: int, seed: int) -> Iterator[tuple[float, float, int, Floats, Floats]]:
    """Step, phi and steps of each row, with its shares at the edge and of the same code."""
    for step in (15.0, 60.0):
        for phi in (0.0, 0.6, 0.9):
            for steps in (30, 60):
                at_edge, same = (
                    np.mean(
                        [
                            (one.failed, one.passed, one.level_passed, one.early)
                            for one in (watched(s, step, phi, steps, worse) for s in range(seed, seed + count))
                        ],
                        axis=0,
                    )
                    for worse in (MARGIN, 0.0)
                )
                yield step, phi, steps, at_edge, same


def main() -> int:
    """The table; 1 where a chance of error is larger than promised by three standard errors."""
    given = options(__doc__, 500)
    limits = [p + 3 * math.sqrt(p * (1 - p) / given.count) for p in (ALPHA, BETA, BETA)]
    broken = 0
    print(f"seeds {given.seed} to {given.seed + given.count - 1}")
    print("| step | phi | steps | edge: fails | passes at the end | passes at an earlier look | same code: fails | passes |")
    print("|---|---|---|---|---|---|---|---|")
    for step, phi, steps, edge, same in rows(given.count, given.seed):
        print(
            f"| {step:g} s | {phi:g} | {steps} | {edge[0]:.1%} | {edge[2]:.1%} | {edge[3]:.1%} | {same[0]:.1%} | "
            f"{same[1]:.1%} |",
            flush=True,
        )
        broken += edge[0] > limits[0] or edge[2] > limits[1] or edge[3] > limits[2] or same[0] > limits[0]
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
