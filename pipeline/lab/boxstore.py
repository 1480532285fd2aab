"""Vagrant's own store of boxes: where it is, what goes in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.base.lock import waiting_lock
from pipeline.lab.children import run

__all__ = ["add_box", "box_directory", "one_build_at_a_time", "vagrant_home"]


def vagrant_home() -> Path:
    """Where Vagrant keeps its boxes."""
    return Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d").expanduser()


def box_directory(name: str, provider: str = "lxc") -> Path:
    """Where Vagrant unpacks the box `name` of `provider`."""
    return vagrant_home() / "boxes" / name.replace("/", "-VAGRANTSLASH-") / "0" / provider


def add_box(folder: Path, parts: Sequence[str], name: str, provider: str, log: Path) -> None:
    """Give a new box to Vagrant.

    Args:
        folder: Where its files are; they are gone afterwards.
        parts: The names of its files.
        name: The name of the box.
        provider: The provider that it is for.
        log: All output is appended here.

    Raises:
        LabError: It cannot be packed or added.
    """
    run(["tar", "-cf", "lab.box", *parts], log=log, cwd=folder)
    for part in parts:
        (folder / part).unlink()  # the disk holds a box once less while Vagrant unpacks it
    run(
        ["vagrant", "box", "add", "--force", "--provider", provider, "--name", name, "lab.box"],
        log=log,
        cwd=folder,
        env={**os.environ, "VAGRANT_HOME": str(vagrant_home()), "VAGRANT_CWD": str(folder)},
    )


@contextlib.contextmanager
def one_build_at_a_time(say: Callable[[str], None]) -> Iterator[None]:
    """Waits until no other process on this machine builds a box."""
    vagrant_home().mkdir(parents=True, exist_ok=True)
    lock = vagrant_home() / "pipeline-box.lock"
    with waiting_lock(lock, lambda: say("waiting for another build of the base box")):
        yield
