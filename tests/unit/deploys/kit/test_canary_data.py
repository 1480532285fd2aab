"""What deploys/canary.py says where plain pyinfra was given too little. What it does with enough: tests/lab."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.places import ROOT


def said(directory: Path, group: str, *data: str) -> str:
    """The output of a run that is refused before anything is looked at, on this machine as a host of `group`."""
    inventory = directory / "hosts.py"
    inventory.write_text(f"{group} = ['@local']\n")
    given = [word for one in data for word in ("--data", one)]
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "--dry", str(inventory), "deploys/canary.py", *given],
        cwd=ROOT, env={"HOME": str(directory), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("group", "data", "expected"),
    [
        ("blue", [], "no data 'repo'; give --data repo=URL|PATH --data baseline=REF --data canary=REF"),
        ("green", ["repo=.", "baseline=HEAD"], "no data 'canary'; give --data repo=URL|PATH"),
        ("blue", ["profile=no-such"], "profile 'no-such' cannot be read: "),
        ("blue", ["profile=./hosts.py"], "profile './hosts.py' cannot be read: "),
        ("proxy", [], "the inventory needs one host in group 'blue'"),
    ],
)
def test_what_is_missing_is_told_with_what_to_give(
    tmp_path: Path, group: str, data: list[str], expected: str
) -> None:
    assert expected in said(tmp_path, group, *data)


def test_a_variable_of_the_profile_that_is_not_set_is_named(tmp_path: Path, samples: Path) -> None:
    profile = tmp_path / "profile.yml"
    profile.write_text("start: [node, index.js]\nport: 3000\nenvironment: {TOKEN: '${NO_SUCH_TOKEN}'}\n")
    told = said(tmp_path, "blue", f"profile={profile}", f"repo={samples}", "baseline=master")
    assert "the profile needs ${NO_SUCH_TOKEN}, which is not set" in told
