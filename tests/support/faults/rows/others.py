"""What other people do meanwhile: a second run, a repository that is moved, a branch that is."""

from __future__ import annotations

import subprocess
from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import own_repository
from tests.support.faults.row import UNDECIDED, Act, Row, second, step
from tests.support.faults.scene import Scene

__all__ = ["ROWS"]


def _git(*arguments: str) -> Act:
    def act(scene: Scene) -> None:
        subprocess.run(["git", "-C", scene.repository, *arguments], check=True, capture_output=True)

    return act


def _repository_goes(scene: Scene) -> None:
    scene.repository.rename(scene.directory / "moved")


def _second_run(scene: Scene) -> None:
    again = [str(scene.directory / "second") if word == str(scene.runs) else word for word in scene.command()]
    other = scene.start(again)
    code, said = other.wait(60), (scene.directory / "out2").read_text()
    assert code == Exit.ENVIRONMENT, f"{code}: {said}"
    assert f"pid {scene.child.pid}" in said, said
    assert not (scene.directory / "second").exists(), "a run that is refused left a directory"


ROWS: Final = (
    Row(
        "a second run begins on the same lab, and is refused",
        second(4),
        _second_run,
        UNDECIDED,
        "",
        duration="8s",
        within=60,
    ),
    Row(
        "the baseline's branch is moved",
        step("deploy"),
        _git("update-ref", "refs/heads/master", "refs/heads/nostart"),
        UNDECIDED,
        "",
        before=own_repository,
        duration="5s",
        within=60,
    ),
    Row(
        "the repository is moved",
        step("deploy"),
        _repository_goes,
        (Exit.USAGE,),
        "repository",
        before=own_repository,
        short=True,
    ),
    Row(
        "the repository is moved",
        step("load"),
        _repository_goes,
        UNDECIDED,
        "",
        before=own_repository,
        duration="5s",
        within=60,
    ),
)
