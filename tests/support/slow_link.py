"""Makes the link of one host slow: each packet that leaves it waits, its SSH included. For kernels without netem.

Run inside the host's network namespace, by root. What the host sends goes through a TUN device to this process, which
gives it back late; with the process the device is gone, and the host as it was. `--port` delays a service's port alone
instead, as a relay does that stands before it: whoever connects is answered at once, and waits for each byte.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["slow_link"]

_TUN: Final = "slowlink"
_TABLE: Final = "pipeline_slow_link"
_RELAY_PORT: Final = 3999
_SET_INTERFACE: Final = 0x400454CA  # TUNSETIFF of linux/if_tun.h
_TUN_WITHOUT_HEADER: Final = 0x1001  # IFF_TUN | IFF_NO_PI


@contextlib.contextmanager
def slow_link(container: str, seconds: float, *, port: int | None = None) -> Iterator[None]:
    """In here the link of an LXC container takes `seconds` more, there and back; or only what one port answers."""
    given = subprocess.run(["lxc-info", "-n", container, "-pH"], capture_output=True, text=True, check=True)
    inside = ["nsenter", "--net", "--target", given.stdout.strip(), sys.executable, __file__, str(seconds)]
    child = subprocess.Popen(
        [*inside, *(["--port", str(port)] if port else [])], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield
    finally:
        child.communicate(timeout=10)  # the end of its input ends it


def _command(*words: str) -> None:
    subprocess.run(words, check=True)


async def _ended() -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def _allow_own_packets() -> None:
    """Packets that come in with an address of this very host are taken, and sent on."""
    for name, value in (
        ("ipv4/ip_forward", 1),
        ("ipv4/conf/all/rp_filter", 0),
        (f"ipv4/conf/{_TUN}/rp_filter", 0),
        (f"ipv4/conf/{_TUN}/accept_local", 1),
        ("ipv4/conf/all/send_redirects", 0),
    ):
        Path("/proc/sys/net", name).write_text(f"{value}\n")


async def _all_packets(seconds: float) -> None:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _SET_INTERFACE, struct.pack("16sH", _TUN.encode(), _TUN_WITHOUT_HEADER))
    _command("ip", "link", "set", _TUN, "up")
    _allow_own_packets()
    _command("ip", "route", "add", "default", "dev", _TUN, "table", "100")
    _command("ip", "rule", "add", "pref", "100", "iif", "lo", "lookup", "100")
    loop = asyncio.get_running_loop()

    def take() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                loop.call_later(seconds, os.write, device, os.read(device, 65535))

    loop.add_reader(device, take)
    try:
        await _ended()
    finally:
        _command("ip", "rule", "del", "pref", "100")


@contextlib.contextmanager
def _let_in(port: int) -> Iterator[None]:
    """A lab's own firewall, where it is there, lets nobody to a port that is not the service's."""
    rule = ("rule", "inet", "pipeline_canary", "input")
    accept = ["nft", "--echo", "--handle", "insert", *rule, "tcp", "dport", str(port), "accept"]
    said = subprocess.run(accept, capture_output=True, text=True, check=False).stdout
    try:
        yield
    finally:
        if handle := re.search(r"# handle (\d+)", said):
            subprocess.run(["nft", "delete", *rule, "handle", handle[1]], check=False)


async def _one_port(seconds: float, port: int) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await asyncio.sleep(seconds / 2)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(serve, "0.0.0.0", _RELAY_PORT)
    rules = (
        f"table ip {_TABLE} {{ chain c {{ type nat hook prerouting priority -100; "
        f"iifname eth0 tcp dport {port} redirect to :{_RELAY_PORT}; }}; }}"
    )
    _command("nft", rules)
    try:
        with _let_in(_RELAY_PORT):
            async with server:
                await _ended()
    finally:
        _command("nft", "delete", "table", "ip", _TABLE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    asyncio.run(_one_port(options.seconds, options.port) if options.port else _all_packets(options.seconds))
