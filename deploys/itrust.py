"""iTrust on a host: the WAR in Tomcat behind nginx, its database, its first users, and the proof that it works.

    pyinfra inventory.ini deploys/itrust.py [--data war=FILE | --data repo=... --data ref=... --data build=local]

Data of the host and what is where on it: docs/deploys.md. Secrets: `itrust_db_password` and the first users'
`itrust_USER_password` (software/itrust2.py), which are made; `itrust_mail_username`, `_mail_password` and `_mail_host`,
which are taken where they are given.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.exceptions import DeployError
from pyinfra.context import config, host
from pyinfra.facts.server import Command

from deploys.kit import nginx, packages, releases, slots
from deploys.kit.application import archive_and_commit, digest, host_secrets, page_address, wants_rollback
from deploys.kit.direct import send_at_once
from deploys.kit.facts import APPLICATIONS
from deploys.kit.groups import in_group
from deploys.kit.listening import listening_port
from deploys.kit.places import CHECKS
from deploys.kit.proof import proof
from deploys.kit.quoting import environment_file
from deploys.kit.reports import progress
from deploys.kit.source import SourceError
from deploys.software import itrust2, mariadb, tomcat, war
from deploys.watch import exporters, jmx

APP = "itrust"
FACTS = APPLICATIONS[APP]
PORTS = FACTS.slots
PACKAGES = ["ca-certificates", "python3", "nginx", "curl", *tomcat.PACKAGES, *mariadb.PACKAGES]
BUILD_PACKAGES = war.INSTALL.split()
MIGRATE_SECONDS = 300
START_SECONDS = 180
LOGIN = FACTS.health  # it reads the database
MAIL = ("itrust_mail_username", "itrust_mail_password", "itrust_mail_host")


@dataclass(frozen=True)
class Release:
    """What is to be served.

    Attributes:
        identifier: Its name on the host.
        archive: On this machine: a WAR, or a tree to be built; empty for a release that the host has already.
        on_host: Whether the tree is built on the host.
        here: Whether it is built on this machine.
    """

    identifier: str
    archive: str = ""
    on_host: bool = False
    here: bool = False


def deploy() -> None:
    """All of it, on one host. Whatever is wrong with what was given is told before anything is changed."""
    listen, build = listening_port(host, FACTS.listen, PORTS, "iTrust"), where_to_build()
    rollback = wants_rollback()
    names = ["itrust_db_password", *itrust2.secret_names().values()]
    secrets = host_secrets(host, names, optional=MAIL)
    try:
        release = Release(releases.previous_release(APP)) if rollback else wanted(build)
        memory, ipv6, installed = looked_at(release)
        script = itrust2.install_script(f"/srv/itrust/releases/{release.identifier}")
        fingerprint = hashlib.sha256(script.encode()).hexdigest()
        archive = release.archive
        if (release.on_host or release.here) and installed != fingerprint:
            war.check_tree(Path(archive))
        if release.here and installed != fingerprint:
            archive = str(war.prepared(war.built(Path(archive), release.identifier, progress))[0])
    except (SourceError, war.WarError) as error:
        raise DeployError(str(error)) from None

    packages.ensure([*PACKAGES, *(BUILD_PACKAGES if release.on_host else [])], hold=["nginx"])
    releases.ensure_user(APP)
    mariadb.server(name="service start: run MariaDB")
    mariadb.database(
        name="service install: iTrust's database and its user", password=secrets["itrust_db_password"]
    )
    tomcat.configured(name="service install: configure Tomcat")
    if archive:
        what = "build and install the commit" if release.on_host else "install the WAR"
        releases.release(
            name=f"service install: {what}",
            app=APP,
            archive=archive,
            identifier=release.identifier,
            script=script,
            fingerprint=fingerprint,
            timeout=war.BUILD_SECONDS + MIGRATE_SECONDS if release.on_host else MIGRATE_SECONDS,
            live=release.on_host,
        )
    itrust2.sealed(
        name="service install: close the release, secrets inside",
        identifier=release.identifier,
        secrets=secrets,
    )
    nginx.site(APP, "itrust.nginx.j2", listen=listen, ipv6=ipv6)
    serve(release.identifier, secrets, memory, listen, back=rollback)
    itrust2.initial_users(name="service start: iTrust's first users", secrets=secrets)
    proof(
        name="service start: prove it, with a log-in",
        program=(CHECKS / "itrust.py").read_text(encoding="utf-8"),
        parameters={
            "origin": f"http://127.0.0.1:{listen}",
            "url": page_address(listen, LOGIN),
            "release": release.identifier,
            "listen": listen,
            "database": mariadb.DATABASE,
            "user": "admin",
            "password": secrets["itrust_admin_password"],
        },
    )
    if exporters.is_monitored():
        exporters.of_application(APP)


def where_to_build() -> str:
    build = str(host.data.get("build") or "host")
    if build not in ("host", "local"):
        raise DeployError(f"{host.name}: build {build!r} is neither host nor local")
    return build


def wanted(build: str) -> Release:
    """The release that the host's data name: a WAR, or a commit. Raises SourceError or WarError."""
    # A digest of the install script is part of its name: another script never changes a release that is served.
    recipe = hashlib.sha256(itrust2.install_script("").encode()).hexdigest()[:8]
    if given := str(host.data.get("war") or ""):
        copy, content = war.prepared(Path(given).expanduser())
        return Release(f"war-{content[:12]}-{recipe}", str(copy))
    archive, commit = archive_and_commit(FACTS.repository, FACTS.ref)
    if build == "local":
        return Release(f"{commit}-{recipe}-local", archive, here=True)
    return Release(f"{commit}-{recipe}", archive, on_host=True)


