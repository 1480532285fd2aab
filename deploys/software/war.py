"""A WAR on the control machine: checked, freed of what must not travel, or built by Maven. Knows nothing of pyinfra."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploys.kit.facts import APPLICATIONS
from deploys.kit.places import cache_folder
from deploys.software import maven

__all__ = [
    "BUILD_SECONDS",
    "INSTALL",
    "OPENS",
    "PROPERTIES",
    "SKIPS",
    "WarError",
    "built",
    "check_tree",
    "prepared",
]

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
_PACKAGING: Final = f"<packaging>{APPLICATIONS['itrust'].makes}</packaging>"
# Debian's packages of Maven and a JDK: on a host they are installed where it builds.
INSTALL: Final = "maven default-jdk-headless"
_POMS: Final = ("iTrust2/pom.xml", "pom.xml")

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


def check_tree(archive: Path) -> str:
    """Where the project is in the tree of `archive` (tar.gz). Raises WarError where none is that makes a WAR."""
    try:
        with tarfile.open(archive) as packed:
            inside = {member.name.removeprefix("./"): member for member in packed if member.isfile()}
            pom = next((pom for pom in _POMS if pom in inside), None)
            if pom is None:
                raise WarError(f"{archive}: this is not iTrust2: it has no {' or '.join(_POMS)}")
            file = packed.extractfile(inside[pom])
            if file is None or _PACKAGING.encode() not in b"".join(file.read().split()):
                raise WarError(f"{archive}: {pom} makes no WAR for a Tomcat: it has no {_PACKAGING}")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise WarError(f"{archive}: cannot be unpacked: {error}") from None
    except OSError as error:
        raise WarError(f"{error.filename or archive}: {error.strerror or error}") from None
    return pom.removesuffix("pom.xml")


def built(archive: Path, name: str, tell: Callable[[str], None]) -> Path:
    """The WAR of the tree in `archive` (tar.gz), built by this machine's Maven with its user's settings.

    Kept in the user's cache under `name`, and not built again. `tell` gets what a build is at. This runs code of the
    repository here. Raises WarError.
    """
    try:
        kept = _cache_directory() / f"{name}.war"
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                _build(archive, kept, tell)
    except OSError as error:
        raise WarError(f"{error.filename or archive}: {error.strerror or error}") from None
    return kept


def _build(archive: Path, kept: Path, tell: Callable[[str], None]) -> None:
    for program, needs in (("mvn", "Maven"), ("javac", "a JDK")):
        if not maven.program(program):
            raise WarError(
                f"a build here needs {needs}, and there is no {program}: sudo apt-get install {INSTALL};"
                " or build on the host"
            )
    folder = check_tree(archive)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=kept.parent) as directory:
        try:
            with tarfile.open(archive) as packed:
                # Python has the filter since 3.11.4, and Debian 12 has 3.11.2. Git makes no path that leads outside.
                packed.extraction_filter = getattr(tarfile, "data_filter", None)
                packed.extractall(directory)  # noqa: S202 - an archive that git has made
        except tarfile.TarError as error:
            raise WarError(f"{archive}: cannot be unpacked: {error}") from None
        project, log = Path(directory) / folder, kept.with_suffix(".log")
        opened = f"{os.environ.get('MAVEN_OPTS', '')} {OPENS}".strip()
        try:
            maven.package(
                [maven.program("mvn"), "-B", *SKIPS, "package"],
                log=log,
                tell=tell,
                seconds=BUILD_SECONDS,
                cwd=project,
                env={**os.environ, "MAVEN_OPTS": opened},
            )
        except maven.MavenError as error:
            raise WarError(f"{error}; read {log}") from None
        made = project / "target" / "iTrust2.war"
        if not made.exists():
            raise WarError(f"mvn package made no target/iTrust2.war; read {log}")
        made.replace(kept)
