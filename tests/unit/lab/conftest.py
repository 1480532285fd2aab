"""A machine without hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.lab import lxc


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: no containers, no leases."""
    monkeypatch.setattr(lxc, "CONTAINERS", tmp_path / "lxc")
    monkeypatch.setattr(lxc, "LEASES", tmp_path / "leases")
    monkeypatch.setattr(lxc, "SHARED", tmp_path / "run")
    (tmp_path / "lxc").mkdir()
    return tmp_path