def looked_at(release: Release) -> tuple[int, bool, str]:
    """The host's memory in MB, whether it has IPv6, and the fingerprint of the release as it is installed there."""
    asked = host.get_fact(
        Command,
        "awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo; [ -e /proc/net/if_inet6 ] && echo ipv6 || echo ipv4;"
        f" cat /srv/itrust/releases/{release.identifier}.installed 2>/dev/null || echo none",
    )
    memory, addresses, installed = (asked or "").split()
    return int(memory), addresses == "ipv6", installed


def serve(identifier: str, secrets: dict[str, str], memory: int, listen: int, back: bool) -> None:
    """The release runs and has nginx's traffic."""
    # ProtectSystem=strict: it writes only to its private /tmp. 143 is a JVM's exit code after SIGTERM.
    # An iTrust2 that had no database at its first request never recovers (Hibernate's factory is a static). So a start
    # counts only once its first answer is good, and is tried again otherwise; the deploy sees at once that it failed.
    unit = slots.unit_text(
        APP,
        tomcat.command(memory),
        after=["mariadb.service"],
        stop_seconds=20,
        options=[
            "ProtectSystem=strict",
            "SuccessExitStatus=143",
            f"ExecStartPost={tomcat.FIRST_ANSWER} http://127.0.0.1:%i{LOGIN}",
            f"TimeoutStartSec={START_SECONDS}",
            "RestartSec=3",
        ],
    )
    slots.slot_unit(name="service start: write the unit", app=APP, text=unit)
    inside = itrust2.secrets_inside(secrets)
    agent = jmx.environments(PORTS)
    slots.activate(
        name="service start: serve the release",
        slots=slots.Slots(
            app=APP,
            ports=PORTS,
            environment={
                port: environment_file({"ITRUST_PORT": port, "LANG": "C.UTF-8", **agent[port]})
                for port in PORTS
            },
            health=LOGIN,
            patience=START_SECONDS,
            listen=listen,
        ),
        identifier=identifier,
        # The database's random password is part of what is hashed: nobody guesses another secret from the digest.
        fingerprint=digest(identifier, unit, inside, tomcat.texts()),
        back=back,
    )


# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"
# With --serial: when a host fails, no other is begun.
config.FAIL_PERCENT = 0

if in_group(APP):
    send_at_once()
    deploy()
