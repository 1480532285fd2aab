"""The bounds of sequences once more: one prefix at a time, from the definitions, without any of the judge's code.

Residuals come from numpy's least squares, covariances from plain sums over them, the e-value from the ratio
of Student's t densities integrated over the prior, and its inversion from root finding.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

Floats = NDArray[np.float64]


def e_value(distance: float, degrees: float, information: float, prior: float) -> float:
    """The mixture e-value of a t statistic `distance` (in standard errors) by quadrature."""

    def weighed(effect: float) -> float:
        shifted = stats.nct.pdf(distance, degrees, effect * math.sqrt(information))
        return float(shifted * stats.norm.pdf(effect, scale=1 / math.sqrt(prior)))

    around = distance / math.sqrt(information)
    wide = 12 / math.sqrt(prior)
    value, _ = integrate.quad(weighed, -wide, wide, points=[0.0, around], limit=400, epsabs=0, epsrel=1e-9)
    return float(value / stats.t.pdf(distance, degrees))


def e_closed(distance: float, degrees: float, information: float, prior: float) -> float:
    """The same in closed form, which also takes degrees of freedom that are no whole number."""
    share = prior / (prior + information)
    squared = distance**2 / degrees
    return float(math.sqrt(share) * ((1 + squared) / (1 + share * squared)) ** ((degrees + 1) / 2))


def boundary(information: float, size: float, alpha: float, prior: float, fitted: int) -> float:
    """The distance in standard errors at which the e-value is 1 / (2 alpha); inf where none is."""
    degrees = size - fitted
    if degrees <= 0:
        return math.inf

    def short_of(logarithm: float) -> float:
        return math.log(e_closed(math.exp(logarithm), degrees, information, prior) * 2 * alpha)

    if short_of(60.0) <= 0:
        return math.inf
    return math.exp(float(optimize.brentq(short_of, -30, 60, xtol=1e-14)))


def effective_and_variance(residuals: Floats, fitted: int) -> tuple[float, float]:
    """The effective size and the variance of one sample, as docs/judge.md has them."""
    k = len(residuals)

    def covariance(lag: int) -> float:
        return sum(float(residuals[j] * residuals[j - lag]) for j in range(lag, k)) if lag < k else 0.0

    total = covariance(0)
    if total == 0:
        return float(k), 0.0
    found = covariance(1) / total
    bias = (1 + 3 * found) / k if fitted == 1 else (2 + 4 * found) / k
    r = min(max(found + bias + (1 + found**2) * math.sqrt(max(1 - found**2, 0) / k), 0.0), 0.97)
    phi = min(max(found, 0.0), 0.97)

    def whitened(lag: int) -> float:
        return (1 + phi**2) * covariance(lag) - phi * (covariance(abs(lag - 1)) + covariance(lag + 1))

    window = math.floor(math.sqrt(k))
    long = whitened(0) + 2 * sum((1 - lag / (window + 1)) * whitened(lag) for lag in range(1, window + 1))
    left_over = max(long / whitened(0) / max(1 - fitted * (window + 1) / k, 0.1), 1.0)
    inflation = (1 + r) / (1 - r) * left_over
    left = max(1 - fitted * (inflation - 1) / (k - fitted), 0.1)
    return k / inflation, total / (k - fitted) / left


def mean_width(effective: float, level: float, planned: float) -> float:
    """How far a bound of the mean is, in standard errors: the nearest of those of one or two priors."""
    first = max(5.0, planned / 60)
    if level < 0.02:
        return boundary(effective, effective, level, first, 1)
    return min(
        boundary(effective, effective, 0.9 * level, first, 1),
        boundary(effective, effective, 0.1 * level, 0.1, 1),
    )


def mean(d: Floats, alpha: float, beta: float, planned: float) -> tuple[float, float, float, float]:
    """(estimate, low, high, effective) of a series with variation, at its end alone."""
    estimate = float(np.mean(d))
    effective, variance = effective_and_variance(d - estimate, 1)
    error = math.sqrt(variance / effective)
    below, above = (mean_width(effective, level, planned) * error for level in (alpha, beta))
    return estimate, estimate - below, estimate + above, effective


def slope(
    t: Floats, d: Floats, alpha: float, beta: float, planned: float
) -> tuple[float, float, float, float]:
    """The same of the slope over `t`, seconds evenly apart."""
    line = np.polynomial.Polynomial.fit(t, d, 1).convert()
    estimate = float(line.coef[1])
    effective, variance = effective_and_variance(d - line(t), 2)
    spread = float(np.sum((t - t.mean()) ** 2)) / len(t)
    of_planned = (planned * float(t[1] - t[0])) ** 2 / 12
    information, prior = effective * spread / of_planned, max(5.0, planned / 10)
    error = math.sqrt(variance / effective / spread)
    low, high = (
        estimate + sign * boundary(information, effective, level / 2, prior, 2) * error
        for sign, level in ((-1, alpha), (1, beta))
    )
    _, steps_low, steps_high, _ = mean(np.diff(d) / np.diff(t), alpha / 2, beta / 2, planned)
    half = len(t) // 2
    late = float(np.polynomial.Polynomial.fit(t[half:], d[half:], 1).convert().coef[1])
    return (
        estimate,
        min(max(low, steps_low), estimate, late),
        max(min(high, steps_high), estimate, late),
        effective,
    )


def ratio(
    baseline: Floats, canary: Floats, alpha: float, beta: float, planned: float
) -> tuple[float, float, float, float]:
    """The same as `mean` of the logarithm of the ratio of two means."""
    b, c = float(np.mean(baseline)), float(np.mean(canary))
    estimate = math.log(c / b)
    effective, variance = effective_and_variance(canary / c - baseline / b, 1)
    error = math.sqrt(variance / effective)
    below, above = (mean_width(effective, level, planned) * error for level in (alpha, beta))
    return estimate, estimate - below, estimate + above, effective


def final_width(d: Floats, level: float, begin: int, *, strict: bool) -> float:
    """How far the bound of one look is from the mean of the blocks from `begin` on, as docs/judge.md has it."""
    size, part = len(d), d[begin:]
    before = float(np.mean(d[:begin])) if begin else 0.0
    moved = d - np.asarray([before] * begin + [float(np.mean(part))] * len(part))
    fitted = 2 if begin else 1
    found = sum(float(moved[k] * moved[k - 1]) for k in range(1, size)) / sum(float(x * x) for x in moved)
    likely = found + (fitted + (fitted + 2) * found) / size
    error = (1 + likely**2) * math.sqrt(max(1 - likely**2, 0) / size)
    raised = 0.6 * float(stats.norm.isf(level)) * error
    r = min(max(likely + raised, 0.0), 0.97)
    wanted = math.floor(0.174 * size * (1 - r) / math.sqrt(r)) if r > 0 else size
    least = 2 if strict else max(2, math.floor(0.4 * size ** (2 / 3)))
    count = min(max(wanted, least), size - 1)
    shaped = found if begin else likely + raised * min(1, math.sqrt(20 / size))
    shape = r if strict else min(max(shaped, 0.0), 0.97)
    total = 0.0
    for j in range(1, count + 1):
        wave = [math.sqrt(2 / size) * math.cos(math.pi * j * (k + 0.5) / size) for k in range(size)]
        spectrum = 1 / (1 - 2 * shape * math.cos(math.pi * j / size) + shape**2)
        at_zero = 1 / (1 - shape) ** 2
        total += float(np.dot(wave, moved)) ** 2 * at_zero / spectrum
    degrees = max(count + 1 - fitted, 1)
    variance = total / degrees
    if begin:
        variance = max(variance, float(np.var(part, ddof=1)))
    width = float(stats.t.isf(level, degrees)) * math.sqrt(variance / len(part))
    if not strict and not begin and shaped >= 0.97:
        return max(width, (0.7 + 0.42 * math.log(1 / level)) * float(max(d) - min(d)))
    return width
