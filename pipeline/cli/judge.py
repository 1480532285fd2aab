"""`pipeline judge`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import json_option

__all__ = ["judge"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def judge(run: Path, as_json: bool) -> int:
    """Judge a run directory again, offline.

    The same samples and profile give the same verdict; the exit code is the verdict's.
    """
    from pipeline.cli.show import show_verdict
    from pipeline.judging import judge_run
    from pipeline.rundir import RunDirectory

    directory = RunDirectory(run)
    facts = directory.read_run()
    verdict = judge_run(directory)
    show_verdict(directory, facts, verdict, as_json=as_json)
    return verdict.outcome.exit_code
