"""New statuses: answers of a kind that the baseline never gave, whether they count as errors or not."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.by_second import (
    Shown,
    healed,
    late_harm,
    planned_looks,
    require_requests,
    share_bar,
    share_harm,
    share_summary,
    tallies,
    with_wait,
)
from pipeline.judge.metrics.finding import Finding, no_data
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.metrics.spending import spend_alpha, spend_beta
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final_shares import final_bounds
from pipeline.judge.stats.rare import STATUSES, Statuses, new_status_bounds
from pipeline.judge.stats.shares import Tally
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
    shown = _shown(rule, before, after, c, arms)
    new = sorted(known - set(given[0]))
    hits = Hits(c.second, sum((arms.canary.answers(one).hits for one in new), np.zeros(len(c.n))), c.n)
    which = f" ({', '.join(map(str, new[:_NAMED]))}{', ...' if len(new) > _NAMED else ''})" if new else ""
    said = (
        f"{count_of(hits.count, hits.total)} answers of the canary had a status new to the baseline's{which}"
    )
    harm = replace(
        share_harm(rule, shown, c, arms, said), baseline=Summary(b.total, 0.0), canary=share_summary(hits)
    )
    none = replace(b, hits=np.zeros(len(b.n)))
    harm = with_wait(harm, tallies(none, hits, arms), arms.alpha / STATUSES, c, arms)
    finding = Finding(harms=(harm,), drift=arms.drift or 0.0)
    return require_requests(finding, b.total, c.total, "answers", arms)


def _shown(rule: MetricRule, before: Statuses, after: Statuses, canary: Hits, arms: ArmPair) -> Shown:
    alphas, betas, bar = spend_alpha(arms, arms.alpha), spend_beta(arms), share_bar(rule, arms)
    bounds = new_status_bounds(
        before,
        after,
        alphas.looks,
        0.0 if arms.complete else betas.looks,  # at the end its own bound is always the nearer one
        fixed_baseline=arms.phased,
        bar=bar,
        planned=planned_looks(canary, arms),
    )
    given = {status for status, hits in before.hits.items() if hits.any()}
    new = [hits for status, hits in after.hits.items() if status not in given and hits.any()]
    none = Tally(np.zeros(len(before.n)), before.n)
    together = not arms.phased
    # Each of the statuses that there may be has its part of alpha; all new ones together must be within the margin.
    lows = [
        final_bounds(none, Tally(hits, after.n), alphas.end / STATUSES, 0.0, together=together)[0]
        for hits in new
    ]
    every = Tally(sum(new, np.zeros(len(after.n))), after.n)
    _, high = final_bounds(none, every, 0.0, betas.end, together=together)
    columns = none, every
    return Shown(
        bounds,
        max(lows, default=-math.inf),
        high,
        late_harm(columns, rule.limit.value, arms),
        healed(columns, bar, arms),
    )
