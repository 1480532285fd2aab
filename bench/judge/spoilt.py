"""Inputs that must not pass, made from a good run: what is wrong with them is not in the canary, but in the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from pipeline.judge.evidence import Arm, Evidence, Requests, Series

__all__ = ["SPOILT", "spoil"]


def spoil(evidence: Evidence, how: str) -> Evidence:
    """The run with its samples spoilt as a key of SPOILT says; "": as it is."""
    return replace(evidence, canary=SPOILT[how](evidence)) if how else evidence


def _scaled(requests: Requests, factor: float) -> Requests:
    return replace(requests, latency=requests.latency * factor)


def _negative(evidence: Evidence) -> Arm:
    """Every time and every series below zero."""
    return _times(evidence.canary, -1.0)


def _thousandth(evidence: Evidence) -> Arm:
    """Seconds where the baseline has milliseconds, and so on."""
    return _times(evidence.canary, 1e-3)


def _times(arm: Arm, factor: float) -> Arm:
    series = {name: replace(one, value=one.value * factor) for name, one in arm.series.items()}
    return replace(arm, requests=_scaled(arm.requests, factor), series=series)


def _half_without_numbers(evidence: Evidence) -> Arm:
    arm = evidence.canary
    middle = len(arm.requests) // 2
    latency = arm.requests.latency.copy()
    latency[middle:] = np.nan
    series = {}
    for name, one in arm.series.items():
        value = one.value.copy()
        value[len(value) // 2 :] = np.nan
        series[name] = Series(one.t, value)
    return replace(arm, requests=replace(arm.requests, latency=latency), series=series)


def _copied(evidence: Evidence) -> Arm:
    """The baseline's samples, moved to the canary's time."""
    base, canary = evidence.baseline, evidence.canary
    later = (canary.phase_starts or (0.0,))[0] - (base.phase_starts or (0.0,))[0]
    return replace(
        base,
        requests=replace(base.requests, t=base.requests.t + later),
        series={name: Series(one.t + later, one.value) for name, one in base.series.items()},
        phase_starts=tuple(start + later for start in base.phase_starts),
    )


SPOILT: Final[Mapping[str, Callable[[Evidence], Arm]]] = MappingProxyType(
    {
        "negative values": _negative,
        "a thousandth of the baseline": _thousandth,
        "no numbers in the second half": _half_without_numbers,
        "a copy of the baseline": _copied,
    }
)
