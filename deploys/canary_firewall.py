"""A host's ports, open to those who need them: nftables, in a table of our own that only ever refuses.

Data of the host: `port` and `port_from` (blue and green: the service's port, and the addresses of the proxy),
`public_port` and `public_from` (proxy: its port, and the addresses of those who may use it), `closed` (whether every
other port but SSH's is closed as well: a lab's hosts), `firewall` ("no": none, and one that is there goes).

A port without addresses stays as it was, open to all whom the host's own firewall lets in. Nothing is refused to SSH,
to this host itself, or on a connection that the host began.
"""

from __future__ import annotations

import ipaddress
from io import StringIO

from pyinfra.api.exceptions import DeployError
from pyinfra.context import config, host
from pyinfra.facts.server import Command
from pyinfra.operations import files, server, systemd
from pyinfra.operations.util import any_changed

from deploys.kit import packages
from deploys.kit.facts import PROXY_PORT
from deploys.kit.places import TEMPLATES
from deploys.kit.rendering import render

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"

RULES = "/etc/pipeline/canary.nft"
UNIT = "canary-firewall.service"
TABLE = "pipeline_canary"
# Debian's own service empties all tables when it starts.
DROP_IN = "/etc/systemd/system/nftables.service.d/pipeline-canary.conf"
AGAIN = f"""\
# Written by deploys/canary_firewall.py; changes made here are lost.
[Service]
ExecStartPost=-/usr/sbin/nft -f {RULES}
ExecReload=-/usr/sbin/nft -f {RULES}
"""
# nft's own word comes last; systemctl would say only that it failed.
LOAD = (
    f"said=$(nft -f {RULES} 2>&1) && systemctl restart {UNIT} ||"
    ' { echo "$said" | sed -n "s/.*Error: /the firewall\'s rules cannot be loaded: /p" | tail -n 1; exit 1; }'
)


def yes(name: str, usual: bool) -> bool:
    """The host's data `name` as yes or no."""
    given = str(host.data.get(name, usual)).lower()
    if given not in ("yes", "no", "true", "false", "1", "0"):
        raise DeployError(f"{host.name}: {name} {given!r} is neither yes nor no")
    return given in ("yes", "true", "1")


def addresses(name: str) -> list[str]:
    """The host's data `name`, a list of IP addresses."""
    try:
        return [str(ipaddress.ip_address(str(one))) for one in host.data.get(name) or []]
    except ValueError as error:
        raise DeployError(f"{host.name}: {name}: {error}") from None


if "proxy" in host.groups:
    port, allowed = int(host.data.get("public_port") or PROXY_PORT), addresses("public_from")
else:
    port, allowed = int(host.data.get("port") or 0), addresses("port_from")
gone = bool(host.get_fact(Command, f"nft list table inet {TABLE} >/dev/null 2>&1 || echo gone"))
closed = yes("closed", usual=False)

if yes("firewall", usual=True) and (allowed or closed):
    packages.ensure(["nftables"])
    rules = files.put(
        name="host: write the firewall's rules",
        src=StringIO(
            render(
                "canary.nft.j2",
                port=port,
                ipv4=[one for one in allowed if ":" not in one],
                ipv6=[one for one in allowed if ":" in one],
                closed=closed,
            )
        ),
        dest=RULES,
        mode="644",
    )
    unit = files.put(
        name="host: write the firewall's unit",
        src=str(TEMPLATES / UNIT),
        dest=f"/etc/systemd/system/{UNIT}",
        mode="644",
    )
    again = files.put(
        name="host: let Debian's firewall load them again",
        src=StringIO(AGAIN),
        dest=DROP_IN,
        mode="644",
    )
    systemd.daemon_reload(name="host: reload systemd for the firewall", _if=any_changed(unit, again))
    server.shell(
        name="host: load the firewall's rules",
        commands=[LOAD],
        _if=None if gone else any_changed(rules, unit),
    )
    systemd.service(name="host: keep the firewall", service=UNIT, running=True, enabled=True)
elif host.get_fact(Command, f"ls {RULES} 2>/dev/null || true"):
    server.shell(
        name="host: remove the firewall",
        commands=[f"systemctl disable --now {UNIT}; rm -f {RULES} {DROP_IN} /etc/systemd/system/{UNIT}"],
    )
