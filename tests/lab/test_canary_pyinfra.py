"""deploys/canary.py by plain pyinfra, as inventories/canary-example.ini promises: a repository and two refs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from pipeline.base.facts import PROXY_PORT
from pipeline.base.places import ROOT
from pipeline.inventory.file import write_inventory
from pipeline.lab.lab import Lab
from pipeline.remote.ask import ask

SECONDS = 300
READ = "sudo readlink /srv/canary/current"


def pyinfra(file: Path, home: Path, *data: str) -> subprocess.CompletedProcess[str]:
    given = [word for one in data for word in ("--data", one)]
    return subprocess.run(
        [sys.executable, "-m", "pyinfra", "-y", str(file), "deploys/canary.py", *given],
        cwd=ROOT, env={"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


@pytest.fixture
def file(lab: Lab, tmp_path: Path) -> Path:
    """The lab's hosts as an inventory that plain pyinfra reads; they know no more than how SSH reaches them."""
    path = tmp_path / "hosts.ini"
    write_inventory(lab.inventory(), path)
    return path


def test_a_repository_and_two_refs_are_enough(file: Path, lab: Lab, samples: Path, tmp_path: Path) -> None:
    data = (f"repo={samples}", "baseline=master", "canary=slow")
    done = pyinfra(file, tmp_path, *data)
    assert done.returncode == 0, done.stderr[-3000:]
    url = f"http://{lab.inventory().one('proxy').private_address}:{PROXY_PORT}/preview"
    answer = requests.post(url, json={"markdown": "# hello"}, timeout=10)
    assert (answer.status_code, answer.headers["X-Served-By"]) == (200, "blue")
    for colour, ref in (("blue", "master"), ("green", "slow")):
        said = subprocess.run(
            ["git", "-C", str(samples), "rev-parse", ref], capture_output=True, text=True, check=True
        )
        there = ask(lab.inventory().one(colour), READ, known_hosts=lab.known_hosts, seconds=30)
        assert there.stdout.rpartition("/")[2] == said.stdout
    again = pyinfra(file, tmp_path, *data)
    assert again.returncode == 0, again.stderr[-3000:]
    assert re.search(r"Grand total\s+\d+\s+-\s+-\s+\d+", again.stderr + again.stdout), "nothing was changed"


def test_what_is_missing_is_one_line_with_what_to_give(file: Path, tmp_path: Path) -> None:
    done = pyinfra(file, tmp_path, "repo=/nowhere", "baseline=master")
    assert done.returncode != 0
    assert "no data 'canary'; give --data repo=URL|PATH --data baseline=REF" in done.stderr + done.stdout
