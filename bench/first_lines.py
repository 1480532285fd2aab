"""A student's test of what shows a verdict: for each fault of the sample, do the first three lines name the cause?

    python -m bench.first_lines --runs DIR [--make] [--write docs/report.md] [FAULT ...]

Takes the newest run of master against each fault from DIR; --make runs what is missing there, on the real lab, which
stays up. Prints a Markdown table of the first three lines of terminal and page; --write puts it into a page, between
its two comments. Exit code 1 where a fault has no run, or the lines do not name its cause.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from pipeline.report import html, terminal
from pipeline.report.log import log_of
from pipeline.runs.directory import Run
from pipeline.runs.history import past_runs
from pipeline.source.sample import faults

BEGIN, END = "<!-- first lines: made by bench/first_lines.py -->", "<!-- end of first lines -->"
LINES: Final = 3
WIDTH: Final = 100
# What must be among the first lines: the reason itself where the service logs it, else what it does.
CAUSE: Final = {
    "broken": r"replace is not a function",
    "crash": r"restart|exit|ended by itself|process",
    "flaky": r"requests fail|errors",
    "hog": r"CPU",
    "leak": r"memory",
    "nostart": r"start",
    "slow": r"CPU|latency",
    "tail": r"99th|latency",
    "wrong": r"wrong bod|empty|bodies",
}


class _Header(HTMLParser):
    """The lines of a page's header: its paragraphs and list items, in order; the score is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._inside = False
        self._left_out = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside = self._inside or (tag == "header" and "verdict" in str(given.get("class")))
        if self._inside and tag in ("h1", "p", "li"):
            self._left_out = given.get("class") == "score"
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "header"

    def handle_data(self, data: str) -> None:
        if self._inside and self.lines and not self._left_out:
            self.lines[-1] += data


def first_of_page(page: str) -> list[str]:
    """What a page says first, a line for each of its blocks."""
    header = _Header()
    header.feed(page)
    lines = (re.sub(r"\s+", " ", line).strip() for line in header.lines)
    return [line for line in lines if line][:LINES]


def first_lines(run: Run) -> tuple[list[str], list[str]]:
    """The first lines of the terminal and of the page."""
    log = log_of(run.path, run.verdict)
    text = terminal.render(run.verdict, run.record, width=WIDTH, color=False, log=log)
    page = html.render(run.verdict, run.record, run.evidence, "", log)
    above_the_table = text.partition("\n\n")[0]
    return [line.strip() for line in above_the_table.splitlines()][:LINES], first_of_page(page)


def newest(runs: Path, fault: str) -> Run | None:
    """The newest run with a verdict of master against a fault of the sample."""
    if not runs.is_dir():
        return None
    found = (one.run for one in past_runs(runs) if one.verdict is not None)
    return next((run for run in found if run.record.sample and run.record.canary.ref == fault), None)


def make(runs: Path, fault: str, options: argparse.Namespace) -> None:
    """A run of a fault on the real lab."""
    command = [sys.executable, "-m", "pipeline", "canary", "master", fault, "--repo", "sample", "--keep"]
    command += ["--schedule", "concurrent", "--rate", options.rate, "--duration", options.duration]
    command += ["--no-monitor", "--runs", str(runs)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    print(f"{fault}: exit {done.returncode}", file=sys.stderr)


def rows(runs: Path, names: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """A line of the table for each fault, and whether both name the cause."""
    for fault in names:
        run = newest(runs, fault)
        if run is None:
            yield f"| {fault} | no run | |", False
            continue
        both = first_lines(run)
        cells = ["<br>".join(line.replace("|", "\\|") for line in lines) for lines in both]
        named = all(re.search(CAUSE[fault], " ".join(lines), re.IGNORECASE) for lines in both)
        yield f"| {fault}: {faults()[fault]} | {cells[0]} | {cells[1]} |", named


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--make", action="store_true")
    parser.add_argument("--rate", default="40")
    parser.add_argument("--duration", default="2m")
    parser.add_argument("--write", type=Path)
    parser.add_argument("names", nargs="*", default=list(faults()))
    options = parser.parse_args()
    if options.make:
        for fault in options.names:
            if newest(options.runs, fault) is None:
                make(options.runs, fault, options)
    found = list(rows(options.runs, options.names))
    head = ["| fault | the terminal's first lines | the page's |", "|---|---|---|"]
    text = "\n".join([*head, *(line for line, _ in found)])
    print(text)
    if options.write is not None:
        page = options.write.read_text("utf-8")
        before, _, rest = page.partition(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")
    for fault in (name for name, (_, named) in zip(options.names, found, strict=True) if not named):
        print(f"{fault}: the cause is not named", file=sys.stderr)
    return 0 if all(named for _, named in found) else 1


if __name__ == "__main__":
    sys.exit(main())
