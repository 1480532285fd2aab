"""Evidence about one share, as the logarithm of an e-value: convex in the share it speaks against.

An e-value's mean is at most 1 when what it speaks against is true. Both kinds here come with their first and
second derivative in that share, which is what finding the least favourable share takes (worst_case.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betaln, xlog1py, xlogy

__all__ = ["Mixture", "Prior", "Tail"]

Floats = NDArray[np.float64]
_Slopes = tuple[Floats, Floats, Floats]  # value, first and second derivative

_TINY = 1e-260  # a p-value below this underflows soon; there its logarithm goes on as a straight line


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """A mixture over odds ratios: `ratio` (each >= 0) and the weights, which add up to 1.

    Ratios above 1 speak for a larger share, ratios below 1 for a smaller one, never both in one prior. The ratio 1
    gives evidence of 1 whatever is seen, so a mixture with it never falls below its weight.
    """

    ratio: Floats
    weight: Floats

    @classmethod
    def of(cls, ratios: Floats, weights: Floats, *, even: float) -> Prior:
        """Weights in these proportions on `ratios`, and `even` on the ratio 1."""
        return cls(np.append(ratios, 1.0), np.append((1 - even) * weights / weights.sum(), even))

    def evidence_of(self, hits: Floats) -> Floats:
        """hits * log(ratio), shape (ratios, hits); 0 of no hits, at the ratio 0 too. A logarithm a ratio."""
        some = self.ratio > 0
        found = np.log(np.where(some, self.ratio, 1.0))[:, None] * hits
        found[~some] = np.where(hits > 0, -np.inf, 0.0)
        return found


class Mixture:
    """Likelihood ratios of the odds ratios of a prior, mixed: valid at every look of a growing stream.

    Against the share q a ratio r says r^hits / (1 + (r - 1) q)^n. For r > 1 its mean is at most 1 wherever
    the true share is at most q, for r < 1 wherever it is at least q. hits, n: one entry a look.
    """

    def __init__(self, hits: Floats, n: Floats, prior: Prior) -> None:
        self._n = n
        self._less = (prior.ratio - 1)[:, None]
        self._constant = prior.evidence_of(hits) + np.log(prior.weight)[:, None]

    def at(self, q: Floats) -> _Slopes:
        """Of each look, against that look's q in [0, 1)."""
        base = 1 + self._less * q
        terms = self._constant - self._n * np.log(base)
        top = terms.max(axis=0)
        parts = np.exp(terms - top)
        total = parts.sum(axis=0)
        parts /= total
        slope = -self._n * self._less / base
        mean = (parts * slope).sum(axis=0)
        curve = (parts * (slope * slope - slope * self._less / base)).sum(axis=0) - mean * mean
        return top + np.log(total), mean, np.maximum(curve, 0.0)

    def pick(self, looks: NDArray[np.int64]) -> Mixture:
        """The same at some looks only."""
        other = object.__new__(Mixture)
        other._n, other._less = self._n[looks], self._less
        other._constant = self._constant[:, looks]
        return other


class Tail:
    """The exact p-value of a finished sample, turned into an e-value: (1 - a) k P^((k - 1) t) + a.

    P^(k - 1) k is the calibrator of Vovk and Wang (2021).

    Args:
        hits, n: of the whole sample.
        temper: t in (0, 1], shape (k,): the power that takes account of bursts at each look (docs/judge.md).
        upper: P is the chance of so few hits, which speaks against shares above the sample's; otherwise the chance of
            so many, which speaks against shares below it.
        kappa: the calibrator's k, in (0, 1).
        even: a, the constant part: the e-value is never below it.
    """

    def __init__(
        self, hits: float, n: float, temper: Floats, *, upper: bool, kappa: float, even: float
    ) -> None:
        self._temper, self._upper, self._kappa, self._even = temper, upper, kappa, even
        # P(X <= hits | p) is the survival function of Beta(hits + 1, n - hits); P(X >= hits | p) the
        # distribution function of Beta(hits, n - hits + 1).
        self._a, self._b = (hits + 1, n - hits) if upper else (hits, n - hits + 1)
        self._certain = min(self._a, self._b) <= 0
        if not self._certain:
            self._edge = _edge(self._a, self._b, upper)
            self._scale = float(betaln(self._a, self._b))

    def _chance(self, p: Floats | float) -> Floats:
        chance: Floats = (betaincc if self._upper else betainc)(self._a, self._b, p)
        return chance

    def at(self, p: Floats) -> _Slopes:
        """Of each look, against that look's p in [0, 1]."""
        if self._certain:
            cost, slope, curve = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
        else:
            cost, slope, curve = self._surprise(p)
        rate = (1 - self._kappa) * self._temper
        tail = np.log((1 - self._even) * self._kappa) + rate * cost
        value = np.logaddexp(tail, np.log(self._even))
        share = np.exp(tail - value)
        slope, curve = rate * slope, rate * curve
        return value, share * slope, share * (curve + (1 - share) * slope * slope)

    def _surprise(self, p: Floats) -> _Slopes:
        """-ln P and its derivatives; beyond the edge the tangent there, which a convex function never crosses."""
        inner = np.minimum(p, self._edge) if self._upper else np.maximum(p, self._edge)
        a, b = self._a, self._b
        chance = self._chance(inner)
        hazard = np.exp(xlogy(a - 1, inner) + xlog1py(b - 1, -inner) - self._scale - np.log(chance))
        bend = (a - 1) / np.maximum(inner, 1e-300) - (b - 1) / (1 - inner)  # of ln of the density
        slope, curve = (
            (hazard, hazard * (hazard + bend)) if self._upper else (-hazard, hazard * (hazard - bend))
        )
        value = -np.log(chance) + slope * (p - inner)
        curve = np.where(p == inner, np.maximum(curve, 0.0), 0.0)
        # Of counts beyond 1e15 or so the incomplete beta function is no number: then there is no evidence.
        known = np.isfinite(value) & np.isfinite(slope) & np.isfinite(curve)
        return np.where(known, value, 0.0), np.where(known, slope, 0.0), np.where(known, curve, 0.0)

    def pick(self, looks: NDArray[np.int64]) -> Tail:
        """The same at some looks only."""
        other = object.__new__(Tail)
        other.__dict__.update(self.__dict__)
        other._temper = self._temper[looks]
        return other


@lru_cache(maxsize=256)
def _edge(a: float, b: float, upper: bool) -> float:
    """The share beyond which the tail's chance is too small to be computed with."""
    # By halving: the inverse functions of scipy 1.17 give NaN for some arguments this far out.
    chance = betaincc if upper else betainc
    inside, outside = math.asin(math.sqrt(a / (a + b))), math.pi / 2 * upper
    for _ in range(40):
        middle = (inside + outside) / 2
        fits = chance(a, b, math.sin(middle) ** 2) > _TINY
        inside, outside = (middle, outside) if fits else (inside, middle)
    return math.sin(inside) ** 2
