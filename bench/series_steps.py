"""How many steps a decision takes: the tables of docs/prometheus.md. `python -m bench.series_steps`.

Simulated, seeds 0 to 199 for each row: one level (margin 10 %) whose samples of both versions scatter independently by
`scatter` (lognormal), judged beside four other metrics, so with a fifth of alpha. Then a proportion of which no version
ever had a hit: nothing of that is random.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.policy import Policy
from pipeline.judge.stats.final import final_high
from pipeline.judge.stats.mean import FINAL_SHARE, scan_bounds
from pipeline.judge.stats.shares import Tally, proportion_bounds

SEEDS = 200
LONGEST = 1440
MARGIN = math.log(1.1)
EFFECTS = (0.2, 0.5)
Floats = NDArray[np.float64]


def harms(scatter: float, effect: float, seed: int) -> Floats:
    """The canary's harm of each step, in logarithms."""
    rng = np.random.default_rng(seed)
    noise: Floats = rng.standard_normal(LONGEST) - rng.standard_normal(LONGEST)
    return math.log1p(effect) + scatter * noise


def passes_after(scatter: float) -> float:
    """The shortest window, in steps, that shows equal versions to be within the margin for half of the seeds."""
    policy = Policy()
    series = [harms(scatter, 0.0, seed) for seed in range(SEEDS)]
    bounds = [scan_bounds(harm, policy.alpha / 5, policy.beta, planned=60).high for harm in series]
    for size in range(policy.min_blocks, LONGEST + 1):
        within = sum(
            min(high[size - 1], final_high(harm[:size], policy.beta * FINAL_SHARE)) <= MARGIN
            for harm, high in zip(series, bounds, strict=True)
        )
        if within >= SEEDS / 2:
            return size
    return math.inf


def fails_after(scatter: float, effect: float, seed: int) -> float:
    """Steps until the level fails, looked at after each; inf where LONGEST is not enough."""
    policy = Policy()
    low = scan_bounds(harms(scatter, effect, seed), policy.alpha / 5, policy.beta, planned=60).low
    return float(np.argmax(low > MARGIN) + 1) if np.any(low > MARGIN) else math.inf


def requests(margin: float) -> float:
    """Requests of each version until a proportion without any hit passes."""
    policy = Policy()
    tally = Tally(np.zeros(400), np.full(400, 25.0))
    bounds = proportion_bounds(tally, tally, policy.alpha / 5, policy.beta, fixed_baseline=False)
    decided = (bounds.high <= margin) & (bounds.n >= policy.min_requests)
    return float(bounds.n[np.argmax(decided)]) if decided.any() else math.inf


def main() -> None:
    print(
        "| scatter of one step | same code passes after | 20 % worse fails after | 50 % worse fails after |"
    )
    print("|---|---|---|---|")
    for scatter in (0.02, 0.05, 0.1, 0.2, 0.4):
        medians = [
            np.median([fails_after(scatter, effect, seed) for seed in range(SEEDS)]) for effect in EFFECTS
        ]
        cells = " | ".join(f"{steps:.0f}" for steps in (passes_after(scatter), *medians))
        print(f"| {scatter:.0%} | {cells} |")
    for margin in (0.001, 0.005, 0.01):
        print(
            f"no hit in either version, margin {margin * 100:g}pp: passes after {requests(margin):,.0f} requests each"
        )


if __name__ == "__main__":
    main()
