"""The agent that exports the metrics of iTrust's JVM: each slot's on a port of its own, on loopback.

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

from deploys.kit import packages
from deploys.kit.scripts import ensured
from deploys.watch import exporters

__all__ = ["environments", "option"]

_ARTIFACT: Final = "io.prometheus.jmx jmx_prometheus_javaagent"
_VERSION: Final = "1.0.1"
_SHA256: Final = "7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1"
_SECONDS: Final = 180
# The JVM's own figures are always there; of Tomcat's hundreds only these are asked for.
_CONFIGURATION: Final = """\
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
_DIRECTORY: Final = "/srv/itrust/jmx"
_AGENT: Final = f"{_DIRECTORY}/agent-{_VERSION}.jar"
# Its digest is part of its name, so that a slot that runs with another one is started anew.
_FILE: Final = f"{_DIRECTORY}/{hashlib.sha256(_CONFIGURATION.encode()).hexdigest()[:12]}.yml"


def environments(ports: Sequence[int]) -> dict[int, dict[str, str]]:
    """Install the agent; gives what is added to each slot's environment, by port. Nothing where no monitor watches."""
    if not exporters.is_monitored():
        return {port: {} for port in ports}
    packages.ensure(["ivy"])
    _agent(name="service install: fetch the agent that shows the JVM's figures")
    return {port: {"JDK_JAVA_OPTIONS": option(port)} for port in ports}


def option(port: int) -> str:
    """The JVM's option that loads the agent in the slot `port`."""
    return f"-javaagent:{_AGENT}=127.0.0.1:{port + 10000}:{_FILE}"


@operation()
def _agent() -> Generator[StringCommand, None, None]:
    """The agent and its configuration are there, root's, and whole."""
    yield from ensured(
        "jmx",
        act="fetch",
        same="the agent is there",
        directory=_DIRECTORY,
        agent=_AGENT,
        sha256=_SHA256,
        file=_FILE,
        content=_CONFIGURATION,
        artifact=f"{_ARTIFACT} {_VERSION}",
        seconds=_SECONDS,
    )
