"""`pipeline report`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.base.errors import Exit
from pipeline.cli.options import json_option

__all__ = ["report"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def report(run: Path, as_json: bool) -> int:
    """Render a run's report again from its directory: the table here, report.html there."""
    from pipeline.cli.show import show_verdict
    from pipeline.report import write_report
    from pipeline.runs.directory import load

    loaded = load(run)
    verdict = loaded.verdict
    if loaded.record.kind == "gate":
        from pipeline.cli.show import show_gate_verdict
        from pipeline.gate.again import case_again

        case = case_again(loaded)
        write_report(loaded, verdict, case.evidence, case.questions)
        show_gate_verdict(loaded.record, loaded.path, case, verdict, as_json=as_json)
        return Exit.OK
    write_report(loaded, verdict)
    show_verdict(loaded, verdict, as_json=as_json)
    return Exit.OK
