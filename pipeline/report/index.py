"""An index of runs as one HTML page, the newest first, each with a link to its report."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from urllib.parse import quote

from pipeline.base.text import clean, plural
from pipeline.report.facts import when
from pipeline.report.template import rendered
from pipeline.report.text import capital
from pipeline.runs.history import PastRun

__all__ = ["index"]


def index(runs: Sequence[PastRun], page: Path) -> str:
    """The page that is to lie at `page`: links are relative to it, so that the runs can be moved with it."""
    rows = [_row(one, page) for one in runs]
    services = {row["service"] for row in rows}
    return rendered(
        "index.html.j2",
        rows=rows,
        said=plural(len(rows), "run"),
        with_service=len(services) > 1,
        where=clean(page.parent.resolve().name),
    )


def _row(one: PastRun, page: Path) -> dict[str, str]:
    record, report = one.run.record, one.run.path / "report.html"
    score = one.verdict.score if one.verdict else None
    return {
        "when": when(clean(record.created)),
        "outcome": one.verdict.outcome.value if one.verdict else "",
        "word": one.outcome,
        "score": "" if score is None else f"{score:.0f}",
        "baseline": clean(record.baseline.ref) or clean(record.baseline.sha, 10) or "?",
        "canary": clean(record.canary.ref) or clean(record.canary.sha, 10) or "?",
        "commits": " ".join(clean(version.sha, 200)[:10] for version in (record.baseline, record.canary)),
        "service": clean(record.profile_name),
        "said": capital(clean(one.said, 400)),
        "promoted": "promoted" if record.promoted else "",
        # as_posix and quote: a directory's name may have any character
        "link": quote(Path(relpath(report, page.parent)).as_posix()) if report.is_file() else "",
    }
