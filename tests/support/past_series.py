"""The past of a service: an hour's samples in 15 s, or as many as are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.backtest.history import History
from pipeline.series.config import JudgeConfig
from pipeline.series.samples import Samples
from pipeline.series.window import Span

__all__ = ["CONFIG", "config", "history", "judged", "past", "past_csv"]

CONFIG = """planned: 5m
step: 15s
metrics:
  - {name: errors, kind: proportion, margin: 0.3pp, critical: true}
  - {name: p50, kind: level, unit: s, margin: 5%, critical: true}
  - {name: memory, kind: trend, unit: B, margin: 2MB/min, critical: true}
"""
_BEGIN = 1_796_000_000.0


def past(samples: int = 240, *, seed: int = 1, spread: float = 0.02) -> dict[str, Samples]:
    """Samples by metric of CONFIG."""
    rng = np.random.default_rng(seed)
    t = _BEGIN + 15.0 * np.arange(1, samples + 1, dtype=np.float64)
    total = rng.poisson(300, samples).astype(np.float64)
    hits = rng.binomial(total.astype(np.int64), 0.002).astype(np.float64)
    return {
        "errors": Samples(t, hits, total),
        "p50": Samples(t, 0.05 * np.exp(spread * rng.standard_normal(samples))),
        "memory": Samples(t, 2e8 + 1e5 * rng.standard_normal(samples)),
    }


def history(samples: int = 240, *, at_once: bool = False) -> History:
    """Of `past`, both sides."""
    one = past(samples)
    other = past(samples, seed=2) if at_once else one
    return History({"baseline": one, "canary": other}, Span(_BEGIN, _BEGIN + 15 * samples), 15.0, at_once)


def past_csv(path: Path, samples: int = 240, *, seed: int = 1) -> Path:
    """The same as a CSV file."""
    one = past(samples, seed=seed)
    columns = (
        one["errors"].t,
        one["errors"].value,
        one["errors"].total,
        one["p50"].value,
        one["memory"].value,
    )
    rows = zip(*(column.tolist() for column in columns if column is not None), strict=True)
    text = "t,errors_hits,errors_total,p50,memory\n" + "".join(
        ",".join(map(repr, row)) + "\n" for row in rows
    )
    path.write_text(text)
    return path


def config(path: Path) -> Path:
    """CONFIG as a file."""
    path.write_text(CONFIG)
    return path


def judged() -> JudgeConfig:
    """CONFIG, read."""
    import yaml

    return JudgeConfig.model_validate(yaml.safe_load(CONFIG))
