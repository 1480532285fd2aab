"""`pipeline gate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from pipeline.base.errors import EnvironmentError_, Exit, UsageError
from pipeline.cli.options import DURATION, json_option
from pipeline.cli.outputs import OUTPUT_OPTIONS, output_options, outputs_of

__all__ = ["gate"]

_FILE: Final = click.Path(path_type=Path)
_QUERIES: Final = 200
# Parameters that only a gate has, and those that only --init has.
_OF_GATES: Final = ("every", "early_stop", "min_requests", "on_pass", "on_fail", "patience", "runs")
_OF_INIT: Final = ("services", "label", "queries")


@click.command()
@click.option(
    "--config",
    type=_FILE,
    help="What is compared and how (docs/gate.md).  [with --init: canary.yml is written]",
)
@click.option("--init", "initial", is_flag=True, help="Write a first configuration from what the server has.")
@click.option(
    "--service",
    "services",
    metavar="LABEL=VALUE",
    multiple=True,
    help="--init: of which service, such as job=shop. May be repeated.",
)
@click.option("--label", help="--init: the label that tells versions apart, such as version.")
@click.option(
    "--queries",
    type=click.IntRange(min=1),
    help="--init: how many questions the server may be asked.  [default: 200]",
)
@click.option(
    "--prometheus", "url", metavar="URL", required=True, help="The server that has both versions' series."
)
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="A value of this release in the configuration: canary.version=1.5.0. May be repeated.",
)
@click.option(
    "--for",
    "planned",
    type=DURATION,
    metavar="TIME",
    help="How long is watched; a pass comes at its end.  [default: planned: of the configuration]",
)
@click.option("--every", type=DURATION, metavar="TIME", help="From one look to the next.  [default: a step]")
@click.option(
    "--early-stop",
    type=click.Choice(["fail", "both", "off"]),
    default="fail",
    show_default=True,
    help="What ends it before that: a fail; also a pass, by bounds that hold at every look; nothing.",
)
@click.option(
    "--min-requests",
    type=click.IntRange(min=1),
    help="With fewer requests of either version nothing passes.  [default: policy's, 100]",
)
@click.option(
    "--on-pass", metavar="CMD", help="Run this on a pass, without a shell, the verdict's JSON on its input."
)
@click.option("--on-fail", metavar="CMD", help="The same on a fail.")
@click.option(
    "--patience",
    type=DURATION,
    default="15m",
    show_default=True,
    help="How long a server that is away is waited for once the window is over.",
)
@click.option(
    "--credentials",
    type=_FILE,
    help="A file of mode 600 with one line: Bearer TOKEN or Basic USER:PASSWORD. "
    "[default: the variable PIPELINE_PROMETHEUS_CREDENTIALS, if set]",
)
@click.option("--header-file", type=_FILE, help="A file of mode 600 with headers to send, a line each.")
@click.option("--ca", type=_FILE, help="The authority that signed the server's certificate, PEM.")
@click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
    help="Where the gate's run directory is made.",
)  # fmt: skip
@output_options
@json_option
@click.pass_context
def gate(
    context: click.Context,
    /,
    config: Path | None,
    initial: bool,
    services: tuple[str, ...],
    label: str | None,
    queries: int | None,
    url: str,
    sets: tuple[str, ...],
    planned: float | None,
    every: float | None,
    early_stop: str,
    min_requests: int | None,
    on_pass: str | None,
    on_fail: str | None,
    patience: float,
    credentials: Path | None,
    header_file: Path | None,
    ca: Path | None,
    runs: Path,
    as_json: bool,
    **files: Any,
) -> int:
    """A verdict on traffic that exists, while it happens: two versions side by side, as a Prometheus sees them.

    It fails as soon as the canary is shown to be worse, and passes at its planned end. However often it looks, both
    chances of error hold for the whole watch. The same command goes on with a gate that was interrupted.

    \b
    pipeline gate --config canary.yml --prometheus URL --for 30m
        --set baseline.version=1.4.0 --set canary.version=1.5.0
        --on-fail './rollback.sh'

    pipeline gate --init --prometheus URL     writes canary.yml, with margins from the last day's noise

    The exit code is the verdict's: 0 passed, 10 failed, 11 inconclusive. docs/gate.md has the rest.
    """
    if initial:
        from pipeline.cli.gate_init import init, parse_service
        from pipeline.gate.initial import Asked
        from pipeline.series.credentials import client_of

        _refuse(context, _OF_GATES, "goes without --init")
        asked = Asked(config or Path("canary.yml"), parse_service(services), label, sets, planned)
        with client_of(url, credentials, header_file, ca, queries or _QUERIES) as client:
            return init(asked, client, as_json=as_json)
    _refuse(context, _OF_INIT, "goes with --init")
    if config is None:
        raise UsageError(
            "which configuration? --config FILE",
            hint=f"pipeline gate --init --prometheus {url} writes a first one",
        )
    from pipeline.base.console import Progress
    from pipeline.cli.root import tell
    from pipeline.cli.show import show_gate_verdict
    from pipeline.gate.actions import parse_command, perform
    from pipeline.gate.gate import gated
    from pipeline.gate.settings import Settings
    from pipeline.judge.verdict import Outcome
    from pipeline.report import jsonout
    from pipeline.series.credentials import client_of

    commands = {
        outcome: (option, parse_command(text, option))
        for outcome, option, text in (
            (Outcome.PASSED, "--on-pass", on_pass),
            (Outcome.FAILED, "--on-fail", on_fail),
        )
        if text is not None
    }
    settings = Settings(
        config=config,
        sets=sets,
        url=url,
        planned=planned,
        every=every,
        early_stop=early_stop,  # type: ignore[arg-type]
        min_requests=min_requests,
        runs=runs,
        patience=patience,
    )
    outputs = outputs_of({option: files[option[2:].replace("-", "_")] for option in OUTPUT_OPTIONS})
    with (
        client_of(url, credentials, header_file, ca) as client,
        gated(settings, client, Progress()) as found,
    ):
        code = show_gate_verdict(
            found.record, found.run.path, found.case, found.verdict, as_json=as_json, outputs=outputs
        )
        if found.verdict.outcome in commands:
            option, command = commands[found.verdict.outcome]
            try:
                perform(command, jsonout.render(found.verdict, found.record, str(found.run.path)), option)
            except EnvironmentError_ as error:
                # Said on stderr alone: stdout has the verdict. What was not done is tried again by the same command.
                tell(error, as_json=False)
                return Exit.ENVIRONMENT if code is Exit.OK else code
        found.close()
    return code


def _refuse(context: click.Context, names: Sequence[str], why: str) -> None:
    """Raise UsageError for the first of these parameters that was given."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and given is ParameterSource.COMMANDLINE:
            raise UsageError(f"{parameter.opts[0]} {why}")
