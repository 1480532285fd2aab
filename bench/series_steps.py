"""How many steps a decision takes: the tables of docs/prometheus.md. `python -m bench.series_steps`.

Simulated, seeds 0 to 199 for each row: one level (margin 10 %) whose samples of both versions scatter independently by
`scatter` (lognormal), judged once at the end of a window, beside four other metrics, so with a fifth of alpha. Then a
proportion of which no version ever had a hit: nothing of that is random.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.judge.policy import Policy
from pipeline.judge.stats.final import final_bounds
from pipeline.judge.stats.ratio import Ratio
from pipeline.judge.stats.shares import Tally, proportion_bounds

SEEDS = 200
LONGEST = 1440
MARGIN = math.log(1.1)
EFFECTS = (0.0, 0.2, 0.5)


def harms(scatter: float, effect: float, seed: int) -> Ratio:
    """Both versions' samples, a step each."""
    rng = np.random.default_rng(seed)
    baseline, canary = np.exp(scatter * rng.standard_normal((2, LONGEST)))
    return Ratio(baseline, (1 + effect) * canary, 1e-9)


def half_decide(scatter: float, effect: float) -> float:
    """The shortest window, in steps, whose end decides rightly for half of the seeds; inf if LONGEST is not enough."""
    policy = Policy()
    # What is left for the mean of the whole: scatter and the last parts have their shares.
    alpha, beta = policy.alpha / 5 * 0.8 * 0.7, policy.beta
    series = [harms(scatter, effect, seed) for seed in range(SEEDS)]
    for size in range(policy.min_blocks, LONGEST + 1):
        bounds = [final_bounds(pairs.until(size).linear(), alpha, beta) for pairs in series]
        decided = sum(low > MARGIN if effect > 0.1 else high <= MARGIN for low, high in bounds)
        if decided >= SEEDS / 2:
            return size
    return math.inf


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
        cells = " | ".join(f"{half_decide(scatter, effect):.0f}" for effect in EFFECTS)
        print(f"| {scatter:.0%} | {cells} |")
    for margin in (0.001, 0.005, 0.01):
        print(
            f"no hit in either version, margin {margin * 100:g}pp: passes after {requests(margin):,.0f} requests each"
        )


if __name__ == "__main__":
    main()
