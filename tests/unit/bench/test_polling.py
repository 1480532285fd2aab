"""The simulation of asking again and again: what it measures is what the product does."""

from __future__ import annotations

import numpy as np

from bench.inputs.polling import LOOKS, WAYS, passes


def test_asking_again_lets_harm_pass_only_where_each_look_is_taken_for_a_planned_end() -> None:
    """Eight seeds at the edge: the old way passes one of them at some look before the end, the others at none."""
    before, unknown, planned = WAYS.values()
    seeds = range(8)
    early = {way: [passes(way, seed, worse=0.1)[:-1] for seed in seeds] for way in (before, unknown, planned)}
    assert np.any(early[before])
    assert not np.any(early[unknown])
    assert not np.any(early[planned])


def test_what_is_the_same_passes_at_a_planned_end() -> None:
    planned = WAYS["planned: its whole length"]
    found = [passes(planned, seed, worse=0.0, phi=0.0) for seed in range(3)]
    assert [len(one) for one in found] == [len(LOOKS)] * 3
    assert all(one[-1] for one in found)
