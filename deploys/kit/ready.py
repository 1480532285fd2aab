"""Whether a host can take a version at all: its disk, its name servers and registries, the service's port.

The same is looked at on blue and green before either installs, so that a fault of one host is not taken for a fault of
the version that goes there.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.releases import is_installed
from deploys.kit.scripts import script

__all__ = ["ready"]

_LEAST_FREE: Final = 64  # MB


@operation()
def ready(
    base: str,
    port: int,
    unit: str,
    user: str,
    environment: str,
    asked: Sequence[str],
    release: str,
    fingerprint: str,
) -> Generator[StringCommand, None, None]:
    """Fail, with the reason as the last line, where the host cannot take a version. Changes nothing.

    Args:
        base: Where releases are.
        port: The service's.
        unit: The service, which may hold its own port.
        user: Who installs.
        environment: The path of the environment file.
        asked: The tools whose registry an installation asks.
        release: Which one it is. Where it is installed already, no registry is asked.
        fingerprint: As given to `releases.release`.
    """
    if not host.state.is_executing:
        return  # what it looks with is not there yet
    text = script(
        "ready",
        base=base,
        least=_LEAST_FREE,
        port=port,
        unit=unit,
        user=user,
        environment=environment,
        tools="" if is_installed(base, release, fingerprint) else " ".join(asked),
    )
    said = host.get_fact(Command, "sh -s 2>&1 || true", _stdin=text)
    if not said:
        host.noop("it can")
        return
    # pyinfra would go on with the other hosts; so it ends once all of them have been looked at.
    host.state.config.FAIL_PERCENT = 0
    yield StringCommand(f"echo {shlex.quote(said.splitlines()[-1])} >&2; exit 1")
