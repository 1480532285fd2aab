"""One version of a run as Kayenta's metrics would see it: its host and process series, its requests by second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import Arm

__all__ = ["run_series"]

Floats = NDArray[np.float64]


def run_series(arm: Arm, right: Sequence[int] = ()) -> Mapping[str, Floats]:
    """One version's values by metric.

    Args:
        arm: The version's samples.
        right: The statuses that are right; empty: any 2xx or 3xx.

    Returns:
        The arm's series under their own names, and of each second of the requests' intended times: `requests`, how
        many were due; `errors`, how many had no response, a status that is not right, or a wrong body; `latency_p50`
        and `latency_p99`, R-7 percentiles of the responses in seconds, NaN in a second with none.
    """
    series = {name: one.value[np.isfinite(one.value)] for name, one in arm.series.items()}
    requests = arm.requests
    known = np.isfinite(requests.t)
    if not known.any():
        return series
    second = np.floor(requests.t[known]).astype(np.int64)
    status = requests.status[known]
    good = np.isin(status, right) if right else (status >= 200) & (status < 400)
    bad = ~good | (requests.body_ok[known] == 0)
    latency = requests.latency[known]
    order = np.argsort(second, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(second[order])) + 1)
    series["requests"] = np.asarray([len(part) for part in parts], dtype=np.float64)
    series["errors"] = np.asarray([bad[part].sum() for part in parts], dtype=np.float64)
    for name, percent in (("latency_p50", 50), ("latency_p99", 99)):
        series[name] = np.asarray([_percentile(latency[part], percent) for part in parts])
    return series


def _percentile(values: Floats, percent: float) -> float:
    kept = values[np.isfinite(values)]
    return float(np.percentile(kept, percent)) if len(kept) else float("nan")
