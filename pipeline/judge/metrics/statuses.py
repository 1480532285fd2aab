"""New statuses: answers of a kind that the baseline never gave, whether they count as errors or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from pipeline.judge.metrics.arms import ArmPair
from pipeline.judge.metrics.by_second import require_requests, share_harm, share_summary, tallies, with_wait
from pipeline.judge.metrics.finding import Finding, no_data
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.rare import STATUSES, Statuses, new_status_bounds
from pipeline.judge.verdict import Summary
from pipeline.judge.words import count_of

__all__ = ["compare_statuses"]

_NAMED: Final = 5  # at most, of the new ones; a broken server may invent many


def compare_statuses(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares the share of answers whose status the baseline never gave."""
    b, c = arms.baseline.answers(), arms.canary.answers()
    if b.total == 0 or c.total == 0:
        return no_data(b.total > 0, c.total > 0)
    given = arms.baseline.statuses, arms.canary.statuses
    known = {status for one in given for status in one if 100 <= status <= 599}
    pairs = {
        status: tallies(arms.baseline.answers(status), arms.canary.answers(status), arms) for status in known
    }
    totals = tallies(b, c, arms)
    before, after = (
        Statuses({status: pair[arm].hits for status, pair in pairs.items()}, totals[arm].n) for arm in (0, 1)
    )
    bounds = new_status_bounds(before, after, arms.alpha, arms.policy.beta, fixed_baseline=arms.phased)
    new = sorted(known - set(given[0]))
    hits = Hits(c.second, sum((arms.canary.answers(one).hits for one in new), np.zeros(len(c.n))), c.n)
    which = f" ({', '.join(map(str, new[:_NAMED]))}{', ...' if len(new) > _NAMED else ''})" if new else ""
    said = (
        f"{count_of(hits.count, hits.total)} answers of the canary had a status new to the baseline's{which}"
    )
    harm = replace(
        share_harm(rule, bounds, c, arms, said), baseline=Summary(b.total, 0.0), canary=share_summary(hits)
    )
    none = replace(b, hits=np.zeros(len(b.n)))
    harm = with_wait(harm, tallies(none, hits, arms), arms.alpha / STATUSES, c, arms)
    finding = Finding(harms=(harm,), drift=arms.drift or 0.0)
    return require_requests(finding, b.total, c.total, "answers", arms)
