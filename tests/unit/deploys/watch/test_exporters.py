"""The exporters of a host and of its applications."""

from __future__ import annotations

import json
import re

import pytest

from deploys.kit.kept import Kept
from deploys.watch import exporters, jmx


def test_no_exporter_listens_but_on_loopback() -> None:
    what = Kept()
    exporters.keep_host(what)
    for app in ("checkbox", "itrust"):
        _, more = exporters.described(app)
        what.files |= more.files
    texts = [file["text"] for path, file in what.files.items() if path.startswith("/etc/default/")]
    assert len(texts) == 5
    for text in texts:
        assert "listen-address=127.0.0.1:" in text or "HOST=127.0.0.1\n" in text
    assert all(
        option.startswith("-javaagent:/srv/itrust/jmx/") and f"=127.0.0.1:{port + 10000}:" in option
        for port, option in ((p, jmx.option(p)) for p in (8081, 8082))
    )


def is_counted(command_line: str) -> bool:
    """Whether the process exporter takes a process with this command line into a group: all its patterns match."""
    (rule,) = json.loads(exporters.PROCESSES)["process_names"]
    assert rule["name"] == "{{.Username}}"
    return all(re.search(pattern, command_line) for pattern in rule["cmdline"])


@pytest.mark.parametrize(
    "command_line",
    [
        "/usr/bin/node --require ../../.loopback.js server.js",
        "node index.js",
        "npm start",
        "/usr/local/bin/mongod --config /etc/mongod.conf",
        "/usr/sbin/mariadbd",
        "/usr/sbin/mysqld --user=mysql",
        "/usr/lib/jvm/java-17-openjdk-amd64/bin/java -Xmx512m",
        "nginx: worker process",
        "nginx: worker process is shutting down",
        "/srv/canary/releases/a/bin/service",
        "/sbin/innodb",
    ],
)
def test_a_service_is_counted_whatever_its_command_line(command_line: str) -> None:
    assert is_counted(command_line)


@pytest.mark.parametrize(
    "command_line",
    [
        "(mariadbd)",
        "(node)",
        "/sbin/init",
        "/sbin/init splash",
        "/lib/systemd/systemd --switched-root --system --deserialize=31",
        "/usr/lib/systemd/systemd-executor --deserialize 34",
        "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;",
        "/usr/sbin/nginx -g daemon on; master_process on;",
        "",
    ],
)
def test_what_is_still_root_and_becomes_a_service_is_not_counted_before_it_is_the_services_user(
    command_line: str,
) -> None:
    assert not is_counted(command_line)


def test_what_was_left_out_is_looked_at_again_and_has_no_group_of_its_parents() -> None:
    what = Kept()
    exporters.keep_host(what)
    given = what.files["/etc/default/prometheus-process-exporter"]["text"]
    assert {"-recheck", "-children=false"} <= set(given.replace('"', " ").split())
