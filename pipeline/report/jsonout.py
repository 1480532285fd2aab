"""The verdict and the run's facts as one strict JSON document: what `--json` prints.

The fields of verdict.json (`Verdict.to_dict`) stay where they are, `headline` says in a sentence what to do,
`canary_logged` what only the canary's service logged, and the facts are under `run`. Every key is always there; what
is not known is null. NaN and infinities, which JSON has no words for, are null too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.judge.headline import headline
from pipeline.judge.verdict import Verdict
from pipeline.report.facts import RunFacts, read_facts
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

__all__ = ["render"]


def _strict(value: object) -> Any:
    """`value` in types JSON has. Numbers of numpy have `item`; paths and the like become text."""
    if isinstance(value, Mapping):
        return {str(key): _strict(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(child) for child in value]
    if hasattr(value, "item") and callable(value.item):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _arm(facts: RunFacts, arm: str) -> dict[str, Any]:
    version = facts.baseline if arm == "baseline" else facts.canary
    known = {key: value or None for key, value in asdict(version).items()}
    return {**known, "measured_seconds": round(facts.seconds(arm), 3)}


def render(verdict: Verdict, record: Record, directory: str = "", log: Sequence[LogLine] = ()) -> str:
    """One JSON document, indented, ASCII only (so no escape sequence), no newline at the end.

    `directory` is where the run lies, empty where there is none; `log` is what only the canary logged.
    """
    facts = read_facts(record, directory)
    document = {
        **verdict.to_dict(),
        "headline": headline(verdict),
        "canary_logged": [asdict(line) for line in log],
        "run": {
            "directory": facts.directory or None,
            "created": facts.created or None,
            "tool_version": facts.tool_version or None,
            "repo": facts.repo or None,
            "sample": facts.sample,
            "baseline": _arm(facts, "baseline"),
            "canary": _arm(facts, "canary"),
            "profile": facts.profile or None,
            "provider": facts.provider or None,
            "schedule": facts.schedule or None,
            "share": facts.share,
            "rate": facts.rate,
            "phases": [asdict(phase) for phase in facts.phases],
            "problems": [asdict(problem) for problem in facts.problems],
            "promoted": facts.promoted,
            "proxy": facts.proxy,
            "trouble": facts.trouble or None,
            "stopped_early": record.stopped_early if facts.stopped_early else None,
        },
    }
    return json.dumps(_strict(document), indent=2, allow_nan=False)
