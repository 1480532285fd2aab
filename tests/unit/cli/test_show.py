"""A verdict's exit code, and where its report is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.show import exit_code, show_verdict
from pipeline.judge.verdict import Outcome
from pipeline.report import write_report
from pipeline.runs.directory import judge_run
from tests.support.run_files import write


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_the_exit_code_of_its_name(outcome: Outcome) -> None:
    assert exit_code(outcome) is (Exit.OK if outcome is Outcome.PASSED else Exit[outcome.name])


def test_a_page_that_was_never_written_is_not_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was killed or interrupted has none."""
    run = write(tmp_path, [])
    verdict = judge_run(run)
    show_verdict(run, verdict, as_json=False)
    assert capsys.readouterr().out.endswith(f"\nreport: pipeline report {tmp_path}\n")
    write_report(run, verdict)
    show_verdict(run, verdict, as_json=False)
    assert capsys.readouterr().out.endswith(f"\nreport: {tmp_path / 'report.html'}\n")
