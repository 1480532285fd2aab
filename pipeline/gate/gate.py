"""One gate from its first look to its verdict; begun anew, or gone on with after a crash."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pipeline.base.console import Progress
from pipeline.base.errors import Interrupted, UsageError
from pipeline.base.text import duration
from pipeline.gate.first_look import first_look
from pipeline.gate.run import GateRun, begin, held, unfinished
from pipeline.gate.settings import Settings
from pipeline.gate.watch import Clock, watch
from pipeline.judge.verdict import Verdict
from pipeline.runs.record import Record
from pipeline.series.config import USUAL_STEP, JudgeConfig
from pipeline.series.evidence import Case
from pipeline.series.prometheus import Prometheus

__all__ = ["Gated", "gated"]


@dataclass(frozen=True, slots=True, eq=False)
class Gated:
    """A gate that has its verdict; `close` it once all is done that was to be done about that."""

    run: GateRun
    record: Record
    case: Case
    verdict: Verdict

    def close(self) -> None:
        """The same command begins a new gate from here on."""
        self.run.close(self.record)


@contextmanager
def gated(
    settings: Settings, client: Prometheus, progress: Progress, clock: Clock | None = None
) -> Iterator[Gated]:
    """Watch until there is a verdict. Its directory is held until the end of the block.

    Raises UsageError, ConfigError, EnvironmentError_, and Interrupted for a Ctrl-C in here or in the block.
    """
    clock = clock or Clock()
    config = settings.read()
    run = unfinished(settings, config, clock.now())
    if run is None:
        run = _begun(settings, config, client, progress, clock)
    else:
        ago = duration(max(0, round(clock.now() + run.ahead - run.start)))
        progress.say(f"going on with {run.path}, whose window began {ago} ago")
    theirs = replace(clock, now=lambda: clock.now() + run.ahead)
    with held(run.path):
        try:
            end = watch(run, config, settings, client, progress, theirs)
            record = run.finish(end.look.verdict, end.look.seconds, early=end.early)
            yield Gated(run, record, end.look.case, end.look.verdict)
        except KeyboardInterrupt:
            left = run.end - theirs.now()
            when = f"{duration(round(left))} before its end" if left > 0 else "after the end of its window"
            raise Interrupted(
                f"interrupted {when}; its state is in {run.path}", hint="the same command goes on with it"
            ) from None


def _begun(
    settings: Settings, config: JudgeConfig, client: Prometheus, progress: Progress, clock: Clock
) -> GateRun:
    """A new gate, after a first look that says what the server has."""
    step = config.step or USUAL_STEP
    now = clock.now()
    look, known = first_look(config, client, now)
    if shared := look.shared():
        raise UsageError(
            f"the versions are not told apart: {'; '.join(shared[:3])}",
            hint="labels under arms: that no series of both versions has: --set canary.version=...",
        )
    for line in look.lines(step, known):
        progress.say(line)
    if look.ahead:
        progress.say(
            f"the server's clock is {duration(abs(round(look.ahead)))} {'ahead' if look.ahead > 0 else 'behind'}"
        )
    behind = look.behind(step)
    run = begin(settings, config, float(math.floor(now + look.ahead)), behind=behind, ahead=look.ahead)
    progress.say(
        f"watching for {duration(run.planned)} in steps of {duration(step)}; the window's end stays "
        f"{duration(behind)} behind now, for scrapes to arrive"
    )
    progress.say(f"state: {run.path}")
    return run
