"""The monitor's page: its password and its files."""

from __future__ import annotations

import tarfile
from pathlib import Path

import bcrypt
import pytest
from pyinfra.api.exceptions import DeployError

from deploys.watch import monitor_page


def test_the_password_is_kept_as_bcrypt_alike_each_time_and_on_no_two_hosts_alike() -> None:
    line = monitor_page.htpasswd("hunter2", "monitor")
    user, _, kept = line.strip().partition(":")
    assert user == "pipeline"
    assert bcrypt.checkpw(b"hunter2", kept.encode())
    assert line == monitor_page.htpasswd("hunter2", "monitor") != monitor_page.htpasswd("hunter2", "other")
    with pytest.raises(DeployError, match="72 bytes"):
        monitor_page.htpasswd("x" * 73, "monitor")


def test_the_page_is_packed_alike_each_time_and_without_anything_of_this_machine(tmp_path: Path) -> None:
    source = tmp_path / "dashboard"
    (source / "site").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "site/index.html"):
        (source / name).write_text("{}")
    made = {"site/made.json": "{}"}
    first, digest = monitor_page.dashboard_archive(source, made, tmp_path / "cache")
    (source / "site" / "index.html").touch()
    assert monitor_page.dashboard_archive(source, made, tmp_path / "cache") == (first, digest)
    (source / "site" / "index.html").write_text("<p>new</p>")
    assert monitor_page.dashboard_archive(source, made, tmp_path / "cache")[1] != digest
    made = {"site/made.json": "[]"}
    assert monitor_page.dashboard_archive(source, made, tmp_path / "cache")[1] != digest
    with tarfile.open(first) as archive:
        assert [entry.name for entry in archive if entry.isfile()] == [
            "package.json",
            "package-lock.json",
            "site/index.html",
            "site/made.json",
        ]
