"""Every test of this room that sends something runs once with each engine."""

from __future__ import annotations

import pytest

from tests.support.loadgen_engines import VARIABLE


@pytest.fixture(params=["httptools", "aiohttp"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine of `engine_under_test`, and of the loader in a child process."""
    name = str(request.param)
    monkeypatch.setenv(VARIABLE, name)
    return name
