"""Whether what `pipeline backtest` predicts comes true: its power by the past, and the power in fresh data.

    python -m bench.judge.backtest --windows 2000 --seed 1

A past of `--windows` windows of 10 minutes, a sample in 15 s, is made with noise that hangs together (AR(1)). The
backtest puts harm in. Then as many pairs of windows are made anew, the canary's of a service that has the harm in it.
"""

from __future__ import annotations

import zlib

import click
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline.backtest.harms import HARMS, NONE, Harm
from pipeline.backtest.history import History
from pipeline.backtest.summary import Share
from pipeline.backtest.trial import try_window
from pipeline.series.config import JudgeConfig
from pipeline.series.samples import Samples
from pipeline.series.window import Span

_STEP, _SECONDS = 15.0, 600.0
_REQUESTS = 400.0  # a step
_CONFIGS = {
    "latency": {"name": "p50", "kind": "level", "unit": "s", "margin": "5%", "critical": True},
    "errors": {"name": "errors", "kind": "proportion", "margin": "0.3pp", "critical": True},
    "cpu": {"name": "cpu", "kind": "level", "unit": "cores", "margin": "10%", "critical": True},
}


def _noise(rng: np.random.Generator, phi: float, n: int) -> NDArray[np.float64]:
    grown = lfilter([np.sqrt(1 - phi**2)], [1, -phi], rng.standard_normal(n + 200))
    return np.asarray(grown[200:], dtype=np.float64)


def _service(rng: np.random.Generator, family: str, n: int, size: float = 0.0) -> Samples:
    """n samples of a service; `size`: of the harm that its code does."""
    t = _STEP * np.arange(1, n + 1, dtype=np.float64)
    if family == "errors":
        total = rng.poisson(_REQUESTS, n).astype(np.float64)
        return Samples(t, rng.binomial(total.astype(np.int64), 0.004 + size).astype(np.float64), total)
    spread = {"latency": 0.06, "cpu": 0.08}[family]
    return Samples(t, 0.05 * (1 + size) * np.exp(spread * _noise(rng, 0.5, n)))


def _power(config: JudgeConfig, history: History, begins: list[float], harm: Harm) -> Share:
    found = [try_window(config, history, begin, _SECONDS, harm).found for begin in begins]
    return Share(sum(found), len(found))


def _history(samples: dict[str, Samples]) -> History:
    end = max(float(one.t[-1]) for one in samples.values())
    return History(dict.fromkeys(("baseline", "canary"), samples), Span(0.0, end), _STEP, at_once=False)


def _in_turn(good: Samples, bad: Samples, each: int) -> Samples:
    """A window of the one, a window of the other, and so on."""

    def woven(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([one.reshape(-1, each), other.reshape(-1, each)], axis=1).ravel()

    total = None if good.total is None or bad.total is None else woven(good.total, bad.total)
    return Samples(
        _STEP * np.arange(1, 2 * len(good) + 1, dtype=np.float64), woven(good.value, bad.value), total
    )


@click.command()
@click.option("--windows", default=2000)
@click.option("--seed", default=1)
@click.option("--family", help="Only harm of this kind: latency, errors or cpu.")
def main(windows: int, seed: int, family: str | None) -> None:
    """Prints a line for each kind of harm."""
    each = round(_SECONDS / _STEP)
    worst = 0.0
    for harm in HARMS:
        if harm.family not in _CONFIGS or family not in (None, harm.family):
            continue
        config = JudgeConfig.model_validate({"metrics": [_CONFIGS[harm.family]]})
        (name,) = harm.metrics(config)
        rng = np.random.default_rng([seed, zlib.crc32(harm.name.encode())])
        history = _history({name: _service(rng, harm.family, each * (windows + 1))})
        begins = [_SECONDS * (index + 1) for index in range(windows)]
        predicted = _power(config, history, begins, harm)
        good, bad = (_service(rng, harm.family, each * windows, size) for size in (0.0, harm.size))
        fresh = _history({name: _in_turn(good, bad, each)})
        measured = _power(config, fresh, [_SECONDS * (2 * index + 1) for index in range(windows)], NONE)
        apart = 100 * (predicted.value - measured.value)
        worst = max(worst, abs(apart))
        click.echo(
            f"{harm.name:16} predicted {100 * predicted.value:5.1f} %  measured {100 * measured.value:5.1f} %  "
            f"apart {apart:+.1f} points"
        )
    click.echo(f"worst: {worst:.1f} points, {windows} windows each")


if __name__ == "__main__":
    main()
