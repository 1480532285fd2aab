"""The options that say how connections are made."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import click
from yarl import URL

from loadgen.network import Network
from loadgen.option_group import OptionGroup, added

__all__ = ["NetworkOptions", "network_options"]

_FILE = click.Path(path_type=Path)


class _Address(click.ParamType[str]):
    name = "ip"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(ipaddress.ip_address(value.strip("[]")))
        except ValueError:
            self.fail(f"{value!r} is not an IP address", param, ctx)


class _Resolve(click.ParamType[tuple[str, int, str]]):
    name = "host:port:ip"

    def convert(
        self, value: str | tuple[str, int, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int, str]:
        if isinstance(value, tuple):
            return value
        host, _, rest = value.partition(":")
        port, _, address = rest.partition(":")
        if not host or not port.isdecimal() or not address:
            self.fail(
                f"{value!r} is not written HOST:PORT:ADDRESS, such as example.org:443:203.0.113.5", param, ctx
            )
        return host.lower(), int(port), _Address().convert(address, param, ctx)


_OPTIONS = (
    click.option(
        "--ca", type=_FILE, help="Certificates that the server's is checked by, instead of the system's."
    ),
    click.option("--cert", type=_FILE, help="Certificate that is shown to the server, with its chain (PEM)."),
    click.option(
        "--key", type=_FILE, help="Its key, where that is not in the same file; without a password."
    ),
    click.option("--insecure", is_flag=True, help="Do not check the server's certificate."),
    click.option(
        "--sni", default="", help="Name that the server is asked for, and its certificate checked for."
    ),
    click.option(
        "--resolve", type=_Resolve(), help="Connect to this address instead of the one of URL's host."
    ),
    click.option("--source", type=_Address(), help="Address of this machine that connections come from."),
)
network_options = added(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(OptionGroup):
    """What was given for them."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    insecure: bool
    sni: str
    resolve: tuple[str, int, str] | None
    source: str | None

    def network(self, url: str) -> Network:
        """For connections to `url`. Raises click.UsageError where the options do not fit it or each other."""
        if self.key is not None and self.cert is None:
            raise click.UsageError("--key is the key of --cert")
        of_tls = {"ca": self.ca, "cert": self.cert, "insecure": self.insecure, "sni": self.sni}
        if not url.startswith("https:") and (
            given := next((name for name, value in of_tls.items() if value), None)
        ):
            raise click.UsageError(f"--{given} is for an https:// address")
        network = Network(
            ca=self.ca,
            cert=self.cert,
            key=self.key,
            insecure=self.insecure,
            sni=self.sni,
            address=self._address(URL(url)),
            source=self.source or "",
        )
        if url.startswith("https:"):
            self._check_files(network)
        if self.source:
            self._check_source(self.source)
        return network

    def _address(self, url: URL) -> str:
        if self.resolve is None:
            return ""
        host, port, address = self.resolve
        if (host, port) != ((url.host or "").lower(), url.port):
            raise click.BadParameter(
                f"it is of {host}:{port}, and the requests go to {url.host}:{url.port}",
                param_hint="'--resolve'",
            )
        return address

    def _check_files(self, network: Network) -> None:
        for path in (self.ca, self.cert, self.key):
            try:
                if path is not None:
                    path.open("rb").close()
            except OSError as problem:
                raise click.UsageError(f"{path}: {problem.strerror}") from None
        for option, given in (("--ca", Network(ca=self.ca)), ("--cert", network)):
            try:
                given.context()
            except (ssl.SSLError, ValueError) as problem:
                path = self.ca if option == "--ca" else self.cert
                said = getattr(problem, "reason", None) or "not a file of PEM"
                hint = ", with its key: no password, and they belong together" if option == "--cert" else ""
                raise click.BadParameter(
                    f"{path} cannot be used ({str(said).replace('_', ' ').lower()}): a PEM file{hint}",
                    param_hint=f"'{option}'",
                ) from None

    def _check_source(self, source: str) -> None:
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with socket.socket(family) as probe:
            try:
                probe.bind((source, 0))
            except OSError as problem:
                raise click.BadParameter(
                    f"{source} is no address of this machine ({problem.strerror}): `ip address` lists them",
                    param_hint="'--source'",
                ) from None
