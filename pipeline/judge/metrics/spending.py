"""How a metric's chances of error are divided between the looks of a watched run and its end.

Bounds that hold at every look are wide. The end of a run is one look at a time that was fixed before the run began, so
its bounds may be narrow. Either may decide, so together they get the metric's alpha and beta (a union bound).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.judge.metrics.arm_pair import ArmPair

__all__ = ["Spending", "beta_at_end", "spend_alpha", "spend_beta"]

# Harm is to be found early, so most of alpha is for the looks. A pass nearly always comes at the end.
_ALPHA_AT_END: Final = 0.2
_BETA_AT_END: Final = 0.95


@dataclass(frozen=True, slots=True)
class Spending:
    """The chance of error for the bounds that hold at all looks, and for those at the end; 0: these may not decide."""

    looks: float
    end: float


def spend_alpha(arms: ArmPair, alpha: float) -> Spending:
    """Of a respect's `alpha`: all at the end where the run is judged once, nothing at the end before it is reached.

    Without an end that was fixed before, all of it is for the looks.
    """
    if arms.once:
        return Spending(0.0, alpha)
    if arms.open_ended:
        return Spending(alpha, 0.0)
    return Spending((1 - _ALPHA_AT_END) * alpha, _ALPHA_AT_END * alpha if arms.complete else 0.0)


def spend_beta(arms: ArmPair) -> Spending:
    """Of the policy's beta, in the same way."""
    beta = arms.policy.beta
    if arms.once:
        return Spending(0.0, beta)
    if arms.open_ended:
        return Spending(beta, 0.0)
    return Spending((1 - _BETA_AT_END) * beta, beta_at_end(beta) if arms.complete else 0.0)


def beta_at_end(beta: float) -> float:
    """What the end of a run that is watched has of beta."""
    return _BETA_AT_END * beta
