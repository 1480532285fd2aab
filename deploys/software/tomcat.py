"""Debian's Tomcat 10 for iTrust, one process a slot: its configuration, its heap, its command.

Tomcat 9, for which iTrust2 is written, is not in Debian 12; both were tried with the real iTrust2 v6 (on Tomcat 10
once `javax2jakarta` had rewritten it), and all seven roles worked alike on both. Debian's gets its security updates
with the host's, and nothing has to be fetched past the host's package manager. The package `tomcat10` itself, which
would start an instance on port 8080, is not needed and not installed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from deploys.kit.places import TEMPLATES
from deploys.kit.scripts import ensured

__all__ = ["FIRST_ANSWER", "PACKAGES", "command", "configured", "heap_megabytes", "texts"]

PACKAGES: Final = ("default-jre-headless", "tomcat10-common", "tomcat-jakartaee-migration")
_BASE: Final = "/srv/itrust/tomcat"
_HOME: Final = "/usr/share/tomcat10"

# The first is what Spring 4.3 and JAXB 2.2 need to define their proxies: without it the real iTrust2 does not start.
# With the others Tomcat finds memory leaks of an application; its own catalina.sh gives them, too.
_OPENS: Final = (
    "java.base/java.lang",
    "java.base/java.io",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.rmi/sun.rmi.transport",
)

# For a unit's ExecStartPost=, followed by an address: ends once the address answers, with success if that was a 200,
# or when the process has ended. systemd wants each $ and % twice.
FIRST_ANSWER: Final = (
    '/bin/sh -c \'until status=$$(curl -s -o /dev/null --noproxy 127.0.0.1 -m 90 -w %%{http_code} "$$0");'
    " do kill -0 $$MAINPID || exit 1; sleep 0.3; done; [ $$status = 200 ]'"
)


def heap_megabytes(memory: int) -> int:
    """-Xmx for a host with `memory` MB: two instances and MariaDB must fit while a release is switched.

    >>> [heap_megabytes(memory) for memory in (512, 980, 1536, 16000)]
    [128, 224, 384, 1024]
    """
    return min(1024, max(128, memory // 4 // 32 * 32))


def command(memory: int) -> list[str]:
    """The words that start Tomcat on a host with `memory` MB. What differs by slot it reads from its environment."""
    return [
        "/usr/bin/java",
        *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENS),
        f"-Xmx{heap_megabytes(memory)}m",
        "-XX:+UseSerialGC",  # the smallest, and hosts with one core would get it anyway
        "-XX:+ExitOnOutOfMemoryError",  # systemd then starts a fresh one
        "-Djava.awt.headless=true",
        # The times in the database, and what MariaDB is told, are UTC, too: see itrust2.py.
        "-Duser.timezone=UTC",
        f"-Dcatalina.base={_BASE}",
        f"-Dcatalina.home={_HOME}",
        "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
        f"-Djava.util.logging.config.file={_BASE}/conf/logging.properties",
        "-Dorg.apache.tomcat.util.digester.PROPERTY_SOURCE="
        "org.apache.tomcat.util.digester.EnvironmentPropertySource",
        "-cp",
        f"{_HOME}/bin/bootstrap.jar:{_HOME}/bin/tomcat-juli.jar",
        "org.apache.catalina.startup.Bootstrap",
        "start",
    ]


def texts() -> dict[str, str]:
    """The contents of server.xml (`server`) and logging.properties (`logging`)."""
    return {
        "server": (TEMPLATES / "itrust.server.xml").read_text(encoding="utf-8"),
        "logging": (TEMPLATES / "itrust.logging.properties").read_text(encoding="utf-8"),
    }


@operation()
def configured() -> Generator[StringCommand, None, None]:
    """Write Tomcat's configuration. A slot that runs keeps what it was started with."""
    yield from ensured(
        "itrust_tomcat", act="write", same="Tomcat's configuration is the same", base=_BASE, **texts()
    )
