"""The command line: `python -m loadgen URL [OPTIONS]`."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import uvloop
from click.core import ParameterSource
from yarl import URL

from loadgen.arguments import (
    BYTES_REGEX,
    DURATION,
    HEADER,
    METHOD,
    SIZE,
    TARGET,
    check_connections,
    read_body,
    read_headers,
    with_query,
)
from loadgen.arrival_options import ArrivalOptions, arrival_options
from loadgen.choice import only_aiohttp
from loadgen.divided import run_divided
from loadgen.mix import Mix
from loadgen.network_options import NetworkOptions, network_options
from loadgen.output_options import OutputOptions, output_options
from loadgen.plan import ENGINES, Plan
from loadgen.replay_options import ReplayOptions, replay_options
from loadgen.results import Results
from loadgen.run import run
from loadgen.shard import ShardError
from loadgen.shard_options import ShardOptions, shard_options

__all__ = ["FAILED", "INTERRUPTED", "INVALID", "OK", "OUTPUT", "USAGE", "main"]

OK, USAGE, OUTPUT, INVALID, FAILED, INTERRUPTED = 0, 2, 3, 4, 5, 130


class _OutputError(click.ClickException):
    """The results cannot be written.

    Not an OSError, because click itself ends the process on a broken pipe, with 1.
    """


_OF_ONE_REQUEST = ("method", "body_file", "query_file", "expect_status", "expect_body_regex")

_EPILOG = """\b
Exit codes:
  0    the run is done (whatever the server answered)
  2    the command line is wrong
  3    the results could not be written
  4    the run is invalid: the loader itself was late, overloaded, out of ports or files, or could not read an answer;
       or a part of it was lost, or could not begin
  5    the run is valid, and fails by a --fail-if or a --require
  130  interrupted (Ctrl-C or SIGTERM); what was measured is kept

