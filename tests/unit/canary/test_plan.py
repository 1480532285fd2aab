"""What is refused before anything boots."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import UsageError
from pipeline.canary.plan import Settings, make_plan
from tests.support.steps_profile import WITH_STEPS


def test_steps_are_refused_where_the_proxy_deals_each_request_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "s3cret-word")
    profile = tmp_path / "x.yml"
    profile.write_text(WITH_STEPS)
    settings = Settings("a", "b", profile=str(profile), repo=str(tmp_path), schedule="concurrent")
    with pytest.raises(UsageError, match="has steps, and --schedule concurrent deals each request") as caught:
        make_plan(settings, Progress(quiet=True))
    assert "--schedule interleaved" in str(caught.value.hint)
