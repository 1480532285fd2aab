"""What run.json may hold: its keys, and what each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

__all__ = ["Entries"]


class Entries(TypedDict, total=False):
    """What run.json may hold, in the order in which a run writes it.

    Everything up to `promoted` is there from the run's beginning; the rest comes as it is found out. `load` is the
    loader's summary, `reconciliation` its counts against HAProxy's, `t0_unix` the Unix time of the first request,
    `under_way` whether there is more to measure: what is found so was killed. `proxy` says where that was in the end.
    """

    format: int
    tool: str
    created: str
    kind: str
    repo: str
    sample: bool
    sample_why: str
    baseline: Mapping[str, str]
    canary: Mapping[str, str]
    settings: Mapping[str, Any]
    profile: Mapping[str, Any]
    notes: Sequence[str]
    problems: Sequence[Mapping[str, str]]
    phases: Sequence[Mapping[str, object]]
    t0_unix: float
    under_way: bool
    promoted: bool | None
    provider: str
    pilot: Mapping[str, Any]
    calibration: Mapping[str, Any]
    hosts: Mapping[str, Mapping[str, object]]
    routes: Mapping[str, str]
    stopped_early: Mapping[str, Any]
    load: Mapping[str, Any]
    reconciliation: Mapping[str, Any]
    proxy: Mapping[str, Any]
