"""The canary, in five steps: boot hosts, deploy two versions, drive load, compare health, promote or roll back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, Interrupted, LabError
from pipeline.base.interrupt import run_async, uninterrupted
from pipeline.base.lock import lab_lock
from pipeline.base.places import state_directory, workplace
from pipeline.base.step_hook import begins
from pipeline.canary.deployed import Hosts, deploy
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.measure import connected, measure
from pipeline.canary.pilot import choose_duration
from pipeline.canary.plan import Plan, new_run
from pipeline.canary.proxy import Proxy
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.lab.lab import Lab
from pipeline.remote.ssh import Connection
from pipeline.report import write_report
from pipeline.runs.calibration import Key, Store
from pipeline.runs.directory import Run, compress_tables, judge_run, load

__all__ = ["Result", "hosts_of", "key_of", "run_canary", "run_on"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run ends in."""

    run: Run
    verdict: Verdict


def run_canary(plan: Plan, progress: Progress) -> Result:
    """The whole run. Raises PipelineError, or Interrupted; either way no host stays behind that was not there before,
    unless the settings keep the lab.
    """
    with lab_lock(state_directory()):  # first: a run that is refused leaves no directory
        return run_on(hosts_of(plan, progress), plan, progress)


def run_on(where: AbstractContextManager[Hosts], plan: Plan, progress: Progress) -> Result:
    """The run on hosts that `where` gives for its time. The caller holds the lab's lock."""
    store = Store(state_directory() / "calibration.json")
    store.all()  # one that cannot be used is told before anything boots
    run = new_run(plan)
    try:
        with where as hosts:
            run.add(provider=hosts.provider)
            begins("deploy")
            deploy(plan, hosts, run, progress)
            result = run_async(_measure_and_switch(plan, hosts, run, store, progress))
    except KeyboardInterrupt:
        run.save()
        said = f"interrupted; what was measured is in {run.path}"
        raise Interrupted(said, hint=f"pipeline judge {run.path}") from None
    except BaseException:
        run.save()
        raise
    begins("report")
    compress_tables(run.path)
    write_report(result.run, result.verdict)
    return result


def key_of(plan: Plan, hosts: Hosts) -> Key:
    """What a calibration must have been made with to be valid for this plan on these hosts."""
    settings = plan.settings
    addresses = " ".join(f"{host.name}={host.address}:{host.port}" for host in hosts.inventory)
    return Key(
        profile=plan.profile.name,
        repo=plan.source.display,
        hosts=addresses if plan.inventory is not None else hosts.provider,
        schedule=settings.schedule,
        rate=settings.rate,
        duration=settings.duration,
        warmup=settings.warmup,
        share=settings.canary_share,
    )


@contextmanager
def hosts_of(plan: Plan, progress: Progress) -> Iterator[Hosts]:
    """Three hosts for the time of the run: the user's own, the lab as it stands, or a lab that goes afterwards."""
    settings = plan.settings
    if plan.inventory is not None:
        yield Hosts(plan.inventory, state_directory() / "known_hosts", "inventory")
        return
    lab = Lab(workplace(), settings.provider, progress.say)
    was_up = lab.is_up()
    begins("lab")
    try:
        inventory = lab.up()
        yield Hosts(inventory, lab.known_hosts, lab.provider)
    finally:
        if settings.keep or was_up:
            progress.say("the lab stays up: pipeline lab ssh blue; pipeline lab down")
        else:
            begins("remove")
            with uninterrupted("removing the lab"):
                progress.say("removing the lab")
                _remove(lab, progress)


def _remove(lab: Lab, progress: Progress) -> None:
    """A lab that cannot be removed is told, but must not cost the verdict that was reached on it."""
    try:
        lab.down()
    except LabError as error:
        progress.say(
            f"the lab could not be removed: {error.message}; type: {error.hint or 'pipeline lab down'}"
        )


async def _measure_and_switch(
    plan: Plan, hosts: Hosts, run: RunInProgress, store: Store, progress: Progress
) -> Result:
    """Load, verdict, and the proxy on the colour that the verdict calls for: green only after a pass."""
    begins("connect")
    async with connected(hosts.inventory, hosts.known_hosts, plan.profile.port) as connections:
        proxy = Proxy(connections["proxy"])
        try:
            if plan.settings.auto and not run.record.problems:
                plan = await _with_duration(plan, connections, run, progress)
            if plan.settings.calibration and (known := store.find(key_of(plan, hosts))) is not None:
                run.add(calibration=known.to_run())
            if not run.record.problems:
                await measure(connections, plan.profile, plan.settings, run, progress)
            begins("save")
            run.save()
            begins("judge")
            progress.say("judging")
            measured = load(run.path)
            verdict = judge_run(measured)
        except BaseException:
            with uninterrupted("putting the proxy back on blue"):
                await _back_to_blue(connections["proxy"])
            raise
        if verdict.outcome is Outcome.PASSED and plan.settings.promote:
            begins("promote")
            await proxy.switch("green")
            begins("persist")
            await proxy.persist()
            run.add(promoted=True)
            progress.say("promoted: the proxy stays on green")
        else:
            begins("rollback")
            run.add(promoted=False)
            await _back_to_blue(connections["proxy"])
            asked = "" if plan.settings.promote else "not promoted, as asked: "
            progress.say(f"{asked}the proxy is on blue")
        run.save()
        return Result(measured.with_record(run.record), verdict)


async def _with_duration(
    plan: Plan, connections: Mapping[str, Connection], run: RunInProgress, progress: Progress
) -> Plan:
    """The plan with the duration that a pilot chose."""
    settings = await choose_duration(connections, plan.profile, plan.settings, run, progress)
    run.add(settings={**run.record.document["settings"], "duration": settings.duration})
    return replace(plan, settings=settings)


async def _back_to_blue(connection: Connection) -> None:
    """Roll back as far as the proxy lets us: when it is gone there is nothing to switch."""
    proxy = Proxy(connection)
    try:
        if not connection.alive:
            await connection.reopen()
        await proxy.switch("blue")
        await proxy.persist()
    except HostError:
        return
