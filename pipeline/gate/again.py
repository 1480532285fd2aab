"""A gate's series, and the verdict on them again, from its directory alone."""

from __future__ import annotations

from dataclasses import replace

from pipeline.gate.run import CONFIG, GateRun
from pipeline.gate.traffic import with_traffic
from pipeline.judge import judge
from pipeline.judge.verdict import Verdict
from pipeline.runs.directory import Run, write_verdict
from pipeline.series.case import arm_name
from pipeline.series.config import USUAL_STEP, load_config
from pipeline.series.evidence import Case, build
from pipeline.series.from_csv import read_tables
from pipeline.series.planned import ending
from pipeline.series.window import Span

__all__ = ["case_again", "judge_again"]

_ARMS = ("baseline", "canary")


def case_again(run: Run) -> Case:
    """What a gate has judged last. Raises RunDirectoryError, UsageError and ConfigError where it cannot be read."""
    gate = GateRun.of(run.path, run.record)
    config = load_config(run.path / CONFIG, "csv")
    files = {arm: run.path / f"{arm}.csv" for arm in _ARMS}
    samples = read_tables(config, files["baseline"], files["canary"]).samples
    case = build(
        config,
        samples,
        dict.fromkeys(_ARMS, Span(gate.start, gate.start + gate.seen)),
        config.step or USUAL_STEP,
        by_time=True,
        end=ending(gate.seen, gate.planned, whole=False),
        names={arm: arm_name(config, arm) for arm in _ARMS},
        source=", ".join(str(file) for file in files.values()),
    )
    least = run.record.document["settings"].get("min_requests")
    case = with_traffic(case, config, least if isinstance(least, int) else None)
    return replace(case, questions=gate.questions() or case.questions)


def judge_again(run: Run) -> tuple[Case, Verdict]:
    """Judge what a gate has kept and write verdict.json; raises as `case_again` does."""
    case = case_again(run)
    verdict = judge(case.evidence, case.rules, case.policy)
    write_verdict(run.path, verdict)
    return case, verdict
