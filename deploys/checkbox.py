"""checkbox.io on a host: its site and its API behind nginx, its database, and the proof that it works.

    pyinfra inventory.ini deploys/checkbox.py [--data repo=... --data ref=...]

Data of the host and what is where on it: docs/deploys.md; besides, `mongodb` (apt or wheel: which way to install it,
where none was taken yet). Secrets: `checkbox_mongo_password` and `checkbox_mongo_admin_password`, which are made;
`checkbox_mongo_uri` (a server that is there already), `checkbox_mail_user`, `_mail_password` and `_mail_smtp`, which
are taken where they are given.
"""

import hashlib
import shlex

from pyinfra.api.exceptions import DeployError
from pyinfra.context import config, host

from deploys.kit import nginx, packages, releases, slots
from deploys.kit.application import archive_and_commit, digest, host_secrets, page_address, wants_rollback
from deploys.kit.direct import send_at_once
from deploys.kit.facts import APPLICATIONS
from deploys.kit.groups import in_group
from deploys.kit.listening import listening_port
from deploys.kit.places import CHECKS, TEMPLATES
from deploys.kit.proof import proof
from deploys.kit.quoting import environment_file
from deploys.kit.source import SourceError
from deploys.software import mongodb, mongodb_uri
from deploys.watch import exporters

APP = "checkbox"
# It installs: what runs could otherwise write into what is being installed. Root owns the release from then on.
BUILDER = f"{APP}-build"
FACTS = APPLICATIONS[APP]
PORTS = FACTS.slots
PACKAGES = ["ca-certificates", "nodejs", "npm", "nginx", "curl"]
INSTALL_SECONDS = 600
START_SECONDS = 60
HEALTH = FACTS.health  # it reads the database

# As BUILDER, in the release. npm waits minutes for a registry that does not answer; a deploy that
# cannot install says so within one. No package needs its own scripts, so none of them is run.
INSTALL = r"""set -eu
export HOME=/srv/checkbox/home PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
export npm_config_fetch_retries=1 npm_config_fetch_timeout=20000 npm_config_update_notifier=false
# Where the host was given certificate authorities, npm, which brings its own list, must learn of them.
[ -z "$(ls /usr/local/share/ca-certificates 2>/dev/null)" ] ||
  export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
cd "/srv/checkbox/releases/$release"
for file in server-side/site/server.js server-side/site/package.json public_html/index.html; do
  [ -f "$file" ] || { echo "this is not checkbox.io: it has no $file" >&2; exit 1; }
done
cd server-side/site
if [ -f package-lock.json ]; then command=ci; else command=install; fi
echo "+ npm $command"
npm "$command" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
printf %s "$loopback" > ../../.loopback.js
"""


def deploy() -> None:
    """All of it, on one host. Whatever is wrong with what was given is told before anything is changed."""
    listen, way = listening_port(host, FACTS.listen, PORTS, "checkbox.io"), mongodb_way()
    rollback = wants_rollback()
    server, admin, mail = access()
    previous = releases.previous_release(APP) if rollback else ""
    archive, commit = ("", "") if rollback else source()
    found = mongodb.state()
    mongodb.keep_way(found, elsewhere=admin is None)

    packages.ensure([*PACKAGES, *mongodb.PACKAGES], hold=["nginx"])
    releases.ensure_user(APP)
    releases.ensure_user(BUILDER, f"/srv/{APP}")  # in no group of the application's: it reads no secret
    mongo = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    database(found, way, {"app": mongo, "admin": admin})
    identifier = previous or install(archive, commit)
    nginx.site(APP, "checkbox.nginx.j2", listen=listen, ipv6=found.facts.get("ipv6") == "yes")
    variables = {
        "NODE_ENV": "production",  # an error is told to the log, not to whoever asks
        "MONGO_IP": server.host,
        "MONGO_PORT": server.port,
        "MONGO_USER": server.user,
        "MONGO_PASSWORD": server.password,
        **mail,
    }
    serve(identifier, variables, listen, after=["mongod.service"] if admin else [], back=rollback)
    proof(
        name="service start: prove it, with a study",
        program=(CHECKS / "checkbox.py").read_text(encoding="utf-8"),
        parameters={
            "origin": f"http://127.0.0.1:{listen}",
            "url": page_address(listen, "/"),
            "release": identifier,
            "listen": listen,
            "files": f"/srv/{APP}/current/public_html",
            "mongo": mongo,
        },
    )
    if exporters.is_monitored():
        exporters.of_application(APP, mongodb=admin is not None)


