"""The experiment itself, on hosts that are up and deployed: probe, load, collect, and leave a run directory behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, ServiceError
from pipeline.base.files import write_whole
from pipeline.base.mask import hide
from pipeline.base.private import private_directory
from pipeline.base.step_hook import begins
from pipeline.canary.display import LoadDisplay
from pipeline.canary.drive import LoadSetup, Measurement, direct, drive_load
from pipeline.canary.early_stop import EarlyStop
from pipeline.canary.health import EXPORTERS, Collector
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.loader import Loader
from pipeline.canary.loader_arguments import loader_arguments, private_files
from pipeline.canary.network import NetworkProbe
from pipeline.canary.plan import Settings
from pipeline.canary.probe import UNIT, Instance, host_facts, probe
from pipeline.canary.profile import Profile
from pipeline.canary.proxy import RUNTIME_SOCKET, Proxy, difference, reconcile
from pipeline.inventory.hosts import Inventory
from pipeline.judge.evidence import Problem
from pipeline.judge.words import percent
from pipeline.remote.ssh import Connection
from pipeline.runs.directory import Run
from pipeline.runs.evidence import OWN_FAILURES
from pipeline.runs.logs import save_log
from pipeline.runs.network import connecting
from pipeline.runs.phases import COLOURS, under_way
from pipeline.runs.tables import SeriesWriter

__all__ = ["connected", "measure"]

_MOST_LOG_BYTES: Final = 20_000_000  # of each host's, from its beginning


@contextlib.asynccontextmanager
async def connected(
    inventory: Inventory, known_hosts: Path, port: int
) -> AsyncIterator[dict[str, Connection]]:
    """Connections to the three hosts, by arm (`baseline`, `canary`) and `proxy`; `port` is the service's."""
    extra = {"proxy": {"runtime": RUNTIME_SOCKET}}
    with private_directory() as directory:
        connections = {
            arm: Connection(inventory.one(group), directory, known_hosts)
            for arm, group in (*COLOURS.items(), ("proxy", "proxy"))
        }
        try:
            try:
                async with asyncio.TaskGroup() as group:
                    for arm, connection in connections.items():
                        forwards = {**EXPORTERS, **extra.get(arm, {"service": f"127.0.0.1:{port}"})}
                        group.create_task(connection.open(forwards))
            except (
                ExceptionGroup
            ) as errors:  # not except*: before Python 3.11.4 what it raises is a group again
                raise errors.exceptions[0] from None
            yield connections
        finally:
            await asyncio.gather(*(connection.close() for connection in connections.values()))


async def measure(
    connections: Mapping[str, Connection],
    profile: Profile,
    settings: Settings,
    run: RunInProgress,
    progress: Progress,
) -> None:
    """Measure both arms, and write everything into the run's directory; its record gains what was found.

    Returns normally also when the run had to stop: the record's problems then say why. Cancelled (Ctrl-C), it writes
    what it has first.

    Args:
        connections: The three hosts, as `connected` gives them.
        profile: How the service is asked, and what a right answer is.
        settings: The schedule and the rate.
        run: The run, which has no problems so far.
        progress: Where the user is told about it.
    """
    begins("probe")
    proxy = Proxy(connections["proxy"])
    # On a kept lab one version may have run for an hour, warm and grown, and the other for a second: both begin anew.
    services = [connections[arm] for arm in COLOURS]
    # A kept lab's journals hold other runs as well, of other versions: this one's logs begin here.
    began = dict(
        zip(connections, await asyncio.gather(*(c.journal_end() for c in connections.values())), strict=True)
    )
    await asyncio.gather(*(c.run(c.as_root(["systemctl", "restart", UNIT])) for c in services))
    progress.say("asking the hosts what they are, and both versions which route they have")
    facts = await asyncio.gather(*(host_facts(connection) for connection in connections.values()))
    run.add(hosts=dict(zip((c.host.name for c in connections.values()), facts, strict=True)))
    instances = await _probe_both(connections, profile, run)
    measurement = Measurement()
    before: dict[str, dict[str, int]] = {}
    early_stop: EarlyStop | None = None
    try:
        if instances is not None:
            for arm, instance in instances.items():
                await proxy.route(COLOURS[arm], instance.route)
            phases, share = settings.phases(), settings.canary_share
            await direct(proxy, under_way(phases, 0), share)
            before = await proxy.counters()
            dealt = "" if share is None else f", {percent(share)} of them to the canary by chance"
            progress.say(
                f"load: {settings.rate:g} requests/s at {profile.asked_for} through the proxy{dealt}"
            )
            routes = {arm: instance.route for arm, instance in instances.items()}
            network = NetworkProbe(connections, profile, routes)
            if said := connecting(await network.before()):
                run.add_problem(Problem("note", said))
                progress.say(said)
            early_stop = EarlyStop(Run(run.path, run.record), phases, settings.rate, settings.early_stop)
            with (
                SeriesWriter(run.path / "series.csv") as write,
                SeriesWriter(run.path / "network.csv") as note,
                private_files(profile, share) as files,
            ):
                address = connections["proxy"].host.private_address
                arguments = loader_arguments(address, profile, settings, run.path)
                setup = LoadSetup(
                    loader=Loader([*arguments, *files], run.path / "logs" / "loadgen.log"),
                    phases=phases,
                    proxy=proxy,
                    collector=Collector(connections, write),
                    connections=connections,
                    expected_status=profile.right_statuses,
                    share=share,
                    early_stop=early_stop,
                    display=LoadDisplay(progress),
                    network=lambda began: network.run(began, phases, note),
                    unanswered=network.unanswered,
                )
                # Should this process be killed, the run's directory says what was going to be: it can be judged.
                run.add(phases=[phase.to_dict() for phase in phases], t0_unix=time.time())
                run.save()
                await drive_load(setup, measurement)
    except asyncio.CancelledError:
        run.add_problem(Problem("inconclusive", "interrupted before the schedule ended"))
        raise
    finally:
        _add_measurement(run, measurement)
        if (end := measurement.early_end) is not None and early_stop is not None:
            progress.say(f"enough is known after {end.after:g} s of the canary: {early_stop.so_far}")
        if measurement.summary is not None:
            with contextlib.suppress(HostError):
                await _check_load(proxy, before, measurement.summary, run)
        await _save_logs(connections, began, run.path)


