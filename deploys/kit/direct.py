"""Commands sent to a host at once, instead of after the acknowledgement of what was sent before.

paramiko leaves Nagle's algorithm on (tcp(7), TCP_NODELAY): each command then waits 40 ms for the host's delayed
acknowledgement. A deploy that changes nothing is little more than such commands.
"""

from __future__ import annotations

import socket

from pyinfra.connectors.ssh import SSHConnector
from pyinfra.context import host

__all__ = ["send_at_once"]


def send_at_once() -> None:
    """Turn the delay off on this host's connection; where it is no plain TCP connection there is none to turn off."""
    connector = host.connector
    transport = (
        connector.client.get_transport() if isinstance(connector, SSHConnector) and connector.client else None
    )
    connection = transport.sock if transport is not None else None
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
