"""What each host is to get: a commit's tree as an archive, or a WAR; found before any host is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.base.places import CACHE
from pipeline.base.tools import JDK, MAVEN, require
from pipeline.deploy.applications import Application
from pipeline.deploy.options import Options, check_war
from pipeline.inventory.hosts import Host
from pipeline.source.opening import open_source
from pipeline.source.repository import Commit, Source

__all__ = ["Release", "releases_for"]


@dataclass(frozen=True, slots=True)
class Release:
    """What one host is to get. `commit` and `source` are None for a WAR, a rollback, an archive of the inventory."""

    host: Host
    data: dict[str, object]
    source: Source | None = None
    commit: Commit | None = None

    def packed(self, directory: Path) -> dict[str, object]:
        """The data of the host's deploy, with the archive written into `directory` once for all hosts."""
        if self.source is None or self.commit is None:
            return self.data
        archive = directory / f"{self.commit.sha}.tar.gz"
        if not archive.exists():
            self.source.archive(self.commit, archive)
        return {**self.data, "archive": str(archive), "commit": self.commit.sha}


def releases_for(options: Options, hosts: Sequence[Host], say: Callable[[str], None]) -> list[Release]:
    """What each host is to get: what the options say, else what the inventory says, else what is usual.

    Raises SourceError, UsageError or EnvironmentError_. Opens each repository once.
    """
    sources: dict[tuple[str, str], tuple[Source, Commit]] = {}
    return [_release(options, host, sources, say) for host in hosts]


def _release(
    options: Options,
    host: Host,
    sources: dict[tuple[str, str], tuple[Source, Commit]],
    say: Callable[[str], None],
) -> Release:
    """What one host is to get.

    Args:
        options: What the command says.
        host: The host, with what the inventory says.
        sources: The repositories that are open already, by name and ref; a new one is added.
        say: Gets lines of progress.

    Raises:
        UsageError: A file is missing, or is no WAR.
        EnvironmentError_: It is to be built here, and what that needs is missing.
        SourceError: The repository or the ref cannot be had.
    """
    app = options.application
    data: dict[str, object] = {}
    if options.environment is not None:
        data["environment"] = options.environment
    if options.rollback:
        return Release(host, {**data, "rollback": True})
    if options.build is not None:
        data["build"] = options.build
    named = options.repo is not None or options.ref is not None or options.build is not None
    if options.war is not None:
        return Release(host, {**data, "war": str(options.war.resolve())})
    if not named and "war" in app.only and host.data.get("war"):
        war = Path(str(host.data["war"])).expanduser()
        check_war(war, f"{host.where}: war")
        return Release(host, {**data, "war": str(war.resolve())})
    if not named and host.data.get("archive"):
        archive = Path(str(host.data["archive"])).expanduser()
        if not archive.is_file():
            raise UsageError(f"{host.where}: archive {archive}: there is no such file")
        return Release(host, {**data, "archive": str(archive.resolve())})
    # The upstream is named, not left to be the usual one: nothing else is ever put on a host in its place.
    repo = options.repo or str(host.data.get("repo") or app.repository)
    ref = options.ref or str(host.data.get("ref") or app.ref)
    if (options.build or host.data.get("build")) == "local":
        require((MAVEN, JDK), "a build on this machine (--build local)")
    if (repo, ref) not in sources:
        source = open_source(repo, CACHE, service=app.key, say=say)
        commit = source.resolve(ref)
        _check_tree(app, source, commit)
        sources[repo, ref] = source, commit
        for note in source.notes(commit):
            say(f"note: {note}")
    source, commit = sources[repo, ref]
    # An inventory's own WAR gives way to a repository that was named.
    without: dict[str, object] = {"war": ""} if "war" in app.only and host.data.get("war") else {}
    return Release(host, {**data, **without}, source, commit)


def _check_tree(app: Application, source: Source, commit: Commit) -> None:
    """Raises UsageError for a tree that is not this application: known here, before any host is touched."""
    needed = [alternatives.split(" or ") for alternatives in app.tree]
    there = source.files(commit, [path for paths in needed for path in paths])
    for paths in needed:
        if there.isdisjoint(paths):
            raise UsageError(
                f"{source.display}: {commit.ref} is not {app.name}: it has no {' or '.join(paths)}",
                hint=f"name a repository of {app.name} with --repo, and a version of it with --ref",
            )
    if app.makes:
        pom = next(path for path in needed[0] if path in there)
        if f"<packaging>{app.makes}</packaging>" not in "".join(source.text(commit, pom).split()):
            raise UsageError(
                f"{source.display}: {commit.ref} of {app.name} cannot be deployed: {pom} makes no"
                f" {app.makes.upper()}, and Tomcat serves nothing else",
                hint=f"--ref {app.ref}; docs/deploys.md says which versions can be",
            )
