"""Small verdicts, runs and evidence for the tests of the reports: a canary that answers 500 to everything."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.verdict import Decision, GroupScore, MetricVerdict, Outcome, Summary, Verdict

SECONDS = 60
BASELINE = {"ref": "master", "sha": "ec9b647" + "0" * 33, "subject": "Render surveys"}
CANARY = {"ref": "broken", "sha": "0fb8c1c" + "0" * 33, "subject": "Pass the whole body"}

RUINED = "100 % of requests failed on the canary, 0 of 3000 on the baseline; 0.5 points are allowed"


def metric(name: str = "latency_p99", **changes: Any) -> MetricVerdict:
    """A metric that passes, but for `changes`."""
    fields: dict[str, Any] = {
        "name": name,
        "title": name.replace("_", " "),
        "group": "latency",
        "unit": "s",
        "weight": 2.0,
        "critical": False,
        "baseline": Summary(3000, 0.0214, 0.012, 0.009, 0.020),
        "canary": Summary(3000, 0.0221, 0.0125, 0.009, 0.021),
        "effect": 0.033,
        "effect_kind": "relative",
        "threshold": 0.25,
        "low": -0.04,
        "high": 0.11,
        "effective": 118.0,
        "decision": Decision.PASS,
        "reason": f"{name}: 22.1 ms against 21.4 ms; within the 25 % allowed",
    }
    return MetricVerdict(**{**fields, **changes})


def verdict(**changes: Any) -> Verdict:
    """A failed verdict with one metric of each decision."""
    fields: dict[str, Any] = {
        "outcome": Outcome.FAILED,
        "score": 12.0,
        "pass_score": 75.0,
        "reasons": (f"Failed requests: {RUINED}",),
        "metrics": (
            metric(
                "error_rate",
                title="Failed requests",
                group="errors",
                unit="fraction",
                weight=5.0,
                critical=True,
                baseline=Summary(3000, 0.0),
                canary=Summary(3000, 1.0),
                effect=1.0,
                effect_kind="absolute",
                threshold=0.005,
                low=0.93,
                high=1.0,
                decided_after=0.4,
                decision=Decision.FAIL,
                reason=RUINED,
            ),
            metric(
                "latency_p50",
                title="Latency, median",
                decision=Decision.NODATA,
                effect=None,
                low=None,
                high=None,
                effective=None,
            ),
            metric("latency_p99", title="Latency, 99th percentile"),
            metric(
                "service_memory",
                title="Service: resident memory",
                group="service",
                unit="B",
                baseline=Summary(60, 61e6, 61e6, 60e6, 62e6),
                canary=Summary(60, 64e6, 64e6, 60e6, 66e6),
                effect=0.05,
                low=-0.2,
                high=0.4,
                effective=7.5,
                more_minutes=2.4,
                drift=0.3,
                decision=Decision.INCONCLUSIVE,
                reason="service_memory: 61 MB against 58.2 MB; too few samples to tell",
            ),
        ),
        "groups": (
            GroupScore("errors", 50, 0.0),
            GroupScore("latency", 25, 100.0),
            GroupScore("service", 25, 50.0),
        ),
        "notes": ("status 500 was only seen on the canary",),
    }
    return Verdict(**{**fields, **changes})


def run(**changes: Any) -> dict[str, Any]:
    """A run.json of two one-minute phases with warm-ups."""
    phases = [("baseline", "warmup", 0, 10), ("baseline", "measure", 10, 70)]
    phases += [("canary", "warmup", 70, 80), ("canary", "measure", 80, 140)]
    return {
        "format": 1,
        "tool": "0.1.0",
        "created": "2026-01-02T03:04:05+00:00",
        "directory": "runs/20260102-030405-master-broken",
        "repo": "https://example.org/preview.git",
        "sample": False,
        "baseline": BASELINE,
        "canary": CANARY,
        "profile": {"name": "preview", "request": {"method": "POST", "path": "/preview"}},
        "settings": {"schedule": "phased", "duration": 60, "warmup": 10, "rate": 50},
        "provider": "lxc",
        "hosts": {"blue": {"cpus": 0.5, "memory": 536870912}, "green": {"cpus": 0.5, "memory": 536870912}},
        "phases": [dict(zip(("arm", "kind", "start", "end"), phase, strict=True)) for phase in phases],
        "problems": [],
        "reconciliation": {"loader": {"blue": 3500, "green": 3500}, "unattributed": 0, "mismatches": []},
        "promoted": False,
        **changes,
    }


def arm(start: float, *, broken: bool, rate: int = 50, seconds: int = SECONDS) -> Arm:
    """One measured phase from `start`: lognormal latencies around 12 ms, memory that drifts a little."""
    random = np.random.default_rng(int(start))
    n = rate * seconds
    seconds_t = start + np.arange(seconds, dtype=np.float64)
    requests = Requests(
        t=start + np.arange(n) / rate,
        latency=np.where(random.random(n) < 0.001, np.nan, random.lognormal(np.log(0.012), 0.3, n)),
        status=np.full(n, 500 if broken else 200, np.int64),
        body_ok=np.full(n, -1 if broken else 1, np.int64),
        size=np.full(n, 30 if broken else 5475, np.int64),
    )
    memory = 60e6 + np.cumsum(random.normal(2e4, 1e5, seconds))
    series = {
        "service_memory": Series(seconds_t, memory),
        "service_cpu": Series(seconds_t, random.normal(0.25, 0.03, seconds)),
    }
    return Arm(requests, series, float(seconds), (start,))


def evidence(**sizes: int) -> Evidence:
    """Both arms of `run`, the canary broken; `sizes` are `rate` and `seconds`."""
    canary_start = 20.0 + sizes.get("seconds", SECONDS)
    return Evidence(
        baseline=arm(10, broken=False, **sizes),
        canary=arm(canary_start, broken=True, **sizes),
        problems=(Problem("note", "1 request was served by the other colour"),),
    )