def mongodb_way() -> str:
    way = str(host.data.get("mongodb") or "")
    if way not in ("", "apt", "wheel"):
        raise DeployError(f"{host.name}: mongodb {way!r} is neither apt nor wheel")
    return way


def access() -> tuple[mongodb_uri.Server, dict[str, str] | None, dict[str, str]]:
    """Where MongoDB is and who uses it; its admin, or None where it is somebody else's; the variables for mail."""
    mail = {f"checkbox_mail_{name}": f"MAIL_{name.upper()}" for name in ("user", "password", "smtp")}
    given = host_secrets(host, [], optional=["checkbox_mongo_uri", *mail])
    variables = {variable: given[name] for name, variable in mail.items() if name in given}
    if "checkbox_mongo_uri" in given:
        try:
            return mongodb_uri.server_of(given["checkbox_mongo_uri"]), None, variables
        except mongodb_uri.UriError as error:
            raise DeployError(f"the secret checkbox_mongo_uri: {error}") from None
    made = host_secrets(host, ["checkbox_mongo_password", "checkbox_mongo_admin_password"])
    server = mongodb_uri.Server("127.0.0.1", 27017, APP, made["checkbox_mongo_password"])
    password = made["checkbox_mongo_admin_password"]
    return server, {"user": "admin", "password": password, "file": mongodb.ADMIN_FILE}, variables


def source() -> tuple[str, str]:
    """The archive of the tree on this machine, and its commit."""
    try:
        return archive_and_commit(FACTS.repository, FACTS.ref)
    except SourceError as error:
        raise DeployError(str(error)) from None


def database(
    found: mongodb.State, way: str, parameters: dict[str, dict[str, object] | dict[str, str] | None]
) -> None:
    """MongoDB with its users. Without an admin it is somebody else's, and only asked whether it lets us in."""
    own = parameters["admin"] is not None
    if own:
        mongodb.installed(name="service install: install MongoDB", found=found, way=way)
        mongodb.running(name="service start: run MongoDB", found=found)
    mongodb.users(name="service install: MongoDB's users", found=found, parameters=parameters)
    if not own:
        # Only once it let us in: a mistyped address must not be remembered.
        mongodb.elsewhere(name="service install: note that MongoDB is elsewhere", found=found)


def install(archive: str, commit: str) -> str:
    """The commit, unpacked and installed. Gives its release's name."""
    loopback = shlex.quote((TEMPLATES / "checkbox.loopback.js").read_text(encoding="utf-8"))
    script = f"loopback={loopback}\n{INSTALL}"
    recipe = hashlib.sha256(f"{BUILDER}\n{script}".encode()).hexdigest()  # who owned it could have changed it
    # Another script makes another release beside the one that serves, which is never changed while it serves.
    identifier = f"{commit}-{recipe[:8]}"
    releases.release(
        name="service install: unpack and install the commit",
        app=BUILDER,
        reader=APP,
        directory=f"/srv/{APP}",
        archive=archive,
        identifier=identifier,
        script=f"release={identifier}\n{script}",
        fingerprint=recipe,
        timeout=INSTALL_SECONDS,
    )
    return identifier


def serve(identifier: str, variables: dict[str, object], listen: int, after: list[str], back: bool) -> None:
    """The release runs and has nginx's traffic."""
    unit = slots.unit_text(
        APP,
        ["/usr/bin/node", "--require", "../../.loopback.js", "server.js"],
        directory="server-side/site",
        after=after,
        # It only writes uploads, to its private /tmp.
        options=["ProtectSystem=strict"],
    )
    slots.slot_unit(name="service start: write the unit", app=APP, text=unit)
    slots.activate(
        name="service start: serve the release",
        slots=slots.Slots(
            app=APP,
            ports=PORTS,
            environment={port: environment_file({**variables, "APP_PORT": port}) for port in PORTS},
            health=HEALTH,
            patience=START_SECONDS,
            listen=listen,
        ),
        identifier=identifier,
        fingerprint=digest(identifier, unit),
        back=back,
    )


# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"
# With --serial: when a host fails, no other is begun.
config.FAIL_PERCENT = 0

if in_group(APP):
    send_at_once()
    deploy()