Durations are written 100ms, 60s, 5m or 1h. Latency counts from the moment a request was due to the last
byte of its answer. No redirect is followed, nothing is retried, no compression is asked for or undone.
The path and the query are sent as they are written. A request that waited for a connection is not sent once
its answer could not come in time. Percentiles beyond the timeout are written "> 5 s".
"""


@dataclass(frozen=True, kw_only=True)
class _Options:
    """The command line's options, by their names; what each means is in their help. Times are seconds."""

    url: str
    arrivals: ArrivalOptions
    network: NetworkOptions
    output: OutputOptions
    replay: ReplayOptions
    shards: ShardOptions
    method: str
    headers: tuple[tuple[str, str], ...]
    header_file: Path | None
    query_file: Path | None
    body_file: Path | None
    requests_file: Path | None
    timeout: float
    connections: int
    phase_end: tuple[float, ...]
    max_body: int
    expect_status: tuple[int, ...]
    expect_body_regex: re.Pattern[bytes] | None
    served_by_header: str
    start_at: float | None
    max_lateness: float
    engine: str
    real_time: bool
    check: bool

    def plan(self) -> Plan:
        """What is to be sent. Raises click.BadParameter when a file of headers or of the body cannot be read."""
        given = click.get_current_context()
        arrivals = self.arrivals.of_plan(given, phases=bool(self.phase_end))
        headers = (*self.headers, *read_headers(self.header_file))
        mix = self.mix()
        replay = self.replay.of_plan(given, self.url, headers, self.expect_status, arrivals)
        return Plan(
            url=with_query(self.url, self.query_file),
            method=self.method,
            headers=headers,
            body=read_body(self.body_file),
            timeout=self.timeout,
            phase_ends=tuple(sorted(self.phase_end)),
            max_body=self.max_body,
            expect_status=self.expect_status,
            body_regex=self.expect_body_regex,
            served_by_header=self.served_by_header,
            max_lateness=self.max_lateness,
            engine=self.engine,
            network=self.network.network(self.url),
            fail_if=self.output.fail_if,
            require=self.output.require,
            **{"connections": self.connections, "mix": mix, **arrivals, **replay},
        )

    def mix(self) -> Mix | None:
        """The requests of --requests-file. Raises click.BadParameter."""
        if self.requests_file is None:
            return None
        from loadgen.mixfile import MixError, read_mix  # its YAML is not needed without

        url = URL(self.url)
        if url.raw_path_qs not in ("", "/") or url.raw_fragment:
            said = "its paths are in the file: give http://HOST:PORT"
            raise click.BadParameter(said, param_hint="URL")
        given = click.get_current_context()
        for name in _OF_ONE_REQUEST:
            if given.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                option = "--" + name.replace("_", "-")
                raise click.BadParameter(
                    f"{option} is of one request: the file says it of each", param_hint="'--requests-file'"
                )
        try:
            headers = (*self.headers, *read_headers(self.header_file))
            return read_mix(self.requests_file, self.url.rstrip("/"), headers)
        except MixError as problem:
            raise click.BadParameter(
                f"{self.requests_file}: {problem}", param_hint="'--requests-file'"
            ) from None


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 118})
@click.argument("url", type=TARGET)
@arrival_options
@click.option("--method", type=METHOD, default="GET", show_default=True, help="HTTP method.")
@click.option("--header", "headers", type=HEADER, multiple=True, help="Request header; may be repeated.")
@click.option(
    "--header-file",
    type=click.Path(path_type=Path),
    help="More headers, 'K: V' a line: for those that must not stand in a process list.",
)
@click.option(
    "--query-file",
    type=click.Path(path_type=Path),
    help="What follows the URL's '?', on one line: it may hold a key.",
)
@click.option(
    "--body-file", type=click.Path(path_type=Path), help="File whose bytes are the body of each request."
)
@click.option(
    "--requests-file",
    type=click.Path(path_type=Path),
    help="YAML file with several requests (docs/loadgen.md): URL is http://HOST:PORT then.",
)
@replay_options
@click.option(
    "--timeout", type=DURATION, default="5s", show_default=True, help="Time an answer may take, since due."
)
@click.option(
    "--connections",
    type=click.IntRange(1, 60_000),
    default=64,
    show_default=True,
    help="Requests on the wire at once; more wait, and their wait counts.",
)
@click.option(
    "--phase-end",
    type=DURATION,
    multiple=True,
    help="What is due from here on goes elsewhere: what waits until then is not sent. May be repeated.",
)
@click.option(
    "--max-body",
    type=SIZE,
    default="16MB",
    show_default=True,
    help="A larger body is not read to its end, and is an error of the server.",
)
@click.option(
    "--expect-status",
    type=click.IntRange(100, 599),
    multiple=True,
    default=(200,),
    show_default="200",
    help="A right status, whose bodies are checked; may be repeated.",
)
@click.option("--expect-body-regex", type=BYTES_REGEX, help="Searched in the body; '.' matches newlines.")
@click.option(
    "--served-by-header", default="X-Served-By", show_default=True, help="Header that names the server."
)
@network_options
@output_options
@shard_options
@click.option("--start-at", type=float, help="Unix time at which the first request is due.")
@click.option(
    "--max-lateness",
    type=DURATION,
    default="100ms",
    show_default=True,
    help="The run is invalid when the loader's own p99 lateness is above this; or above a tenth of it, "
    "and most of the latency that it tells.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    envvar="LOADGEN_ENGINE",
    help="What sends: httptools is lean; auto takes aiohttp for what that cannot do (the header Expect). "
    "LOADGEN_ENGINE in the environment does the same.",
)
@click.option(
    "--real-time/--no-real-time",
    default=True,
    show_default=True,
    help="Run before all other processes (SCHED_RR), where that is permitted and while it needs little of a core.",
)
@click.option("--check", is_flag=True, help="Only look whether all of this can be used, and send nothing.")
def _command(**values: Any) -> int:
    """Send requests to URL by the clock and not by the answers, and say what came back."""
    options = _Options(
        arrivals=ArrivalOptions.taken(values),
        network=NetworkOptions.taken(values),
        output=OutputOptions.taken(values),
        replay=ReplayOptions.taken(values),
        shards=ShardOptions.taken(values),
        **values,
    )
    plan = options.plan()
    options.shards.check(click.get_current_context(), plan)
    if options.shards.dask is None:
        check_connections(options.shards.here(plan).connections, phases=min(2, 1 + len(plan.phase_ends)))
    if plan.engine == "httptools" and (what := only_aiohttp(plan)):
        raise click.BadParameter(f"only aiohttp does this: {what}", param_hint="'--engine'")
    start_at = options.start_at
    if start_at is not None and not time.time() <= start_at <= time.time() + 86_400:
        raise click.BadParameter("the time is past, or more than a day away", param_hint="'--start-at'")
    if options.check:
        return OK
    results = Results(options.output, plan)
    try:
        try:
            # uvloop does not let go of a connection whose TLS failed, and closes its file number a second time, whoever
            # has it by then (its issue 653).
            run_loop = asyncio.run if plan.url.startswith("https:") else uvloop.run
            shards = options.shards.shards(plan, first=options.real_time, rows=results.keeps)
            sent = (
                partial(run, first=options.real_time)
                if shards is None
                else partial(run_divided, shards=shards)
            )
            summary = run_loop(
                sent(plan, results.record, results.listener, start_at=start_at, beside=results.beside)
            )
            results.write(summary)
        finally:
            results.close()
    except OSError as problem:
        if isinstance(problem, BrokenPipeError):  # nobody reads: keep Python from trying once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _OutputError(f"cannot write {results.where}: {problem.strerror or problem}") from problem
    return _exit_code(summary)


def _exit_code(summary: dict[str, Any]) -> int:
    if summary["interrupted"]:
        return INTERRUPTED
    if not summary["valid"]:
        return INVALID
    return FAILED if summary["failures"] else OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Errors are one line on stderr."""
    try:
        code = _command.main(
            args=None if arguments is None else list(arguments), prog_name="loadgen", standalone_mode=False
        )
    except _OutputError as problem:
        return _complain(problem.format_message(), OUTPUT)
    except ShardError as problem:
        return _complain(str(problem), INVALID)
    except click.ClickException as problem:
        return _complain(problem.format_message() + " (see --help)", USAGE)
    except (click.Abort, KeyboardInterrupt):
        # Before the run began: from then on, signals have handlers of their own.
        return _complain("interrupted", INTERRUPTED)
    return int(code or 0)  # --help gives 0


def _complain(message: str, code: int) -> int:
    print("loadgen: " + " ".join(message.split()), file=sys.stderr)
    return code
