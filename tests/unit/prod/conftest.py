"""An AWS account of its own for each test: a real API server (moto) over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.aws_server import World, empty_account


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty account, and `tmp_path` as the home directory of who uses it."""
    return empty_account(monkeypatch, tmp_path)
