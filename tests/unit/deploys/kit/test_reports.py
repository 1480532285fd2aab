"""What a deploy tells while a command of it runs, through a real pyinfra on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.remote.transcript import Transcript

ROOT = Path(__file__).parents[4]
DEPLOY = """
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from deploys.kit.reports import live, progress

progress("a look")

@operation()
def built():
    yield live(StringCommand("sh", "-s", _stdin={script!r}))

built(name="service install: build")
"""


def test_progress_comes_while_the_command_runs_and_is_no_reason_of_its_failure(tmp_path: Path) -> None:
    """The command ends only once its progress was read here."""
    go = tmp_path / "go"
    script = f"echo progress: compiling\nwhile [ ! -e {go} ]; do sleep 0.1; done\necho no room >&2\nexit 1\n"
    deploy = tmp_path / "deploy.py"
    deploy.write_text(DEPLOY.format(script=script))
    child = subprocess.Popen(
        [sys.executable, "-m", "pyinfra", "--json", "--yes", "@local", str(deploy)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    transcript, told = Transcript(), []
    with child:
        for line in child.stderr:
            transcript.read(line)
            if transcript.progress:
                told.append((transcript.operation, transcript.progress))
            if transcript.progress == "compiling":
                go.touch()
    assert told == [("", "a look"), ("service install: build", "compiling")]
    assert [failure.reason for failure in transcript.failures] == ["no room"]
