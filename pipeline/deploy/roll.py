"""A deploy: everything checked first, then one host after the other; what fails stops it."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from pipeline.base.console import Progress, Steps
from pipeline.base.errors import Interrupted, PipelineError
from pipeline.base.lock import inventory_lock
from pipeline.base.places import log_file, state_directory
from pipeline.base.text import redact
from pipeline.deploy.outcome import HostOutcome, Outcome
from pipeline.deploy.preflight import check_hosts
from pipeline.deploy.settings import Settings
from pipeline.deploy.sources import Wanted, wanted
from pipeline.deploy.targets import targets
from pipeline.inventory.hosts import Inventory
from pipeline.remote.provision import provision

__all__ = ["deploy"]

HOST_SECONDS = 3600.0  # the packages of a bare host, and a build, over a slow line


def deploy(settings: Settings, progress: Progress) -> Outcome:
    """Bring the application up on each of its hosts. Raises PipelineError when nothing was begun.

    Once something was, what stopped it is the outcome's `error`: Interrupted, or what failed on a host.
    """
    app = settings.application
    hosts = targets(app, settings.inventory, settings.limit)
    state = state_directory()
    with inventory_lock(state, settings.inventory):
        for_each = wanted(settings, hosts, progress.say)
        progress.say(f"checking {', '.join(host.name for host in hosts)}")
        check_hosts(app, hosts, state / "known_hosts", room=not settings.rollback)
        outcomes = [HostOutcome(one.host, commit=one.commit.sha if one.commit else "") for one in for_each]
        outcome = Outcome(app, settings.inventory, outcomes, settings.dry_run)
        with tempfile.TemporaryDirectory(prefix="pipeline-deploy-") as private:
            for one, its in zip(for_each, outcomes, strict=True):
                try:
                    on_host(settings, one, its, Path(private), progress)
                except KeyboardInterrupt:
                    its.state = "interrupted"
                    outcome.error = interrupted(settings, outcome)
                except PipelineError as error:
                    its.state, its.reason = "failed", error.message
                    outcome.error = stopped(settings, outcome, error)
                progress.say(f"{one.host.name}: {its.state}")
                if outcome.error:
                    break
    return outcome


def on_host(settings: Settings, one: Wanted, its: HostOutcome, private: Path, progress: Progress) -> None:
    """Deploy to one host, and note in `its` what came of it."""
    app, host = settings.application, one.host
    verb = "looking at" if settings.dry_run else "rolling back" if settings.rollback else "deploying"
    release = f" {one.commit.sha[:7]} ({one.commit.ref})" if one.commit else ""
    progress.say(f"{host.name}: {verb} {app.name}{release}")
    its.log = log_file(app.key, host.name)
    with Steps(progress, host.name) as steps:
        steps.begin("building here, before the first step" if settings.build == "local" else "looking at it")
        result = provision(
            Inventory({app.key: (host,)}), app.file, {host.name: one.packed(private)},
            log=its.log, known_hosts=state_directory() / "known_hosts", say=steps.begin,
            dry_run=settings.dry_run, timeout=HOST_SECONDS,
        )  # fmt: skip
    its.operations, its.seconds = result.changes[host.name], result.seconds
    its.reports, its.state = result.reports.get(host.name, ()), "done"


def stopped(settings: Settings, outcome: Outcome, error: PipelineError) -> PipelineError:
    """The failure with the state of the other hosts in the same line, and what to type next."""
    hint = error.hint
    done = outcome.names("done")
    if done and settings.rollback and not settings.dry_run:
        hint = f"{hint}; then: {again(settings, outcome)}"
    elif done and not settings.dry_run:
        limits = "".join(f" --limit {shlex.quote(name)}" for name in done)
        hint = f"{hint}; or take {', '.join(done)} back: {command(settings)} --rollback{limits}"
    error.message, error.hint = f"{error.message}{others(outcome)}", hint
    return error


def interrupted(settings: Settings, outcome: Outcome) -> Interrupted:
    """Ctrl-C, with the state of each host."""
    broken = ", ".join(outcome.names("interrupted"))
    if settings.dry_run:
        return Interrupted("interrupted; nothing was changed")
    state = f"{broken}: broken off, what it served goes on until the switch; the next deploy finishes it"
    return Interrupted(f"interrupted; {state}{others(outcome)}", hint=again(settings, outcome))


def others(outcome: Outcome) -> str:
    parts = [("done", outcome.names("done")), ("untouched", outcome.names("untouched"))]
    return "".join(f"; {state}: {', '.join(names)}" for state, names in parts if names)


def command(settings: Settings) -> str:
    return f"pipeline deploy {settings.application.name} -i {shlex.quote(str(settings.inventory))}"


def again(settings: Settings, outcome: Outcome) -> str:
    """The command that finishes what was begun: a rollback must not go back twice on a host that is done."""
    words = [command(settings)]
    for name in ("repo", "ref", "war", "build", "environment"):
        if (value := getattr(settings, name)) is not None:
            words.append(f"--{name} {shlex.quote(redact(str(value)))}")
    if settings.rollback:
        left = outcome.names("interrupted", "failed", "untouched")
        words += ["--rollback", *(f"--limit {shlex.quote(name)}" for name in left)]
    else:
        words += [f"--limit {shlex.quote(name)}" for name in settings.limit]
    return " ".join(words)
