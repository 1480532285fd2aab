"""What a host does with the loader's archive: the directory it becomes, and which older ones stay."""

from __future__ import annotations

import os
import subprocess
import tarfile
import time
from pathlib import Path

from deploys.kit.scripts import script


def unpack(directory: Path) -> None:
    """What the deploy does on the host, with an archive that holds one file."""
    packed = directory.with_name(f"{directory.name}.tar.gz")
    (directory.parent.parent / "cli.py").write_text("main = print\n")
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(directory.parent.parent / "cli.py", "./cli.py")
    text = script("loader_unpack", directory=directory, packed=packed)
    done = subprocess.run(["sh", "-s"], input=text[:], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_archive_becomes_the_directory_and_its_two_newest_elders_stay(tmp_path: Path) -> None:
    below = tmp_path / "releases"
    for age, name in ((1, "yesterdays"), (30, "oldest"), (2, "older"), (20, "old")):
        (below / name).mkdir(parents=True)
        (below / name / "cli.py").touch()
        then = time.time() - age * 86400
        os.utime(below / name, (then, then))
    unpack(below / "newest")
    assert {path.name for path in below.iterdir()} == {"newest", "yesterdays", "older"}
    assert [path.name for path in (below / "newest").iterdir()] == ["cli.py"]


def test_who_comes_second_leaves_the_directory_of_the_first(tmp_path: Path) -> None:
    below = tmp_path / "releases"
    (below / "newest").mkdir(parents=True)
    (below / "newest" / "cli.py").write_text("the first's\n")
    unpack(below / "newest")
    assert (below / "newest" / "cli.py").read_text() == "the first's\n"
    assert {path.name for path in below.iterdir()} == {"newest"}
