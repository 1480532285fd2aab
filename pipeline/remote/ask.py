"""Whether hosts answer SSH and have the memory they were given."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.base.errors import HostError
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import ssh_arguments

__all__ = ["answering", "memory"]


def memory(host: Host, known_hosts: Path) -> int:
    """The bytes of memory the host believes to have. Raises HostError when it does not answer."""
    try:
        # ssh itself would wait 10 s for an address that nobody has
        socket.create_connection((host.address, host.port), timeout=3).close()
    except OSError as error:
        raise HostError(host.name, f"SSH at {host.address}:{host.port}: {error.strerror or error}") from None
    command = ["ssh", *ssh_arguments(host, known_hosts), "grep MemTotal: /proc/meminfo"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=15, check=False
        )
    except subprocess.TimeoutExpired:
        raise HostError(host.name, f"no SSH within 15 s at {host.address}:{host.port}") from None
    words = done.stdout.split()
    if done.returncode != 0 or len(words) != 3 or not words[1].isdigit():
        said = done.stderr.strip().splitlines()
        raise HostError(host.name, f"SSH at {host.address}:{host.port}: {said[-1] if said else 'no answer'}")
    return int(words[1]) * 1024


def answering(hosts: Iterable[Host], known_hosts: Path) -> dict[str, int | HostError]:
    """Asks all hosts at once: for each name its memory in bytes, or why it does not answer."""

    def ask(host: Host) -> tuple[str, int | HostError]:
        try:
            return host.name, memory(host, known_hosts)
        except HostError as error:
            return host.name, error

    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(pool.map(ask, hosts))
