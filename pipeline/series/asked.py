"""Where the samples of a verdict on series came from: the windows, what was asked, and how much each answer held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Question", "Questions"]


class Question(NamedTuple):
    """One query, or one column of a file, and what it gave for one version."""

    metric: str
    arm: str
    text: str
    series: int
    samples: int


@dataclass(frozen=True, slots=True)
class Questions:
    """`source` is the server without credentials, or the files; `windows` by version, in words; `step` in seconds."""

    source: str = ""
    windows: Mapping[str, str] = field(default_factory=dict)
    step: float | None = None
    asked: tuple[Question, ...] = ()
