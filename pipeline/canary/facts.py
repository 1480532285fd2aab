"""What the hosts are: written in run.json, so that a reader knows what the samples came from."""

from __future__ import annotations

from pipeline.errors import HostError
from pipeline.ssh import Connection

__all__ = ["host_facts"]

# one round trip; each line is `name=value`, and a program that is not there leaves its value empty
_SCRIPT = """
. /etc/os-release; echo "os=$PRETTY_NAME"
echo "kernel=$(uname -r)"
echo "virtualization=$(systemd-detect-virt)"
echo "cpus=$(nproc)"
echo "memory_bytes=$(awk '/^MemTotal/ {print $2 * 1024}' /proc/meminfo)"
echo "node=$(node --version 2>/dev/null)"
echo "python=$(python3 --version 2>/dev/null)"
echo "haproxy=$(/usr/sbin/haproxy -v 2>/dev/null | head -1)"
"""


async def host_facts(connection: Connection) -> dict[str, object]:
    """Operating system, kernel, CPUs, memory in bytes and versions of what serves, by name."""
    done = await connection.run(["sh", "-c", _SCRIPT], check=False)
    facts: dict[str, object] = {"address": connection.host.private_address}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        if value:
            facts[name] = int(float(value)) if name in ("cpus", "memory_bytes") else value
    if "os" not in facts:
        raise HostError(connection.host.name, f"no facts: {done.stderr.strip()[:200] or 'no output'}")
    return facts
