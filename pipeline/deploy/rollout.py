"""A deploy: everything is checked first, then one host after the other gets its release; a failure stops it."""

from __future__ import annotations

import shlex
from pathlib import Path

from pipeline.base.console import Progress, Steps
from pipeline.base.errors import Interrupted, PipelineError
from pipeline.base.lock import inventory_lock
from pipeline.base.places import log_file, state_directory
from pipeline.base.private import private_directory
from pipeline.base.text import redact
from pipeline.deploy.options import Options
from pipeline.deploy.preflight import check_hosts
from pipeline.deploy.releases import Release, releases_for
from pipeline.deploy.result import HostResult, Result
from pipeline.deploy.target_hosts import target_hosts
from pipeline.inventory.hosts import Inventory
from pipeline.remote.provision import provision

__all__ = ["roll_out"]

_HOST_SECONDS = 3600.0  # the packages of a bare host, and a build, over a slow line


def roll_out(options: Options, progress: Progress) -> Result:
    """Bring the application up on each of its hosts. Raises PipelineError when nothing was begun.

    Once something was, what stopped it is the result's `error`: Interrupted, or what failed on a host.
    """
    app = options.application
    hosts = target_hosts(app, options.inventory, options.limit)
    state = state_directory()
    with inventory_lock(state, options.inventory):
        releases = releases_for(options, hosts, progress.say)
        progress.say(f"checking {', '.join(host.name for host in hosts)}")
        check_hosts(app, hosts, state / "known_hosts", room=not options.rollback)
        results = [
            HostResult(release.host, commit=release.commit.sha if release.commit else "")
            for release in releases
        ]
        result = Result(app, options.inventory, results, options.dry_run)
        with private_directory() as private:
            for release, on_host in zip(releases, results, strict=True):
                try:
                    _deploy_to_host(options, release, on_host, private, progress)
                except KeyboardInterrupt:
                    on_host.state = "interrupted"
                    result.error = _interrupted(options, result)
                except PipelineError as error:
                    on_host.state, on_host.reason = "failed", error.message
                    result.error = _stopped(options, result, error)
                progress.say(f"{release.host.name}: {on_host.state}")
                if result.error:
                    break
    return result


def _deploy_to_host(
    options: Options, release: Release, result: HostResult, private: Path, progress: Progress
) -> None:
    """Deploy to one host, and note in `result` what came of it.

    Args:
        options: What the command was asked for.
        release: The host, and what it is to get.
        result: Filled in here.
        private: A directory for the archive of the release.
        progress: Gets the steps.

    Raises:
        PipelineError: The deploy did not finish.
    """
    app, host = options.application, release.host
    verb = "looking at" if options.dry_run else "rolling back" if options.rollback else "deploying"
    version = f" {release.commit.sha[:7]} ({release.commit.ref})" if release.commit else ""
    progress.say(f"{host.name}: {verb} {app.name}{version}")
    result.log = log_file(app.key, host.name)
    with Steps(progress, host.name) as steps:
        steps.begin("looking at it")
        done = provision(
            Inventory({app.key: (host,)}),
            app.file,
            {host.name: release.packed(private)},
            log=result.log,
            known_hosts=state_directory() / "known_hosts",
            say=steps.begin,
            dry_run=options.dry_run,
            timeout=_HOST_SECONDS,
        )
    result.operations, result.seconds = done.changes[host.name], done.seconds
    result.reports, result.state = done.reports.get(host.name, ()), "done"


def _stopped(options: Options, result: Result, error: PipelineError) -> PipelineError:
    """The failure with the state of the other hosts in the same line, and what to type next."""
    hints = [error.hint] if error.hint else []
    done = result.names("done")
    if done and options.rollback and not options.dry_run:
        hints.append(f"then: {_again(options, result)}")
    elif done and not options.dry_run:
        limits = "".join(f" --limit {shlex.quote(name)}" for name in done)
        take = f"take {', '.join(done)} back: {_command(options)} --rollback{limits}"
        hints.append(f"or {take}" if hints else take)
    error.message, error.hint = f"{error.message}{_others(result)}", "; ".join(hints) or None
    return error


def _interrupted(options: Options, result: Result) -> Interrupted:
    """Ctrl-C, with the state of each host."""
    broken = ", ".join(result.names("interrupted"))
    if options.dry_run:
        return Interrupted("interrupted; nothing was changed")
    state = f"{broken}: broken off, what it served goes on until the switch; the next deploy finishes it"
    return Interrupted(f"interrupted; {state}{_others(result)}", hint=_again(options, result))


def _others(result: Result) -> str:
    """The hosts that are done and those that are untouched, as the end of a sentence."""
    parts = [("done", result.names("done")), ("untouched", result.names("untouched"))]
    return "".join(f"; {state}: {', '.join(names)}" for state, names in parts if names)


def _command(options: Options) -> str:
    """The beginning of a command for the same application and inventory."""
    return f"pipeline deploy {options.application.name} -i {shlex.quote(str(options.inventory))}"


def _again(options: Options, result: Result) -> str:
    """The command that finishes what was begun: a rollback must not go back twice on a host that is done."""
    words = [_command(options)]
    for name in ("repo", "ref", "war", "build", "environment"):
        if (value := getattr(options, name)) is not None:
            words.append(f"--{name} {shlex.quote(redact(str(value)))}")
    if options.rollback:
        left = result.names("interrupted", "failed", "untouched")
        words += ["--rollback", *(f"--limit {shlex.quote(name)}" for name in left)]
    else:
        words += [f"--limit {shlex.quote(name)}" for name in options.limit]
    return " ".join(words)
