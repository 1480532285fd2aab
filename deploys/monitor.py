"""The monitor and what it watches, on all hosts of the inventory at once; docs/monitoring.md describes the result.

    pyinfra inventory.ini deploys/monitor.py

One host is in the group `monitor`; those it watches are in `checkbox` and `itrust`, and the canary's in `proxy`. Run it
again after a host came or went; what is as it should be is left alone. Data of the monitor's host:
watch/prometheus.py, and `listen` (80); of a host: `monitor_address` (where the monitor reaches its SSH), `public_url`
(what the probe asks instead of http://ADDRESS:LISTEN and the application's own path). Secrets: `monitor_password`,
which is made; `alert_webhook`, which is taken where it is given.
"""

import re
from collections.abc import Generator

from pyinfra import local
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.context import config, host, inventory
from pyinfra.facts.server import Command

from deploys.kit import packages
from deploys.kit.application import host_secrets, page_address
from deploys.kit.direct import send_at_once
from deploys.kit.facts import APPLICATIONS, MONITOR_PORT
from deploys.kit.kept import Kept, kept
from deploys.kit.listening import listening_port
from deploys.kit.places import CHECKS, DEPLOYS
from deploys.kit.proof import proof
from deploys.watch import exporters, monitor_page, prometheus, tunnels
from deploys.watch.scraped import Monitored, TargetsError, ports_of, targets

GROUP = "monitor"
PROXY = "proxy"


def find_monitor() -> Host:
    found = list(inventory.get_group(GROUP, []))
    if len(found) != 1:
        raise DeployError(f"the inventory has {len(found)} hosts in the group {GROUP!r}: it needs one")
    monitor: Host = found[0]
    if watched_parts(monitor):
        raise DeployError(f"{monitor.name}: the monitor needs a host of its own, without an application")
    return monitor


def applications_of(of: Host) -> list[str]:
    return [app for app in APPLICATIONS if app in of.groups]


def watched_parts(of: Host) -> list[str]:
    """What a host has that the monitor looks at: applications, the canary's proxy."""
    return [*applications_of(of), *([PROXY] if PROXY in of.groups else [])]


def describe(of: Host) -> Monitored:
    """A host as the monitor sees it."""
    given = host_secrets(of, [], optional=["checkbox_mongo_uri"])
    without = frozenset(["mongodb"]) if "checkbox_mongo_uri" in given else frozenset[str]()
    return Monitored(
        of.name, watched_parts(of), {app: probe_address(of, app) for app in applications_of(of)}, without
    )


def probe_address(of: Host, app: str) -> str:
    """The address that the probe asks: the one that users use."""
    given = str(of.data.get("public_url") or "")
    if given:
        if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", given) or len(applications_of(of)) > 1:
            raise DeployError(
                f"{of.name}: public_url {given!r} is no address such as https://example.org/,"
                " or the host has two applications"
            )
        return given
    usual, path = APPLICATIONS[app].listen, APPLICATIONS[app].health
    port = listening_port(of, usual)
    address = str(of.data.get("ssh_hostname") or of.name)
    if address == "localhost" or address.startswith("127."):
        # A forwarded port of this machine: on the monitor the same address would be the monitor itself.
        address = str(of.data.get("private_address") or address)
    address = f"[{address}]" if ":" in address else address
    return f"http://{address}{'' if port == 80 else f':{port}'}{path}"


@operation()
def wait_for_all_hosts(what: str) -> Generator[StringCommand, None, None]:
    """Wait until all hosts have come to this step; changes nothing.

    pyinfra orders the operations of one host, and not those of several: hosts wait for each other only at an
    operation that all of them have.
    """
    host.noop(what)
    yield from ()


def set_up_exporters(monitor: Host) -> None:
    """This host has its exporters and those of the applications deployed on it, and lets the monitor in."""
    me = describe(host)
    if applications_of(host):
        exporters.of_host()
    else:
        # The same exporters as a canary run sets up: otherwise each of the two would undo what the other did.
        local.include(str(DEPLOYS / "canary_exporters.py"))
    tunnels.authorized(name="Let the monitor in", monitor=monitor, ports=ports_of(me))
    for app in applications_of(host):
        if host.get_fact(Command, f"cat /srv/{app}/live 2>/dev/null || true"):
            exporters.of_application(app, mongodb="mongodb" not in me.without)


def prepare_monitor() -> None:
    """The monitor has its packages, and the key with which it connects to the other hosts."""
    wanted = [*exporters.HOST_PACKAGES, *prometheus.PACKAGES, *monitor_page.PACKAGES, "openssh-client"]
    # First: the other hosts' first step needs the key, and pyinfra runs the first steps of all hosts together.
    # ssh-keygen is there already: it comes with sshd.
    tunnels.key(name="Make the key of the tunnels")
    packages.ensure(wanted, hold=["nginx", *(name for name in wanted if name.startswith("prometheus"))])


def set_up_monitor() -> None:
    """The monitor scrapes all hosts, and serves its page."""
    listen = listening_port(host, MONITOR_PORT)
    hosts = [(describe(other), other) for other in inventory if watched_parts(other)]
    secrets = host_secrets(host, ["monitor_password"], optional=["alert_webhook"])
    try:
        jobs = targets([monitored for monitored, _ in hosts], host.name)
    except TargetsError as error:
        raise DeployError(str(error)) from None
    addresses = host.get_fact(Command, "[ -e /proc/net/if_inet6 ] && echo ipv6 || echo ipv4")
    what = Kept()
    exporters.keep_host(what)
    tunnels.kept_tunnels(what, hosts)
    prometheus.keep_prometheus(what, jobs, secrets.get("alert_webhook", ""))
    kept(name="Prometheus, its tunnels, its targets", what=what)
    monitor_page.page(secrets["monitor_password"], listen, ipv6=addresses == "ipv6")
    proof(
        name="Prove that every host is seen",
        program=(CHECKS / "monitor.py").read_text(encoding="utf-8"),
        parameters={
            "prometheus": "http://127.0.0.1:9090",
            "hosts": [monitored.name for monitored, other in hosts if other.connected],
            "url": page_address(listen, "/dashboard"),
        },
    )


# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"
send_at_once()

watcher = find_monitor()
if host.name == watcher.name:
    prepare_monitor()
wait_for_all_hosts(name="The monitor has its key", what="what follows opens doors to it")
if watched_parts(host):
    set_up_exporters(watcher)
wait_for_all_hosts(name="All hosts show their figures", what="what follows reads them")
if host.name == watcher.name:
    set_up_monitor()
