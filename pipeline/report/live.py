"""A run that is under way as a page: what it is at, both versions' figures so far, and the picture as it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from pipeline.base.errors import RunDirectoryError
from pipeline.base.text import clean, plural
from pipeline.judge.evidence import Evidence
from pipeline.judge.words import amount
from pipeline.report.charts import answered_well
from pipeline.report.facts import RunFacts, read_facts
from pipeline.report.figures import ARMS
from pipeline.report.picture import Panel, request_panels
from pipeline.report.template import rendered, script, script_policy
from pipeline.runs.evidence import build_evidence
from pipeline.runs.live import complete_until
from pipeline.runs.phases import Phase
from pipeline.runs.record import Record
from pipeline.runs.tables import GrowingTable, RequestRows

__all__ = ["LivePage"]

_PREPARING: Final = "Hosts boot, and both versions are deployed: no load yet"


class _Figures(NamedTuple):
    """What one version's requests say so far."""

    arm: str
    ref: str
    requests: str
    failed: str
    median: str


class LivePage:
    """The page of the run in `directory`. Nothing is computed unless it is asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._requests: GrowingTable[RequestRows] = GrowingTable.requests(directory / "requests.csv")

    @property
    def report(self) -> Path:
        """The run's report, which is there once the run is over."""
        return self._directory / "report.html"

    def whole(self) -> str:
        """The page, with a script that fetches `state` every other second."""
        return rendered(
            "live.html.j2",
            policy=script_policy("live.js"),
            script=script("live.js"),
            state=self.state(),
            directory=clean(self._directory),
        )

    def state(self) -> str:
        """What changes: the inside of the page's `main`."""
        try:
            record = _record(self._directory / "run.json")
            facts = read_facts(record)
            return self._state(record, facts)
        except (OSError, ValueError, RunDirectoryError) as error:
            said = error.message if isinstance(error, RunDirectoryError) else "its run.json cannot be read"
            return rendered(
                "live_state.html.j2", doing=clean(said), compared="", figures=(), panels=(), phases=()
            )

    def _state(self, record: Record, facts: RunFacts) -> str:
        rows = self._requests.read() if facts.phases else None
        panels: tuple[Panel, ...] = ()
        figures: list[_Figures] = []
        doing = _PREPARING
        if rows is not None and record.rate:
            # A slow request has no row until it ends: of the newest moments only the fast ones are there.
            at = complete_until(rows, record.rate, record.later_steps)
            measured = [replace(one, end=min(one.end, at)) for one in record.measured if one.start < at]
            evidence = build_evidence(measured, (), rows, None, record.terms)
            panels = request_panels(evidence, facts.phases, record.expected_status)
            figures = list(_figures(evidence, facts, record.expected_status))
            doing = _doing(facts.phases, at)
        return rendered(
            "live_state.html.j2",
            doing=doing,
            compared=facts.compared,
            figures=figures,
            panels=panels,
            phases=facts.phases,
        )


def _record(file: Path) -> Record:
    document = json.loads(file.read_text("utf-8"))
    if not isinstance(document, dict):
        raise ValueError("no record")
    return Record.from_dict(document, file)


def _doing(phases: tuple[Phase, ...], at: float) -> str:
    end = max(phase.end for phase in phases)
    now = [phase for phase in phases if phase.start <= at < phase.end]
    if not now:
        return "The load is over: judging"
    arm = now[0].arm if len(now) == 1 else "both versions at once"
    what = "Warm-up of" if now[0].kind == "warmup" else "Load on"
    later = f", {end - at:.0f} s in all" if now[0].end < end else ""
    return f"{what} {arm}: {now[0].end - at:.0f} s left{later}"


def _figures(evidence: Evidence, facts: RunFacts, expected: tuple[int, ...]) -> Iterator[_Figures]:
    for arm in ARMS:
        requests = (evidence.baseline if arm == "baseline" else evidence.canary).requests
        version = facts.baseline if arm == "baseline" else facts.canary
        right = answered_well(requests, expected)
        n, bad = len(requests), int(np.count_nonzero(~right))
        times = requests.latency[right]
        median = amount(float(np.nanmedian(times)) if np.isfinite(times).any() else None, "s")
        failed = f"{bad:,} failed" if n else "not measured yet"
        yield _Figures(arm, version.ref or version.short, plural(n, "request"), failed, median)
