"""A verdict on the monitor, where the dashboard shows it: docs/monitoring.md, Marks."""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, PipelineError
from pipeline.base.places import state_directory
from pipeline.base.text import printable, reason_of
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.judge.verdict import Verdict
from pipeline.prod.inventory import last_inventory
from pipeline.prod.monitor import GROUP
from pipeline.remote.ask import ask
from pipeline.runs.record import Record, Version

__all__ = ["find_monitor", "leave_mark", "mark_line"]

_NAME = "pipeline_canary_timestamp_seconds"
_SECONDS = 30
# Standard input is one line, a sample. The same labels twice would make the exporter refuse the whole file, so the
# newer one replaces the older; 20 stay. What is read is never half a file.
SCRIPT = f"""\
set -eu
umask 022
cd /var/lib/prometheus/node-exporter
IFS= read -r line
labels=${{line% *}}
exec 9>.pipeline_canary.lock
flock -w 10 9
{{
  echo '# HELP {_NAME} When a canary run was judged.'
  echo '# TYPE {_NAME} gauge'
  {{
    grep -s '^{_NAME}' pipeline_canary.prom | grep -vF -- "$labels " || :
    printf '%s\\n' "$line"
  }} | tail -n 20
}} >.pipeline_canary.new
mv -T .pipeline_canary.new pipeline_canary.prom
"""


def find_monitor(given: Path | None, inventory: Inventory | None) -> Host | None:
    """The monitor that verdicts go to; None when there is none.

    It is the one of the file `given`, else of the run's own `inventory`, else of the inventory that `prod up` wrote
    last in this workplace.

    Raises InventoryError for a given file that cannot be read or has no monitor.
    """
    if given is not None:
        return read_inventory(given, (GROUP,)).one(GROUP)
    if inventory is not None and GROUP in inventory.groups:
        return inventory.one(GROUP)
    # that inventory may have been changed since; the user did not name it, so its problems are not told
    with contextlib.suppress(PipelineError):
        if (path := last_inventory()) is not None:
            return read_inventory(path, (GROUP,)).one(GROUP)
    return None


def leave_mark(monitor: Host, record: Record, verdict: Verdict, progress: Progress) -> None:
    """Write the verdict on the monitor. What goes wrong is one line of progress, and nothing else."""
    try:
        _write(monitor, mark_line(record, verdict, time.time()))
    except HostError as error:
        progress.say(f"the verdict is not on the dashboard: {error.message}")
    else:
        progress.say(f"the verdict is on the dashboard of {monitor.name}")


def mark_line(record: Record, verdict: Verdict, now: float, report: str = "") -> str:
    """The sample of a run: labels say what, the value when (seconds since 1970).

    `report` is where its report has been published: a path on the monitor's page, such as /reports/RUN/.
    """
    labels = {
        "service": _service(record),
        "repo": record.repo,
        "baseline": _version(record.baseline),
        "canary": _version(record.canary),
        "verdict": verdict.outcome.value,
        "score": "" if verdict.score is None else f"{verdict.score:.0f}",
        **({"report": report} if report else {}),
    }
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{_NAME}{{{text}}} {now:.0f}\n"


def _service(record: Record) -> str:
    """What people call it: the last word of its repository's address."""
    if record.sample:
        return "the sample"
    return re.split(r"[/:\\]", record.repo.rstrip("/\\"))[-1].removesuffix(".git") or record.repo


def _version(version: Version) -> str:
    short = version.sha[:7]
    return short if version.sha.startswith(version.ref) else f"{version.ref} {short}"


def _escaped(value: str) -> str:
    r"""A label's value in the text format: one line, `\` and `"` escaped.

    >>> print(_escaped('a "b" \\ c\nd'))
    a \"b\" \\ c d
    """
    return printable(value, 200).replace("\\", "\\\\").replace('"', '\\"')


def _write(monitor: Host, line: str) -> None:
    """Add `line` to what the monitor shows. Raises HostError."""
    sudo = "" if monitor.user == "root" else "sudo -n "
    command = f"{sudo}sh -c {shlex.quote(SCRIPT)}"
    known_hosts = state_directory() / "known_hosts"
    try:
        answer = ask(monitor, command, known_hosts=known_hosts, seconds=_SECONDS, stdin=line)
    except OSError as error:
        raise HostError(monitor.name, f"ssh: {reason_of(error)}") from None
    if answer.status is None:
        raise HostError(monitor.name, f"no end within {_SECONDS} s")
    if answer.status != 0:
        raise HostError(monitor.name, answer.said(f"ssh ended with {answer.status}"))
