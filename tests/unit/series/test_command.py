"""The options of `pipeline judge`: what contradicts, and what the help teaches."""

from __future__ import annotations

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--baseline", "a", "--canary", "b"], "give --config FILE"),
        (["--config", "c"], "give --prometheus URL, or --baseline FILE and --canary FILE"),
        (["--config", "c", "--baseline", "a"], "give both"),
        (["--config", "c", "--baseline", "a", "--prometheus", "http://p"], "give --prometheus URL, or"),
        (
            ["--config", "c", "--baseline", "a", "--canary", "b", "--from", "-1h"],
            "--from goes with --prometheus",
        ),
        (
            ["--config", "c", "--baseline", "a", "--canary", "b", "--keep", "d"],
            "--keep goes with --prometheus",
        ),
        (["run", "--prometheus", "http://p"], "--prometheus is for series, not for a run directory"),
        (
            ["run", "--judge", "kayenta", "--prometheus", "http://p"],
            "--prometheus is for series, not for a run",
        ),
        (
            ["--judge", "kayenta", "--prometheus", "http://p"],
            "--judge kayenta needs the canary configuration",
        ),
        (["--judge", "both", "--config", "c"], "--judge both needs --config FILE and --prometheus URL"),
        (["--judge", "both", "--config", "c", "--junit", "f"], "--junit is for --judge pipeline"),
        (
            ["--judge", "both", "--config", "c", "--prometheus", "http://p", "--keep", "d"],
            "--keep does not go with",
        ),
        (
            ["--judge", "kayenta", "--config", "c", "--prometheus", "http://p", "--planned", "5m"],
            "--planned is for --judge pipeline and both",
        ),
        (
            ["--config", "c", "--baseline", "a", "--canary", "b", "--scope", "a=b"],
            "--scope goes with --prometheus",
        ),
        (["--requests", "a", "b", "--scope", "a=b"], "--scope does not go with --requests"),
        (["--config", "c", "--prometheus", "http://me:word@p"], "an address is no place for a password"),
    ],
)
def test_options_that_contradict_each_other_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(["judge", *arguments]) == Exit.USAGE
    assert words in capsys.readouterr().err


def test_the_help_teaches_each_form(capsys: pytest.CaptureFixture[str]) -> None:
    run(["judge", "--help"])
    out = " ".join(capsys.readouterr().out.split())  # an example may take two lines
    for form in (
        "judge runs/latest",
        "--baseline a.csv --canary b.csv",
        "--prometheus URL --from",
        "--requests a.csv b.csv",
        "--judge kayenta --config",
        "--judge both --config canary.json --prometheus URL --scope baseline=v1",
    ):
        assert form in out
