"""The port of nginx on a host, as its data say."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

__all__ = ["listening_port"]


def listening_port(of: Host, usual: int, own: Sequence[int] = (), whose: str = "") -> int:
    """The host's `listen`, else `usual`. DeployError where it is no port, or one of `own`: those of `whose` slots."""
    given = str(of.data.get("listen") or usual)
    if not given.isdecimal() or not 0 < int(given) < 65536 or int(given) in own:
        or_own = f", or one of {whose}'s own" if whose else ""
        raise DeployError(f"{of.name}: listen {given!r} is no port{or_own}")
    return int(given)
