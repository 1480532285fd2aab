"""How often a harmful canary passes when its judgement is asked for again and again until it passes.

`python -m bench.inputs.polling --count N --seed S`. A level (margin 10 %) of which the canary has just 10 % more: no
look may let it pass more often than with beta, and neither may all looks together. Both versions are AR(1) noise of 5 %
with a correlation of PHI from one step to the next, at the same times. The window is judged every fifth step from 10 to
120 steps on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.inputs.run import options
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.series.config import JudgeConfig
from pipeline.series.evidence import build
from pipeline.series.planned import Ending, ending
from pipeline.series.samples import level
from pipeline.series.window import Span

__all__ = ["LOOKS", "WAYS", "passes"]

Floats = NDArray[np.float64]

PHI: Final = 0.9
STEP: Final = 15.0  # seconds
STEPS: Final = 120
LOOKS: Final = range(10, STEPS + 1, 5)
BETA: Final = 0.05
_CONFIG: Final = JudgeConfig.model_validate(
    {"metrics": [{"name": "latency", "kind": "level", "unit": "s", "margin": "10%"}]}
)
# What a call takes the window so far for.
WAYS: Final[Mapping[str, Callable[[float], Ending]]] = {
    "a complete run at each call (before)": lambda _: Ending(None, True, ""),
    "no planned length": lambda seconds: ending(seconds, None, whole=False),
    "planned: its whole length": lambda seconds: ending(seconds, STEPS * STEP, whole=False),
}


def _noise(rng: np.random.Generator, phi: float) -> Floats:
    shocks = rng.standard_normal(200 + STEPS)
    grown = lfilter([math.sqrt(1 - phi**2)], [1, -phi], shocks)[200:]
    return np.asarray(1 + 0.05 * grown, dtype=np.float64)


def passes(way: Callable[[float], Ending], seed: int, *, worse: float, phi: float = PHI) -> list[bool]:
    """Whether each look lets the canary pass."""
    rng = np.random.default_rng(seed)
    values = {"baseline": _noise(rng, phi), "canary": (1 + worse) * _noise(rng, phi)}
    found = []
    for size in LOOKS:
        span = Span(0.0, size * STEP)
        t = np.asarray(STEP * np.arange(1, size + 1), dtype=np.float64)
        samples = {arm: {"latency": level(t, value[:size])} for arm, value in values.items()}
        case = build(
            _CONFIG,
            samples,
            dict.fromkeys(values, span),
            STEP,
            by_time=True,
            end=way(span.seconds),
            names={arm: arm for arm in values},
        )
        found.append(judge(case.evidence, case.rules, case.policy).outcome is Outcome.PASSED)
    return found


def main() -> int:
    """The table; 1 where what is used passes harm more often than beta allows (by three standard errors)."""
    given = options(__doc__, 500)
    limit = BETA + 3 * math.sqrt(BETA * (1 - BETA) / given.count)
    broken = 0
    print(f"seeds {given.seed} to {given.seed + given.count - 1}, phi {PHI}")
    print(
        "| each call takes the window for | harm passes at some call | at the last | same code passes at some call |"
    )
    print("|---|---|---|---|")
    for name, way in WAYS.items():
        seeds = range(given.seed, given.seed + given.count)
        harm = np.array([passes(way, seed, worse=0.1) for seed in seeds])
        same = np.array([passes(way, seed, worse=0.0) for seed in seeds])
        at_some = harm.any(axis=1).mean()
        print(
            f"| {name} | {at_some:.1%} | {harm[:, -1].mean():.1%} | {same.any(axis=1).mean():.1%} |",
            flush=True,
        )
        broken += at_some > limit and "before" not in name
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
