"""The load as the user sees it: one block that is kept up to date on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.base.console import Progress
from pipeline.runs.phases import COLOURS, Phase

__all__ = ["LoadDisplay", "Second"]

_LINE_EVERY: Final = 10  # seconds between lines where there is no terminal


@dataclass(frozen=True, slots=True)
class Second:
    """One second of load.

    - `phases`: the phases under way, two where both versions carry load at once
    - `at`, `total`: seconds since the load began, and at its end
    - `event`: the loader's report of this second
    - `failed`: how many of its requests were not answered as they should be
    - `health`: by arm, the newest values of its host
    - `so_far`: what the judge says so far, empty where that is nothing
    """

    phases: Sequence[Phase]
    at: float
    total: float
    event: Mapping[str, Any]
    failed: int
    health: Mapping[str, Mapping[str, float]]
    so_far: str = ""


class LoadDisplay:
    """Shows seconds of load, one after the other, inside `shown`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._update: Callable[[RenderableType], None] | None = None
        self._last_line = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While load is driven: the block on a terminal."""
        with self._progress.loading() as self._update:
            try:
                yield
            finally:
                self._update = None

    def note(self, text: str) -> None:
        """A line that stays."""
        self._progress.say(text)

    def second(self, second: Second) -> None:
        """The next second of load."""
        if self._update is not None:
            self._update(_block(second))
        elif second.at - self._last_line >= _LINE_EVERY:
            self._last_line = second.at
            left = ", ".join(filter(None, (_phase(second), _in_all(second))))
            line = f"{left}: {_load(second)}; {_hosts(second.health)}"
            self._progress.say(f"{line}; so far: {second.so_far}" if second.so_far else line)


def _block(second: Second) -> Table:
    block = Table.grid(padding=(0, 1))
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(_phase(second), style=second.phases[0].colour if len(second.phases) == 1 else ""),
        ProgressBar(total=second.total, completed=second.at, width=20),
        _in_all(second),
    )
    block.add_row(bar)
    block.add_row(Text(_load(second)))
    block.add_row(Text(_hosts(second.health), style="dim"))
    if second.so_far:
        block.add_row(Text(f"so far: {second.so_far}"))
    return block


def _phase(second: Second) -> str:
    phase = second.phases[0]
    kind = "warm-up of" if phase.kind == "warmup" else "load on"
    where = f"{phase.arm} ({phase.colour})" if len(second.phases) == 1 else "both at once"
    return f"{kind} {where}, {max(0.0, phase.end - second.at):.0f} s left"


def _in_all(second: Second) -> str:
    """Nothing in the last phase, whose end is the load's."""
    if second.total <= second.phases[0].end:
        return ""
    return f"{max(0.0, second.total - second.at):.0f} s in all"


def _load(second: Second) -> str:
    def time(key: str) -> str:
        value = second.event.get(key)
        if value is None:
            return f"> {second.event['timeout_s']:g} s" if second.event.get("beyond") else "-"
        return f"{value:.1f} ms"

    answered = f"{second.event['completed']}/s, {second.failed} failed"
    if len(second.phases) > 1:
        answered += f" ({', '.join(_bad(phase.colour, second.event) for phase in second.phases)})"
    return f"{answered}, p50 {time('p50_ms')}, p99 {time('p99_ms')}"


def _bad(colour: str, event: Mapping[str, Any]) -> str:
    served = event["served_by"].get(colour, 0)
    return f"{colour} {served - event['good_by'].get(colour, 0)} of {served}"


def _hosts(health: Mapping[str, Mapping[str, float]]) -> str:
    parts = []
    for arm, colour in COLOURS.items():
        values = health.get(arm, {})
        cpu = f"{values['host_cpu']:.2f}" if "host_cpu" in values else "-"
        memory = f"{values['host_memory'] / 1e6:.0f}" if "host_memory" in values else "-"
        parts.append(f"{colour} CPU {cpu} memory {memory} MB")
    return ", ".join(parts)
