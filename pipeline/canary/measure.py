"""The experiment itself, on hosts that are up and deployed: probe, load, collect, and leave a run directory behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, ServiceError
from pipeline.base.facts import PROXY_PORT
from pipeline.canary.drive import Driven, drive
from pipeline.canary.early_stop import Looks
from pipeline.canary.health import EXPORTERS, Collector
from pipeline.canary.loader import Loader
from pipeline.canary.plan import Settings
from pipeline.canary.probe import UNIT, Instance, host_facts, probe
from pipeline.canary.profile import Profile
from pipeline.canary.proxy import RUNTIME_SOCKET, Proxy, difference, reconcile
from pipeline.inventory.hosts import Inventory
from pipeline.judge.evidence import Problem
from pipeline.remote.ssh import Connection
from pipeline.runs.directory import RunDirectory
from pipeline.runs.phases import COLOURS
from pipeline.runs.tables import SeriesWriter

__all__ = ["conduct", "connected", "connected_proxy"]

LOADER_TIMEOUT = (
    "5s"  # longer than HAProxy's own, so that what the service delays is HAProxy's 504 and has a colour
)


@contextlib.asynccontextmanager
async def connected(
    inventory: Inventory, known_hosts: Path, port: int
) -> AsyncIterator[dict[str, Connection]]:
    """Connections to the three hosts, by arm (`baseline`, `canary`) and `proxy`; `port` is the service's."""
    directory = Path(tempfile.mkdtemp(prefix="pipeline-"))  # mkdtemp gives mode 0700
    connections = {
        "baseline": Connection(inventory.one("blue"), directory, known_hosts),
        "canary": Connection(inventory.one("green"), directory, known_hosts),
        "proxy": Connection(inventory.one("proxy"), directory, known_hosts),
    }
    extra = {"proxy": {"runtime": RUNTIME_SOCKET}}
    try:
        async with asyncio.TaskGroup() as group:
            for arm, connection in connections.items():
                forwards = {**EXPORTERS, **extra.get(arm, {"service": f"127.0.0.1:{port}"})}
                group.create_task(connection.open(forwards))
        yield connections
    except* HostError as errors:
        raise errors.exceptions[0] from None
    finally:
        await asyncio.gather(*(connection.close() for connection in connections.values()))
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.asynccontextmanager
async def connected_proxy(inventory: Inventory, known_hosts: Path) -> AsyncIterator[Connection]:
    """A connection to the proxy alone."""
    directory = Path(tempfile.mkdtemp(prefix="pipeline-"))
    connection = Connection(inventory.one("proxy"), directory, known_hosts)
    try:
        await connection.open({"runtime": RUNTIME_SOCKET})
        yield connection
    finally:
        await connection.close()
        shutil.rmtree(directory, ignore_errors=True)


async def conduct(
    connections: Mapping[str, Connection],
    profile: Profile,
    settings: Settings,
    run: dict[str, Any],
    directory: RunDirectory,
    progress: Progress,
) -> None:
    """Measure both arms and write everything into `directory`; `run` (run.json) gains what was found.

    Returns normally also when the run had to stop: `run["problems"]` then says why. Cancelled (Ctrl-C), it writes what
    it has first.
    """
    proxy = Proxy(connections["proxy"])
    # On a kept lab one version may have run for an hour, warm and grown, and the other for a second: both begin anew.
    await asyncio.gather(
        *(
            c.run(c.as_root(["systemctl", "restart", UNIT]))
            for arm, c in connections.items()
            if arm != "proxy"
        )
    )
    progress.say("asking the hosts what they are, and both versions which route they have")
    facts = await asyncio.gather(*(host_facts(connection) for connection in connections.values()))
    run["hosts"] = dict(zip((c.host.name for c in connections.values()), facts, strict=True))
    instances = await _probe_both(connections, profile, run)
    driven = Driven(t0=0.0, phases=())
    before: dict[str, dict[str, int]] = {}
    try:
        if instances is not None:
            for arm, instance in instances.items():
                await proxy.route(COLOURS[arm], instance.route)
            await proxy.switch("blue")
            before = await proxy.counters()
            progress.say(f"load: {settings.rate:g} requests/s at {profile.request.path} through the proxy")
            log = directory.path / "logs" / "loadgen.log"
            with SeriesWriter(directory.path / "series.csv") as write, _private_files(profile) as files:
                looks = Looks(directory, run, settings.phases(), settings.rate, settings.early_stop)
                await drive(
                    Loader([*_loader_arguments(connections, profile, settings, directory), *files], log),
                    settings.phases(), proxy, Collector(connections, write), connections,
                    profile.expect.status, looks, progress, driven,
                )  # fmt: skip
    except asyncio.CancelledError:
        run["problems"].append(_entry(Problem("inconclusive", "interrupted before the schedule ended")))
        raise
    finally:
        if driven.problem is not None:
            run["problems"].append(_entry(driven.problem))
        if driven.decided is not None:
            run["stopped_early"] = driven.decided.to_dict()
            progress.say(f"enough is known after {driven.decided.after:g} s of the canary: {looks.so_far}")
        run["t0_unix"] = driven.t0
        run["phases"] = [phase.to_dict() for phase in driven.phases]
        run["load"] = dict(driven.summary or {})
        if driven.summary is not None:
            with contextlib.suppress(HostError):
                _check_load(driven.summary, await _reconcile(proxy, before, driven.summary, directory), run)
        await _save_logs(connections, directory)


