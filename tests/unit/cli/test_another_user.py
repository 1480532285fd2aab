"""A checkout that belongs to another user: each command that would write there says so, in one line."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT

NOBODY = 65534
INVENTORY = "".join(
    f"[{group}]\n{group}1 ansible_host=203.0.113.{n}\n"
    for n, group in enumerate(("itrust", "proxy", "blue", "green"))
)
PARTS = ("pipeline", "deploys", "profiles", "services", "loadgen", "dashboard")


def _python(environment: dict[str, str]) -> str:
    """A Python of this version that nobody may run, too; empty where there is none."""
    code = f"import sys, click; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [candidate, "-c", code], user=NOBODY, group=NOBODY, extra_groups=[], env=environment, cwd="/",
                capture_output=True, check=False,
            )  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    return ""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """`checkout`, which is root's, and `home`, which is nobody's: not below pytest's own folder, which is closed."""
    if os.getuid() != 0:
        pytest.skip("needs root, to be somebody else")
    folder = Path(tempfile.mkdtemp(prefix="pipeline-another-user-"))
    folder.chmod(0o755)
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", "target")
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / "checkout" / part, ignore=ignored)
    for file in ROOT.glob("Vagrantfile*"):
        shutil.copy(file, folder / "checkout")
    (folder / "home").mkdir()
    (folder / "home" / "hosts.ini").write_text(INVENTORY)
    shutil.chown(folder / "home", NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def _run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    packages = os.pathsep.join({sysconfig.get_path("purelib"), *site.getsitepackages()})
    environment = {
        "PATH": os.defpath,
        "HOME": str(place / "home"),
        "PYTHONPATH": packages,
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    python = _python(environment)
    if not python:
        pytest.skip("there is no Python that another user may run")
    return subprocess.run(
        [python, "-m", "pipeline", *arguments],
        user=NOBODY, group=NOBODY, extra_groups=[], env=environment, cwd=place / "checkout",
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["canary", "master", "broken", "--repo", "sample"],
        ["calibrate", "--show"],
        ["lab", "up"],
        ["prod", "up", "--cloud", "vagrant"],
        ["deploy", "iTrust", "-i", "../home/hosts.ini", "--repo", "."],
        ["verify", "iTrust", "-i", "../home/hosts.ini"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_command_that_would_write_there_is_one_line_and_what_to_do(
    place: Path, arguments: list[str]
) -> None:
    (place / "checkout" / ".pipeline").mkdir(mode=0o700, exist_ok=True)
    _refused(place, arguments)


def test_so_is_one_in_a_checkout_where_nothing_was_done_yet(place: Path) -> None:
    shutil.rmtree(place / "checkout" / ".pipeline", ignore_errors=True)
    _refused(place, ["canary", "promote"])


def _refused(place: Path, arguments: list[str]) -> None:
    ended = _run(place, *arguments)
    assert ended.returncode == Exit.ENVIRONMENT, ended.stderr
    said, hint = ended.stderr.splitlines()
    assert (
        said
        == f"pipeline: {place}/checkout belongs to root: hosts, locks and logs of yours cannot be kept there"
    )
    assert hint.startswith("  try: work in a checkout of your own")


def test_doctor_says_it_and_goes_on(place: Path) -> None:
    ended = _run(place, "doctor")
    assert ended.returncode == Exit.ENVIRONMENT
    assert "belongs to root" in ended.stdout
    assert "GB free at" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_runs_that_cannot_be_kept_are_told_with_whose_the_folder_is(place: Path) -> None:
    checkout = place / "checkout"
    shutil.rmtree(checkout / ".pipeline", ignore_errors=True)
    (checkout / "runs").mkdir()
    shutil.chown(checkout, NOBODY, NOBODY)  # the state can be written, the runs are another's
    try:
        ended = _run(place, "canary", "master", "broken", "--repo", "sample", "-i", "../home/hosts.ini")
    finally:
        shutil.chown(checkout, 0, 0)
    assert ended.returncode == Exit.ENVIRONMENT
    said, hint = ended.stderr.splitlines()[-2:]
    assert said.startswith("pipeline: runs/")
    assert said.endswith(": Permission denied")
    assert hint == "  try: see whose it is: ls -ld runs"
