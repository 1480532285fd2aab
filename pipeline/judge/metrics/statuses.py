"""New statuses: answers of a kind that the baseline never gave, whether they count as errors or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from pipeline.judge.metrics.arms import Hits
from pipeline.judge.metrics.by_second import columns
from pipeline.judge.metrics.finding import Finding, Sides, absent
from pipeline.judge.metrics.proportions import share_harm, too_few, waiting
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.rare import STATUSES, Statuses, status_path
from pipeline.judge.verdict import Summary
from pipeline.judge.words import count_of

__all__ = ["find_statuses"]

_NAMED: Final = 5  # of the new ones; a broken server may invent many


def find_statuses(rule: MetricRule, sides: Sides) -> Finding:
    """Compares the share of answers whose status the baseline never gave."""
    b, c = sides.baseline.answers(), sides.canary.answers()
    if b.total == 0 or c.total == 0:
        return absent(b.total > 0, c.total > 0)
    given = sides.baseline.statuses, sides.canary.statuses
    known = {status for one in given for status in one if 100 <= status <= 599}
    pairs = {
        status: columns(sides.baseline.answers(status), sides.canary.answers(status), sides)
        for status in known
    }
    totals = columns(b, c, sides)
    before, after = (
        Statuses({status: pair[arm].hits for status, pair in pairs.items()}, totals[arm].n) for arm in (0, 1)
    )
    path = status_path(before, after, sides.alpha, sides.policy.beta, fixed_baseline=sides.phased)
    new = sorted(known - set(given[0]))
    hits = Hits(c.second, sum((sides.canary.answers(one).hits for one in new), np.zeros(len(c.n))), c.n)
    which = f" ({', '.join(map(str, new[:_NAMED]))}{', ...' if len(new) > _NAMED else ''})" if new else ""
    said = (
        f"{count_of(hits.count, hits.total)} answers of the canary had a status new to the baseline's{which}"
    )
    harm = replace(
        share_harm(rule, path, c, sides, said), baseline=Summary(b.total, 0.0), canary=hits.summary()
    )
    none = replace(b, hits=np.zeros(len(b.n)))
    harm = waiting(harm, columns(none, hits, sides), sides.alpha / STATUSES, c, sides)
    finding = Finding(harms=(harm,), drift=sides.drift or 0.0)
    return too_few(finding, b.total, c.total, "answers", sides)
