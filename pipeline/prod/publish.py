"""The page of a run as the monitor serves it to everybody who knows its password: docs/report.md, Published."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from pipeline.judge.verdict import Verdict
from pipeline.runs.directory import Run

__all__ = ["Page", "page_of"]


@dataclass(frozen=True, slots=True)
class Page:
    """One HTML file and its name on the monitor: letters, digits, `.`, `_` and `-` only, the first no dot."""

    name: str
    text: str

    @property
    def path(self) -> str:
        """Where the monitor's web server has it."""
        return f"/reports/{self.name}"


def page_of(run: Run, verdict: Verdict) -> Page:
    """The page of `run`, always of the same name. It does not say where the run lies on this machine.

    Raises RunDirectoryError where the samples cannot be read.
    """
    from pipeline.report import html  # numpy and jinja2 stay out of commands that publish nothing
    from pipeline.report.log import log_of

    directory = run.path.resolve().name
    log = log_of(run.path, verdict)
    text = html.render(verdict, run.record, run.evidence, directory, log, beside_logs=False)
    return Page(_name(run, directory), text)


def _name(run: Run, directory: str) -> str:
    """The directory's name, as far as it is plain, and a few digits: two machines may have runs of the same name."""
    record = run.record
    what = [record.created, record.repo, record.baseline.sha, record.canary.sha, directory]
    digits = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", directory).strip(".-")[:80]
    return f"{plain or 'run'}-{digits}.html"
