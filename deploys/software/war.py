"""A WAR on the control machine: checked, freed of what must not travel, or built by Maven. Knows nothing of pyinfra."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Final

from deploys.kit.places import cache_folder

__all__ = ["BUILD_SECONDS", "OPENS", "PROPERTIES", "SKIPS", "WarError", "built", "prepared"]

# What a host gets from its environment's secrets, below WEB-INF/classes. A WAR may carry somebody's own: that is
# left behind here, because an upload passes through the host's /tmp.
PROPERTIES: Final = ("db.properties", "email.properties")
_CLASSES: Final = "WEB-INF/classes/"

# iTrust2's maven-war-plugin 2.6 reflects into these (XStream), which a JDK after 16 forbids. All four are needed.
OPENS: Final = " ".join(
    f"--add-opens={package}=ALL-UNNAMED"
    for package in (
        "java.base/java.util",
        "java.base/java.lang.reflect",
        "java.base/java.text",
        "java.desktop/java.awt.font",
    )
)
# iTrust2's tests need a database and a browser. The first option keeps them from being compiled. The pom overrides it
# for surefire, so only the second keeps them from being run.
SKIPS: Final = ("-Dmaven.test.skip=true", "-DskipTests")
BUILD_SECONDS: Final = 1800  # a first build fetches 250 MB

# A zip without times: the same content is the same bytes.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class WarError(Exception):
    """One line: which WAR or build, and what is wrong with it."""


def _cache_directory() -> Path:
    cache = cache_folder("itrust")
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cache


def prepared(war: Path) -> tuple[Path, str]:
    """A copy of `war` in the user's cache, without PROPERTIES and without times; and the SHA-256 of its content.

    Two files with the same content give the same copy: what a rebuild did not change is no other release. Raises
    WarError for what is no web application.
    """
    try:
        if war.is_dir():
            raise WarError(f"{war}: is a directory, not a WAR")
        with zipfile.ZipFile(war) as source:
            return _copied(war, source)
    except zipfile.BadZipFile as error:
        raise WarError(f"{war}: is not a WAR: {str(error)[:1].lower()}{str(error)[1:]}") from None
    except (zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise WarError(f"{war}: cannot be unpacked: {error}") from None
    except OSError as error:
        raise WarError(f"{error.filename or war}: {error.strerror or error}") from None


def _copied(war: Path, source: zipfile.ZipFile) -> tuple[Path, str]:
    entries = sorted(entry.filename for entry in source.infolist() if not entry.is_dir())
    if not any(name.startswith("WEB-INF/") for name in entries):
        raise WarError(f"{war}: is not a WAR: it has no WEB-INF")
    twice = next((a for a, b in itertools.pairwise(entries) if a == b), None)
    if twice:
        raise WarError(f"{war}: holds {twice!r} twice")
    # A path that leads out of the directory it is unpacked in, with either kind of slash.
    outside = next((n for n in entries if n.startswith("/") or ".." in n.replace("\\", "/").split("/")), None)
    if outside:
        raise WarError(f"{war}: holds {outside!r}, which is outside of it")
    cache = _cache_directory()
    descriptor, partial = tempfile.mkstemp(prefix=".war-", dir=cache)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as target:
            for name in entries:
                if name not in {_CLASSES + property_file for property_file in PROPERTIES}:
                    target.writestr(zipfile.ZipInfo(name, _EPOCH), source.read(name))
        with Path(partial).open("rb") as made:
            digest = hashlib.file_digest(made, "sha256").hexdigest()
        copy = cache / digest / "iTrust2.war"
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        Path(partial).replace(copy)
    finally:
        Path(partial).unlink(missing_ok=True)
    return copy, digest


def built(archive: Path, name: str) -> Path:
    """The WAR of the tree in `archive` (tar.gz), built by this machine's Maven with its user's settings.

    Kept in the user's cache under `name`, and not built again. This runs code of the repository here. Raises WarError.
    """
    try:
        kept = _cache_directory() / f"{name}.war"
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                _build(archive, kept)
    except OSError as error:
        raise WarError(f"{error.filename or archive}: {error.strerror or error}") from None
    return kept


def _build(archive: Path, kept: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise WarError("there is no mvn on this machine; install Maven and a JDK, or build on the host")
    with tempfile.TemporaryDirectory(prefix=".build-", dir=kept.parent) as directory:
        try:
            with tarfile.open(archive) as packed:
                packed.extractall(directory, filter="data")
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise WarError(f"{archive}: cannot be unpacked: {error}") from None
        project = next(
            (p for p in (Path(directory) / "iTrust2", Path(directory)) if (p / "pom.xml").exists()), None
        )
        if not project:
            raise WarError(f"{archive}: this is not iTrust2: it has no iTrust2/pom.xml")
        log = kept.with_suffix(".log")
        with log.open("w", encoding="utf-8") as output:
            try:
                done = subprocess.run(
                    [maven, "-B", *SKIPS, "package"],
                    cwd=project,
                    env={**os.environ, "MAVEN_OPTS": f"{os.environ.get('MAVEN_OPTS', '')} {OPENS}".strip()},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=BUILD_SECONDS,
                )
            except subprocess.TimeoutExpired:
                raise WarError(f"mvn package: not done after {BUILD_SECONDS} s; read {log}") from None
        war = project / "target" / "iTrust2.war"
        if done.returncode != 0 or not war.exists():
            raise WarError(f"mvn package: {_complaint(log)}; read {log}")
        war.replace(kept)


def _complaint(log: Path) -> str:
    """The first line of Maven's log that says what is wrong: its last ones only name web pages."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")]
    return (next(filter(None, errors), None) or "made no target/iTrust2.war")[:300]
