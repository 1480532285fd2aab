"""The files that a command writes a verdict into, beside what it prints."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.base.files import write_whole
from pipeline.base.text import reason_of
from pipeline.judge.evidence import Evidence
from pipeline.judge.verdict import Verdict
from pipeline.report import jsonout
from pipeline.report.junit import junit
from pipeline.report.summary import LARGEST, summary
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record
from pipeline.series.asked import Questions

__all__ = ["Outputs", "Told"]

_OPTIONS: Final = {"junit": "--junit", "summary": "--summary", "html": "--html", "json_file": "--json-file"}


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """All that is told of one verdict.

    `record` names both versions; that of series has little else. `evidence` is what the page's charts are drawn from,
    `directory` where the run lies (empty: nowhere), `log` what only the canary logged, `questions` where series came
    from.
    """

    verdict: Verdict
    record: Record
    evidence: Evidence
    directory: str = ""
    log: Sequence[LogLine] = ()
    questions: Questions = field(default_factory=Questions)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a verdict goes. None: nowhere. `annotate`: whoever prints it adds GitHub's annotations.

    Call `prepare` before the verdict is worked for, and `write` once it is there.
    """

    junit: Path | None = None
    summary: Path | None = None
    html: Path | None = None
    json_file: Path | None = None
    annotate: bool = False

    @property
    def any(self) -> bool:
        """Whether any file is to be written."""
        return any(True for _ in self._files())

    def prepare(self) -> None:
        """Refuse what cannot be written, and remove the files of an earlier verdict: they are not this one's.

        Raises UsageError.
        """
        taken: dict[Path, str] = {}
        for name, path in self._files():
            option = _OPTIONS[name]
            if path.is_dir() or not path.parent.is_dir():
                why = "a directory" if path.is_dir() else f"no such directory: {path.parent}"
                raise UsageError(f"{option} {path}: {why}", hint="give a file in a directory that is there")
            if (other := taken.setdefault(path.resolve(), option)) != option:
                raise UsageError(f"{other} and {option} name the same file: {path}")
        for name, path in self._files():
            try:
                if path.is_file() and not _is_step_summary(path):
                    path.unlink()
            except OSError as error:
                raise UsageError(f"{_OPTIONS[name]} {path}: cannot be written: {reason_of(error)}") from None

    def write(self, told: Told) -> None:
        """Every file whole. Raises EnvironmentError_ for those that could not be written."""
        makers: dict[str, Callable[[], str]] = {
            "junit": lambda: junit(told.verdict, told.record),
            "summary": lambda: summary(
                told.verdict, told.record, told.log, largest=LARGEST - _taken(self.summary)
            ),
            "html": lambda: _page(told),
            "json_file": lambda: jsonout.render(told.verdict, told.record, told.directory, told.log) + "\n",
        }
        problems = []
        for name, path in self._files():
            try:
                _write(path, makers[name]())
            except OSError as error:
                problems.append(f"{_OPTIONS[name]} {path}: cannot be written: {reason_of(error)}")
        if problems:
            raise EnvironmentError_("\n".join(problems))

    def _files(self) -> Iterator[tuple[str, Path]]:
        for name in _OPTIONS:
            path: Path | None = getattr(self, name)
            if path is not None:
                yield name, path


def _page(told: Told) -> str:
    from pipeline.report import html  # jinja2 stays out of commands that write no page

    return html.render(
        told.verdict,
        told.record,
        told.evidence,
        told.directory,
        told.log,
        questions=told.questions,
        beside_logs=False,
    )


def _write(path: Path, text: str) -> None:
    if _is_step_summary(path) or (path.exists() and not path.is_file()):  # or a pipe, /dev/stderr
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    else:
        write_whole(path, text)


def _is_step_summary(path: Path) -> bool:
    """Whether this is the file of a GitHub step's summary, to which every command of the step adds."""
    given = os.environ.get("GITHUB_STEP_SUMMARY")
    return given is not None and path == Path(given)


def _taken(path: Path | None) -> int:
    """How many bytes of a step's summary are there already."""
    return path.stat().st_size if path is not None and _is_step_summary(path) and path.is_file() else 0