async def _probe_both(
    connections: Mapping[str, Connection], profile: Profile, run: dict[str, Any]
) -> dict[str, Instance] | None:
    """Both instances, or None with the reason in run["problems"]: no baseline is invalid, no canary has failed."""
    arms = ("baseline", "canary")
    results = await asyncio.gather(
        *(probe(connections[arm], profile) for arm in arms), return_exceptions=True
    )
    instances: dict[str, Instance] = {}
    for arm, result in zip(arms, results, strict=True):
        if isinstance(result, Instance):
            instances[arm] = result
        elif isinstance(result, ServiceError):
            effect = "failed" if arm == "canary" else "invalid"
            run["problems"].append(_entry(Problem(effect, f"the {arm} did not come up: {result.message}")))
        else:
            raise result
    run["routes"] = {arm: instance.route for arm, instance in instances.items()}
    return instances if len(instances) == len(arms) else None


def _loader_arguments(
    connections: Mapping[str, Connection], profile: Profile, settings: Settings, directory: RunDirectory
) -> list[str]:
    request, host = profile.request, connections["proxy"].host
    arguments = [
        f"http://{host.private_address}:{PROXY_PORT}{request.target()}",
        "--method", request.method,
        "--rate", f"{settings.rate:g}",
        "--duration", f"{settings.phases()[-1].end:g}s",
        "--timeout", LOADER_TIMEOUT,
        "--expect-status", str(profile.expect.status),
        "--served-by-header", "X-Served-By",
        "--requests-out", str(directory.path / "requests.csv"),
        "--hist-out", str(directory.path / "latency.hlog"),
    ]  # fmt: skip
    if profile.expect.body_regex is not None:
        arguments += ["--expect-body-regex", profile.expect.body_regex]
    return arguments


@contextlib.contextmanager
def _private_files(profile: Profile) -> Iterator[list[str]]:
    """The request's headers and body as files for the loader: a token must not stand in a process list or a run."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as private:  # mode 0700
        headers, body = Path(private) / "headers", Path(private) / "body"
        headers.write_text("".join(f"{name}: {value}\n" for name, value in profile.request.headers.items()))
        body.write_bytes(profile.request.content())
        arguments = ["--header-file", str(headers)]
        yield [*arguments, "--body-file", str(body)] if profile.request.content() else arguments


async def _reconcile(
    proxy: Proxy, before: Mapping[str, Mapping[str, int]], summary: Mapping[str, Any], directory: RunDirectory
) -> dict[str, Any]:
    served = {colour: count for colour, count in summary["served_by"].items() if colour}
    result = reconcile(
        difference(before, await proxy.counters()), served, summary["sent"] - sum(served.values())
    )
    (directory.path / "proxy.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def _check_load(summary: Mapping[str, Any], books: Mapping[str, Any], run: dict[str, Any]) -> None:
    """Turn what is wrong with the experiment's own instruments into problems."""
    run["reconciliation"] = {key: books[key] for key in ("haproxy", "loader", "unattributed", "mismatches")}
    for mismatch in books["mismatches"]:
        run["problems"].append(_entry(Problem("note", f"the books do not agree: {mismatch}")))
    if not summary["valid"]:
        run["problems"].append(
            _entry(Problem("invalid", f"the loader could not keep its schedule: {summary['reason']}"))
        )


async def _save_logs(connections: Mapping[str, Connection], directory: RunDirectory) -> None:
    """The services' and the proxy's journals; a host that is gone has none to give."""

    async def save(arm: str, connection: Connection) -> None:
        unit = "haproxy.service" if arm == "proxy" else UNIT
        with contextlib.suppress(HostError, OSError):
            text = await connection.journal(unit)
            (directory.path / "logs" / f"{COLOURS.get(arm, arm)}.log").write_text(text)

    await asyncio.gather(
        *(save(arm, connection) for arm, connection in connections.items() if connection.alive)
    )


def _entry(problem: Problem) -> dict[str, str]:
    return {"effect": problem.effect, "message": problem.message}
