"""The recordings of real sessions: each is whole, ends as it says, and shows nothing private."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.base.places import ROOT
from recordings.cast import leaks, read_cast
from recordings.pictures import picture
from recordings.record import record_all, session_environment
from recordings.session import COLUMNS, IDLE, ROWS, record
from recordings.tasks import TASKS, Open, Task, typed

FOLDER = ROOT / "recordings"
each = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


@each
def test_a_recording_is_an_asciicast_of_the_named_size(task: Task) -> None:
    header = read_cast(FOLDER / f"{task.name}.cast").header
    wanted = {"version": 2, "width": COLUMNS, "height": ROWS, "idle_time_limit": IDLE, "title": task.title}
    assert wanted.items() <= header.items()
    assert header["env"] == {"TERM": "xterm-256color"}


@each
def test_a_recording_ends_with_the_exit_status_of_its_task(task: Task) -> None:
    assert read_cast(FOLDER / f"{task.name}.cast").status == task.status


@each
def test_a_recording_shows_the_commands_of_its_task(task: Task) -> None:
    text = read_cast(FOLDER / f"{task.name}.cast").text
    for step in task.steps:
        command = step if isinstance(step, str) else step.command
        assert "$ " + re.sub(r"\{\w+\}", "", command) in text


@each
def test_a_recording_names_no_home_and_no_package_registry(task: Task) -> None:
    assert leaks(FOLDER / f"{task.name}.cast") == []


def test_the_recorded_gate_ends_within_three_steps() -> None:
    text = read_cast(FOLDER / "gate-failed.cast").text
    measured = re.search(
        r"stopped early: the canary was measured for (\d+) s, which showed that it failed", text
    )
    assert measured
    assert int(measured[1]) <= 3 * 15
    assert "\nstep: 15s\n" in text
    assert "rolling back\n" in text


@each
def test_a_recording_has_a_picture_that_a_page_can_show(task: Task) -> None:
    picture = FOLDER / f"{task.name}.svg"
    assert picture.stat().st_size < 500_000
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_the_readme_of_the_recordings_names_each_and_its_exit_status() -> None:
    rows = re.findall(
        r"^\| ([\w-]+)\.cast \|.*\| (\d+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    assert rows == [(task.name, str(task.status)) for task in TASKS]
    assert {file.stem for file in FOLDER.glob("*.cast")} == {task.name for task in TASKS}


def cast(path: Path, *screen: str) -> Path:
    events = [[number / 10, "o", text] for number, text in enumerate(screen)]
    lines = [{"version": 2, "width": COLUMNS, "height": ROWS}, *events]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not end fails within a minute, not within the half hour that a deploy may take."""
    monkeypatch.setattr("recordings.session.LONGEST", 60.0)


@pytest.mark.parametrize(
    "shown", ["from /home/ann/x", "https://registry.npmjs.example/a", "at /root/.m2", "BEGIN RSA PRIVATE KEY"]
)
def test_what_must_never_be_recorded_is_found(tmp_path: Path, shown: str) -> None:
    assert len(leaks(cast(tmp_path / "a.cast", shown))) == 1


def test_a_private_word_is_found_across_two_writes_and_is_not_repeated(tmp_path: Path) -> None:
    found = leaks(cast(tmp_path / "a.cast", "the password hun", "\x1b[1mter2-hunter2"), ["hunter2-hunter2"])
    assert found == ["something private of 15 characters"]


def test_ordinary_words_are_no_leak(tmp_path: Path) -> None:
    assert leaks(cast(tmp_path / "a.cast", "box pipeline/debian12-lxc; exit status 0"), ["secret"]) == []


@pytest.mark.parametrize("line", ["", "{}", '{"version": 1}'])
def test_a_file_that_is_no_asciicast_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.cast").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"a\.cast:1: "):
        read_cast(tmp_path / "a.cast")


def recorded(tmp_path: Path, *steps: str | Open) -> tuple[int, Path]:
    made = tmp_path / "made.cast"
    environment = session_environment(tmp_path, tmp_path)
    return record(
        Task("made", "Made", steps), made, environment, tmp_path, tmp_path / "prompts", pace=0
    ), made


def test_a_session_is_what_a_shell_shows_and_ends_with_the_last_status(tmp_path: Path) -> None:
    status, made = recorded(tmp_path, "# a comment", "echo $((6*7))", "(exit 10)")
    assert (status, read_cast(made).status) == (10, 10)
    assert "$ echo $((6*7))\n42\n$ " in read_cast(made).text


def test_a_command_that_stays_is_asked_at_the_address_that_it_tells_and_interrupted(tmp_path: Path) -> None:
    tells = "sh -c 'echo http://127.0.0.1:9/page  open it in a browser; exec sleep 60'"
    status, made = recorded(tmp_path, Open(tells, ("echo {origin} {address}",)))
    assert "http://127.0.0.1:9 http://127.0.0.1:9/page\n" in read_cast(made).text
    assert (status, read_cast(made).status) == (130, 130)


def test_an_option_that_names_a_repository_is_typed_after_what_is_said_about_it() -> None:
    task = Task("deploy-x", "X", ("deploy x{checkbox}", "deploy y{itrust}"))
    steps = typed(task, {"checkbox": " --repo copy", "itrust": ""}, ("# a copy",)).steps
    assert steps == ("# a copy", "deploy x --repo copy", "deploy y")


def test_a_picture_plays_what_the_screen_showed_and_escapes_it(tmp_path: Path) -> None:
    made = cast(tmp_path / "a.cast", *["."] * 6, "\x1b[31m<b>&\x1b[0m")
    picture(read_cast(made), tmp_path / "a.svg")
    text = "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())  # noqa: S314 - made here
    assert "<b>&" in text
    assert "translateY(-564px)" in text


@pytest.mark.parametrize(
    ("statuses", "recorded"), [([0], 1), ([11, 0], 2), ([11, 11], 2), ([10], 1)], ids=str
)
def test_the_canary_that_passes_is_recorded_once_more_when_it_was_inconclusive_not_when_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[int], recorded: int
) -> None:
    left = list(statuses)

    def once(_task: Task, cast: Path, *_: object) -> int:
        status = left.pop(0)
        said = json.dumps([0.1, "o", f"exit status {status}\r\n"])
        cast.write_text(f'{{"version": 2, "width": 100, "height": 30}}\n{said}\n')
        return status

    monkeypatch.setattr("recordings.record.record", once)
    monkeypatch.setattr("recordings.record.private_words", lambda *_: [])
    problems = record_all({}, ["canary-passed"], tmp_path, tmp_path, tmp_path, {})
    assert len(statuses) - len(left) == recorded
    assert bool(problems) is (statuses[-1] != 0)
