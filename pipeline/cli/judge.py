"""`pipeline judge`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import json_option
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["judge"]

_FILE = click.Path(path_type=Path)
_SCORE = click.FloatRange(0, 100)


@click.command()
@click.argument("run", type=_FILE, required=False)
@click.option(
    "--judge", "which", type=click.Choice(["pipeline", "kayenta"]), default="pipeline", show_default=True,
    help="Our judge, or Spinnaker's NetflixACAJudge-v1.0 number by number.",
)  # fmt: skip
@click.option("--config", type=_FILE, help="kayenta: Spinnaker's canary-config JSON.")
@click.option("--baseline", type=_FILE, help="kayenta: the baseline's series, CSV, instead of RUN.")
@click.option("--canary", type=_FILE, help="kayenta: the canary's series, CSV, instead of RUN.")
@click.option(
    "--pass", "pass_score", type=_SCORE, help="kayenta: the score that passes.  [default: the config's]"
)
@click.option("--marginal", type=_SCORE, help="kayenta: the score that is marginal.  [default: the config's]")
@json_option
def judge(
    run: Path | None,
    which: str,
    config: Path | None,
    baseline: Path | None,
    canary: Path | None,
    pass_score: float | None,
    marginal: float | None,
    as_json: bool,
) -> int:
    """Judge a run directory again, offline; or any two sets of series by Kayenta's rules.

    The same samples and profile give the same verdict; the exit code is the verdict's.

    \b
    pipeline judge runs/latest
    pipeline judge --judge kayenta --config canary.json --baseline a.csv --canary b.csv
    pipeline judge runs/latest --judge kayenta --config canary.json
    """
    if which == "kayenta":
        if config is None:
            raise UsageError(
                "--judge kayenta needs the canary configuration: --config FILE", hint="docs/kayenta.md"
            )
        return _kayenta(config, _series(run, baseline, canary), pass_score, marginal, as_json=as_json)
    given = {"--config": config, "--baseline": baseline, "--canary": canary, "--pass": pass_score}
    for option, value in {**given, "--marginal": marginal}.items():
        if value is not None:
            raise UsageError(f"{option} is for --judge kayenta")
    if run is None:
        raise UsageError("which run? give its directory", hint="pipeline judge runs/latest")
    return _judge_run(run, as_json=as_json)


def _judge_run(run: Path, *, as_json: bool) -> int:
    from pipeline.cli.show import show_verdict
    from pipeline.judging import judge_run
    from pipeline.rundir import RunDirectory

    directory = RunDirectory(run)
    facts = directory.read_run()
    verdict = judge_run(directory)
    show_verdict(directory, facts, verdict, as_json=as_json)
    return verdict.outcome.exit_code


_Series = Mapping[str, "NDArray[np.float64]"]


def _series(run: Path | None, baseline: Path | None, canary: Path | None) -> tuple[_Series, _Series]:
    """Both sets of series, from two files or a run directory."""
    if run is None and baseline is not None and canary is not None:
        from pipeline.judge.series_csv import read_series_csv

        return read_series_csv(baseline), read_series_csv(canary)
    if run is not None and baseline is None and canary is None:
        from pipeline.judge.kayenta.run_series import run_series
        from pipeline.rundir import RunDirectory

        evidence = RunDirectory(run).read_evidence()
        return run_series(evidence.baseline), run_series(evidence.canary)
    raise UsageError("give --baseline FILE and --canary FILE, or a run directory", hint="docs/kayenta.md")


def _kayenta(
    config_path: Path,
    series: tuple[_Series, _Series],
    pass_score: float | None,
    marginal: float | None,
    *,
    as_json: bool,
) -> int:
    from pipeline.judge.kayenta.config import load_config
    from pipeline.judge.kayenta.judge import judge as judge_kayenta
    from pipeline.report import kayenta, terminal

    config = load_config(config_path)
    verdict = judge_kayenta(config, config.thresholds(pass_score, marginal), *series)
    if as_json:
        click.echo(kayenta.render_json(verdict))
    else:
        color = terminal.wants_color(sys.stdout)
        click.echo(kayenta.render(verdict, color=color), color=color)
    return verdict.outcome.exit_code
