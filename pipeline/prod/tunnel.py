"""The monitor's page through SSH: a port of this machine's loopback that leads to the one of the monitor's."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.base.child import ended, start
from pipeline.base.errors import HostError
from pipeline.base.facts import TUNNEL_PORT
from pipeline.base.text import last_line, reason_of
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import ssh_arguments

__all__ = ["open_tunnel", "show_in_browser"]

_PATIENCE = 20.0  # seconds until the page answers
AGAIN = 3.0  # seconds between tries, once a connection was lost


def open_tunnel(
    monitor: Host, known_hosts: Path, ready: Callable[[str], None], lost: Callable[[str], None]
) -> None:
    """Lead a free port of 127.0.0.1 to the page until this is interrupted, also over a reboot of the monitor.

    Args:
        monitor: The host with the page.
        known_hosts: The file of host keys, for a host that names none of its own.
        ready: Gets the page's address, once it answers there.
        lost: Gets what ssh said when the connection broke for the first time.

    Raises:
        HostError: There is no connection, or no page, to begin with.
    """
    port = _free_port()
    with _tunnel(monitor, known_hosts, port) as child:
        _wait_for_page(monitor, child, f"http://127.0.0.1:{port}/dashboard/")
        ready(f"http://127.0.0.1:{port}/dashboard/")
        child.wait()
        lost(_last_words(child))
    while True:
        time.sleep(AGAIN)
        with _tunnel(monitor, known_hosts, port) as child:
            child.wait()


@contextlib.contextmanager
def _tunnel(monitor: Host, known_hosts: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """ssh, which is gone afterwards."""
    forward = f"127.0.0.1:{port}:127.0.0.1:{TUNNEL_PORT}"
    command = [
        "ssh",
        "-N",
        "-o",
        "ExitOnForwardFailure=yes",
        "-L",
        forward,
        *ssh_arguments(monitor, known_hosts),
    ]
    child = start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with ended(child):
        yield child


def _wait_for_page(monitor: Host, child: subprocess.Popen[bytes], address: str) -> None:
    """Until the page answers. Raises HostError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # 127.0.0.1 is here, not at a proxy
    began, said = time.monotonic(), "no answer"
    while time.monotonic() - began < _PATIENCE:
        if child.poll() is not None:
            said = f"SSH to {monitor.address}: {_last_words(child)}"
            raise HostError(monitor.name, said, hint="pipeline prod status")
        try:
            with opener.open(address, timeout=5):
                return
        except urllib.error.HTTPError as error:
            said = f"HTTP {error.code}"
            break
        except OSError as error:
            said = reason_of(error)
            # ssh takes the connection itself, and drops it when nothing listens there
            if isinstance(error, ConnectionResetError) or "closed" in said:
                break
        time.sleep(0.1)
    raise HostError(monitor.name, f"the dashboard does not answer there: {said}", hint="pipeline prod up")


def _last_words(child: subprocess.Popen[bytes]) -> str:
    """What ssh said last; it has ended."""
    said = child.stderr.read().decode(errors="replace") if child.stderr is not None else ""
    return last_line(said, "the connection ended")


def _free_port() -> int:
    """One that nobody listens on at 127.0.0.1, now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def show_in_browser(address: str) -> bool:
    """Open the page in the user's browser; gives whether there is one with a screen of its own."""
    # without a screen it would be one in this terminal
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
