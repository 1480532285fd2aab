"""The report as one HTML file that opens offline: nothing in it is loaded from anywhere, and no script runs.

What must be known comes first: the verdict and what to do, what only the canary logged, one picture, and the metrics
that decided. Everything else is folded. Strings are escaped by jinja2; should one slip through all the same, the page's
Content-Security-Policy runs no script and forbids every request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipeline.base.text import clean, duration, plural
from pipeline.judge.evidence import Evidence, Problem
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, Verdict
from pipeline.judge.words import percent
from pipeline.report.advice import advice
from pipeline.report.charts import chart
from pipeline.report.facts import RunFacts, read_facts, when
from pipeline.report.interval import WIDTH
from pipeline.report.log import TITLE, sentence
from pipeline.report.picture import picture
from pipeline.report.rows import flatten, group_rows, metric_row, score_rows
from pipeline.report.template import rendered
from pipeline.report.text import MISSING, TELLING, capital, outcome_words
from pipeline.runs.logs import LogLine, log_path
from pipeline.runs.record import Record
from pipeline.series.asked import Questions

__all__ = ["render"]

_MOST_OPEN: Final = 4  # rows that are not folded
_FIGURES: Final = 3  # under the verdict
_USUAL: Final = ("error_rate", "latency_p50", "latency_p99")  # what everybody asks for, where nothing decided
_MOST_CARDS: Final = 40  # with charts; a page is to stay small however many metrics a configuration has
_URGENCY = (Decision.FAIL, Decision.INCONCLUSIVE, Decision.NODATA, Decision.PASS)
_PROMOTION = {
    None: "",
    True: "Promoted: the proxy sends traffic to the canary.",
    False: "Not promoted: the proxy sends traffic to the baseline.",
}
# Shown elsewhere on the page, or too long for a table.
_SHOWN = ("profile", "notes", "phases", "problems", "reconciliation", "hosts", "settings")


def _setup(facts: RunFacts, evidence: Evidence) -> str:
    """One line: profile, schedule, how long, at what rate, where and when."""
    seconds = facts.seconds("baseline") or evidence.baseline.seconds
    requests = len(evidence.baseline.requests) + len(evidence.canary.requests)
    parts = (
        facts.profile and f"profile {facts.profile}",
        facts.schedule if facts.share is None else f"{facts.schedule} ({percent(facts.share)} to the canary)",
        seconds and f"{duration(seconds)} on each version",
        facts.rate and f"{facts.rate:g} requests/s",
        plural(requests, "judged request") if evidence.load else "",
        facts.provider,
        when(facts.created),
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
    """The whole page: verdict, picture, table, each metric with its charts, configuration.

    The samples are aggregated to some hundred points a chart: with 20 metrics it has about 200 kB.

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
    by_urgency = sorted(rows, key=lambda row: _URGENCY.index(row["decision"]))
    compared = [row for row in by_urgency if row["card"]]
    telling = sorted(
        (row for row in compared if row["decision"] is TELLING.get(verdict.outcome)),
        key=lambda row: (not row["critical"], -float(row["weight"])),
    )
    usual = [row for name in _USUAL for row in compared if row["name"] == name]
    others = [row for row in (*usual, *compared) if row["change"] != MISSING]
    figures = list({row["id"]: row for row in (*telling, *others)}.values())[:_FIGURES]
    metrics = dict(zip((row["id"] for row in rows), verdict.metrics, strict=True))
    for row in compared[:_MOST_CARDS]:
        row["chart"] = chart(metrics[row["id"]], evidence, facts.phases, record.expected_status)
    said = {*verdict.notes, *record.notes, *(() if telling else verdict.reasons)}  # each thing once
    return rendered(
        "report.html.j2",
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
        false_alarm=percent(verdict.alpha),
        sums=score_rows(verdict),
        stopped=facts.stopped_early,
        compared=compared,
        without_data=[row["title"] for row in rows if not row["card"]],
        figures=figures,
        picture=picture(verdict, evidence, facts.phases, record.expected_status),
        next_step=capital(clean(advice(verdict, facts) or "")),
        telling=telling[:_MOST_OPEN],
        more_telling=len(telling[_MOST_OPEN:]),
        cards=compared[:_MOST_CARDS],
        problems=[one for one in _problems(facts, evidence) if one.message not in said],
        notes=[clean(note) for note in (*verdict.notes, *record.notes)],
        tables=[
            (title, flatten(part))
            for title, part in (
                ("Run", {key: value for key, value in run.items() if key not in _SHOWN}),
                ("Settings", run.get("settings")),
                ("Hosts", run.get("hosts")),
                ("Requests: loader against proxy", run.get("reconciliation")),
                ("Phases", run.get("phases")),
                ("Profile", run.get("profile")),
            )
            if part
        ],
    )


def _log_files(directory: str) -> Iterator[tuple[str, Path]]:
    """The services' logs that lie beside the page."""
    for arm in ("baseline", "canary"):
        path = log_path(Path(directory), arm) if directory else None
        if path is not None:
            yield arm, path
