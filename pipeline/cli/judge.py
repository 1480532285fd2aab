"""`pipeline judge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from pipeline.base.errors import UsageError
from pipeline.cli.judge_series import Series, judge_series, refuse
from pipeline.cli.options import json_option
from pipeline.cli.outputs import OUTPUT_OPTIONS, output_options, outputs_of

__all__ = ["LOAD_TESTS", "judge"]

_FILE: Final = click.Path(path_type=Path)
_SCORE: Final = click.FloatRange(0, 100)
_TIMES: Final = ("from", "to", "baseline-from", "baseline-to", "canary-from", "canary-to")
_NOT_OF_A_RUN: Final = "is for series, not for a run directory: that has its profile in it"
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


@click.command()
@click.argument("run", type=_FILE, required=False)
@click.option(
    "--judge",
    "which",
    type=click.Choice(["pipeline", "kayenta", "both"]),
    default="pipeline",
    show_default=True,
    help="Our judge, Spinnaker's NetflixACAJudge-v1.0 number by number, or both side by side.",
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
@click.option(
    "--scope",
    "scopes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Prometheus with Spinnaker's JSON: what its queries are filled with: baseline=NAME, canary=NAME, "
    "location=REGION, step=60s, or a parameter; baseline.KEY and canary.KEY for one version. May be repeated.",
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
                  pipeline judge --judge both --config canary.json
                    --prometheus URL --scope baseline=v1
                    --scope canary=v2 --from -1h --to now

    docs/prometheus.md has canary.yml; docs/kayenta.md has canary.json; docs/inputs.md has the load tests.
    """
    files = {option: others.pop(option[2:].replace("-", "_")) for option in OUTPUT_OPTIONS}
    if requests is not None:
        wrong = {
            f"--{name.removesuffix('_at').replace('_', '-')}": others[name]
            for name in others
            if name not in ("config", "sets", "scopes")
        }
        wrong |= {
            "--set": others["sets"] or None,
            "--scope": others["scopes"] or None,
            "--pass": pass_score,
            "--marginal": marginal,
            "a run's directory": run,
        }
        refuse(wrong | {f"--judge {which}": which != "pipeline" or None}, "does not go with --requests")
        from pipeline.cli.judge_requests import judge_requests

        return judge_requests(requests, others["config"], form, warmup, files, as_json=as_json)
    refuse({"--format": form, "--warmup": warmup}, "goes with --requests")
    needless = {
        f"--{name.removesuffix('_at').replace('_', '-')}": value  # the one that was typed first is named
        for name, value in others.items()
        if name not in ("config", "baseline", "canary", "prometheus", "planned", "sets", "scopes")
    }
    needless["--scope"] = others["scopes"] or None
    times = {name: others.pop(_parameter(name)) for name in _TIMES}
    series = Series(**others, times={name: text for name, text in times.items() if text is not None})
    if series.prometheus is None:
        refuse(needless, "goes with --prometheus")
    if which != "pipeline":
        refuse({"--set": series.sets or None, **files}, "is for --judge pipeline")
    if run is not None:
        refuse({"--prometheus": series.prometheus}, _NOT_OF_A_RUN)
    scores = pass_score, marginal
    if run is None and series.prometheus is not None:
        from pipeline.cli.judge_scopes import asks_by_scopes, judge_scopes

        if asks_by_scopes(which, series.config):
            return judge_scopes(which, series, scores, files, as_json=as_json)
    refuse({"--scope": series.scopes or None}, "goes with Spinnaker's canary configuration")
    if which == "both":
        raise UsageError("--judge both needs --config FILE and --prometheus URL", hint="docs/kayenta.md")
    if which == "kayenta":
        refuse({"--planned": series.planned}, "is for --judge pipeline")
        from pipeline.cli.judge_kayenta import judge_kayenta

        both = series.baseline, series.canary
        return judge_kayenta(run, series.config, both, scores, as_json=as_json)
    refuse({"--pass": pass_score, "--marginal": marginal}, "is for --judge kayenta")
    if run is None:
        return judge_series(series, files, as_json=as_json)
    for_series = {
        "--config": series.config,
        "--baseline": series.baseline,
        "--canary": series.canary,
        "--planned": series.planned,
        "--set": series.sets or None,
    }
    refuse(for_series, _NOT_OF_A_RUN)
    return _judge_run(run, files, as_json=as_json)


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
