"""What decides before any metric does: a broken experiment or a dead canary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.judge.evidence import Problem
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.policy import Policy
from pipeline.judge.verdict import Outcome
from pipeline.judge.words import count_of, percent

__all__ = ["SEVERITY", "Gates", "gates"]

_EFFECTS = {"invalid": Outcome.INVALID, "failed": Outcome.FAILED, "inconclusive": Outcome.INCONCLUSIVE}
_Found = tuple[Outcome, str]
# The worst first.
SEVERITY = (Outcome.INVALID, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED)


@dataclass(frozen=True, slots=True)
class Gates:
    """The worst outcome that the gates demand (None: they demand none), why, and the notes of the run."""

    outcome: Outcome | None
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def gates(
    problems: Sequence[Problem], baseline: ArmView, canary: ArmView, policy: Policy, *, load: bool = True
) -> Gates:
    """What decides whatever the metrics say: problems of the run, a broken baseline, a canary that never answers.

    Args:
        problems: of the run.
        baseline, canary: the arms.
        policy: the run's.
        load: whether requests were sent; without, only the problems count.
    """
    found: list[_Found] = []
    notes: list[str] = []
    for problem in problems:
        if problem.effect == "note":
            notes.append(problem.message)
        else:
            # An effect of another name comes from a newer or a broken run: it must not let a run pass.
            found.append((_EFFECTS.get(problem.effect, Outcome.INVALID), problem.message))
    if load:
        found += _of_load(baseline, canary, policy, found)
    found.sort(key=lambda item: SEVERITY.index(item[0]))
    outcome = found[0][0] if found else None
    return Gates(outcome, tuple(dict.fromkeys(message for _, message in found)), tuple(notes))


def _of_load(baseline: ArmView, canary: ArmView, policy: Policy, known: Sequence[_Found]) -> list[_Found]:
    """What the requests alone decide; `known` is what the run's problems have decided."""
    found: list[_Found] = []
    explained = any(outcome is not Outcome.INVALID for outcome, _ in known)
    if baseline.sent == 0:
        # Nothing was measured. If the canary did not start, or someone stopped the run, that says why.
        if not explained:
            found.append(
                (Outcome.INVALID, "No request was measured on the baseline: there is nothing to compare")
            )
    elif baseline.sent - baseline.right > policy.max_baseline_error_rate * baseline.sent:
        bad = count_of(baseline.sent - baseline.right, baseline.sent)
        limit = percent(policy.max_baseline_error_rate)
        found.append(
            (
                Outcome.INVALID,
                f"{bad} baseline requests were not answered as expected, more than the {limit} "
                "a baseline may have: it is no measure for the canary",
            )
        )
    if canary.sent == 0:
        if not known and not found:
            found.append(
                (Outcome.INCONCLUSIVE, "No request was measured on the canary: there is nothing to judge")
            )
    elif canary.answered == 0:
        silent = Outcome.FAILED if canary.sent >= policy.min_requests else Outcome.INCONCLUSIVE
        found.append((silent, f"The canary answered none of {canary.sent:,} requests"))
    return found
