"""`pipeline judge --config FILE`: two sets of series, of two files or a Prometheus, by our configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.base.errors import UsageError
from pipeline.cli.outputs import outputs_of

if TYPE_CHECKING:
    from pipeline.series.planned import Length
    from pipeline.series.prometheus import Prometheus

__all__ = ["Series", "judge_series", "refuse"]

_FORMS: Final = "pipeline judge --help shows the forms"


@dataclass(frozen=True, slots=True)
class Series:
    """Where two sets of series come from, as it was typed; `times` by option, only those that were given."""

    config: Path | None
    baseline: Path | None
    canary: Path | None
    prometheus: str | None
    credentials: Path | None
    header_file: Path | None
    ca: Path | None
    keep: Path | None
    planned: str | None
    sets: tuple[str, ...]
    scopes: tuple[str, ...]
    times: Mapping[str, str]

    def client(self) -> Prometheus:
        """The server. Raises UsageError."""
        from pipeline.series.credentials import client_of

        return client_of(self.prometheus or "", self.credentials, self.header_file, self.ca)

    def length(self) -> Length:
        """What `--planned` says. Raises UsageError."""
        from pipeline.series.planned import parse_planned

        try:
            return parse_planned(self.planned) if self.planned is not None else None
        except ValueError as error:
            raise UsageError(f"--planned: {error}") from None


def refuse(options: Mapping[str, Any], why: str) -> None:
    """Raises UsageError for the first option that was given."""
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"{option} {why}", hint=_FORMS)


def judge_series(series: Series, written: Mapping[str, Any], *, as_json: bool) -> int:
    """Judges the series, prints the verdict and gives the exit code.

    Args:
        series: Where they come from.
        written: Where the verdict is written besides stdout: the values of OUTPUT_OPTIONS.
        as_json: Whether to print JSON.

    Raises:
        UsageError: What was given does not go together, or cannot be read.
    """
    files = [path for path in (series.baseline, series.canary) if path is not None]
    if series.config is None:
        if files or series.prometheus:
            said = "which series are compared, and how? give --config FILE"
            raise UsageError(said, hint="docs/prometheus.md")
        raise UsageError("which run? give its directory", hint="pipeline judge runs/latest; " + _FORMS)
    if (series.prometheus is None) == (not files):
        raise UsageError("give --prometheus URL, or --baseline FILE and --canary FILE", hint=_FORMS)
    from pipeline.cli.show import show_series_verdict
    from pipeline.judge import judge
    from pipeline.series.case import from_csv, from_prometheus

    planned = series.length()
    outputs = outputs_of(written)
    if series.prometheus is None:
        if series.baseline is None or series.canary is None:
            raise UsageError("give both, --baseline FILE and --canary FILE", hint=_FORMS)
        case = from_csv(series.config, series.baseline, series.canary, planned=planned, sets=series.sets)
    else:
        import time

        with series.client() as client:
            case = from_prometheus(
                series.config,
                client,
                series.times,
                now=time.time(),
                planned=planned,
                keep=series.keep,
                sets=series.sets,
            )
    verdict = judge(case.evidence, case.rules, case.policy)
    return show_series_verdict(case, verdict, as_json=as_json, outputs=outputs)
