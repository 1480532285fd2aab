"""What a deploy did on each host: as data, as one JSON document, as lines for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.deploy.applications import Application
from pipeline.inventory.hosts import Host

__all__ = ["HostResult", "Result", "error_document", "summary"]


@dataclass(slots=True)
class HostResult:
    """One host. `state`: untouched, done, failed or interrupted.

    `operations` are the names of those that changed something (in a dry run: would). `reports` is what the deploy
    told. `commit` is empty for a WAR and for a rollback. `seconds`: wall time.
    """

    host: Host
    state: str = "untouched"
    operations: Sequence[str] = ()
    seconds: float = 0.0
    reports: Sequence[Mapping[str, Any]] = ()
    commit: str = ""
    log: Path | None = None
    reason: str = ""

    @property
    def switch(self) -> Mapping[str, Any]:
        """What the change of slots told: release, port, probes, unanswered, seconds; empty where there was none."""
        return next((report for report in self.reports if report.get("name") == "switch"), {})

    @property
    def proof(self) -> Mapping[str, Any]:
        """What the application's own check told: proof (words), url, ..."""
        return next((report for report in reversed(self.reports) if "proof" in report), {})

    @property
    def release(self) -> str:
        """The release that is served, where that is known."""
        return str(self.switch.get("release") or self.proof.get("release") or self.commit)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the JSON document."""
        return {
            "host": self.host.name,
            "address": self.host.address,
            "state": self.state,
            "changed": len(self.operations),
            "operations": list(self.operations),
            "release": (self.release or None) if self.state == "done" else None,
            "switch": dict(self.switch) or None,
            "proof": dict(self.proof) or None,
            "seconds": round(self.seconds, 1),
            "log": str(self.log) if self.log else None,
            "reason": self.reason or None,
        }


@dataclass(slots=True)
class Result:
    """What came of a deploy on all of its hosts. `error` is what stopped it."""

    application: Application
    inventory: Path
    hosts: list[HostResult]
    dry_run: bool = False
    error: PipelineError | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of `pipeline deploy --json`."""
        return {
            "application": self.application.name,
            "inventory": str(self.inventory),
            "dry_run": self.dry_run,
            "hosts": [host.to_dict() for host in self.hosts],
            "error": error_document(self.error) if self.error else None,
        }

    def names(self, *states: str) -> list[str]:
        """The hosts in one of these states."""
        return [result.host.name for result in self.hosts if result.state in states]


def error_document(error: PipelineError) -> dict[str, Any]:
    """An error as it stands in a JSON document."""
    kind, code = type(error).__name__, int(error.exit_code)
    return {"kind": kind, "message": error.message, "hint": error.hint, "exit_code": code}


def summary(result: Result) -> Iterable[str]:
    """Lines for people: for each host that was finished, what changed and where the application is."""
    for done in result.hosts:
        if done.state != "done":
            continue
        count = len(done.operations)
        if result.dry_run:
            would = f"{count} operation{'s' if count != 1 else ''} would change it"
            yield f"{done.host.name}: {would if count else 'nothing to change'}"
            yield from (f"  {name}" for name in done.operations)
            continue
        words = [f"changed {count} operation{'s' if count != 1 else ''}" if count else "nothing to change"]
        # a commit's hash, which nobody reads whole; or a name
        release = done.release[:12] if re.fullmatch(r"[0-9a-f]{40,64}", done.release) else done.release
        words += [f"release {release}"] if release else []
        if done.switch.get("probes") is not None:
            words.append(f"{done.switch['seconds']} s without an answer during the switch")
        yield f"{done.host.name}: {', '.join(words)} ({done.seconds:.1f} s)"
        if done.proof:
            yield f"  {done.proof['proof']}"
        yield f"  {done.proof.get('url') or _url(result.application, done.host)}"


def _url(app: Application, host: Host) -> str:
    """Where people open the application: the host as this machine reaches it."""
    port = str(host.data.get("listen", app.listen))
    address = f"[{host.address}]" if ":" in host.address else host.address
    return f"http://{address}{'' if port == '80' else f':{port}'}{app.page}"
