"""The command group, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shlex
import shutil
import tempfile
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click
from click.exceptions import NoArgsIsHelpError, NoSuchCommand

from pipeline import __version__
from pipeline.base.errors import ConfigError, EnvironmentError_, Exit, Interrupted, PipelineError
from pipeline.base.interrupt import unify_signals
from pipeline.base.mask import hide
from pipeline.base.places import CACHE, typed
from pipeline.base.text import printable, reason_of
from pipeline.cli.extras import require_extra

__all__ = ["COMMANDS", "cli", "run", "tell"]

# name -> module:function. Imported when asked for: `--help` must not wait for scipy.
COMMANDS = {
    "canary": "pipeline.cli.canary:canary",
    "calibrate": "pipeline.cli.calibrate:calibrate",
    "deploy": "pipeline.cli.deploy:deploy",
    "verify": "pipeline.cli.verify:verify",
    "judge": "pipeline.cli.judge:judge",
    "backtest": "pipeline.cli.backtest:backtest",
    "gate": "pipeline.cli.gate:gate",
    "report": "pipeline.cli.report:report",
    "runs": "pipeline.cli.runs:runs",
    "load": "pipeline.cli.load:load",
    "prod": "pipeline.cli.prod:prod",
    "lab": "pipeline.cli.lab:lab",
    "faults": "pipeline.cli.faults:faults",
    "doctor": "pipeline.cli.doctor:doctor",
}

_LEAST = 1_000_000  # bytes; with less free, a disk is full

_EPILOG = f"""\b
Exit codes:
  {Exit.OK:3}  done; for canary, judge and verify: passed
  {Exit.INTERNAL:3}  a defect in this tool
  {Exit.USAGE:3}  usage: the command line, a configuration file, a repository or a ref
  {Exit.ENVIRONMENT:3}  environment: the machine, a host or the network
  {Exit.FAILED:3}  verdict failed: the canary is worse; verify: a check failed
  {Exit.INCONCLUSIVE:3}  verdict inconclusive: not enough evidence
  {Exit.INVALID:3}  verdict invalid: the experiment itself is broken
  {Exit.INTERRUPTED:3}  interrupted
"""


class _LazyGroup(click.Group):
    """A group whose commands are imported only when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(
    cls=_LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def cli() -> None:
    """Two git refs in, a verdict you can trust out, on real hosts.

    \b
    pipeline doctor                      what is there, what is missing
    pipeline canary master broken        five minutes of load on each version
    pipeline canary master slow --duration 1m --keep
    pipeline report runs/latest          a run's report again
    pipeline runs                        all runs, and what each said
    pipeline prod up --cloud vagrant     production's hosts and monitor, here
    pipeline prod up                     ... in the cloud that prod.yml names
    pipeline deploy checkbox.io -i production.ini    on hosts you have
    pipeline verify checkbox.io -i production.ini    is all well there?
    pipeline load --loaders hosts.ini http://shop/   load from hosts you have
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line; gives the exit code. Every error a user can act on is one line on stderr."""
    as_json = "--json" in arguments
    try:
        unify_signals()  # in here, as one may have waited for it
        if arguments and not {"-h", "--help"} & set(arguments):
            require_extra(arguments[0])
        result = cli.main(args=list(arguments), prog_name="pipeline", standalone_mode=False)
        return int(result) if isinstance(result, int) else Exit.OK
    except click.ClickException as error:
        return _tell_usage(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return tell(Interrupted("interrupted"), as_json)
    except PipelineError as error:
        return tell(error, as_json)
    except OSError as error:
        if error.filename is None and error.errno is None:
            return _defect(error)
        return tell(_of_the_system(error), as_json)
    except Exception as error:
        return _defect(error)


def _of_the_system(error: OSError) -> EnvironmentError_:
    """An error of the operating system, with the file that it is about, and of a full disk which it is."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    where = [error.filename] if error.filename else _full() if full else []
    hint = None
    if full:
        hint = f"free some space: df -h {' '.join(str(Path(path).parent) for path in where)}"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and where:
        hint = f"see whose it is: ls -ld {shlex.join(map(str, _nearest(where[0])))}"
    said = ", ".join(map(str, where))
    return EnvironmentError_(
        f"{said + ': ' if said else ''}{reason_of(error)}", hint=hint or "pipeline doctor"
    )


def _nearest(path: object) -> list[Path]:
    """The file, where it is there, and the directory above it that is."""
    given = Path(str(path))
    above = next((folder for folder in given.parents if os.path.exists(folder)), Path("/"))  # noqa: PTH110 - it raises nothing
    return [above, *([given] if os.path.lexists(given) else [])]


def _full() -> list[str]:
    """Files in the directories that are written to and have no room left: which of them it was, nobody said."""
    places = [Path.cwd(), Path(tempfile.gettempdir()), CACHE]
    return [str(place / "*") for place in places if place.is_dir() and shutil.disk_usage(place).free < _LEAST]


def tell(error: PipelineError, as_json: bool) -> int:
    """Show an error on stderr, with `as_json` also as a document on stdout; gives the exit code."""
    hint, message = hide(typed(error.hint)) if error.hint else None, hide(error.message)
    if as_json:
        _json_error(type(error).__name__, message, hint, error.exit_code)
    for line in message.splitlines():  # an inventory's problems come together, a line each
        click.echo(f"pipeline: {printable(line)}", err=True)
    if isinstance(error, ConfigError):
        for problem in error.problems:
            click.echo(f"  {printable(hide(problem))}", err=True)
    if hint:
        click.echo(f"  try: {printable(hint)}", err=True)
    return error.exit_code


def _tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    """What click found wrong with the command line; a word of it may be a URL with a password."""
    if isinstance(error, NoArgsIsHelpError):  # a group alone: its help is the answer
        error.show()
        return Exit.USAGE
    message = hide(_in_words(error))
    if as_json:
        _json_error("usage", message, None, Exit.USAGE)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
        click.echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
    click.echo(f"Error: {printable(message)}", err=True)
    return Exit.USAGE


def _in_words(error: click.ClickException) -> str:
    """The message, with what was probably meant: only what is near to the word, and never the word itself."""
    if isinstance(error, click.NoSuchOption):
        known = [name for name in error.possibilities or () if name != error.option_name]
        return error.message + _meant(error.option_name, known)
    if isinstance(error, NoSuchCommand) and error.ctx is not None:
        group, path, name = error.ctx.command, error.ctx.command_path, error.command_name
        known = group.list_commands(error.ctx) if isinstance(group, click.Group) else []
        if name in ("promote", "rollback") and "canary" in known:
            return f"{error.message} Type: {path} canary {name}"
        return error.message + (_meant(name, known) or f" There are: {', '.join(known)}")
    return error.format_message()


def _meant(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.75)
    return f" Did you mean '{close[0]}'?" if close else ""


def _json_error(kind: str, message: str, hint: str | None, code: int) -> None:
    click.echo(
        json.dumps({"error": {"kind": kind, "message": message, "hint": hint, "exit_code": int(code)}})
    )


def _defect(error: BaseException) -> int:
    report = hide("".join(traceback.format_exception(error)))
    try:
        descriptor, name = tempfile.mkstemp(prefix="pipeline-defect-", suffix=".txt")
        with os.fdopen(descriptor, "w") as file:
            file.write(report)
    except OSError:  # no room for a file: it is shown
        click.echo(report, err=True)
        name = "what is above"
    click.echo(
        f"pipeline: a defect in pipeline itself: {type(error).__name__}: {printable(hide(str(error)))}",
        err=True,
    )
    click.echo(f"  please report it with {name}", err=True)
    return Exit.INTERNAL
