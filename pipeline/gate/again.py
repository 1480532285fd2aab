"""A gate's series judged again, from its directory alone."""

from __future__ import annotations

from pipeline.gate.run import CONFIG, GateRun
from pipeline.gate.traffic import with_traffic
from pipeline.judge import judge
from pipeline.judge.verdict import Verdict
from pipeline.runs.directory import Run, write_verdict
from pipeline.series.case import arm_name
from pipeline.series.config import USUAL_STEP, load_config
from pipeline.series.evidence import build
from pipeline.series.from_csv import read_tables
from pipeline.series.planned import ending
from pipeline.series.window import Span

__all__ = ["judge_again"]

_ARMS = ("baseline", "canary")


def judge_again(run: Run) -> Verdict:
    """Judge the series that a gate has kept and write verdict.json.

    Raises RunDirectoryError, UsageError and ConfigError where they cannot be read.
    """
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
    )
    least = run.record.document["settings"].get("min_requests")
    case = with_traffic(case, config, least if isinstance(least, int) else None)
    verdict = judge(case.evidence, case.rules, case.policy)
    write_verdict(run.path, verdict)
    return verdict
