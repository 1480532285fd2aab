"""Where a run's results go: the files that were asked for, what is printed, and what is served."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from loadgen.foreign import K6Csv, VegetaJson
from loadgen.output import JsonLines, Terminal
from loadgen.output_options import OutputOptions
from loadgen.plan import Plan
from loadgen.record import Recorder
from loadgen.records import Record, Records

if TYPE_CHECKING:
    from loadgen.page import Page

__all__ = ["Results"]


class Results:
    """All outputs of one run. `close` it; `write` what is written at the end.

    Attributes:
        record: Gets each result.
        keeps: Whether that does anything with it.
        beside: To be entered while the run goes on.

    Raises:
        click.UsageError: A file cannot be opened.
    """

    record: Record

    def __init__(self, output: OutputOptions, plan: Plan) -> None:
        self._told: list[Callable[[dict[str, Any]], None]] = [
            JsonLines(sys.stdout) if output.events else Terminal.of_this_process(quiet=output.quiet)
        ]
        self._files = output.files
        self.beside: AbstractAsyncContextManager[None] = nullcontext()
        records: list[Record] = []
        with ExitStack() as opened:
            try:
                if output.requests_out or output.hist_out:
                    records.append(Recorder(output.requests_out, output.hist_out))
                for path, foreign in ((output.k6_out, K6Csv), (output.vegeta_out, VegetaJson)):
                    if path is not None:
                        records.append(foreign(path, plan))
                self._json = _opened(opened, output.json_out)
                self._html = _opened(opened, output.html_out)
            except OSError as problem:
                raise click.UsageError(f"{problem.filename}: {problem.strerror}") from None
            finally:
                for record in records:
                    opened.callback(record.close)
            self._opened = opened.pop_all()
        self._page: Page | None = None
        if self._html is not None:
            from loadgen.page import Page  # its templates, and below a server, are not needed without

            self._page = Page(plan)
            self._told.append(self._page)
        if output.prometheus is not None:
            from loadgen.exporter import Exporter

            try:
                exporter = Exporter(*output.prometheus)
            except OSError as problem:
                self.close()
                raise click.BadParameter(
                    f"nobody can listen there: {problem.strerror}", param_hint="'--prometheus'"
                ) from None
            self._opened.callback(exporter.close)
            records.append(exporter)
            self._told.append(exporter)
            self.beside = exporter.serving()
        self.keeps = bool(records)
        self.record = records[0] if len(records) == 1 else Records(records)

    def listener(self, event: dict[str, Any]) -> None:
        """Gets the events of the run."""
        for told in self._told:
            told(event)

    @property
    def where(self) -> str:
        """The files: what a write raises, as on a full disk, does not say which it was."""
        return " and ".join(map(str, self._files)) or "the results"

    def write(self, summary: dict[str, Any]) -> None:
        """What is written once. Raises OSError."""
        if self._json is not None:
            self._json.write(json.dumps(summary, indent=2) + "\n")
        if self._html is not None and self._page is not None:
            self._html.write(self._page.text(summary))

    def close(self) -> None:
        """Raises OSError where the end of a file cannot be written."""
        self._opened.close()


def _opened(stack: ExitStack, path: Path | None) -> TextIO | None:
    return None if path is None else stack.enter_context(path.open("w", encoding="utf-8"))
