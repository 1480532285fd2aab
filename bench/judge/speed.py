"""What a judgement costs: process time with the start included, and memory over an hour that is watched.

Run: .venv/bin/python -m bench.judge.speed

Two arms of 15,000 requests and 12 series of 300 samples. Each command is run several times and the least time is
given, because others use this machine too. Of a judgement alone, without start and files, it is the median of a few
runs' least times.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.judge.machine import Machine
from bench.judge.ours import rules
from bench.judge.tables import lines
from bench.judge.traffic import RATE, Condition, run
from pipeline.canary.early_stop import EarlyStop
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Series
from pipeline.judge.policy import Policy
from pipeline.runs.directory import compress_tables, load
from pipeline.runs.phases import SCHEDULES

_TIMES = 5
_RUNS = 5
_HOUR = 3600
_TABLES = ("requests.csv", "series.csv")
_MORE_SERIES = 4  # on top of the simulation's eight


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        evidence = _wider(run(Condition("speed", machine=Machine(phi=0.3)), 1, 0))
        _write_run(directory / "run", evidence)
        compress_tables(directory / "run")
        config = _write_config(directory / "canary.json", evidence)
        pipeline = (sys.executable, "-m", "pipeline", "judge", str(directory / "run"))
        as_kayenta = ("--judge", "kayenta", "--config", str(config))
        rows = [
            ["python -c pass", _spent((sys.executable, "-c", "pass"))],
            ["python -c 'import scipy.stats'", _spent((sys.executable, "-c", "import scipy.stats"))],
            ["pipeline judge RUN", _spent(pipeline)],
            ["pipeline judge RUN --judge kayenta", _spent((*pipeline, *as_kayenta))],
        ]
        print("\n".join(lines([["command", "process seconds"], *rows])))
        print()
        print("\n".join(lines([["schedule", "process seconds of the judgement alone"], *_alone()])))
        print()
        _write_run(
            directory / "hour", run(Condition("an hour", machine=Machine(phi=0.3), seconds=_HOUR), 1, 0)
        )
        _by_minutes(directory / "hour")
        # a process of its own: what wrote the files has grown large
        with get_context("spawn").Pool(1) as pool:
            watched = pool.apply(_watch, (directory / "hour",))
        print(
            "\n".join(lines([["minute of the run", "process seconds a look", "largest MB so far"], *watched]))
        )


def _alone() -> list[list[str]]:
    """Of each schedule the median of a few runs' least times."""
    rows = []
    for schedule in SCHEDULES:
        condition = Condition("speed", machine=Machine(phi=0.6), schedule=schedule)
        spent = []
        for number in range(_RUNS):
            evidence = run(condition, 1, number)
            _judged(evidence)  # what is made ready once in a process
            spent.append(min(_judged(evidence) for _ in range(_TIMES)))
        rows.append([schedule, f"{statistics.median(spent):.3f}"])
    return rows


def _judged(evidence: Evidence) -> float:
    """Process seconds of one judgement."""
    before = time.process_time()
    judge(evidence, rules({}), Policy())
    return time.process_time() - before


def _write_run(path: Path, evidence: Evidence) -> None:
    """A run directory as `pipeline canary` leaves it."""
    path.mkdir()
    phases = [
        {
            "arm": name,
            "kind": "measure",
            "start": arm.phase_starts[0],
            "end": arm.phase_starts[0] + arm.seconds,
        }
        for name, arm in (("baseline", evidence.baseline), ("canary", evidence.canary))
    ]
    facts = {
        "format": 1,
        "tool": "bench",
        "created": "2026-01-01T00:00:00+00:00",
        "t0_unix": 0.0,
        "problems": [],
        "profile": {"name": "bench"},
        "settings": {"schedule": "phased", "rate": 50},
        "phases": phases,
        "baseline": {"ref": "a", "sha": "a" * 40},
        "canary": {"ref": "b", "sha": "b" * 40},
    }
    (path / "run.json").write_text(json.dumps(facts))
    with (path / "requests.csv").open("w") as file:
        file.write("t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by\n")
        for colour, arm in (("blue", evidence.baseline), ("green", evidence.canary)):
            r = arm.requests
            for t, latency, status, size, ok in zip(r.t, r.latency, r.status, r.size, r.body_ok, strict=True):
                body_ok = "" if ok < 0 else ok
                file.write(f"{t:.6f},10,{latency * 1e6:.0f},{status},,{size},{body_ok},0badcafe,{colour}\n")
    with (path / "series.csv").open("w") as file:
        file.write("t,arm,metric,value\n")
        for name, arm in (("baseline", evidence.baseline), ("canary", evidence.canary)):
            for metric, series in arm.series.items():
                file.writelines(
                    f"{t:.3f},{name},{metric},{v:.6g}\n" for t, v in zip(series.t, series.value, strict=True)
                )


def _write_config(path: Path, evidence: Evidence) -> Path:
    """A configuration for Kayenta's rules on every series of the run, and on latency and errors."""
    names = [*evidence.canary.series, "latency_p50", "latency_p99", "errors"]
    canary = {"canary": {"direction": "increase"}}
    metrics = [{"name": name, "groups": ["all"], "analysisConfigurations": canary} for name in names]
    classifier = {"groupWeights": {"all": 100}, "scoreThresholds": {"pass": 95, "marginal": 75}}
    path.write_text(json.dumps({"name": "bench", "metrics": metrics, "classifier": classifier}))
    return path


def _wider(evidence: Evidence) -> Evidence:
    """The run with some series more, which the judge reads and does not know."""

    def wider(arm: Arm) -> Arm:
        t = arm.series["host_cpu"].t
        more = {f"extra_{i}": Series(t, np.sin(t + i) + 2) for i in range(_MORE_SERIES)}
        return replace(arm, series={**arm.series, **more})

    return replace(evidence, baseline=wider(evidence.baseline), canary=wider(evidence.canary))


def _spent(command: Sequence[str]) -> str:
    """The least process time in seconds, user and system."""
    least = float("inf")
    for _ in range(_TIMES):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode not in (0, 10, 11):
            raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}: {said}")
        least = min(least, used.ru_utime + used.ru_stime)
    return f"{least:.2f}"


def _by_minutes(path: Path) -> None:
    """Splits the run's tables into a file for each minute. Both arms are sampled all the time, as real hosts are."""
    for name in _TABLES:
        head, *rows = (path / name).read_text().splitlines(keepends=True)
        (path / name).write_text(head)
        minutes: dict[int, list[str]] = {}
        for row in rows:
            minutes.setdefault(int(float(row.split(",", 1)[0]) // 60), []).append(row)
        for minute, some in minutes.items():
            some.sort(key=lambda row: float(row.split(",", 1)[0]))
            if name == "series.csv":
                t_metric = [row.split(",", 2)[::2] for row in some]
                some = [f"{t},{arm},{rest}" for t, rest in t_metric for arm in ("baseline", "canary")]
            (path / f"{name}.{minute}").write_text("".join(some))


def _watch(path: Path) -> list[list[str]]:
    """An hour of baseline, then one of canary, followed as a live run is: a look after every minute."""
    run = load(path)
    early_stop, rows = EarlyStop(run, run.record.phases, RATE, "both"), []
    for minute in range(2 * _HOUR // 60):
        for name in _TABLES:
            with (path / name).open("a") as table:
                table.write((path / f"{name}.{minute}").read_text())
        cost = early_stop.look()
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if minute + 1 in (5, 30, 59, 65, 90, 119):
            rows.append([str(minute + 1), f"{cost:.2f}", f"{largest:.0f}"])
    return rows


if __name__ == "__main__":
    main()
