"""The report as one HTML file that opens offline: nothing in it is loaded from anywhere.

Strings are escaped by jinja2; should one slip through all the same, the page's Content-Security-Policy runs
only the scripts whose hashes it names and forbids every request. plotly's JavaScript is embedded once, behind
the tables, so that the page can be read while it is parsed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from plotly.offline import get_plotlyjs

from pipeline.base.text import clean, duration, plural
from pipeline.judge.evidence import Evidence, Problem
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.judge.words import percent
from pipeline.report.advice import advice
from pipeline.report.charts import chart
from pipeline.report.facts import RunFacts, read_facts
from pipeline.report.figures import Figure
from pipeline.report.interval import WIDTH
from pipeline.report.log import TITLE, sentence
from pipeline.report.rows import flatten, group_rows, metric_row, score_rows
from pipeline.report.text import capital, outcome_words
from pipeline.runs.logs import LogLine, log_path
from pipeline.runs.record import Record
from pipeline.series.asked import Questions

__all__ = ["render"]

_TEMPLATES = Path(__file__).parent / "templates"

# What is drawn before all else, and of which decision the metrics are that explain an outcome: the others are folded.
_OVER_TIME = ("error_rate", "latency_p50")
_TELLING = {Outcome.FAILED: Decision.FAIL, Outcome.INCONCLUSIVE: Decision.INCONCLUSIVE}
_URGENCY = (Decision.FAIL, Decision.INCONCLUSIVE, Decision.NODATA, Decision.PASS)
_PROMOTION = {
    None: "",
    True: "Promoted: the proxy sends traffic to the canary.",
    False: "Not promoted: the proxy sends traffic to the baseline.",
}
# Shown elsewhere on the page, or too long for a table.
_SHOWN = ("profile", "notes", "phases", "problems", "reconciliation", "hosts", "settings")


def _policy(*scripts: str) -> str:
    """The page's Content-Security-Policy: these scripts, inline styles, images from data:, nothing else."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _when(created: str) -> str:
    """The time of a run to the minute; what is no ISO time is shown as it is."""
    try:
        return f"{datetime.fromisoformat(created).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return created


def _setup(facts: RunFacts, evidence: Evidence) -> str:
    """One line: profile, schedule, how long, at what rate, where and when."""
    seconds = facts.seconds("baseline") or evidence.baseline.seconds
    requests = len(evidence.baseline.requests) + len(evidence.canary.requests)
    parts = (
        facts.profile and f"profile {facts.profile}",
        facts.schedule if facts.share is None else f"{facts.schedule} ({percent(facts.share)} to the canary)",
        seconds and f"{duration(seconds)} an arm",
        facts.rate and f"{facts.rate:g} requests/s",
        plural(requests, "judged request"),
        facts.provider,
        _when(facts.created),
    )
    return ", ".join(part for part in parts if part)


def _problems(facts: RunFacts, evidence: Evidence) -> list[Problem]:
    """The run's problems and the evidence's, each once, those that decide something first."""
    found = dict.fromkeys(
        [*facts.problems, *(Problem(clean(p.effect), clean(p.message)) for p in evidence.problems)]
    )
    order = ("invalid", "failed", "inconclusive")
    return sorted(found, key=lambda p: order.index(p.effect) if p.effect in order else len(order))


def render(
    verdict: Verdict,
    record: Record,
    evidence: Evidence,
    directory: str = "",
    log: Sequence[LogLine] = (),
    *,
    questions: Questions | None = None,
    beside_logs: bool = True,
) -> str:
    """The whole page: verdict, table, each metric with its charts, configuration.

    About 5 MB, of which plotly's JavaScript is 4.8; the samples are aggregated to some hundred points a chart.

    Args:
        verdict: What was decided.
        record: The run's record; whatever it lacks is left out of the page.
        evidence: The samples that the charts are drawn from.
        directory: Where the run lies, as the page tells it; empty where there is none.
        log: What only the canary logged.
        questions: Where series came from; None for a run.
        beside_logs: Whether the page lies in the run's directory, so that it can link to the logs there.
    """
    facts = read_facts(record, directory)
    run = {**record.to_dict(), "directory": directory} if directory else record.to_dict()
    rows = [metric_row(metric, f"m{i}") for i, metric in enumerate(verdict.metrics, 1)]
    figures: dict[str, Figure] = {}
    for metric, row in zip(verdict.metrics, rows, strict=True):
        row["chart"] = drawn = chart(metric, evidence, facts.phases, record.expected_status)
        if drawn:
            figures |= {f"{row['id']}d": drawn.distribution, f"{row['id']}t": drawn.timeline}
    by_urgency = sorted(rows, key=lambda row: _URGENCY.index(row["decision"]))
    telling = [row for row in by_urgency if row["decision"] is _TELLING.get(verdict.outcome)]
    plotly, script = get_plotlyjs(), (_TEMPLATES / "report.js").read_text()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        policy=_policy(plotly, script),
        css=(_TEMPLATES / "report.css").read_text(),
        plotly=plotly,
        script=script,
        facts=facts,
        outcome=verdict.outcome.value,
        headline=outcome_words(verdict),
        what_to_do=capital(clean(headline(verdict))),
        undecided=clean(verdict.undecided),
        score=None if verdict.score is None else f"{verdict.score:.0f}",
        pass_score=f"{verdict.pass_score:g}",
        log_title=TITLE,
        log=[(clean(line.text), clean(sentence(replace(line, text="")).removeprefix(", "))) for line in log],
        logs=[(name, f"logs/{path.name}") for name, path in _log_files(directory if beside_logs else "")],
        questions=questions or Questions(),
        reasons=[clean(reason) for reason in verdict.reasons],
        promotion=capital(facts.trouble) or _PROMOTION.get(facts.promoted),
        setup=_setup(facts, evidence),
        groups=group_rows(verdict, rows),
        bar_width=WIDTH,
        alpha=f"{verdict.alpha:g}",
        sums=score_rows(verdict),
        stopped=facts.stopped_early,
        metrics=by_urgency,
        next_step=capital(clean(advice(verdict, facts) or "")),
        timelines=[row for name in _OVER_TIME for row in rows if row["name"] == name and row["chart"]],
        telling=telling,
        cards=[row for row in by_urgency if row["card"] and (not telling or row in telling)],
        folded=[row for row in by_urgency if row["card"] and telling and row not in telling],
        problems=_problems(facts, evidence),
        notes=[clean(note) for note in (*verdict.notes, *record.notes)],
        figures=figures,
        tables=[
            ("Run", flatten({key: value for key, value in run.items() if key not in _SHOWN}), True),
            ("Settings", flatten(run.get("settings") or {}), True),
            ("Hosts", flatten(run.get("hosts") or {}), True),
            ("Requests: loader against proxy", flatten(run.get("reconciliation") or {}), True),
            ("Phases", flatten(run.get("phases") or []), False),
            ("Profile", flatten(run.get("profile") or {}), False),
        ],
    )
    return str(page)


def _log_files(directory: str) -> Iterator[tuple[str, Path]]:
    """The services' logs that lie beside the page."""
    for arm in ("baseline", "canary"):
        path = log_path(Path(directory), arm) if directory else None
        if path is not None:
            yield arm, path
