"""What the user sees while a run lasts: one live block on a terminal, a line every few seconds elsewhere. On stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.status import Status
from rich.table import Table
from rich.text import Text

from pipeline.runs.phases import Phase

__all__ = ["Progress", "Steps"]

LINE_EVERY = 10  # seconds between lines where there is no terminal


class Progress:
    """Steps of the whole run, then the load second by second."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self._began = time.monotonic()
        self._live: Live | None = None
        self._status: Status | None = None
        self._last_line = 0.0

    def say(self, message: str) -> None:
        """A line of progress, with the seconds since the start."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        # Text, not str: what comes from refs, hosts and services must not be read as markup
        self.console.print(
            Text.assemble((f"{time.monotonic() - self._began:6.1f}s  ", "dim"), _printable(message)),
            soft_wrap=True,
        )

    def detail(self, message: str) -> None:
        """What a step is at just now: a moving line on a terminal, until the next `say`; nothing elsewhere."""
        if not self.console.is_terminal:
            return
        if self._status is None:
            self._status = self.console.status("")
            self._status.start()
        self._status.update(Text(_printable(message)))

    @contextmanager
    def loading(self) -> Iterator[None]:
        """While load is driven: a live display on a terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, transient=True, refresh_per_second=4, redirect_stdout=False) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def second(
        self,
        phase: Phase,
        at: float,
        total: float,
        event: Mapping[str, Any],
        latest: Mapping[str, Mapping[str, float]],
        so_far: str = "",
    ) -> None:
        """One second of load: the loader's event with how many requests `failed`, each host's newest values, and
        what the judge says so far."""
        if self._live is not None:
            self._live.update(_block(phase, at, total, event, latest, so_far))
        elif at - self._last_line >= LINE_EVERY:
            self._last_line = at
            line = f"{_phase(phase, at)}, {total - at:.0f} s in all: {_load(event)}; {_hosts(latest)}"
            self.say(f"{line}; so far: {so_far}" if so_far else line)


def _block(
    phase: Phase,
    at: float,
    total: float,
    event: Mapping[str, Any],
    latest: Mapping[str, Mapping[str, float]],
    so_far: str,
) -> Table:
    block = Table.grid(padding=(0, 1))
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(_phase(phase, at), style=phase.colour),
        ProgressBar(total=total, completed=at, width=20),
        f"{total - at:.0f} s in all",
    )
    block.add_row(bar)
    block.add_row(Text(_load(event)))
    block.add_row(Text(_hosts(latest), style="dim"))
    if so_far:
        block.add_row(Text(f"so far: {so_far}"))
    return block


def _phase(phase: Phase, at: float) -> str:
    kind = "warm-up of" if phase.kind == "warmup" else "load on"
    return f"{kind} {phase.arm} ({phase.colour}), {max(0.0, phase.end - at):.0f} s left"


def _load(event: Mapping[str, Any]) -> str:
    def ms(key: str) -> str:
        value = event.get(key)
        return "-" if value is None else f"{value:.1f}"

    return f"{event['completed']}/s, {event['failed']} failed, p50 {ms('p50_ms')} ms, p99 {ms('p99_ms')} ms"


def _hosts(latest: Mapping[str, Mapping[str, float]]) -> str:
    parts = []
    for arm, colour in (("baseline", "blue"), ("canary", "green")):
        values = latest.get(arm, {})
        cpu = f"{values['host_cpu']:.2f}" if "host_cpu" in values else "-"
        memory = f"{values['host_memory'] / 1e6:.0f}" if "host_memory" in values else "-"
        parts.append(f"{colour} CPU {cpu} memory {memory} MB")
    return ", ".join(parts)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


TOLD_AFTER = 2.0  # seconds that an operation lasts before it is told


class Steps:
    """What the deploy of one host is at: a moving line on a terminal, elsewhere a line for what takes its time."""

    def __init__(self, progress: Progress, host: str) -> None:
        self.progress, self.host = progress, host
        self.timer: threading.Timer | None = None

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, operation: str) -> None:
        """The next operation has begun."""
        self.end()
        text = f"{self.host}: {operation}"
        if self.progress.console.is_terminal:
            self.progress.detail(text)
            return
        self.timer = threading.Timer(TOLD_AFTER, self.progress.say, [f"  {text}"])
        self.timer.daemon = True
        self.timer.start()

    def end(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
