"""`pipeline report`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.base.errors import Exit
from pipeline.cli.options import json_option, monitor_option, publish_option

__all__ = ["report"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@publish_option
@monitor_option
@json_option
def report(run: Path, publish: bool, monitor: Path | None, as_json: bool) -> int:
    """Render a run's report again from its directory: the table here, report.html there.

    With --publish the page and the mark that leads to it are on the monitor as if the run had put them there; again
    it changes nothing.
    """
    from pipeline.base.console import Progress
    from pipeline.cli.marks import marks_of
    from pipeline.cli.show import show_verdict
    from pipeline.report import write_report
    from pipeline.runs.directory import load

    if monitor is not None and not publish:
        raise click.UsageError("--monitor goes with --publish")
    loaded = load(run)
    verdict = loaded.verdict
    if loaded.record.kind == "gate":
        from pipeline.cli.show import show_gate_verdict
        from pipeline.gate.again import case_again

        if publish:
            raise click.UsageError(
                "--publish is for the runs of `pipeline canary`, whose marks lead to a page"
            )
        case = case_again(loaded)
        write_report(loaded, verdict, case.evidence, case.questions)
        show_gate_verdict(loaded.record, loaded.path, case, verdict, as_json=as_json)
        return Exit.OK
    marks = marks_of(monitor, None, publish=True) if publish else None
    write_report(loaded, verdict)
    show_verdict(loaded, verdict, as_json=as_json)
    return marks.leave(loaded, verdict, Progress()) if marks is not None else Exit.OK
