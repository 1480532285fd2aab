"""`pipeline judge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from pipeline.base.errors import UsageError
from pipeline.cli.options import json_option
from pipeline.cli.outputs import OUTPUT_OPTIONS, output_options, outputs_of

__all__ = ["LOAD_TESTS", "judge"]

_FILE: Final = click.Path(path_type=Path)
_SCORE: Final = click.FloatRange(0, 100)
_TIMES: Final = ("from", "to", "baseline-from", "baseline-to", "canary-from", "canary-to")
_FORMS: Final = "pipeline judge --help shows the forms"
LOAD_TESTS: Final = ("pipeline", "k6", "vegeta", "locust", "jmeter", "hdr")


def _time_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(_TIMES):
        arm, _, edge = name.rpartition("-")
        of = f"the {arm} alone" if arm else "both versions: 2026-01-31T10:00:00Z, -30m or now"
        says = f"Prometheus: {'begin' if edge == 'from' else 'end'} of {of}."
        command = click.option(f"--{name}", _parameter(name), metavar="TIME", help=says)(command)
    return command


def _parameter(time: str) -> str:
    """The parameter of one of _TIMES: what `from` is called, which is a word of Python's own."""
    return f"{time.replace('-', '_')}_at"


@dataclass(frozen=True, slots=True)
class _Series:
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
    times: Mapping[str, str]


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
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="A value of this release in our YAML: canary.version=1.5.0. May be repeated.",
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
@click.option(
    "--header-file",
    type=_FILE,
    help="Prometheus: a file of mode 600 with headers to send, a line each: X-Scope-OrgID: TENANT.",
)
@click.option("--ca", type=_FILE, help="Prometheus: the authority that signed its certificate, PEM.")
@_time_options
@click.option(
    "--planned",
    metavar="TIME",
    help="How long the window is to be from its beginning, said before: 30m; or unknown. "
    "Only at a planned end the bounds are close.",
)
@click.option(
    "--keep", type=_FILE, metavar="DIR", help="Prometheus: keep the series there, to judge them again."
)
@click.option(
    "--pass", "pass_score", type=_SCORE, help="kayenta: the score that passes.  [default: the config's]"
)
@click.option("--marginal", type=_SCORE, help="kayenta: the score that is marginal.  [default: the config's]")
@click.option(
    "--requests",
    type=_FILE,
    nargs=2,
    metavar="BASELINE CANARY",
    help="Two load tests' files: k6, vegeta, locust, JMeter, HdrHistogram, our loader's requests.csv.gz.",
)
@click.option("--format", "form", type=click.Choice(LOAD_TESTS), help="--requests: what wrote the files.")
@click.option("--warmup", metavar="DURATION", help="--requests: leave out so much of each beginning.")
@json_option
@output_options
def judge(
    run: Path | None,
    which: str,
    pass_score: float | None,
    marginal: float | None,
    requests: tuple[Path, Path] | None,
    form: str | None,
    warmup: str | None,
    as_json: bool,
    **others: Any,
) -> int:
    """Judge a run directory again, offline; or any two sets of series, without a lab.

    The same samples and rules give the same verdict; the exit code is the verdict's.

    \b
    A run:        pipeline judge runs/latest
    Two files:    pipeline judge --config canary.yml --baseline a.csv
                    --canary b.csv
    Load tests:   pipeline judge --requests a.csv b.csv
    A fleet:      pipeline judge --config canary.yml --prometheus URL
                    --from -30m --planned 30m
    As Kayenta:   pipeline judge --judge kayenta --config canary.json
                    --baseline a.csv --canary b.csv
                  pipeline judge runs/latest --judge kayenta
                    --config canary.json

    docs/prometheus.md has canary.yml; docs/kayenta.md has canary.json; docs/inputs.md has the load tests.
    """
    files = {option: others.pop(option[2:].replace("-", "_")) for option in OUTPUT_OPTIONS}
    if requests is not None:
        wrong = {
            f"--{name.removesuffix('_at').replace('_', '-')}": others[name]
            for name in others
            if name not in ("config", "sets")
        }
        wrong |= {
            "--set": others["sets"] or None,
            "--pass": pass_score,
            "--marginal": marginal,
            "a run's directory": run,
        }
        _refuse(wrong | {"--judge kayenta": which == "kayenta" or None}, "does not go with --requests")
        from pipeline.cli.judge_requests import judge_requests

        return judge_requests(requests, others["config"], form, warmup, files, as_json=as_json)
    _refuse({"--format": form, "--warmup": warmup}, "goes with --requests")
    needless = {
        f"--{name.removesuffix('_at').replace('_', '-')}": value  # the one that was typed first is named
        for name, value in others.items()
        if name not in ("config", "baseline", "canary", "prometheus", "planned", "sets")
    }
    times = {name: others.pop(_parameter(name)) for name in _TIMES}
    series = _Series(**others, times={name: text for name, text in times.items() if text is not None})
    if series.prometheus is None:
        _refuse(needless, "goes with --prometheus")
    if which == "kayenta":
        ours = {
            "--prometheus": series.prometheus,
            "--planned": series.planned,
            "--set": series.sets or None,
            **files,
        }
        _refuse(ours, "is for --judge pipeline")
        from pipeline.cli.judge_kayenta import judge_kayenta

        both, scores = (series.baseline, series.canary), (pass_score, marginal)
        return judge_kayenta(run, series.config, both, scores, as_json=as_json)
    _refuse({"--pass": pass_score, "--marginal": marginal}, "is for --judge kayenta")
    if run is None:
        return _judge_series(series, files, as_json=as_json)
    for_series = {
        "--config": series.config,
        "--baseline": series.baseline,
        "--canary": series.canary,
        "--prometheus": series.prometheus,
        "--planned": series.planned,
        "--set": series.sets or None,
    }
    _refuse(for_series, "is for series, not for a run directory: that has its profile in it")
    return _judge_run(run, files, as_json=as_json)


def _refuse(options: Mapping[str, Any], why: str) -> None:
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"{option} {why}", hint=_FORMS)


def _judge_run(path: Path, files: Mapping[str, Any], *, as_json: bool) -> int:
    from pipeline.cli.show import show_verdict
    from pipeline.runs.directory import judge_run, load

    run = load(path)
    outputs = outputs_of(files)
    if run.record.kind == "gate":
        from pipeline.cli.show import show_gate_verdict
        from pipeline.gate.again import judge_again

        case, verdict = judge_again(run)
        return show_gate_verdict(run.record, run.path, case, verdict, as_json=as_json, outputs=outputs)
    return show_verdict(run, judge_run(run), as_json=as_json, outputs=outputs)


def _judge_series(series: _Series, written: Mapping[str, Any], *, as_json: bool) -> int:
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
    from pipeline.series.planned import parse_planned

    try:
        planned = parse_planned(series.planned) if series.planned is not None else None
    except ValueError as error:
        raise UsageError(f"--planned: {error}") from None
    outputs = outputs_of(written)
    if series.prometheus is None:
        if series.baseline is None or series.canary is None:
            raise UsageError("give both, --baseline FILE and --canary FILE", hint=_FORMS)
        case = from_csv(series.config, series.baseline, series.canary, planned=planned, sets=series.sets)
    else:
        import time

        from pipeline.series.credentials import client_of

        with client_of(series.prometheus, series.credentials, series.header_file, series.ca) as client:
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
