"""Two slots for one application, of which one serves: the other starts with the new release, is asked for its health,
gets nginx's traffic, and only then the old one stops. docs/deploys.md has the files.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyinfra.api.command import PyinfraCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.nginx import DRAIN
from deploys.kit.quoting import systemd_command
from deploys.kit.releases import base_of
from deploys.kit.rendering import render
from deploys.kit.reports import reporting
from deploys.kit.scripts import Script, ensured, script

__all__ = ["Slots", "activate", "slot_unit", "unit_text"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def unit_text(
    app: str,
    command: Sequence[str],
    *,
    directory: str = "",
    after: Sequence[str] = (),
    stop_seconds: int = 10,
    options: Sequence[str] = (),
) -> str:
    """The text of /etc/systemd/system/APP@.service; it must be part of the fingerprint given to `activate`.

    Args:
        app: The application.
        command: Its words, none of which is expanded: what differs by port comes from the slot's environment file.
        directory: Where below the slot's release it runs.
        after: Units that start before it, such as mongod.service.
        stop_seconds: How long it may take to stop.
        options: More lines of [Service].
    """
    release = f"/srv/{app}/slots/%i/release"
    # systemd is to expand the %i of this path, and nothing else of the command.
    start = systemd_command(command, "/SLOT-RELEASE").replace("/SLOT-RELEASE", release)
    return render(
        "slot.service.j2",
        app=app,
        command=start,
        directory="/".join(part for part in (release, directory) if part),
        after=list(after),
        stop_seconds=stop_seconds,
        options=list(options),
    )


@operation()
def slot_unit(app: str, text: str) -> Generator[StringCommand, None, None]:
    """Write the template unit `text` (of `unit_text`). Where it changed, `activate` starts the slot anew."""
    base_of(app)
    path = f"/etc/systemd/system/{app}@.service"
    yield from ensured("slot_unit", act="write", same=f"{path} is the same", app=app, path=path, text=text)


@dataclass(frozen=True)
class Slots:
    """The two slots of an application, and how nginx gets at the one that serves.

    Attributes:
        app: The application, which is also its user and its directory /srv/APP.
        ports: Of the two slots, on loopback.
        environment: The whole text of each slot's EnvironmentFile (`quoting.environment_file`), by port.
        health: The path that a slot answers with 200 once it can serve; through nginx, once it has the traffic.
        patience: Seconds that a slot may take to become healthy.
        listen: nginx's port.
    """

    app: str
    ports: tuple[int, int]
    environment: Mapping[int, str] = field(repr=False)
    health: str
    patience: int
    listen: int


@operation()
def activate(
    slots: Slots, identifier: str, fingerprint: str, back: bool = False
) -> Generator[PyinfraCommand, None, None]:
    """Serve an installed release, switched without a lost request; nothing where it already is.

    Logs `report: {"name": "switch", ...}`: `port`, `release`, `probes` of the public address during the switch (one
    each 0.2 s), `unanswered` (those without a 200), `seconds` (that these lasted); the last three are null where
    nothing was served before. On failure the old slot goes on, the new one is stopped, and the last line is the reason.

    Args:
        slots: Where and how it runs.
        identifier: The release's name.
        fingerprint: Of all that decides how it runs, in plain characters: another one means a fresh start.
        back: Whether this is a rollback: the release then keeps its place in the history.
    """
    base_of(slots.app)
    for name, value in (("identifier", identifier), ("fingerprint", fingerprint)):
        if not _PLAIN.fullmatch(value):
            raise DeployError(f"{host.name}: {name} {value!r} is not plain letters, digits, '.', '_' or '-'")
    if not re.fullmatch(r"/[A-Za-z0-9._~/?&=%-]*", slots.health):
        raise DeployError(f"{host.name}: {slots.health!r} is not a path to be asked for")
    first, second = slots.ports

    def text(mode: str) -> Script:
        return script(
            "nginx_reload",
            "slots",
            "mark",
            "activate",
            app=slots.app,
            identifier=identifier,
            fingerprint=fingerprint,
            port_a=int(first),
            port_b=int(second),
            environment_a=slots.environment[first],
            environment_b=slots.environment[second],
            health=slots.health,
            public=slots.health,
            listen=int(slots.listen),
            patience=int(slots.patience),
            drain=DRAIN,
            back="yes" if back else "no",
            mode=mode,
        )

    # The same script looks and acts, so that the two cannot differ in what they call done.
    to_do = host.get_fact(Command, "sh -s", _stdin=text("check"))
    if not to_do:
        host.noop(f"{identifier} is served")
        return
    yield reporting(StringCommand("sh", "-s", _stdin=text("activate")))
