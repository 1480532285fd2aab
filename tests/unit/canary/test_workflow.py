"""What a run says of its hosts. Real ones: tests/lab, tests/faults."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.base.console import Progress
from pipeline.base.errors import LabError
from pipeline.canary import workflow
from pipeline.canary.plan import Plan, Settings
from pipeline.canary.profile_file import load_profile
from pipeline.source.repository import Commit

COMMIT = Commit("master", "c" * 40, "One", "2026-11-30")


@pytest.mark.parametrize("keep", [False, True])
def test_where_no_provider_works_no_lab_is_said_to_stay_or_to_go(
    keep: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "workplace", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    progress, told = Progress(), io.StringIO()
    progress.console = Console(file=told)
    source: Any = None  # nothing is deployed here
    settings = Settings("master", "master", provider="virtualbox", keep=keep)
    plan = Plan(settings, load_profile("preview"), source, COMMIT, COMMIT, None)
    with pytest.raises(LabError, match="no Vagrant provider"), workflow.hosts_of(plan, progress):
        pass
    assert told.getvalue() == ""
