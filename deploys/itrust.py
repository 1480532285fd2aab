"""iTrust on a host: the WAR in Tomcat behind nginx, its database, its first users, and the proof that it works.

    pyinfra inventory.ini deploys/itrust.py [--data war=FILE | --data repo=... --data ref=... --data build=local]

Data of the host and what is where on it: docs/deploys.md. Secrets: `itrust_db_password` and the first users'
`itrust_USER_password` (itrust_users.py), which are made; `itrust_mail_username`, `_mail_password` and `_mail_host`,
which are taken where they are given.
"""

import hashlib
import json
import re
from pathlib import Path

from pyinfra.api.exceptions import DeployError
from pyinfra.context import config, host
from pyinfra.facts.server import Command

from deploys import (
    exporters,
    itrust_release,
    itrust_users,
    jmx,
    mariadb,
    nginx,
    packages,
    releases,
    slots,
    tomcat,
    war,
)
from deploys.direct import send_at_once
from deploys.proof import proof
from deploys.quoting import environment_file
from deploys.secrets import SecretsError, secrets_of
from deploys.source import SourceError, archive_of

APP = "itrust"
PORTS = (8081, 8082)
REPOSITORY = "https://github.com/ncsu-csc326/iTrust2.git"
PACKAGES = ["ca-certificates", "python3", "nginx", "curl", *tomcat.PACKAGES, *mariadb.PACKAGES]
BUILD_PACKAGES = ["maven", "default-jdk-headless"]
MIGRATE_SECONDS = 300
START_SECONDS = 180
LOGIN = "/iTrust2/login"  # it reads the database
MAIL = ("itrust_mail_username", "itrust_mail_password", "itrust_mail_host")
HERE = Path(__file__).resolve().parent

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"
# With --serial, the first host that fails is the last that is touched.
config.FAIL_PERCENT = 0
send_at_once()

here = host.name
try:
    listen = int(host.data.get("listen") or 8080)
except ValueError:
    listen = 0
if not 0 < listen < 65536 or listen in PORTS:
    raise DeployError(f"{here}: listen {host.data.get('listen')!r} is no port, or one of iTrust's own")
build = str(host.data.get("build") or "host")
if build not in ("host", "local"):
    raise DeployError(f"{here}: build {build!r} is neither host nor local")
rollback = str(host.data.get("rollback") or "").lower() in ("true", "1", "yes")
given_war = str(host.data.get("war") or "")

# What makes a release is part of its name: another way to make it never replaces one that is served.
recipe = hashlib.sha256(itrust_release.install_script("").encode()).hexdigest()[:8]
archive, commit = str(host.data.get("archive") or ""), str(host.data.get("commit") or "")
try:
    whose, directory = str(host.data.get("environment") or "production"), host.data.get("secrets_directory")
    names = ["itrust_db_password", *itrust_users.secret_names().values()]
    secrets = secrets_of(whose, names, directory, optional=MAIL)
    if rollback:
        identifier = releases.previous_release(APP)
    elif given_war:
        copy, digest = war.prepared(Path(given_war).expanduser())
        archive, identifier = str(copy), f"war-{digest[:12]}-{recipe}"
    else:
        if not archive:
            packed, commit = archive_of(
                str(host.data.get("repo") or REPOSITORY), str(host.data.get("ref") or "v6")
            )
            archive = str(packed)
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            raise DeployError(f"{here}: commit {commit!r} is not a commit's full hash")
        if not Path(archive).is_file():
            raise DeployError(f"{here}: no archive {archive!r}")
        identifier = f"{commit}-{recipe}{'-local' if build == 'local' else ''}"
except (SecretsError, SourceError, war.WarError) as error:
    raise DeployError(str(error)) from None

asked = host.get_fact(
    Command,
    "awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo; [ -e /proc/net/if_inet6 ] && echo ipv6 || echo ipv4;"
    f" cat /srv/itrust/releases/{identifier}.installed 2>/dev/null || echo none",
)
memory, addresses, installed = (asked or "").split()
script = itrust_release.install_script(f"/srv/itrust/releases/{identifier}")
fingerprint = hashlib.sha256(script.encode()).hexdigest()
if not rollback and not given_war and build == "local" and installed != fingerprint:
    try:
        archive = str(war.prepared(war.built(Path(archive), identifier))[0])
    except war.WarError as error:
        raise DeployError(str(error)) from None

on_host = not rollback and not given_war and build == "host"
packages.ensure([*PACKAGES, *(BUILD_PACKAGES if on_host else [])], hold=["nginx"])
releases.ensure_user(APP)
mariadb.server(name="service start: run MariaDB")
mariadb.database(
    name="service install: iTrust's database and its user", password=secrets["itrust_db_password"]
)
tomcat.configured(name="service install: configure Tomcat")

if not rollback:
    releases.release(
        name="service install: build and install the commit"
        if on_host
        else "service install: install the WAR",
        app=APP,
        archive=archive,
        identifier=identifier,
        script=script,
        fingerprint=fingerprint,
        timeout=war.BUILD_SECONDS if on_host else MIGRATE_SECONDS,
    )
itrust_release.sealed(
    name="service install: close the release, secrets inside", identifier=identifier, secrets=secrets
)
nginx.site(APP, "itrust.nginx.j2", listen=listen, ipv6=addresses == "ipv6")

# ProtectSystem=strict: it writes into its private /tmp, and nowhere else. 143 is how a JVM ends that was asked to.
# An iTrust2 that met no database at its first request never recovers (Hibernate's factory is a static): a start is
# one only once its first answer is good, and is tried again otherwise; what fails to start a deploy sees at once.
unit = slots.unit_text(
    APP,
    tomcat.command(int(memory)),
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
inside = itrust_release.secrets_inside(secrets)
figures = jmx.options(PORTS)
slots.activate(
    name="service start: serve the release",
    app=APP,
    identifier=identifier,
    # The database's random password is part of what is hashed: nobody guesses another secret from the digest.
    fingerprint=hashlib.sha256(json.dumps([identifier, unit, inside, tomcat.texts()]).encode()).hexdigest(),
    ports=PORTS,
    health=LOGIN,
    environment={
        port: environment_file({"ITRUST_PORT": port, "LANG": "C.UTF-8", **figures[port]}) for port in PORTS
    },
    patience=START_SECONDS,
    listen=listen,
    back=rollback,
)
itrust_users.initial_users(name="service start: iTrust's first users", secrets=secrets)

address = str(host.data.get("ssh_hostname") or here)
proof(
    name="service start: prove it, with a log-in",
    program=(HERE / "checks" / "itrust.py").read_text(encoding="utf-8"),
    parameters={
        "origin": f"http://127.0.0.1:{listen}",
        "url": f"http://{address}{'' if listen == 80 else f':{listen}'}{LOGIN}",
        "release": identifier,
        "listen": listen,
        "database": mariadb.DATABASE,
        "user": "admin",
        "password": secrets["itrust_admin_password"],
    },
)
exporters.of(APP)