def _add_measurement(run: RunInProgress, measurement: Measurement) -> None:
    if measurement.problem is not None:
        run.add_problem(measurement.problem)
    if measurement.early_end is not None:
        run.add(stopped_early=measurement.early_end.to_dict())
    run.add(
        t0_unix=measurement.t0,
        under_way=False,
        phases=[phase.to_dict() for phase in measurement.phases],
        load=dict(measurement.summary or {}),
    )


async def _probe_both(
    connections: Mapping[str, Connection], profile: Profile, run: RunInProgress
) -> dict[str, Instance] | None:
    """Both instances, or None with the reason in the run's problems: no baseline is invalid, no canary has failed."""
    probes = [probe(connections[arm], profile) for arm in COLOURS]
    results = await asyncio.gather(*probes, return_exceptions=True)
    instances: dict[str, Instance] = {}
    for arm, result in zip(COLOURS, results, strict=True):
        if isinstance(result, Instance):
            instances[arm] = result
        elif isinstance(result, ServiceError):
            effect = "failed" if arm == "canary" else "invalid"
            run.add_problem(Problem(effect, f"the {arm} did not come up: {result.message}"))
        else:
            raise result
    run.add(routes={arm: instance.route for arm, instance in instances.items()})
    return instances if len(instances) == len(COLOURS) else None


async def _check_load(
    proxy: Proxy, before: Mapping[str, Mapping[str, int]], summary: Mapping[str, Any], run: RunInProgress
) -> None:
    """Compare the loader's counts with the proxy's, and turn what is wrong with either into problems."""
    served = {colour: count for colour, count in summary["served_by"].items() if colour}
    grown = difference(before, await proxy.counters())
    counts = reconcile(grown, served, summary["sent"] - sum(served.values()))
    write_whole(run.path / "proxy.json", json.dumps(counts, indent=1) + "\n")
    run.add(reconciliation=counts)
    for mismatch in counts["mismatches"]:
        run.add_problem(Problem("note", f"the books do not agree: {mismatch}"))
    # What the loader could not read or send has ended the run already, and its problem says so.
    if not summary["valid"] and not set(OWN_FAILURES) & set(summary["errors_by_kind"]):
        reason = f"the loader could not keep its schedule: {summary['reason']}"
        run.add_problem(Problem("invalid", reason))


async def _save_logs(
    connections: Mapping[str, Connection], began: Mapping[str, str], directory: Path
) -> None:
    """The services' and the proxy's journals of this run, without secrets; a host that is gone has none to give."""

    async def save(arm: str, connection: Connection) -> None:
        unit = "haproxy.service" if arm == "proxy" else UNIT
        with contextlib.suppress(HostError, OSError):
            text = await connection.journal_after(began[arm], unit, most=_MOST_LOG_BYTES)
            save_log(directory, COLOURS.get(arm, arm), hide(text))

    alive = [save(arm, connection) for arm, connection in connections.items() if connection.alive]
    await asyncio.gather(*alive)
