"""How much more hits a second vary than those of independent requests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline.judge.stats.dispersion import difference_dispersion, pooled_dispersion
from tests.support import slow_quantiles as slow

Floats = NDArray[np.float64]


def hits(seed: int, seconds: int, *, moods: Floats | float = 0.0, share: float = 0.5, n: int = 50) -> Floats:
    """So many of `n` requests a second are hits; `moods` add to the share."""
    rng = np.random.default_rng(seed)
    return rng.binomial(n, np.clip(share + moods, 0, 1), seconds).astype(np.float64)


def mood(seed: int, seconds: int, phi: float, deviation: float) -> Floats:
    shocks = np.random.default_rng(seed).standard_normal(seconds) * np.sqrt(1 - phi * phi)
    return np.asarray(deviation * lfilter([1.0], [1.0, -phi], shocks), dtype=np.float64)


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("seconds", [7, 33, 90])
def test_it_is_what_the_definition_says(phi: float, seconds: int) -> None:
    n = 50.0
    b, c = (hits(s, size, moods=mood(s + 9, size, phi, 0.1)) for s, size in ((1, 60), (2, seconds)))
    expected = max(
        slow.dispersion([(b.tolist(), [n] * 60), (c.tolist(), [n] * seconds)], 1, 1.0),
        slow.dispersion([(b.tolist(), [n] * 60), (c.tolist(), [n] * seconds)], 5, 0.0),
    )
    found = pooled_dispersion((b, np.full(60, n)), (c, np.full(seconds, n)))
    assert found[-1] == pytest.approx(expected, rel=1e-9)


def test_independent_requests_cost_little_and_long_moods_much() -> None:
    n = np.full(300, 50.0)
    alone = [pooled_dispersion((hits(s, 300), n), (hits(s + 50, 300), n))[-1] for s in range(20)]
    moody = [
        pooled_dispersion(
            (hits(s, 300, moods=mood(s, 300, 0.95, 0.07)), n),
            (hits(s, 300, moods=mood(s + 99, 300, 0.95, 0.07)), n),
        )[-1]
        for s in range(20)
    ]
    assert np.median(alone) < 1.4
    assert np.median(moody) > 10  # the truth is 20


def test_what_slows_both_versions_in_the_same_seconds_is_not_held_against_them() -> None:
    n, shared = np.full(300, 25.0), mood(3, 300, 0.95, 0.1)
    both = [hits(s, 300, moods=shared, n=25) for s in (1, 2)]
    own = [hits(s, 300, moods=mood(s, 300, 0.95, 0.1), n=25) for s in (1, 2)]
    assert difference_dispersion((both[0], n), (both[1], n))[-1] < 1.6
    assert difference_dispersion((own[0], n), (own[1], n))[-1] > 5


def test_the_first_seconds_go_by_an_assumption() -> None:
    n = np.full(3, 25.0)
    found = difference_dispersion((np.array([12.0, 13, 12]), n), (np.array([25.0, 25, 24]), n))
    assert ((found >= 1) & (found <= 2)).all()


def test_in_turns_slices_vary_and_a_few_tell_little() -> None:
    """All seconds of a slice share the machine's mood, which single seconds do not show."""
    n, slices = np.full(120, 50.0), 20
    found = [in_turns(seed, n, slices, 0.1) for seed in range(10)]
    assert all((each[:23] >= 50).all() for each in found)
    # The truth is 1 + 6 * 50 * 0.1^2 / 0.25 = 13. Twenty slices leave room for several times that.
    assert 13 < np.median([each[-1] for each in found]) < 80
    assert np.median([in_turns(seed, n, slices, 0.0)[-1] for seed in range(10)]) < 4


def test_in_turns_nothing_is_known_in_the_first_second_of_the_first_slice() -> None:
    """One second of a slice that has just begun is not a run in which both versions are measured at once."""
    n = np.full(1, 50.0)
    assert (difference_dispersion((np.array([5.0]), n), (np.array([50.0]), n), slice_seconds=1) >= 50).all()
    assert (difference_dispersion((np.array([5.0]), n), (np.array([50.0]), n)) < 50).all()


def in_turns(seed: int, n: Floats, slices: int, mood: float) -> Floats:
    """The dispersion of two arms whose moods last a slice each."""
    random = np.random.default_rng(seed)
    arms = []
    for arm in range(2):
        moods = np.repeat(random.normal(0, mood, slices), len(n) // slices) if mood else 0.0
        arms.append((hits(100 + 2 * seed + arm, len(n), moods=moods), n))
    return difference_dispersion(arms[0], arms[1], slice_seconds=len(n) // slices)


def test_no_hits_at_all_are_no_dispersion() -> None:
    n, none = np.full(40, 50.0), np.zeros(40)
    assert (pooled_dispersion((none, n), (none, n)) <= 1.5).all()
    assert (difference_dispersion((none, n), (none, n)) <= 1.5).all()
