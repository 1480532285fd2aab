"""Two slots for one application, of which one serves: the other starts with the new release, is asked for its health,
gets nginx's traffic, and only then the old one stops. docs/deploys.md has the files.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyinfra.api.command import PyinfraCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.nginx import DRAIN
from deploys.kit.places import TEMPLATES
from deploys.kit.quoting import systemd_command
from deploys.kit.releases import base_of
from deploys.kit.reports import reporting
from deploys.kit.scripts import Script, script

__all__ = ["activate", "slot_unit", "unit_text"]

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def unit_text(
    app: str,
    command: Sequence[str],
    *,
    directory: str = "",
    after: Sequence[str] = (),
    memory_max: str = "",
    stop_seconds: int = 10,
    options: Sequence[str] = (),
) -> str:
    """The text of /etc/systemd/system/APP@.service. Its digest belongs into the fingerprint given to `activate`.

    `command` is a list of words, none of which is expanded: what differs by port comes from the slot's environment
    file. It runs in the slot's release, or in `directory` below that. `after` names units (mongod.service);
    `memory_max` is systemd's (512M); `options` are more lines of [Service].
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 the output is a systemd unit, not HTML
    )
    release = f"/srv/{app}/slots/%i/release"
    # The port's %i must stay what it is, in a path that is otherwise written as it is meant.
    start = systemd_command(command, "/SLOT-RELEASE").replace("/SLOT-RELEASE", release)
    return environment.get_template("slot.service.j2").render(
        app=app,
        command=start,
        directory="/".join(part for part in (release, directory) if part),
        after=list(after),
        memory_max=memory_max,
        stop_seconds=stop_seconds,
        options=list(options),
    )


@operation()
def slot_unit(app: str, text: str) -> Generator[StringCommand, None, None]:
    """Write the template unit `text` (of `unit_text`). Where it was another, `activate` starts the slot anew."""
    base_of(app)
    path = f"/etc/systemd/system/{app}@.service"
    if host.get_fact(
        Command, "sh -s", _stdin=script("slot_unit", app=app, path=path, text=text, mode="check")
    ):
        host.noop(f"{path} is the same")
        return
    yield StringCommand("sh", "-s", _stdin=script("slot_unit", app=app, path=path, text=text, mode="write"))


@operation()
def activate(
    app: str,
    identifier: str,
    fingerprint: str,
    ports: tuple[int, int],
    health: str,
    environment: Mapping[int, str],
    patience: int,
    listen: int,
    public: str = "",
    back: bool = False,
) -> Generator[PyinfraCommand, None, None]:
    """Serve the installed release `identifier` of `app`, switched without a lost request; nothing where it already is.

    `fingerprint` (plain characters) is of all that decides how it runs: another one means a fresh start.
    `environment` is the whole text of each port's EnvironmentFile (`quoting.environment_file`), by port: it is
    written as it is. `health` is the path that a slot answers with 200 once it can serve, within `patience`
    seconds; `public` is the path that nginx, on `listen`, answers with 200 then (default: the same).

    `back` says that this is a rollback: the release then keeps its place in the history.

    Logs `report: {"name": "switch", ...}`: `port`, `release`, `probes` of the public address during the switch (one
    each 0.2 s), `unanswered` (those without a 200), `seconds` (that these lasted); the last three are null where
    nothing was served before. On failure the old slot goes on, the new one is stopped, and the last line is the reason.
    """
    base_of(app)
    for name, value in (("identifier", identifier), ("fingerprint", fingerprint)):
        if not PLAIN.fullmatch(value):
            raise DeployError(f"{host.name}: {name} {value!r} is not plain letters, digits, '.', '_' or '-'")
    for path in (health, public or health):
        if not re.fullmatch(r"/[A-Za-z0-9._~/?&=%-]*", path):
            raise DeployError(f"{host.name}: {path!r} is not a path to be asked for")
    first, second = ports

    def text(mode: str) -> Script:
        return script(
            "nginx_reload",
            "slots",
            "mark",
            "activate",
            app=app,
            identifier=identifier,
            fingerprint=fingerprint,
            port_a=int(first),
            port_b=int(second),
            environment_a=environment[first],
            environment_b=environment[second],
            health=health,
            public=public or health,
            listen=int(listen),
            patience=int(patience),
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
