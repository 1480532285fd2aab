"""How the suite reaches a host: SSH with the host's key checked, and plain TCP as a stranger would."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import paramiko
from shell import output
from testinfra.backend.paramiko import ParamikoBackend  # type: ignore[import-untyped] # publishes no types

__all__ = ["Answer", "CheckedParamiko", "Outside", "address_of"]

SECONDS = 10.0


class AcceptNew(paramiko.MissingHostKeyPolicy):
    """Keeps a new host's key, as ssh(1) does: one line more. paramiko's own policy writes the whole file anew."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        with self.path.open("a") as file:
            file.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")


class CheckedParamiko(ParamikoBackend):  # type: ignore[misc] # its base has no types
    """testinfra's paramiko connection, which reads UserKnownHostsFile and StrictHostKeyChecking as ssh(1) does.

    testinfra's own reads neither: it accepts any host's key, with a warning.
    """

    def _load_ssh_config(
        self, client: paramiko.SSHClient, cfg: dict[str, Any], config: paramiko.SSHConfig, directory: str = ""
    ) -> None:
        super()._load_ssh_config(client, cfg, config, directory)
        wanted = config.lookup(self.host.name)
        text = wanted.get("userknownhostsfile", "~/.ssh/known_hosts")
        # One name with a blank, whose quotes are gone by now, or several names.
        names = [text] if Path(text).expanduser().is_file() else text.split()
        files = [Path(name).expanduser() for name in names]
        for path in files:
            if path.is_file():
                client.load_system_host_keys(str(path))
        strict = wanted.get("stricthostkeychecking", "yes")
        if strict == "accept-new":
            client.set_missing_host_key_policy(AcceptNew(files[0]))
        elif strict not in ("no", "off"):
            client.set_missing_host_key_policy(paramiko.RejectPolicy())


def address_of(host: Any, ssh_config: str | None) -> str:
    """Where the machine that runs the suite finds `host` on the network: HostName of its SSH configuration.

    A host behind a forwarded port of this machine (Vagrant's NAT) says itself which addresses it has; the
    first on which its SSH answers is taken.
    """
    name = str(host.backend.host.name)
    path = Path(ssh_config) if ssh_config else Path("~/.ssh/config").expanduser()
    if path.is_file():
        name = paramiko.SSHConfig.from_path(str(path)).lookup(name).get("hostname", name)
    if name == "localhost" or name.startswith("127."):
        for address in output(host, "hostname -I").split():
            if connection(address, 22) == "open":
                return str(address)
    return name


def connection(address: str, port: int) -> str:
    """What becomes of a TCP connection: "open", "refused", "silent" (nothing came back) or the error's text."""
    try:
        socket.create_connection((address, port), timeout=3).close()
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"
    except OSError as error:
        return str(error)
    return "open"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `status` 0 and the error's text as `body` when there was none."""

    status: int
    headers: dict[str, str]
    body: bytes

    @cached_property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class Outside:
    """The host as seen from the machine that runs the suite."""

    address: str
    port: int

    def connection(self, port: int) -> str:
        """What becomes of a TCP connection to `port`: see `connection`."""
        return connection(self.address, port)

    def get(self, path: str, port: int | None = None) -> Answer:
        """GET of exactly this path: nothing is normalised, no redirect followed."""
        client = http.client.HTTPConnection(self.address, port or self.port, timeout=SECONDS)
        try:
            client.request("GET", path, headers={"Host": self.address})
            answer = client.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, {}, f"no answer: {error}".encode())
        finally:
            client.close()

    def announce(self, path: str, size: int) -> int:
        """The status that meets a POST of `size` bytes before one of them is sent: 100 is "go on", 0 none."""
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self.address}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
        )
        try:
            with socket.create_connection((self.address, self.port), timeout=SECONDS) as client:
                client.sendall(request.encode())
                first = client.makefile("rb").readline()
        except OSError:
            return 0
        words = first.split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
