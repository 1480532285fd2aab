"""What can be done to a run: in a host, to the command, to its repository. Each gives an act for a row."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from tests.support.faults.row import Act
from tests.support.faults.scene import Scene
from tests.support.git_samples import git

__all__ = [
    "all_of",
    "every",
    "killed",
    "on",
    "own_repository",
    "pipeline",
    "power_back",
    "rewritten",
    "signalled",
    "then",
]


def on(host: str, script: str, *, check: bool = True) -> Act:
    """A shell script in a host, as root."""

    def act(scene: Scene) -> None:
        scene.guests.run(host, script, check=check)

    return act


def all_of(*acts: Act) -> Act:
    """Several, one after the other."""

    def act(scene: Scene) -> None:
        for one in acts:
            one(scene)

    return act


def then(seconds: float, *acts: Act) -> Act:
    """Wait, then act."""

    def act(scene: Scene) -> None:
        time.sleep(seconds)
        all_of(*acts)(scene)

    return act


def every(seconds: float, times: int, one: Act) -> Act:
    """The same again and again, as long as the command runs, at most `times`."""

    def act(scene: Scene) -> None:
        for _ in range(times):
            if scene.child.poll() is not None:
                return
            one(scene)
            time.sleep(seconds)

    return act


def killed(*hosts: str) -> Act:
    """The hosts lose their power."""

    def act(scene: Scene) -> None:
        for host in hosts:
            scene.guests.kill(host)

    return act


def power_back(scene: Scene) -> None:
    """All hosts run again."""
    scene.guests.start()


def signalled(number: int, *, times: int = 1) -> Act:
    """The command gets a signal; a second one half a second after the first."""

    def act(scene: Scene) -> None:
        scene.child.send_signal(number)
        for _ in range(times - 1):
            time.sleep(0.5)
            if scene.child.poll() is None:
                scene.child.send_signal(number)

    return act


def pipeline(*arguments: str) -> Act:
    """Type another command of `pipeline`, once the first has ended; it ends well."""

    def act(scene: Scene) -> None:
        scene.child.wait(60)
        other = scene.start([sys.executable, "-m", "pipeline", *arguments])
        assert other.wait(60) == 0, (scene.directory / "err2").read_text()

    return act


def own_repository(scene: Scene) -> None:
    """The run gets a copy of the repository, with which anything may be done."""
    scene.repository = Path(shutil.copytree(scene.repository, scene.directory / "repository"))


def rewritten(file: str, old: str, new: str) -> Act:
    """The run gets a copy of the repository with one commit more, in which `new` stands for `old`."""

    def act(scene: Scene) -> None:
        own_repository(scene)
        path = scene.repository / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new))
        git(scene.repository, "commit", "-q", "-a", "-m", "A fault")
        git(scene.repository, "branch", "-q", "fault")
        git(scene.repository, "reset", "-q", "--hard", "HEAD~1")

    return act
