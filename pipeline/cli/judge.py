"""`pipeline judge`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.base.errors import UsageError
from pipeline.cli.options import json_option

__all__ = ["judge"]

_FILE = click.Path(path_type=Path)
_SCORE = click.FloatRange(0, 100)
_TIMES = ("from", "to", "baseline-from", "baseline-to", "canary-from", "canary-to")
_FORMS = "pipeline judge --help shows the four forms"


def _time_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(_TIMES):
        arm, _, edge = name.rpartition("-")
        of = f"the {arm} alone" if arm else "both versions: 2026-01-31T10:00:00Z, -30m or now"
        says = f"Prometheus: {'begin' if edge == 'from' else 'end'} of {of}."
        add = click.option(f"--{name}", name.replace("-", "_") + "_at", metavar="TIME", help=says)
        command = add(command)
    return command


@click.command()
@click.argument("run", type=_FILE, required=False)
@click.option(
    "--judge",
    "which",
    type=click.Choice(["pipeline", "kayenta"]),
    default="pipeline",
    show_default=True,
    help="Our judge, or Spinnaker's NetflixACAJudge-v1.0 number by number.",
)
@click.option(
    "--config", type=_FILE, help="What is compared: our YAML; kayenta: Spinnaker's canary-config JSON."
)
@click.option("--baseline", type=_FILE, help="The baseline's series, CSV.")
@click.option("--canary", type=_FILE, help="The canary's series, CSV.")
@click.option("--prometheus", metavar="URL", help="Take both versions' series from this Prometheus.")
@click.option(
    "--credentials",
    type=_FILE,
    help="Prometheus: a file of mode 600 with one line: Bearer TOKEN or Basic USER:PASSWORD. "
    "[default: the variable PIPELINE_PROMETHEUS_CREDENTIALS, if set]",
)
@click.option("--ca", type=_FILE, help="Prometheus: the authority that signed its certificate, PEM.")
@_time_options
@click.option(
    "--keep", type=_FILE, metavar="DIR", help="Prometheus: keep the series there, to judge them again."
)
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
    prometheus: str | None,
    pass_score: float | None,
    marginal: float | None,
    as_json: bool,
    **others: Any,
) -> int:
    """Judge a run directory again, offline; or any two sets of series, without a lab.

    The same samples and rules give the same verdict; the exit code is the verdict's.

    \b
    A run:        pipeline judge runs/latest
    Two files:    pipeline judge --config canary.yml --baseline a.csv --canary b.csv
    A fleet:      pipeline judge --config canary.yml --prometheus http://prometheus:9090 --from -30m --to now
    As Kayenta:   pipeline judge --judge kayenta --config canary.json --baseline a.csv --canary b.csv
                  pipeline judge runs/latest --judge kayenta --config canary.json

    docs/prometheus.md has canary.yml; docs/kayenta.md has canary.json.
    """
    given = {f"--{name.removesuffix('_at').replace('_', '-')}": value for name, value in others.items()}
    if prometheus is None:
        _refuse(given, "goes with --prometheus")
    if which == "kayenta":
        _refuse({"--prometheus": prometheus}, "is for --judge pipeline")
        from pipeline.cli.judge_kayenta import judge_kayenta

        return judge_kayenta(run, config, baseline, canary, pass_score, marginal, as_json=as_json)
    _refuse({"--pass": pass_score, "--marginal": marginal}, "is for --judge kayenta")
    if run is not None:
        series = {"--config": config, "--baseline": baseline, "--canary": canary, "--prometheus": prometheus}
        _refuse(series, "is for series, not for a run directory: that has its profile in it")
        return _judge_run(run, as_json=as_json)
    return _judge_series(config, baseline, canary, prometheus, others, as_json=as_json)


def _refuse(options: dict[str, Any], why: str) -> None:
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"{option} {why}", hint=_FORMS)


def _judge_run(path: Path, *, as_json: bool) -> int:
    from pipeline.cli.show import exit_code, show_verdict
    from pipeline.runs.directory import judge_run, load

    run = load(path)
    verdict = judge_run(run)
    show_verdict(run, verdict, as_json=as_json)
    return exit_code(verdict.outcome)


def _judge_series(
    config: Path | None,
    baseline: Path | None,
    canary: Path | None,
    prometheus: str | None,
    others: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    files = [path for path in (baseline, canary) if path is not None]
    if config is None:
        if files or prometheus:
            raise UsageError(
                "which series are compared, and how? give --config FILE", hint="docs/prometheus.md"
            )
        raise UsageError("which run? give its directory", hint="pipeline judge runs/latest; " + _FORMS)
    if (prometheus is None) == (not files):
        raise UsageError("give --prometheus URL, or --baseline FILE and --canary FILE", hint=_FORMS)
    from pipeline.cli.show import exit_code, show_series_verdict
    from pipeline.judge import judge
    from pipeline.series.case import from_csv, from_prometheus

    if prometheus is None:
        if baseline is None or canary is None:
            raise UsageError("give both, --baseline FILE and --canary FILE", hint=_FORMS)
        case = from_csv(config, baseline, canary)
    else:
        import time

        from pipeline.series.credentials import read_credentials
        from pipeline.series.prometheus import Prometheus

        times = {name: others[name.replace("-", "_") + "_at"] for name in _TIMES}
        times = {name: text for name, text in times.items() if text is not None}
        auth = read_credentials(others["credentials"])
        with Prometheus(prometheus, auth=auth, ca=others["ca"]) as client:
            case = from_prometheus(config, client, times, now=time.time(), keep=others["keep"])
    verdict = judge(case.evidence, case.rules, case.policy)
    show_series_verdict(case.names, verdict, as_json=as_json)
    return exit_code(verdict.outcome)
