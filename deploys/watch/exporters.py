"""Exporters on a host, each on its loopback: of the host itself, and of an application on it.

A host is monitored once deploys/monitor.py has run on it: it then has the user `exporters`, as whom the monitor logs in
(tunnels.py). On a monitored host checkbox.py and itrust.py end by setting up the application's exporters; monitor.py
does so for an application that was deployed before it. The result is the same in either order. docs/monitoring.md has
the ports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit import nginx, packages
from deploys.kit.facts import EXPORTERS
from deploys.kit.kept import Kept, kept
from deploys.kit.places import CHECKS, TEMPLATES
from deploys.kit.proof import program_text
from deploys.kit.scripts import Script, ensured

__all__ = [
    "HOST_PACKAGES",
    "NO_DISKS",
    "PROCESSES",
    "PROCESS_OPTIONS",
    "USER",
    "described",
    "is_monitored",
    "keep_host",
    "of_application",
    "of_host",
]

USER: Final = "exporters"
_TEXTFILES: Final = "/var/lib/prometheus/node-exporter"

HOST_PACKAGES: Final = ["python3", "dbus", "prometheus-node-exporter", "prometheus-process-exporter"]
# nginx's figures, for this host alone.
_STATUS: Final = 8089
_STATUS_SITE: Final = f"""\
# Written by deploys/watch/exporters.py; changes made here are lost.
server {{
    listen 127.0.0.1:{_STATUS};
    access_log off;
    location = /stub_status {{
        stub_status;
    }}
    location / {{
        return 404;
    }}
}}
"""
_COLLECTORS: Final = (
    "cpu",
    "diskstats",
    "filefd",
    "filesystem",
    "loadavg",
    "meminfo",
    "netdev",
    "stat",
    "textfile",
    "time",
    "uname",
)
# init.scope began when the host did. Its boot time does not say so: in a container that is the machine's.
_UNITS: Final = (
    "(checkbox|itrust|tunnel)@.+[.]service|(mongod|mariadb|nginx|ssh|mtail|prometheus.*)[.]service"
    "|init[.]scope"
)
# File systems that are no disk. Debian's own list has overlay too; this one does not: it is the root of a local host.
NO_DISKS: Final = (
    "autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fuse.*|hugetlbfs|mqueue|nsfs|proc|pstore|"
    "ramfs|rpc_pipefs|securityfs|squashfs|sysfs|tmpfs|tracefs"
)
# How the command lines begin of what still is root and becomes a service's process. systemd's child has systemd's own,
# then "(mariadbd)", until it has taken the service's user and runs its program; nginx's worker has its master's until
# it has taken its user.
_STILL_ROOT: Final = (
    "(",
    "/sbin/init",
    "/lib/systemd/",
    "/usr/lib/systemd/",
    "/usr/sbin/nginx",
    "nginx: master ",
)


def _not_beginning(prefix: str) -> str:
    """The regular expression of what begins otherwise. Go's have no lookahead.

    >>> _not_beginning("ab")
    '^(?:[^a]|a[^b])'
    """
    ways = (re.escape(prefix[:n]) + f"[^{prefix[n]}]" for n in range(len(prefix)))
    return f"^(?:{'|'.join(ways)})"


# Processes by their user: each service has one of its own. The exporter keeps a process in the group in which it first
# saw it, for as long as that lives: whoever will be another user is left out until then. -recheck looks again at what
# was left out, and at nothing else. -children=false: what is left out does not get its parent's group.
PROCESSES: Final = json.dumps(
    {"process_names": [{"name": "{{.Username}}", "cmdline": [*map(_not_beginning, _STILL_ROOT)]}]}, indent=1
)
PROCESS_OPTIONS: Final = ("-recheck", "-children=false", "-threads=false", "-gather-smaps=false")
_MONGODB_ACCESS: Final = "/etc/pipeline/mongodb-exporter.json"
_MONGODB_PROGRAM: Final = "/usr/local/lib/pipeline/mongodb_exporter.py"
_MONGODB_UNIT: Final = f"""\
# Written by deploys/watch/exporters.py; changes made here are lost.
[Unit]
Description=Exporter of MongoDB's figures
After=mongod.service
StartLimitIntervalSec=0
[Service]
User=prometheus
ExecStart=/usr/bin/python3 {_MONGODB_PROGRAM} 127.0.0.1 {EXPORTERS["mongodb"]} {_MONGODB_ACCESS}
Restart=always
RestartSec=3
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes
[Install]
WantedBy=multi-user.target
"""


def _address(job: str) -> str:
    return f"127.0.0.1:{EXPORTERS[job]}"


def keep_host(what: Kept) -> None:
    """Add node and process exporter to what a host keeps."""
    what.debian(
        "prometheus-node-exporter",
        [
            f"--web.listen-address={_address('node')}",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in _COLLECTORS),
            "--collector.systemd",
            "--collector.systemd.enable-restarts-metrics",
            "--collector.systemd.enable-start-time-metrics",
            # By itself it excludes every scope.
            "--collector.systemd.unit-exclude=^$",
            f"--collector.systemd.unit-include={_UNITS}",
            f"--collector.filesystem.fs-types-exclude=^({NO_DISKS})$",
            f"--collector.textfile.directory={_TEXTFILES}",
        ],
        answers=f"http://{_address('node')}/",
    )
    processes = what.file("/etc/pipeline/process-exporter.yml", PROCESSES)
    what.debian(
        "prometheus-process-exporter",
        [f"-web.listen-address={_address('process')}", f"-config.path={processes}", *PROCESS_OPTIONS],
        answers=f"http://{_address('process')}/",
        files=[processes],
    )


def of_host() -> None:
    """Node and process exporter of this host."""
    packages.ensure(HOST_PACKAGES, hold=[name for name in HOST_PACKAGES if name.startswith("prometheus-")])
    what = Kept()
    keep_host(what)
    kept(name="Exporters of the host", what=what)


def described(app: str) -> tuple[list[str], Kept]:
    """The Debian packages of an application's exporters, and what is kept for them."""
    what = Kept()
    program = what.file(
        "/etc/mtail/access.mtail", (TEMPLATES / "mtail.access.mtail").read_text(encoding="utf-8")
    )
    what.debian(
        "mtail",
        [],
        environment=f"HOST=127.0.0.1\nPORT={EXPORTERS['mtail']}\nLOGS=/var/log/nginx/*.access.log\n"
        "EXTRA_ARGS=--emit_prog_label=false\n",
        answers=f"http://{_address('mtail')}/metrics",
        files=[program],
    )
    what.debian(
        "prometheus-nginx-exporter",
        [
            f"-web.listen-address={_address('nginx')}",
            f"-nginx.scrape-uri=http://127.0.0.1:{_STATUS}/stub_status",
        ],
        answers=f"http://{_address('nginx')}/metrics",
    )
    if app == "itrust":
        # Only the two queries that need no rights: no table is ever read.
        what.debian(
            "prometheus-mysqld-exporter",
            [
                f"--web.listen-address={_address('mysqld')}",
                "--collect.global_status",
                "--collect.global_variables",
                "--no-collect.slave_status",
                "--no-collect.info_schema.innodb_cmp",
                "--no-collect.info_schema.innodb_cmpmem",
                "--no-collect.info_schema.query_response_time",
            ],
            environment="DATA_SOURCE_NAME=prometheus@unix(/run/mysqld/mysqld.sock)/\n",
            answers=f"http://{_address('mysqld')}/",
        )
        return ["mtail", "prometheus-nginx-exporter", "prometheus-mysqld-exporter"], what
    return ["mtail", "prometheus-nginx-exporter"], what


