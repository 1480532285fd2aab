"""Labelled pairs of short series: what was changed in the canary is known, so a judge's answer is right or wrong.

Each case has several metrics of 30, 45 or 60 points, all with the same margin, both versions at the same time. In
one of them (in all, for what is called joint) the canary is changed; the label says whether that is harm. There are two
families, with other shapes and sizes: statistics are tuned on one and shown on the other.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["FAMILIES", "HARMFUL", "HARMLESS", "LENGTHS", "NOISES", "Family", "Pair", "labelled_pair"]

Floats = NDArray[np.float64]

NOISES: Final = ("iid", "AR .6", "AR .9", "lognormal", "Pareto 1.5", "random walk", "rare spikes")
HARMLESS: Final = ("no change", "equal noise", "healed", "small shift")
HARMFUL: Final = ("mean shift", "more variance", "fatter tail", "drift", "joint", "just beyond")
LENGTHS: Final = (30, 45, 60)
_LEAST: Final = 0.01  # of the level: a cost is never below zero


@dataclass(frozen=True, slots=True)
class Family:
    """How large things are in one family of generators, and of which shape.

    Ranges are uniform, and in margins where the margin is what they are about.

    Attributes:
        level: of each metric; there are as many metrics as levels.
        margin: of all metrics, as a fraction.
        scatter: standard deviation of the usual noise of a point, as a fraction of the level.
        skew: that of the logarithm of the lognormal noise.
        degrees: of freedom of Student's t for the usual noise; 0: normal.
        spikes: a point's chance of a rare spike in either version, and from how to how many times as high that is.
        noisy: how many times the usual noise both versions have where noise is equal, and the canary alone where
            variance is harm.
        healed: shift of the first third.
        small, shifted, joint: shifts of the whole.
        tail: share of the points that are higher, and by how much.
        drift: how much higher the last point is.
        late: from which part of the series on it drifts.
    """

    level: tuple[float, ...]
    margin: float
    scatter: float
    skew: float
    degrees: int
    spikes: tuple[float, float, float]
    noisy: tuple[float, float]
    healed: tuple[float, float]
    small: tuple[float, float]
    shifted: tuple[float, float]
    joint: tuple[float, float]
    tail: tuple[float, float, float]
    drift: tuple[float, float]
    late: float


FAMILIES: Final = MappingProxyType(
    {
        "tune": Family(
            level=(100.0, 250.0, 800.0, 120.0, 400.0),
            margin=0.2,
            scatter=0.05,
            skew=0.1,
            degrees=0,
            spikes=(0.02, 2.0, 4.0),
            noisy=(3.0, 5.0),
            healed=(1.0, 2.0),
            small=(0.1, 0.5),
            shifted=(1.6, 3.0),
            joint=(0.5, 0.8),
            tail=(0.13, 2.5, 5.0),
            drift=(2.0, 3.0),
            late=0.0,
        ),
        "show": Family(
            level=(150.0, 900.0, 300.0, 110.0),
            margin=0.15,
            scatter=0.035,
            skew=0.08,
            degrees=7,
            spikes=(0.03, 1.5, 3.5),
            noisy=(3.5, 6.0),
            healed=(0.8, 2.2),
            small=(0.0, 0.5),
            shifted=(1.5, 4.0),
            joint=(0.5, 0.75),
            tail=(0.15, 2.0, 5.0),
            drift=(2.5, 4.5),
            late=0.3,
        ),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Both versions' series: arrays (metrics, points)."""

    baseline: Floats
    canary: Floats
    margin: float


def labelled_pair(family: str, noise: str, kind: str, seed: int, number: int) -> Pair:
    """One case of a kind: one of HARMLESS or HARMFUL. The length goes with the number, through LENGTHS."""
    what = zlib.crc32(f"{family} {noise} {kind}".encode())
    random = np.random.default_rng([seed, what, number])
    of, points = FAMILIES[family], LENGTHS[number % len(LENGTHS)]
    shape = (len(of.level), points)
    where = slice(None) if kind == "joint" else int(random.integers(len(of.level)))
    times = np.ones((2, len(of.level), 1))  # the usual noise, of the baseline and of the canary
    if kind in ("equal noise", "more variance"):
        times[0 if kind == "equal noise" else 1 :, where] = random.uniform(*of.noisy)
    baseline, canary = (_noise(random, of, noise, shape, own) for own in times)
    shift = np.zeros(shape)
    shift[where] = of.margin * _shift(random, of, kind, points)
    level = np.asarray(of.level)[:, None]
    return Pair(
        level * np.maximum(1 + baseline, _LEAST),
        level * np.maximum((1 + shift) * (1 + canary), _LEAST),
        of.margin,
    )


def _shift(random: Generator, of: Family, kind: str, points: int) -> Floats:
    """How much higher the canary is at each point, in margins."""
    at = np.arange(points) / (points - 1)
    constant = {
        "small shift": of.small,
        "mean shift": of.shifted,
        "joint": of.joint,
        "just beyond": (1.3, 1.3),
    }
    if kind in constant:
        return np.full(points, random.uniform(*constant[kind]))
    if kind == "healed":
        return np.where(at < 1 / 3, random.uniform(*of.healed), 0.0)
    if kind == "drift":
        ramp = np.maximum(at - of.late, 0) / (1 - of.late)
        return np.asarray(ramp * random.uniform(*of.drift), dtype=np.float64)
    if kind == "fatter tail":
        share, low, high = of.tail
        # as many as the share says, or a case might have none
        higher = random.permutation(points) < max(3, round(share * points))
        return np.where(higher, random.uniform(low, high, points), 0.0)
    return np.zeros(points)


def _noise(random: Generator, of: Family, noise: str, shape: tuple[int, int], times: Floats) -> Floats:
    """What each point is beside its level, as a fraction of that, each metric's noise so many times as large.

    Rare spikes are as high as ever.
    """
    usual = (
        random.standard_t(of.degrees, shape) / np.sqrt(of.degrees / (of.degrees - 2))
        if of.degrees
        else random.standard_normal(shape)
    )
    if noise in ("AR .6", "AR .9"):
        phi = float(noise.removeprefix("AR "))
        for i in range(1, shape[1]):
            usual[:, i] = phi * usual[:, i - 1] + np.sqrt(1 - phi * phi) * usual[:, i]
    if noise == "lognormal":
        return times * np.expm1(of.skew * random.standard_normal(shape) - of.skew**2 / 2)
    if noise == "Pareto 1.5":  # its mean is 2, its variance infinite
        return times * of.scatter * 0.6 * (random.pareto(1.5, shape) - 2)
    if noise == "random walk":  # spread as the usual noise at the end, and half of that from point to point
        walk = random.standard_normal(shape).cumsum(axis=1) / np.sqrt(shape[1])
        return np.asarray(times * of.scatter * (walk + usual / 2), dtype=np.float64)
    found: Floats = times * of.scatter * usual
    if noise == "rare spikes":
        chance, low, high = of.spikes
        found = np.where(random.random(shape) < chance, random.uniform(low, high, shape) - 1, found)
    return found
