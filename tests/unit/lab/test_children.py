"""Child processes: their failure is one line, and none outlives its call."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.base.errors import LabError
from pipeline.lab.children import Limits, call, run, stop_left, tail


def alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def test_a_failing_command_is_one_line_with_its_last_words_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(LabError, match=r"^vagrant up failed: disk full$") as caught:
        run(["sh", "-c", "echo working; echo 'disk full' >&2; exit 3"], log=log, what="vagrant up")
    assert caught.value.hint == f"see {log}"
    assert log.read_text() == "working\ndisk full\n"


def test_a_missing_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-such-command is not installed"):
        run(["no-such-command"], log=tmp_path / "log")


def test_each_line_is_reported_while_the_command_runs(tmp_path: Path) -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo one; echo two"], log=tmp_path / "log", on_line=lines.append)
    assert lines == ["one", "two"]


def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pids: list[int] = []
    with pytest.raises(LabError, match=r"took longer than 1 s"):
        run(
            ["sh", "-c", "sleep 60 & echo $!; wait"],
            log=tmp_path / "log",
            limits=Limits(seconds=1),
            on_line=lambda line: pids.append(int(line)),
        )
    assert len(pids) == 1
    assert not alive(pids[0])


def test_an_interrupt_ends_the_command_with_all_it_started(tmp_path: Path) -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        signal.raise_signal(signal.SIGINT)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "sleep 60 & echo $!; wait"], log=tmp_path / "log", on_line=interrupt)
    assert time.monotonic() - started < 5
    assert not alive(pids[0])


def test_a_short_command_that_is_missing_or_slow_is_a_status_and_a_sentence() -> None:
    missing, slow = call(["no-such-command"]), call(["sleep", "60"], seconds=1)
    assert (missing.returncode, missing.stderr) == (127, "no-such-command is not installed")
    assert (slow.returncode, slow.stderr) == (124, "sleep took longer than 1 s")


def test_what_a_killed_run_left_is_ended_by_the_next_and_nobody_else_is(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline.lab.children import run; here = Path(sys.argv[1]); "
        "run(['sh', '-c', 'echo $$; sleep 60'], log=here / 'log', note=here / 'note')"
    )
    killed = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    deadline = time.monotonic() + 10
    # The command begins before it is noted, and a file is there before its content is.
    while not all((tmp_path / name).is_file() and (tmp_path / name).read_text() for name in ("note", "log")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    left = int((tmp_path / "log").read_text())
    assert alive(left)
    note = (tmp_path / "note").read_text()
    (tmp_path / "note").write_text(f"{left} 1")  # born at another time: its number was given anew
    stop_left(tmp_path / "note")
    assert alive(left)
    (tmp_path / "note").write_text(note)
    stop_left(tmp_path / "note")
    assert not alive(left)
    assert not (tmp_path / "note").exists()


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("first\nlast\n\n", "last"),
        ("the reason\n/usr/lib/ruby/x.rb:12:in `call'\n\n", "the reason"),
        ("\x1b[31mred words\x1b[0m\n", "red words"),
        (
            "E: Failed to fetch x\nE: apt-get update failed\nI: removing y\nE: mmdebstrap failed to run\n",
            "E: Failed to fetch x",
        ),
        ("", "no output"),
    ],
)
def test_the_last_words_leave_out_backtraces_and_colours(tmp_path: Path, text: str, last: str) -> None:
    (tmp_path / "log").write_text(text)
    assert tail(tmp_path / "log") == last
