"""What the tests on real hosts share: tests/lab and tests/faults boot the canary's hosts once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY
from pipeline.source.sample import make_sample_repository


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The canary's hosts."""
    from tests.support.lab import lab_up  # testinfra, which no unit test waits for

    yield from lab_up(CANARY)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample as a git repository: a branch for each fault."""
    return make_sample_repository(tmp_path_factory.mktemp("sample") / "preview")
