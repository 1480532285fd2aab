"""A backtest's directory: what was asked, the series, and each result as it comes, so that it can go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.backtest.harms import HARMS, NONE
from pipeline.backtest.plan import Plan, Task
from pipeline.backtest.trial import Trial
from pipeline.base.errors import EnvironmentError_, RunDirectoryError, UsageError
from pipeline.base.files import write_whole
from pipeline.base.text import reason_of

__all__ = ["State"]

_FORMAT: Final = 1


class State:
    """The directory `path`, written to once there is a plan.

    `asked` is what the results depend on: another command line or configuration is another backtest.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.path = path
        self._results = path / "results.jsonl"
        self._asked = json.loads(json.dumps(asked))  # as it is read back: a tuple is a list there
        self._began = path / "backtest.json"
        self.again = self._began.exists()
        try:
            if not self.again:
                if path.exists() and any(path.iterdir()):
                    raise UsageError(f"{path}: is not empty, and no backtest", hint="--out DIRECTORY")
                return
            known = json.loads(self._began.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise EnvironmentError_(f"{path}: cannot be used: {reason_of(error)}") from None
        before = known.get("asked") if isinstance(known, dict) else None
        if before != self._asked:
            before = before if isinstance(before, dict) else {}
            changed = [name for name in self._asked if before.get(name) != self._asked[name]]
            raise UsageError(
                f"{path}: holds a backtest with another {' and '.join(changed) or 'question'}",
                hint="--out ANOTHER, or remove it",
            )

    @property
    def series(self) -> Mapping[str, Path]:
        """Where the series of each side are kept."""
        return {arm: self.path / f"{arm}.csv" for arm in ("baseline", "canary")}

    def plan(self, make: Callable[[], Plan], keep: Callable[[Path], None]) -> Plan:
        """The plan of an earlier call, else what `make` gives: how much fits into a budget is measured, and differs.

        `keep` is called with the directory when it begins, to keep the series there.
        """
        path = self.path / "plan.json"
        harms = {harm.name: harm for harm in (NONE, *HARMS)}
        try:
            if self.again and path.exists():
                data = json.loads(path.read_text("utf-8"))
                tasks = tuple(Task(begin, seconds, harms[name]) for begin, seconds, name in data["tasks"])
                return Plan(tasks, float(data["cost"]), tuple(data["said"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunDirectoryError(
                f"{path}: no plan: {reason_of(error)}", hint=f"remove {self.path}"
            ) from None
        plan = make()
        planned = {"said": plan.said, "cost": plan.cost, "tasks": [task.key for task in plan.tasks]}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            keep(self.path)
            write_whole(path, json.dumps(planned))
            write_whole(self._began, json.dumps({"format": _FORMAT, "asked": self._asked}, indent=1) + "\n")
        except OSError as error:
            raise EnvironmentError_(f"{self.path}: cannot be used: {reason_of(error)}") from None
        self.again = True
        return plan

    def results(self) -> list[Trial]:
        """Those so far; one that was cut off while being written is made again. Raises RunDirectoryError."""
        if not self._results.exists():
            return []
        text = self._results.read_text("utf-8")
        lines = text.split("\n")
        if lines[-1]:
            write_whole(self._results, text[: -len(lines[-1])])
        found = []
        for number, line in enumerate(lines[:-1], 1):
            try:
                found.append(Trial.from_dict(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise RunDirectoryError(
                    f"{self._results}:{number}: no result: {reason_of(error)}", hint=f"remove {self.path}"
                ) from None
        return found

    def add(self, trial: Trial) -> None:
        """Keeps one result."""
        data = {name: getattr(trial, name) for name in Trial.__slots__}
        try:
            with self._results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(data) + "\n")
        except OSError as error:
            raise EnvironmentError_(f"{self._results}: {reason_of(error)}") from None
