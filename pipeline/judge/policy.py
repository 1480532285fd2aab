"""What holds for all metrics of a run: the chances of error, the least evidence, and the score that passes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Policy"]


class Policy(BaseModel):
    """What holds for all metrics of a run.

    Attributes:
        pass_score: the least score, 0-100, that passes.
        alpha: the chance that any metric fails at any look at a canary that is no worse than its margins.
        beta: the chance, for each metric, that it passes at a look though it is beyond its margin.
        block_seconds: samples are taken together over blocks this long; one value a block is compared.
        min_requests, min_blocks: with fewer of them in either arm nothing passes.
        max_baseline_error_rate: a baseline that errs more often makes the run invalid.
        min_good_share: with fewer good responses than this, speed and consumption are not comparable.
        min_coverage: the share of the score's weight that must rest on decided metrics.
        background_restarts_per_hour: restarts that may come from elsewhere than the code.
        expected_status: the statuses that are right; empty: any 2xx or 3xx.
        undecided: what the outcome is where no harm was shown, and that there is none was not shown either.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pass_score: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 75.0
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.02
    beta: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    block_seconds: Annotated[float, Field(ge=1, le=60)] = 2.0
    min_requests: Annotated[int, Field(ge=20)] = 100
    min_blocks: Annotated[int, Field(ge=5)] = 10
    max_baseline_error_rate: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    min_good_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    min_coverage: Annotated[float, Field(gt=0, le=1)] = 0.5
    background_restarts_per_hour: Annotated[float, Field(gt=0, le=60)] = 1.0
    expected_status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = ()
    undecided: Literal["inconclusive", "pass"] = "inconclusive"
