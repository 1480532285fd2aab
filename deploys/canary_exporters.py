"""Exporters on every host of a canary, on loopback only: they are read through SSH.

prometheus-node-exporter on 127.0.0.1:9100: CPU, memory and load of the host, restarts of canary.service; on the
proxy, which production's monitor may watch as well, disks, network and restarts of HAProxy, too.
prometheus-process-exporter on 127.0.0.1:9256: CPU, memory, threads and descriptors by user, so that the group
named after the service's user is the service and all its children.
"""

from io import StringIO

from pyinfra.context import config, host
from pyinfra.operations import files, systemd
from pyinfra.operations.util import any_changed

from deploys.kit import packages
from deploys.kit.facts import EXPORTERS
from deploys.watch.exporters import NO_DISKS, PROCESS_OPTIONS, PROCESSES

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"

# Debian runs the process exporter as a user who may not count another user's descriptors (it then reports 0).
PROCESS_UNIT = "/etc/systemd/system/prometheus-process-exporter.service.d/canary.conf"
PROCESS_CONFIG = "/etc/prometheus-process-exporter-canary.yml"

ON_PROXY = [
    "--collector.filesystem",
    f"--collector.filesystem.fs-types-exclude=^({NO_DISKS})$",
    "--collector.netdev",
    r"--collector.systemd.unit-include=haproxy\\.service",
]
ON_SERVICE = [r"--collector.systemd.unit-include=canary\\.service"]
NODE = [
    f"--web.listen-address=127.0.0.1:{EXPORTERS['node']}",
    "--collector.disable-defaults",
    "--collector.cpu",
    "--collector.meminfo",
    "--collector.loadavg",
    "--collector.systemd",
    "--collector.systemd.enable-restarts-metrics",
    *(ON_PROXY if "proxy" in host.groups else ON_SERVICE),
]
PROCESS = [
    f"-web.listen-address=127.0.0.1:{EXPORTERS['process']}",
    f"-config.path {PROCESS_CONFIG}",
    *PROCESS_OPTIONS,
]

FILES = {
    "prometheus-node-exporter": {
        "/etc/default/prometheus-node-exporter": f'ARGS="{" ".join(NODE)}"\n',
    },
    "prometheus-process-exporter": {
        PROCESS_UNIT: "[Service]\nAmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH\n",
        PROCESS_CONFIG: PROCESSES,
        "/etc/default/prometheus-process-exporter": f'ARGS="{" ".join(PROCESS)}"\n',
    },
}

# The systemd collector talks to systemd over D-Bus.
packages.ensure(["dbus", *FILES])

for exporter, contents in FILES.items():
    written = [
        files.put(
            name=f"Write {path}",
            src=StringIO(content),
            dest=path,
            mode="644",
        )
        for path, content in contents.items()
    ]
    if PROCESS_UNIT in contents:
        systemd.daemon_reload(name="Reload systemd", _if=any_changed(*written))
    # Before `running`: a restart also starts what does not run yet, with the files above.
    systemd.service(
        name=f"Restart {exporter}",
        service=f"{exporter}.service",
        restarted=True,
        _if=any_changed(*written),
    )
    systemd.service(name=f"Run {exporter}", service=f"{exporter}.service", running=True, enabled=True)
