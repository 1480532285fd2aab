"""What a user may choose of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.canary.schedule import Phase, interleaved, phased

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's choices. Durations are in seconds, `rate` in requests per second; `early_stop` is off, fail or both."""

    baseline: str
    canary: str
    profile: str = "preview"
    repo: str | None = None
    rate: float = 50.0
    duration: float = 300.0
    warmup: float = 15.0
    schedule: str = "phased"
    early_stop: str = "fail"
    calibration: bool = True
    provider: str | None = None
    inventory: Path | None = None
    keep: bool = False
    promote: bool = True
    runs: Path = Path("runs")

    def phases(self) -> Sequence[Phase]:
        """The schedule these settings ask for."""
        if self.schedule == "interleaved":
            return interleaved(self.duration, self.warmup)
        return phased(self.duration, self.warmup)

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json: plain types, paths as given."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}
