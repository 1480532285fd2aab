"""A verdict on the monitor, where the dashboard shows it: docs/monitoring.md, Marks."""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from datetime import datetime
from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, PipelineError, RunDirectoryError
from pipeline.base.facts import APPLICATIONS, REPORTS
from pipeline.base.places import state_directory
from pipeline.base.text import printable, reason_of
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.judge.verdict import Verdict
from pipeline.prod.inventory import last_inventory
from pipeline.prod.monitor import GROUP
from pipeline.prod.publish import Page
from pipeline.remote.ask import ask
from pipeline.runs.record import Record, Version

__all__ = ["check_publishing", "find_monitor", "leave_mark", "mark_line"]

_NAME = "pipeline_canary_timestamp_seconds"
_NO_PLACE = 4  # exit status of a monitor that was set up before it served pages
_SECONDS = 60  # a page may come over a slow line
# Standard input is one line, a sample, and then the page that it leads to: $1 is the page's name, $2 its bytes; empty
# where there is none. The same labels twice would make the exporter refuse the whole file, so the newer one replaces
# the older, as does one that now has a page; 20 stay, and each page goes with its mark. What is read is never half a
# file.
SCRIPT = f"""\
set -eu
umask 022
cd /var/lib/prometheus/node-exporter
pages={REPORTS} page=$1 size=$2
IFS= read -r line
same="${{line% *}} " unpublished=$same run=$same
exec 9>.pipeline_canary.lock
flock -w 10 9
if [ -n "$page" ]; then
  cat >"$pages/.new"
  [ "$(wc -c <"$pages/.new")" -eq "$size" ] || {{ echo 'the page did not arrive whole' >&2; exit 1; }}
  mv -T "$pages/.new" "$pages/$page"
  unpublished="${{same%,report=*}}}} " run="report=\\"/reports/$page\\"}} "
fi
{{
  echo '# HELP {_NAME} When a canary run ended.'
  echo '# TYPE {_NAME} gauge'
  {{
    grep -s '^{_NAME}' pipeline_canary.prom |
      grep -vF -e "$same" -e "$unpublished" -e "$run" || :
    printf '%s\\n' "$line"
  }} | awk '{{ print $NF "\\t" $0 }}' | sort -s -n | cut -f 2- | tail -n 20
}} >.pipeline_canary.new
mv -T .pipeline_canary.new pipeline_canary.prom
for file in "$pages"/*.html; do
  [ ! -e "$file" ] || grep -qF "report=\\"/reports/${{file##*/}}\\"}}" pipeline_canary.prom || rm -f -- "$file"
done
[ -z "$page" ] || [ -e "$pages/$page" ] || {{ echo 'the 20 runs that it shows are newer' >&2; exit 1; }}
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


def leave_mark(
    monitor: Host, record: Record, verdict: Verdict, progress: Progress, page: Page | None = None
) -> bool:
    """Write the verdict on the monitor, and the page that it leads to; gives whether all of that is there.

    What goes wrong is one line of progress. Where only the page cannot be put there, the verdict is written without.
    """
    try:
        _write(monitor, mark_line(record, verdict, _ended(record), page.path if page else ""), page)
    except HostError as error:
        what = "the verdict is not on the dashboard" if page is None else "the page is not published"
        progress.say(f"{what}: {error.message}{f'; type: {error.hint}' if error.hint else ''}")
        if page is not None:
            leave_mark(monitor, record, verdict, progress)
        return False
    progress.say(
        f"the verdict is on the dashboard of {monitor.name}{f', its page: {page.path}' if page else ''}"
    )
    return True


def check_publishing(monitor: Host) -> None:
    """Raises HostError, with what to type, unless pages can be published on `monitor`."""
    _ask(monitor, f"test -d {REPORTS} || {{ echo 'it serves no reports yet' >&2; exit {_NO_PLACE}; }}")


def mark_line(record: Record, verdict: Verdict, ended: float, report: str = "") -> str:
    """The sample of a run: labels say what, the value when it ended (seconds since 1970).

    `report` is where its report has been published: a path on the monitor, such as /reports/RUN.html.
    """
    service = _service(record)
    app = next((key for key, known in APPLICATIONS.items() if _last_word(known["repository"]) == service), "")
    labels = {
        # That of what is in production is drawn in its charts. Not `app`, which says what runs on the host.
        **({"application": app} if app else {}),
        "service": service,
        "repo": record.repo,
        "baseline": _version(record.baseline),
        "canary": _version(record.canary),
        "verdict": verdict.outcome.value,
        "score": "" if verdict.score is None else f"{verdict.score:.0f}",
        **({"report": report} if report else {}),  # the last: SCRIPT finds the mark without it
    }
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{_NAME}{{{text}}} {ended:.0f}\n"


def _ended(record: Record) -> float:
    """When the run's load ended, in seconds since 1970; of a run without load when it began. Always the same."""
    began = record.document.get("t0_unix")
    with contextlib.suppress(RunDirectoryError):
        if record.phases and isinstance(began, int | float) and began > 0:
            return float(began) + max(phase.end for phase in record.phases)
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(record.created).timestamp()
    return time.time()


def _service(record: Record) -> str:
    """What people call it: the last word of its repository's address."""
    return "the sample" if record.sample else _last_word(record.repo)


def _last_word(repo: str) -> str:
    return re.split(r"[/:\\]", repo.rstrip("/\\"))[-1].removesuffix(".git") or repo


def _version(version: Version) -> str:
    short = version.sha[:7]
    return short if version.sha.startswith(version.ref) else f"{version.ref} {short}"


def _escaped(value: str) -> str:
    r"""A label's value in the text format: one line, `\` and `"` escaped.

    >>> print(_escaped('a "b" \\ c\nd'))
    a \"b\" \\ c d
    """
    return printable(value, 200).replace("\\", "\\\\").replace('"', '\\"')


def _write(monitor: Host, line: str, page: Page | None) -> None:
    """Add `line` to what the monitor shows, with the page that it leads to. Raises HostError."""
    text = page.text if page else ""
    words = [page.name if page else "", str(len(text.encode(errors="replace")))]
    if page is not None:
        check_publishing(monitor)
    sudo = "" if monitor.user == "root" else "sudo -n "
    _ask(monitor, f"{sudo}sh -c {shlex.quote(SCRIPT)} sh {shlex.join(words)}", line + text)


def _ask(monitor: Host, command: str, stdin: str = "") -> None:
    """Run `command` on the monitor. Raises HostError unless it ends well."""
    known_hosts = state_directory() / "known_hosts"
    try:
        answer = ask(monitor, command, known_hosts=known_hosts, seconds=_SECONDS, stdin=stdin)
    except OSError as error:
        raise HostError(monitor.name, f"ssh: {reason_of(error)}") from None
    if answer.status is None:
        raise HostError(monitor.name, f"no end within {_SECONDS} s")
    if answer.status != 0:
        hint = "pipeline prod up" if answer.status == _NO_PLACE else None
        raise HostError(monitor.name, answer.said(f"ssh ended with {answer.status}"), hint=hint)
