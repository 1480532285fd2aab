"""What is known of a release before it travels."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.kit.releases import unpacked_size


def test_a_damaged_archive_is_told_before_it_is_sent(tmp_path: Path) -> None:
    good, cut = tmp_path / "good.gz", tmp_path / "cut.gz"
    good.write_bytes(gzip.compress(b"x" * 5_000_000))
    cut.write_bytes(good.read_bytes()[:1000])
    assert unpacked_size(good) == 5_000_000
    with pytest.raises(DeployError, match=r"cut\.gz"):
        unpacked_size(cut)
