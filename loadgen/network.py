"""How connections are made: where to, from where, and what TLS takes and shows."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["USUAL", "Network"]


@dataclass(frozen=True, slots=True)
class Network:
    """What is not as usual.

    Attributes:
        ca: File of the certificates that servers' are checked by; None: the system's.
        cert: File of the certificate that is shown to the server, with those that signed it.
        key: File of its key; None: it is in `cert`.
        insecure: Whether the server's certificate is not checked.
        sni: Name that the server is asked for, and that its certificate is checked for; empty: the address's host.
        address: IP address that connections go to; empty: what the host's name says.
        source: IP address of this machine that connections come from; empty: the system's choice.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False
    sni: str = ""
    address: str = ""
    source: str = ""

    def context(self) -> ssl.SSLContext:
        """Of TLS. Raises OSError (an ssl.SSLError, too) where a file cannot be used."""
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols(["http/1.1"])
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert is not None:
            context.load_cert_chain(self.cert, self.key, password=_no_password)
        return context

    @property
    def local(self) -> tuple[str, int] | None:
        """The address and port that a connection is bound to."""
        return (self.source, 0) if self.source else None

    def connector(self, *, tls: bool) -> dict[str, Any]:
        """Arguments of aiohttp's TCPConnector."""
        arguments: dict[str, Any] = {"ssl": self.context()} if tls else {}
        if self.source:
            arguments["local_addr"] = self.local
        if self.address:
            arguments["resolver"] = _Fixed(self.address)
        return arguments

    @property
    def request(self) -> dict[str, Any]:
        """Arguments of aiohttp's request."""
        return {"server_hostname": self.sni} if self.sni else {}


USUAL = Network()


def _no_password() -> str:
    """Asked for where the key has one: nobody is there who could type it."""
    return ""


class _Fixed(AbstractResolver):
    """One address for whatever name."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del family  # the address says it
        kind = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return [
            aiohttp.abc.ResolveResult(
                hostname=host,
                host=self._address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass
