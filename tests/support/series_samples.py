"""Series with a known dependence, for the tests of the judge's bounds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

__all__ = ["seconds_ar1"]

Floats = NDArray[np.float64]


def seconds_ar1(phi: float, series: int, seed: int, *, blocks: int = 150, heavy: bool = False) -> Floats:
    """Blocks of two seconds made of AR(1) noise at one second, mean 0, variance 1 a second."""
    rng = np.random.default_rng(seed)
    shape = (series, 200 + 2 * blocks)
    noise = rng.standard_t(3, shape) / math.sqrt(3) if heavy else rng.standard_normal(shape)
    grown = lfilter([math.sqrt(1 - phi**2)], [1, -phi], noise, axis=1)[:, 200:]
    found: Floats = np.asarray(grown, dtype=np.float64).reshape(series, blocks, 2).mean(axis=-1)
    return found
