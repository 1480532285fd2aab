"""The command line: what it teaches, and how it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import Exit, LabError
from pipeline.cli.root import COMMANDS, run
from tests.support.run_files import whole_run, write


def test_help_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == Exit.OK
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)
    assert all(f"{code:3}" in out for code in Exit)


@pytest.mark.parametrize("name", [*COMMANDS])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == Exit.OK
    assert "Usage: pipeline " + name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["canary", "master"], "two refs are needed"),
        (["canary", "a", "b", "c"], "two refs are needed"),
        (["canary", "a", "b", "--rate", "-5"], "rate"),
        (["canary", "a", "b", "--duration", "5 parsecs"], "duration"),
        (["canary", "a", "b", "--at-most", "5m"], "--at-most goes with --duration auto"),
        (["canary", "a", "b", "--provider", "hyperv"], "hyperv"),
        (["canary", "a", "b", "--profile", "no-such-profile"], "no-such-profile"),
        (["canary", "a", "b", "--repo", "/no/such/path"], "/no/such/path"),
        (["canary", "a", "b", "--schedule", "concurrent", "--share", "100%"], "less than 100 %"),
        (["canary", "a", "b", "--schedule", "concurrent", "--share", "0"], "more than 0 %"),
        (["canary", "a", "b", "--schedule", "concurrent", "--share", "ten"], "write it like 10% or 0.1"),
        (["canary", "a", "b", "--share", "10%"], "--share goes with --schedule concurrent"),
        (["calibrate", "a", "--schedule", "interleaved", "--share", "10%"], "--share goes with"),
        (["judge", "/no/such/run"], "/no/such/run"),
        (["report", "/no/such/run"], "/no/such/run"),
        (["nonsense"], "nonsense"),
    ],
)
def test_what_the_user_got_wrong_is_named_and_exits_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == Exit.USAGE
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


def test_a_ref_that_does_not_exist_is_told_apart_from_a_path_that_is_no_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.source.sample import make_sample_repository

    repository = make_sample_repository(tmp_path / "sample")
    assert run(["canary", "master", "brokn", "--repo", str(repository)]) == Exit.USAGE
    first = capsys.readouterr().err
    assert "brokn" in first
    assert "broken" in first  # the close match is offered
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["canary", "master", "broken", "--repo", str(empty)]) == Exit.USAGE
    assert "repository" in capsys.readouterr().err


def test_errors_with_json_are_one_json_document_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["judge", "/no/such/run", "--json"]) == Exit.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == Exit.USAGE


def test_a_dry_run_shows_the_plan_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.source.sample import make_sample_repository

    repository, runs = make_sample_repository(tmp_path / "sample"), tmp_path / "runs"
    arguments = ["canary", "master", "broken", "--repo", str(repository), "--runs", str(runs), "--dry-run"]
    assert run(arguments) == Exit.OK
    out = capsys.readouterr().out
    assert "300 s on blue (baseline, measure)" in out
    assert "undecided   inconclusive, where harm is neither shown nor ruled out" in out
    assert not runs.exists()


@pytest.mark.parametrize(("duration", "warned"), [("20s", True), ("60s", False)])
def test_a_duration_in_which_nothing_can_pass_is_told_before_anything_boots(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    duration: str,
    warned: bool,
) -> None:
    from pipeline.canary import workflow
    from pipeline.source.sample import make_sample_repository

    def boots(*_: object, **__: object) -> None:
        raise LabError("the hosts would boot here")

    monkeypatch.setattr(workflow, "run_canary", boots)
    repository = make_sample_repository(tmp_path / "sample")
    given = ["canary", "master", "slow", "--repo", str(repository), "--runs", str(tmp_path / "runs")]
    assert run([*given, "--duration", duration]) == Exit.ENVIRONMENT
    said, _, then = capsys.readouterr().err.partition("the hosts would boot here")
    assert then
    assert ("warning: in 20 s nothing can pass: Wrong bodies" in said) is warned
    assert ("fails or stays inconclusive (try --duration auto)" in said) is warned


def test_a_dry_run_of_both_at_once_says_how_the_requests_are_dealt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.source.sample import make_sample_repository

    repository = make_sample_repository(tmp_path / "sample")
    arguments = [
        "canary",
        "master",
        "broken",
        "--repo",
        str(repository),
        "--dry-run",
        "--schedule",
        "concurrent",
    ]
    assert run([*arguments, "--share", "10%"]) == Exit.OK
    out = capsys.readouterr().out
    assert "dealt by chance: about 45/s to blue, 5/s to green (10 %)" in out
    assert "schedule    concurrent, 315 s:" in out
    assert "300 s on blue and green (baseline and canary, measure)" in out
    assert run([*arguments, "--json"]) == Exit.OK
    plan = json.loads(capsys.readouterr().out)
    assert (plan["schedule"], plan["share"], len(plan["phases"])) == ("concurrent", 0.5, 4)


def test_the_module_and_the_command_are_the_same_thing() -> None:
    versions = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for command in (
            [sys.executable, "-m", "pipeline", "--version"],
            [str(Path(sys.executable).with_name("pipeline")), "--version"],
        )
    ]
    assert versions[0] == versions[1]


def test_help_does_not_wait_for_the_heavy_libraries() -> None:
    code = (
        "import sys; from pipeline.cli.root import run; run(['--help']); "
        "sys.exit(bool({'scipy', 'jinja2', 'pyinfra'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", ["promote", "rollback"])
def test_promote_and_rollback_have_help_of_their_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["canary", name, "--help"]) == Exit.OK
    out = capsys.readouterr().out
    assert f"Usage: pipeline canary {name} [OPTIONS]" in out
    assert "--duration" not in out
    assert run(["canary", name, "--keep"]) == Exit.USAGE
    assert "No such option '--keep'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cannary", "a", "b"], "Did you mean 'canary'?"),
        (["promote"], "Type: pipeline canary promote"),
        (["help"], "There are: canary, "),
        (["--verbose"], "No such option '--verbose'.\n"),
        (["canary", "a", "b", "--rat", "5"], "Did you mean '--rate'?"),
        (["canary"], "got 0\n  try: pipeline canary master broken"),
        (["canary", "promot"], "try: pipeline canary promote"),
        (["canary", "v1..v2"], "try: pipeline canary v1 v2"),
        (["judge", "."], "run.json: is missing: this is no run's directory\n  try: give one run's directory"),
        (["judge", __file__], "a file, not a run's directory"),
    ],
)
def test_an_unclear_word_gets_what_to_type(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == Exit.USAGE
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("json_too", [[], ["--json"]])
@pytest.mark.parametrize(
    "arguments",
    [
        ["canary", "https://me:s3cret@example.org/x"],
        ["canary", "a", "b", "--rate", "https://me:s3cret@example.org/x"],
        ["canary", "a", "b", "--repo", "htps://me:s3cret@example.org/x"],
        ["judge", "https://me:s3cret@example.org/x"],
    ],
)
def test_a_password_in_a_url_is_not_repeated(
    arguments: list[str], json_too: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, *json_too]) == Exit.USAGE
    captured = capsys.readouterr()
    assert "s3cret" not in captured.out + captured.err


def test_a_file_that_there_is_no_room_for_is_named(tmp_path: Path) -> None:
    rows, series = whole_run()
    write(tmp_path, rows, series)
    limited = ["prlimit", "--fsize=4000", sys.executable, "-m", "pipeline", "judge", str(tmp_path)]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.ENVIRONMENT
    assert done.stderr.startswith(f"pipeline: {tmp_path / 'verdict.json'}: File too large\n")
