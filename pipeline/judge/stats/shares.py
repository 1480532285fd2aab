"""Hits of a total, looked at every second: is the canary's share of hits beyond the baseline's by more than is allowed?

The mathematics, with the proof that it holds at all looks at once, is in docs/judge.md ("Proportions").
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.bursts import tempering
from pipeline.judge.stats.evalues import Mixture, Prior, Tail
from pipeline.judge.stats.worst_case import LogEvidence, least_evidence, shift_bound

__all__ = [
    "EVEN",
    "KAPPA",
    "PRIOR_INCREASE",
    "PRIOR_NO_INCREASE",
    "WINDOWS",
    "WINDOW_WAIT",
    "Counts",
    "Tally",
    "bounds_of",
    "cumulative",
    "evidence_at_most",
    "log_e_process",
    "proportion_bounds",
    "windows",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# What an increase is expected to look like: odds from half more to a hundredfold, small ones likelier.
_RATIOS: Final = np.geomspace(1.5, 100, 12)
PRIOR_INCREASE: Final = Prior.of(_RATIOS, _RATIOS**-0.3, even=0.1)
# And that it is none: often no hits at all (ratio 0), else a share that is lower by a little or by much.
PRIOR_NO_INCREASE: Final = Prior(
    np.array([0.0, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 1.0]),
    np.array([0.5, 0.05, 0.05, 0.1, 0.1, 0.05, 0.05, 0.1]),
)
# Of the calibrator that makes an e-value of a finished baseline's p-value (evalues.Tail).
KAPPA: Final = 0.3
EVEN: Final = 0.1
# Harm is looked for from the first second on and, as errors may begin late, anew from these shares of the planned time
# on; each with its share of alpha.
WINDOWS: Final = ((0.0, 0.85), (0.25, 0.05), (0.5, 0.05), (0.75, 0.05))
# A later window says nothing in its first so many seconds: an outage that begins with it looks like a total failure.
WINDOW_WAIT: Final = 10
# Bounds as numbers are for people: computed at this many looks and held in between.
_LOOKS_WITH_NUMBERS: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One arm by the second, in the order of time: `hits` of `n`, columns of equal length.

    `step`: how many seconds an entry is of, where a series has longer ones.
    """

    hits: Floats
    n: Floats
    step: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What both arms have come to at each of k looks, and the share of it that counts as independent.

    Attributes:
        b_hits, b_n: the baseline's hits, of how many; shape (k,).
        hits, n: the canary's; shape (k,).
        temper: the share, in (0, 1], that counts as independent; shape (k,).
        fixed: the whole baseline was known before the canary's first second.
    """

    b_hits: Floats
    b_n: Floats
    hits: Floats
    n: Floats
    temper: Floats
    fixed: bool

    @classmethod
    def of(cls, baseline: Tally, canary: Tally, fixed: bool, begin: int = 0) -> Counts:
        """The counts at each of the canary's seconds from `begin` on. Raises ValueError as `cumulative` does.

        Where both arms advance together, the baseline's seconds before are left out too. What is left out still tells
        how errors come: alone or in bursts.
        """
        earlier = []
        if begin > 0:
            parts = [canary] if fixed else [canary, baseline]
            earlier = [(one.hits[:begin], one.n[:begin]) for one in parts]
            canary, since = (
                replace(one, hits=one.hits[begin:], n=one.n[begin:]) for one in (canary, baseline)
            )
            baseline = baseline if fixed else since
        b_hits, b_n = (cumulative(column, len(canary.n), fixed) for column in (baseline.hits, baseline.n))
        temper = tempering(
            (baseline.hits, baseline.n),
            (canary.hits, canary.n),
            fixed_baseline=fixed,
            earlier=earlier,
            step=canary.step,
        )
        return cls(b_hits, b_n, np.cumsum(canary.hits), np.cumsum(canary.n), temper, fixed)

    def evidence(self, *, harm: bool) -> tuple[LogEvidence, LogEvidence]:
        """Of the baseline and of the canary: for a difference that is harm, or for its absence."""
        canary = Mixture(
            self.hits * self.temper, self.n * self.temper, PRIOR_INCREASE if harm else PRIOR_NO_INCREASE
        )
        if self.fixed and len(self.n):
            b_hits, b_n = float(self.b_hits[0]), float(self.b_n[0])
            return Tail(b_hits, b_n, self.temper, upper=harm, kappa=KAPPA, even=EVEN), canary
        other = Mixture(
            self.b_hits * self.temper, self.b_n * self.temper, PRIOR_NO_INCREASE if harm else PRIOR_INCREASE
        )
        return other, canary

    def last_times(self, times: float) -> Counts:
        """The last look alone, had everything come so many times as often."""
        b_hits, b_n = self.b_hits[-1:] * times, self.b_n[-1:] * times
        return Counts(b_hits, b_n, self.hits[-1:] * times, self.n[-1:] * times, self.temper[-1:], self.fixed)

    def shares(self) -> tuple[Floats, Floats]:
        """Baseline's and canary's; NaN where nothing was seen yet."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.b_hits / self.b_n, self.hits / self.n

    def pooled(self) -> Floats:
        """A share between the two to begin searches at."""
        return (self.b_hits + self.hits + 0.5) / (self.b_n + self.n + 1)

    def spread(self) -> Floats:
        """About the standard error of the difference, to begin searches at."""
        p = self.pooled()
        n = 1 / np.maximum(self.b_n, 1) + 1 / np.maximum(self.n, 1)
        return np.asarray(np.sqrt((p * (1 - p) * n + n * n) / self.temper), dtype=np.float64)