def is_monitored() -> bool:
    """Whether deploys/monitor.py has run on this host."""
    return bool(host.get_fact(Command, f"id -u {USER} 2>/dev/null || true"))


def of_application(app: str, mongodb: bool = True) -> None:
    """The exporters of an application that is deployed on this host.

    `mongodb`: whether checkbox.io's database is on this host; one elsewhere is not asked.
    """
    wanted, what = described(app)
    own = app == "checkbox" and mongodb
    if own:
        wanted += ["python3-prometheus-client", "python3-pymongo"]
        text = (CHECKS / "mongodb_exporter.py").read_text(encoding="utf-8")
        what.units["mongodb-exporter.service"] = {
            "files": [
                what.file(_MONGODB_PROGRAM, text),
                what.file("/etc/systemd/system/mongodb-exporter.service", _MONGODB_UNIT),
                _MONGODB_ACCESS,
            ],
            "answers": f"http://{_address('mongodb')}/metrics",
        }
    packages.ensure(
        ["python3", *wanted],
        hold=[name for name in wanted if name == "mtail" or name.startswith("prometheus-")],
    )
    nginx.serve(name="nginx's own figures", app="status", content=_STATUS_SITE)
    if own:
        _mongodb_user(name="The exporter's user of MongoDB")
    if app == "itrust":
        _mariadb_user(name="The exporter's user of MariaDB")
    kept(name=f"Exporters of {app}", what=what)
    _marked(name=f"Mark of the last deploy of {app}", app=app)


@operation()
def _mongodb_user() -> Generator[StringCommand, None, None]:
    """The user with which the exporter asks MongoDB."""
    text = (CHECKS / "mongodb_exporter_user.py").read_text(encoding="utf-8")
    given = {"file": _MONGODB_ACCESS, "group": "prometheus", "admin": "/root/.mongodb-admin"}

    def program(change: bool) -> Script:
        return Script(program_text(text, {**given, "change": change}))

    # Where pymongo or the user prometheus is not there yet, this only says that something is to be done.
    if host.get_fact(Command, "python3 - 2>/dev/null || true", _stdin=program(False)) == "same":
        host.noop("the user is there")
        return
    yield StringCommand("python3", "-", _stdin=program(True))


@operation()
def _mariadb_user() -> Generator[StringCommand, None, None]:
    """The user with which the exporter asks MariaDB."""
    yield from ensured("exporter_mariadb", act="make", same="the user is there", user="prometheus")


@operation()
def _marked(app: str) -> Generator[StringCommand, None, None]:
    """The mark of the deploy that is served, where the host was not monitored yet at that time."""
    yield from ensured("mark", "exporter_mark", act="make", same="the mark is there", app=app)
