"""How many steps a decision takes: the tables of docs/prometheus.md. `python -m bench.series_steps`.

Simulated, seeds 0 to 199 for each row: one level (margin 10 %) whose samples of both versions scatter independently by
`scatter` (lognormal), judged beside four other metrics, so with a fifth of alpha. Then a proportion of which no version
ever had a hit: nothing of that is random.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.judge.counts import Tally, proportion_path
from pipeline.judge.rules import Policy
from pipeline.judge.sequence import scan_path

SEEDS = 200
LONGEST = 1440
MARGIN = math.log(1.1)
EFFECTS = (0.0, 0.2, 0.5)


def steps(scatter: float, effect: float, seed: int) -> float:
    """Steps until the level passes (no effect) or fails; inf where LONGEST is not enough."""
    policy = Policy()
    rng = np.random.default_rng(seed)
    harm = math.log1p(effect) + scatter * (rng.standard_normal(LONGEST) - rng.standard_normal(LONGEST))
    path = scan_path(harm, policy.alpha / 5, policy.beta, planned=60)
    decided = path.low > MARGIN if effect else path.high <= MARGIN
    decided &= path.n >= policy.min_blocks
    return float(path.n[np.argmax(decided)]) if decided.any() else math.inf


def requests(margin: float) -> float:
    """Requests of each version until a proportion without any hit passes."""
    policy = Policy()
    tally = Tally(np.zeros(400), np.full(400, 25.0))
    path = proportion_path(tally, tally, policy.alpha / 5, policy.beta, fixed_baseline=False)
    decided = (path.high <= margin) & (path.n >= policy.min_requests)
    return float(path.n[np.argmax(decided)]) if decided.any() else math.inf


def main() -> None:
    print(
        "| scatter of one step | same code passes after | 20 % worse fails after | 50 % worse fails after |"
    )
    print("|---|---|---|---|")
    for scatter in (0.02, 0.05, 0.1, 0.2, 0.4):
        medians = [np.median([steps(scatter, effect, seed) for seed in range(SEEDS)]) for effect in EFFECTS]
        print(f"| {scatter:.0%} | " + " | ".join(f"{median:.0f}" for median in medians) + " |")
    for margin in (0.001, 0.005, 0.01):
        print(
            f"no hit in either version, margin {margin * 100:g}pp: passes after {requests(margin):,.0f} requests each"
        )


if __name__ == "__main__":
    main()
