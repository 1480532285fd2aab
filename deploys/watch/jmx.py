"""The agent that shows the figures of iTrust's JVM: each slot's on a port of its own, on loopback.

Only on a host that is monitored. Debian has no package of the agent, but it has Ivy, a program of one megabyte that
fetches it once from where Maven's artifacts are: a host that builds nothing needs no Maven and no JDK. What comes is
checked against the digest that is written here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit import packages
from deploys.kit.scripts import ensured
from deploys.watch.exporters import USER

__all__ = ["option", "options"]

ARTIFACT: Final = "io.prometheus.jmx jmx_prometheus_javaagent"
VERSION: Final = "1.0.1"
SHA256: Final = "7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1"
SECONDS: Final = 180
# The JVM's own figures come by themselves; of Tomcat's hundreds these are asked for.
CONFIGURATION: Final = """\
# Written by deploys/watch/jmx.py; changes made here are lost.
lowercaseOutputName: true
includeObjectNames:
  - "Catalina:type=ThreadPool,*"
  - "Catalina:type=Manager,*"
rules:
  - pattern: 'Catalina<type=ThreadPool, name="[^"]+"><>(currentThreadsBusy|maxThreads|connectionCount)'
    name: tomcat_$1
  - pattern: 'Catalina<type=Manager, .*><>(activeSessions)'
    name: tomcat_$1
"""
DIRECTORY: Final = "/srv/itrust/jmx"
AGENT: Final = f"{DIRECTORY}/agent-{VERSION}.jar"
# Its digest is part of its name, so that a slot that runs with another one is started anew.
FILE: Final = f"{DIRECTORY}/{hashlib.sha256(CONFIGURATION.encode()).hexdigest()[:12]}.yml"


def options(ports: Sequence[int]) -> dict[int, dict[str, str]]:
    """More of each slot's environment, by port: where the host is monitored the agent, which is installed then."""
    if not host.get_fact(Command, f"id -u {USER} 2>/dev/null || true"):
        return {port: {} for port in ports}
    packages.ensure(["ivy"])
    agent(name="service install: fetch the agent that shows the JVM's figures")
    return {port: {"JDK_JAVA_OPTIONS": option(port)} for port in ports}


def option(port: int) -> str:
    """What starts the JVM of the slot `port` with the agent."""
    return f"-javaagent:{AGENT}=127.0.0.1:{port + 10000}:{FILE}"


@operation()
def agent() -> Generator[StringCommand, None, None]:
    """The agent and its configuration are there, root's, and whole."""
    yield from ensured(
        "jmx",
        act="fetch",
        same="the agent is there",
        directory=DIRECTORY,
        agent=AGENT,
        sha256=SHA256,
        file=FILE,
        content=CONFIGURATION,
        artifact=f"{ARTIFACT} {VERSION}",
        seconds=SECONDS,
    )
