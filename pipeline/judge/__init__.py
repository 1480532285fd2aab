"""The judge: samples in, verdict out. Pure: no clock, no disk, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.judge.decide import judge

__all__ = ["judge"]


def __getattr__(name: str) -> Any:
    # Rules and verdicts are read by commands that never judge; those need not wait for scipy.
    if name == "judge":
        from pipeline.judge.decide import judge

        return judge
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
