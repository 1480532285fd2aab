"""A second checkout has a lab of its own, beside the first, and without --keep nothing of it stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.lab import lxc
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY, PRODUCTION
from tests.support.lab import PROVIDER, another_checkout

HERE = (CANARY.prefix(ROOT), PRODUCTION.prefix(ROOT))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout, at another path."""
    if Lab(ROOT, PROVIDER, lambda _: None, CANARY).provider != "lxc":
        pytest.skip("what is left behind is looked for as lxc containers")
    return another_checkout(tmp_path / "checkout")


def start(checkout: Path, canary: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "canary", "master", canary, "--repo", "sample"],
        cwd=checkout, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def left_behind(checkout: Path) -> list[str]:
    processes = subprocess.run(
        ["pgrep", "-af", str(checkout)], capture_output=True, text=True, check=False
    ).stdout
    return [*lxc.containers(CANARY.prefix(checkout)), *processes.splitlines()]


def here() -> set[str]:
    """The hosts of this checkout."""
    return {name for prefix in HERE for name in lxc.containers(prefix)}


def test_a_run_in_another_checkout_uses_its_own_hosts_and_removes_them(checkout: Path) -> None:
    before = here()  # those of the tests that run beside this one
    child = start(checkout, "nostart")
    out, err = child.communicate(timeout=300)
    assert child.returncode == Exit.FAILED, err + out
    assert left_behind(checkout) == []
    assert before <= here()


@pytest.mark.parametrize("line", ["booting", "deploying", "load:"])
def test_ctrl_c_in_any_step_leaves_nothing_behind(line: str, checkout: Path) -> None:
    child = start(checkout, "broken")
    assert child.stderr is not None
    while line not in (said := child.stderr.readline()):
        assert said, "the run ended before it came to that step"
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == Exit.INTERRUPTED, err
    assert "Traceback" not in err
    assert left_behind(checkout) == []
