"""A run directory that grows by the second, as one does while a canary is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.judge.evidence import Evidence
from pipeline.runs.live import LiveEvidence
from pipeline.runs.phases import Phase
from pipeline.runs.record import Record

__all__ = ["AT_ONCE", "AT_ONCE_RUN", "PHASES", "RATE", "RUN", "Stage"]

HEADER = "t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by\n"
RATE = 10
PHASES = (
    Phase("baseline", "warmup", 0, 2),
    Phase("baseline", "measure", 2, 12),
    Phase("canary", "warmup", 12, 14),
    Phase("canary", "measure", 14, 24),
)
RUN: dict[str, Any] = {
    "format": 1,
    "problems": [],
    "settings": {"schedule": "phased"},
    "profile": {"expect": {"status": 200}},
}


AT_ONCE = (
    Phase("baseline", "warmup", 0, 2),
    Phase("canary", "warmup", 0, 2),
    Phase("baseline", "measure", 2, 22),
    Phase("canary", "measure", 2, 22),
)
AT_ONCE_RUN: dict[str, Any] = {**RUN, "settings": {"schedule": "concurrent", "share": 0.5}}


class Stage:
    """A run directory whose tables grow by the second; at once, one request goes to each colour in turn."""

    def __init__(self, path: Path, phases: Sequence[Phase] = PHASES, run: Mapping[str, Any] = RUN) -> None:
        self.path = path
        self.phases = phases
        self.live = LiveEvidence(path, Record.from_dict(run), phases, RATE, 1)
        (path / "requests.csv").write_text(HEADER)
        (path / "series.csv").write_text("t,arm,metric,value\n")

    def append(self, name: str, text: str) -> None:
        with (self.path / name).open("a") as file:
            file.write(text)

    def requests(
        self,
        begin: float,
        end: float,
        *,
        status: int = 200,
        without: tuple[float, ...] = (),
        green: int = 200,
    ) -> None:
        """Answers of `status`; at once, the canary's of `green`."""
        for number in range(round(begin * RATE), round(end * RATE)):
            t = number / RATE
            if t not in without:
                canary = number % 2 if self.phases is AT_ONCE else t >= 12
                colour, said = (
                    ("green", green if self.phases is AT_ONCE else status) if canary else ("blue", status)
                )
                self.append("requests.csv", f"{t:.6f},9,{6000 + number},{said},,5475,1,0a1b2c3d,{colour}\n")

    def samples(self, begin: int, end: int) -> None:
        for second in range(begin, end):
            for arm in ("baseline", "canary"):
                self.append(
                    "series.csv", f"{second}.25,{arm},up,1\n{second}.25,{arm},service_cpu,0.{second}\n"
                )

    def evidence(self) -> tuple[float, Evidence] | None:
        snapshot = self.live.read()
        return None if snapshot is None else (snapshot.at, snapshot.evidence)
