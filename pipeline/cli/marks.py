"""What a run leaves on a monitor: its verdict, and its page where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import Exit, UsageError
from pipeline.base.step_hook import begins

if TYPE_CHECKING:
    from pipeline.base.console import Progress
    from pipeline.inventory.hosts import Host, Inventory
    from pipeline.judge.verdict import Verdict
    from pipeline.runs.directory import Run

__all__ = ["Marks", "marks_of"]


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a verdict is shown (None: nowhere), and whether its page goes there as well."""

    monitor: Host | None
    publish: bool

    def leave(self, run: Run, verdict: Verdict, progress: Progress) -> Exit:
        """Show the verdict there. ENVIRONMENT where a page that was asked for could not be published."""
        from pipeline.prod.mark import leave_mark
        from pipeline.prod.publish import page_of

        if self.monitor is None:
            return Exit.OK
        begins("mark")
        page = page_of(run, verdict) if self.publish else None
        done = leave_mark(self.monitor, run.record, verdict, progress, page)
        return Exit.OK if done or not self.publish else Exit.ENVIRONMENT


def marks_of(
    given: Path | None, inventory: Inventory | None, *, publish: bool, sample: bool = False
) -> Marks:
    """What --monitor and --publish ask for.

    A run of the bundled sample is nobody's service: production's dashboard has it only where one of them is given.

    Args:
        given: The file of --monitor.
        inventory: The run's own hosts, where the user has named them.
        publish: Whether the page is to be published.
        sample: Whether the run is of the bundled sample.

    Raises:
        UsageError: A page is to be published, and there is no monitor; or the file cannot be used.
        HostError: The monitor does not take pages.
    """
    from pipeline.prod.mark import check_publishing, find_monitor

    if sample and given is None and not publish:
        return Marks(None, publish=False)
    monitor = find_monitor(given, inventory)
    if publish:
        if monitor is None:
            hint = "pipeline prod up; or --monitor FILE: an inventory with a group `monitor`"
            raise UsageError("--publish: there is no monitor", hint=hint)
        check_publishing(monitor)
    return Marks(monitor, publish)
