"""`pipeline judge --judge kayenta`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import UsageError
from pipeline.base.table import terminal_width

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["judge_kayenta"]

_Series = Mapping[str, "NDArray[np.float64]"]


def judge_kayenta(
    run: Path | None,
    config_path: Path | None,
    files: tuple[Path | None, Path | None],
    scores: tuple[float | None, float | None],
    *,
    as_json: bool,
) -> int:
    """Judges by Kayenta's rules, prints the verdict and gives the exit code.

    Args:
        run: The run directory, instead of `files`.
        config_path: The canary configuration.
        files: The baseline's and the canary's series, instead of `run`.
        scores: What passes and what is marginal; None: as the configuration says.
        as_json: Whether to print JSON.

    Raises:
        UsageError: What was given does not go together, or cannot be read.
    """
    if config_path is None:
        raise UsageError(
            "--judge kayenta needs the canary configuration: --config FILE", hint="docs/kayenta.md"
        )
    series = _series(run, *files)
    from pipeline.cli.show import echo_verdict, exit_code
    from pipeline.kayenta import report as kayenta
    from pipeline.kayenta.config import load_config
    from pipeline.kayenta.judge import judge
    from pipeline.report import terminal

    config = load_config(config_path)
    verdict = judge(config, config.thresholds(*scores), *series)
    if as_json:
        echo_verdict(kayenta.render_json(verdict), as_json=True)
    else:
        color = terminal.wants_color(sys.stdout)
        text = kayenta.render(verdict, color=color, width=terminal_width())
        echo_verdict(text, as_json=False, color=color)
    return exit_code(verdict.outcome)


def _series(run: Path | None, baseline: Path | None, canary: Path | None) -> tuple[_Series, _Series]:
    """Both sets of series, from two files or a run directory."""
    if run is None and baseline is not None and canary is not None:
        from pipeline.series.csvfile import read_series_csv

        return read_series_csv(baseline), read_series_csv(canary)
    if run is not None and baseline is None and canary is None:
        from pipeline.kayenta.run_series import run_series
        from pipeline.runs.directory import load

        recorded = load(run)
        evidence, right = recorded.evidence, recorded.record.expected_status
        return run_series(evidence.baseline, right), run_series(evidence.canary, right)
    raise UsageError("give --baseline FILE and --canary FILE, or a run directory", hint="docs/kayenta.md")
