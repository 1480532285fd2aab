"""The loader as an archive for a host: for which hosts, when it is another one, and where pip cannot get it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from deploys.software import loader_archive
from deploys.software.loader_archive import (
    ASKED,
    LoaderError,
    Platform,
    packed_loader,
    platform_of,
    release_of,
)

HERE = Platform(11, "x86_64", 36, "/home/admin")


@pytest.fixture
def loader(tmp_path: Path) -> Path:
    folder = tmp_path / "loadgen"
    (folder / "templates").mkdir(parents=True)
    (folder / "cli.py").write_text("main = print\n")
    (folder / "templates" / "page.j2").write_text("a page\n")
    return folder


def test_what_this_machines_python_says_is_understood() -> None:
    said = subprocess.run([sys.executable, "-I", "-c", ASKED], capture_output=True, text=True, check=True)
    found = platform_of(said.stdout)
    assert (found.python, found.home) == (sys.version_info.minor, str(Path.home()))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "has no python3 that says what it is: sudo apt-get install python3"),
        ("3 9 x86_64 glibc 2.31 /root", "has Python 3.9; the loader needs 3.11 or newer"),
        (
            "3 12 aarch64 glibc 2.36 /root",
            "has a processor of aarch64; the loader's packages are there for x86_64",
        ),
        ("3 12 x86_64 - - /root", "has no glibc of 2.17 or newer"),
        ("3 12 x86_64 glibc 2.12 /root", "has no glibc of 2.17 or newer"),
    ],
)
def test_a_host_that_cannot_run_it_is_told_why(said: str, why: str) -> None:
    with pytest.raises(LoaderError) as caught:
        platform_of(said)
    assert str(caught.value).startswith(why)


def test_wheels_are_looked_for_from_the_hosts_own_glibc_down() -> None:
    tags = Platform(11, "x86_64", 19, "/root").tags
    assert tags == [f"manylinux_2_{n}_x86_64" for n in (19, 18, 17)] + ["manylinux2014_x86_64"]


def test_another_loader_or_another_platform_is_another_release_and_caches_are_not(loader: Path) -> None:
    first = release_of(loader, HERE)
    (loader / "__pycache__").mkdir()
    (loader / "__pycache__" / "cli.pyc").write_text("compiled")
    assert release_of(loader, HERE) == release_of(loader, HERE._replace(home="/root")) == first
    others = {release_of(loader, each) for each in (HERE._replace(python=12), HERE._replace(glibc=35))}
    (loader / "templates" / "page.j2").write_text("another page\n")
    assert len({first, release_of(loader, HERE), *others}) == 4


def test_it_is_made_once_with_the_packages_and_the_loader_beside_each_other(
    loader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No index is asked: what is pinned here is nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "none.txt").write_text("# no package\n")
    monkeypatch.setattr(loader_archive, "_PINS", tmp_path / "none.txt")
    packed = packed_loader(loader, HERE)
    with tarfile.open(packed) as archive:
        files = {entry.name: entry for entry in archive if entry.isfile()}
    assert {*files} == {"./loadgen/cli.py", "./loadgen/templates/page.j2"}
    assert {(entry.uid, entry.uname) for entry in files.values()} == {(0, "")}
    made = packed.stat().st_mtime_ns
    assert packed_loader(loader, HERE).stat().st_mtime_ns == made
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def test_packages_that_pip_cannot_get_are_one_line_and_leave_nothing(
    loader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("INDEX_URL", "http://127.0.0.1:9/"), ("RETRIES", "0"), ("FIND_LINKS", "")):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(LoaderError, match=r"^pip cannot get the loader's packages: \S") as caught:
        packed_loader(loader, HERE)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache" / "pipeline" / "loader").iterdir()) == []
