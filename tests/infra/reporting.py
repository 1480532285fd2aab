"""`--pipeline-report FILE`: one JSON object a check, with its docstring's first line as its title."""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Reporter", "title_of"]


def title_of(item: pytest.Item) -> str:
    """The first line of the check's docstring (else its name), and which case of it this is."""
    text = inspect.getdoc(getattr(item, "function", None)) or item.name
    callspec = getattr(item, "callspec", None)
    cases = [str(value) for name, value in callspec.params.items() if name[0] != "_"] if callspec else []
    return ": ".join([text.splitlines()[0].rstrip("."), *cases])


def reason_of(report: pytest.TestReport) -> str:
    """Why, in one line; for a check that passed, what it noted with `record_property("note", ...)`."""
    if report.passed:
        return "; ".join(str(value) for name, value in report.user_properties if name == "note")
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(getattr(crash, "message", None) or report.longrepr)
    lines = text.strip().splitlines()
    return lines[0].removeprefix("AssertionError: ").removeprefix("Failed: ") if lines else ""


class Reporter:
    """Appends a line as each check ends, so that a run that is broken off leaves what it found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        report = yield
        # A check counts once: when it was called, or when what it needs could not be had.
        if report.when == "call" or not report.passed:
            callspec = getattr(item, "callspec", None)
            machine = callspec.params.get("_testinfra_host") if callspec else None
            line = {
                "host": str(machine.backend.host.name) if machine else "",
                "title": title_of(item),
                "outcome": report.outcome,
                "reason": reason_of(report),
            }
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return report