def cumulative(column: Floats, looks: int, fixed: bool) -> Floats:
    """What a column of the baseline has come to at each of the canary's looks; all of it at once where it is `fixed`.

    Raises ValueError when it grows with the canary's and has not as many entries.
    """
    if fixed:
        return np.full(looks, column.sum())
    if len(column) != looks:
        raise ValueError("columns that grow together must be of one length")
    return np.cumsum(column)


def windows(n: Floats, planned: float) -> list[tuple[int, float]]:
    """Where WINDOWS begin among the canary's seconds, those that have begun, each with its share of alpha.

    Args:
        n: the canary's requests of each second. A window begins when there were some in so many seconds, which is known
            before the window's first request.
        planned: as in `proportion_bounds`.
    """
    if planned <= 0:
        return [(0, 1.0)]
    measured = np.cumsum(n > 0)
    begun = [(0, WINDOWS[0][1])]
    for part, share in WINDOWS[1:]:
        begin = int(np.searchsorted(measured, max(1.0, part * planned))) + 1
        if begin < len(n):
            begun.append((begin, share))
    return begun


def log_e_process(counts: Counts, bar: float = 0.0) -> Floats:
    """The natural logarithm of the e-process against "the canary's share is higher by at most `bar`", one entry a look.

    Where that is true, the chance that it ever reaches ln(1 / alpha) is at most alpha (Ville's inequality).
    """
    evidence = counts.evidence(harm=True)
    return least_evidence(*evidence, np.full(len(counts.n), bar), counts.pooled())[0]


def evidence_at_most(counts: Counts, bar: float) -> Floats:
    """What `log_e_process` is at most: its value for one share of the baseline, found at once."""
    baseline, canary = counts.evidence(harm=True)
    excess = np.maximum(counts.hits - bar * counts.n, 0.0)
    p = np.minimum((counts.b_hits + excess + 0.5) / (counts.b_n + counts.n + 1), max(0.0, 1 - bar - 1e-9))
    return np.asarray(baseline.at(p)[0] + canary.at(np.minimum(p + bar, 1 - 1e-9))[0], dtype=np.float64)


def _refuted(counts: Counts, bar: float, alpha: float) -> NDArray[np.bool_]:
    """At which looks `log_e_process` is at least ln(1 / alpha)."""
    needed = math.log(1 / alpha)
    # Most looks are far from it, and one value tells.
    refuted = evidence_at_most(counts, bar) >= needed
    maybe = np.flatnonzero(refuted)
    if len(maybe):
        baseline, canary = (side.pick(maybe) for side in counts.evidence(harm=True))
        start = counts.pooled()[maybe]
        refuted[maybe] = least_evidence(baseline, canary, np.full(len(maybe), bar), start)[0] >= needed
    return refuted


