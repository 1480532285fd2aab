"""Whether versions that were just started answer: on their own hosts, and for the proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pipeline.base.errors import HostError, ServiceError
from pipeline.base.private import private_directory
from pipeline.base.text import last_line
from pipeline.canary.probe import probe
from pipeline.canary.profile import Profile
from pipeline.inventory.hosts import Host
from pipeline.remote.ask import ask
from pipeline.remote.ssh import Connection

__all__ = ["answering", "proxys_addresses"]

_REACHED_SECONDS: Final = 5
_SECONDS: Final = 30
# The words of bash(1), REDIRECTION: /dev/tcp. The address and the port come as $0 and $1.
_REACH: Final = ("timeout", str(_REACHED_SECONDS), "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"')
# The address from which a host sends to each of these: a name is looked up first.
_SENDS_FROM: Final = """\
for name; do
  for address in $(getent ahosts "$name" | cut -d ' ' -f 1 | sort -u); do
    ip -o route get "$address" 2>/dev/null | sed -n 's/.* src \\([^ ]*\\).*/\\1/p'
  done
done
"""


async def answering(proxy: Host, hosts: Mapping[str, Host], known_hosts: Path, profile: Profile) -> None:
    """Wait until the service on each of `hosts` (by colour) answers, there and to a connection from the proxy.

    Raises, of several the first in the order of `hosts`:
        ServiceError: It does not answer, or does not take a connection from the proxy.
        HostError: It answers, but the proxy cannot reach it; or SSH does not.
    """
    with private_directory() as directory:
        link = Connection(proxy, directory, known_hosts)
        services = [Connection(host, directory, known_hosts) for host in hosts.values()]
        try:
            await link.open({})
            asked = [_answers(link, service, profile) for service in services]
            for result in await asyncio.gather(*asked, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result
        finally:
            await asyncio.gather(*(connection.close() for connection in (link, *services)))


async def _answers(link: Connection, service: Connection, profile: Profile) -> None:
    await service.open({"service": f"127.0.0.1:{profile.port}"})
    await probe(service, profile)
    host, address = service.host.name, service.host.private_address.strip("[]")
    done = await link.run([*_REACH, address, str(profile.port)], check=False)
    if done.status == 0:
        return
    said = last_line(done.stderr, f"no answer within {_REACHED_SECONDS} s").rpartition(": ")[2]
    if "refused" in said:
        what = f"the service answers on its host, but not at {address}:{profile.port}, where the proxy asks"
        raise ServiceError(host, "start", what)
    raise HostError(
        host,
        f"its service cannot be reached from {link.host.name} at {address}:{profile.port}: {said}",
        hint="look at the network and the firewalls between them; inventories/README.md says which is ours",
    )


def proxys_addresses(proxy: Host, others: Sequence[Host], known_hosts: Path, *, lab: bool) -> list[str]:
    """The addresses from which the proxy's connections come to `others`. HostError where it does not say."""
    given = {proxy.private_address.strip("[]")} if _is_address(proxy.private_address) else set()
    if lab and given:
        return sorted(given)  # a lab's hosts have one network
    words = shlex.join(host.private_address.strip("[]") for host in others)
    answer = ask(proxy, f"sh -s {words}", known_hosts=known_hosts, seconds=_SECONDS, stdin=_SENDS_FROM)
    if answer.status != 0:
        raise HostError(proxy.name, f"SSH failed: {answer.said(f'no answer within {_SECONDS} s')}")
    found = given | {line for line in answer.stdout.split() if _is_address(line)}
    if not found:
        raise HostError(proxy.name, f"it has no way to {' and '.join(host.name for host in others)}")
    return sorted(found)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