def proportion_bounds(
    baseline: Tally,
    canary: Tally,
    alpha: float,
    beta: float,
    *,
    fixed_baseline: bool,
    bar: float = 0.0,
    planned: float = 0.0,
    numbers: bool = True,
) -> Bounds:
    """Bounds of the canary's share of hits less the baseline's, at each of the canary's seconds.

    `low` is the highest of the bounds begun at each of WINDOWS, with its share of alpha (a union bound). That of one
    window is above `bar` exactly where its `log_e_process` is at least ln(1 / alpha), at every second; how far above or
    below it lies, and `high`, are computed at up to 30 of the seconds and held in between.

    Args:
        baseline, canary: the arms by the second.
        alpha: the chance that the difference is below `low` at any look; 0: `low` is -inf.
        beta: the chance that the difference is above `high` at any look; 0: `high` is inf.
        fixed_baseline: the whole baseline was known before the canary's first second; otherwise both columns
            advance together.
        bar: the difference that is decided at every second.
        planned: for how many seconds the canary is to be measured, which fixes when the later windows begin; 0: there
            are none.
        numbers: False leaves `low` at -inf where it is nowhere above `bar`, which saves most of the work.

    Raises:
        ValueError: columns that advance together are not of equal length.
    """
    (_, share), *late = windows(canary.n, planned)
    bounds = bounds_of(Counts.of(baseline, canary, fixed_baseline), alpha * share, beta, bar, numbers=numbers)
    low, wait = bounds.low.copy(), math.ceil(WINDOW_WAIT / canary.step)
    for begin, share in late if alpha > 0 else []:
        counts, speaks = Counts.of(baseline, canary, fixed_baseline, begin), begin + wait
        # Where nothing is shown to be beyond the bar, the bound of the whole is the one to tell.
        if np.any(_refuted(counts, bar, alpha * share)[wait:]):
            of_window = bounds_of(counts, alpha * share, 0.0, bar).low[wait:]
            low[speaks:] = np.maximum(low[speaks:], of_window)
    return replace(bounds, low=low)


def bounds_of(counts: Counts, alpha: float, beta: float, bar: float = 0.0, *, numbers: bool = True) -> Bounds:
    """As `proportion_bounds`, of counts that are there already."""
    k = len(counts.n)
    if k == 0:
        return Bounds.without_looks()
    b_share, share = counts.shares()
    estimate = share - b_share
    known = np.isfinite(estimate)
    guess, pooled = np.where(known, estimate, 0.0), counts.pooled()
    # Begin at most half the way to -1 or 1: near them evidence is so steep that Newton's method does not come back.
    spread = np.minimum(counts.spread(), (1 - np.abs(guess)) / 6 + 0.01)
    looks, held = _thinned(k, np.zeros(k, dtype=np.bool_))

    def at(
        pair: tuple[LogEvidence, LogEvidence], level: float, begin: Floats, p: Floats, widest: float
    ) -> Floats:
        baseline, canary = (side.pick(looks) for side in pair)
        needed, step = math.log(1 / level), 2 * spread[looks]
        return shift_bound(baseline, canary, needed, begin[looks], step, p[looks], widest)[held]

    low, high = np.full(k, -np.inf), np.full(k, np.inf)
    if beta > 0:
        high = at(counts.evidence(harm=False), beta, guess + 3 * spread, pooled, 1.0)
    decided = _refuted(counts, bar, alpha) if alpha > 0 else np.zeros(k, dtype=np.bool_)
    if alpha > 0 and (numbers or decided.any()):
        looks, held = _thinned(k, decided)
        begin = np.where(decided, bar, np.minimum(guess - 3 * spread, bar))
        low = at(counts.evidence(harm=True), alpha, begin, pooled, -1.0)
        # A number held from an earlier look must not contradict this look's decision.
        low = np.where(decided, np.maximum(low, np.nextafter(bar, 1.0)), np.minimum(low, bar))
    return Bounds(
        n=counts.n,
        estimate=estimate,
        low=np.where(known, low, -np.inf),
        high=np.where(known, high, np.inf),
        effective=counts.n * counts.temper,
    )


def _thinned(k: int, decided: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Which looks get numbers (the last and the first decided among them), and for each look whose it shows."""
    looks = np.unique(
        np.append(np.linspace(0, k - 1, min(k, _LOOKS_WITH_NUMBERS)).astype(np.int64), decided.argmax())
    )
    return looks, np.searchsorted(looks, np.arange(k), side="right") - 1
