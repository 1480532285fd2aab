"""The canary, in five steps: boot hosts, deploy two versions, drive load, compare health, promote or roll back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import LabError, PipelineError
from pipeline.base.interrupt import afterwards, held_back, run_async
from pipeline.base.lock import lock_of
from pipeline.base.places import state_directory, workplace
from pipeline.base.step_hook import begins
from pipeline.base.text import reason_of
from pipeline.canary.deployed import Hosts, deploy
from pipeline.canary.ending import Ending
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.measure import connected, measure
from pipeline.canary.pilot import choose_duration
from pipeline.canary.plan import Plan, new_run
from pipeline.canary.settle import settle
from pipeline.judge.verdict import Verdict
from pipeline.lab.lab import Lab
from pipeline.remote.ssh import Connection
from pipeline.report import write_report
from pipeline.runs.calibration import Key, Store
from pipeline.runs.directory import Run, compress_tables, judge_run, load

__all__ = ["Result", "hosts_lock_of", "hosts_of", "key_of", "run_canary", "run_on"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run ends in."""

    run: Run
    verdict: Verdict


def run_canary(
    plan: Plan,
    progress: Progress,
    where: AbstractContextManager[Hosts] | None = None,
    begun: Callable[[Path], object] = lambda _: None,
) -> Result:
    """The whole run. Raises PipelineError, or Interrupted; either way no host stays behind that was not there before,
    unless the settings keep the lab. `where` gives hosts that are neither a lab's nor the user's own, and the caller
    holds their lock; `begun` is told the run's directory as soon as that is there.
    """
    if where is not None:
        return run_on(where, plan, progress, begun)
    with hosts_lock_of(plan):  # first: a run that is refused leaves no directory
        return run_on(hosts_of(plan, progress), plan, progress, begun)


def hosts_lock_of(plan: Plan) -> AbstractContextManager[None]:
    """What keeps a second command of this workplace off the plan's hosts: the lab's, or those of an inventory."""
    return lock_of(state_directory(), None if plan.inventory is None else plan.inventory.path)


def run_on(
    where: AbstractContextManager[Hosts],
    plan: Plan,
    progress: Progress,
    begun: Callable[[Path], object] = lambda _: None,
) -> Result:
    """The run on hosts that `where` gives for its time. The caller holds their lock."""
    store = Store(state_directory() / "calibration.json")
    store.all()  # one that cannot be used is told before anything boots
    run = new_run(plan)
    begun(run.path)
    ending = Ending(plan, run, progress)
    try:
        with where as hosts:
            run.add(provider=hosts.provider)
            ending.gone = hosts.gone
            # What a deploy puts on green is unjudged: a canary that was promoted before does not keep the traffic.
            found = settle(hosts.inventory, hosts.known_hosts, "blue", patience=0)
            ending.untouched = found.colour is None and bool(found.problem)
            if held_back():  # Ctrl-C as it was put there: nothing has begun yet
                raise KeyboardInterrupt
            back = partial(ending.settle, hosts.inventory, hosts.known_hosts)
            with afterwards("putting the proxy where it belongs", back):
                begins("deploy")
                deploy(plan, hosts, run, progress)
                ending.untouched = False
                run_async(_measure(plan, hosts, run, store, progress))
                judged, verdict = _judge(run, progress)
                ending.verdict = verdict
        ending.close()
        begins("report")
        compress_tables(run.path)
        judged = judged.with_record(run.record)
        write_report(judged, verdict)
    except KeyboardInterrupt:
        ending.close()
        raise ending.interrupted() from None
    except PipelineError as error:
        ending.close()
        raise ending.told(error) from error.__cause__
    except BaseException:
        ending.close()
        if ending.trouble:
            progress.say(f"{ending.trouble}; type: {ending.cure}")
        raise
    if (failed := ending.not_promoted()) is not None:
        raise failed
    return Result(judged, verdict)


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

    def gone() -> bool:
        return not lab.hosts()

    begins("lab")
    if settings.keep or was_up:
        try:
            yield Hosts(lab.up(), lab.known_hosts, lab.provider, gone)
        finally:
            if lab.exists():
                progress.say("the lab stays up: pipeline lab ssh blue; pipeline lab down")
        return
    with afterwards("removing the lab", partial(_remove, lab, progress)):
        yield Hosts(lab.up(), lab.known_hosts, lab.provider, gone)


def _remove(lab: Lab, progress: Progress) -> None:
    """A lab that cannot be removed is told, but must not cost the verdict that was reached on it."""
    begins("remove")
    if lab.exists():
        progress.say("removing the lab")
    try:
        lab.down()
    except LabError as error:
        progress.say(
            f"the lab could not be removed: {error.message}; type: {error.hint or 'pipeline lab down'}"
        )
    except OSError as error:  # such as a full disk
        said = f"{error.filename or lab.log}: {reason_of(error)}"
        progress.say(f"the lab could not be removed: {said}; type: pipeline lab down")


async def _measure(plan: Plan, hosts: Hosts, run: RunInProgress, store: Store, progress: Progress) -> None:
    """Both versions under load, unless it is known already what is wrong."""
    begins("connect")
    async with connected(hosts.inventory, hosts.known_hosts, plan.profile.port) as connections:
        if plan.settings.auto and not run.record.problems:
            plan = await _with_duration(plan, connections, run, progress)
        if plan.settings.calibration and (known := store.find(key_of(plan, hosts))) is not None:
            run.add(calibration=known.to_run())
        if not run.record.problems:
            await measure(connections, plan.profile, plan.settings, run, progress)


def _judge(run: RunInProgress, progress: Progress) -> tuple[Run, Verdict]:
    """The run as its directory holds it, and its verdict."""
    begins("save")
    run.add(under_way=False)
    run.save()
    begins("judge")
    progress.say("judging")
    measured = load(run.path)
    return measured, judge_run(measured)


async def _with_duration(
    plan: Plan, connections: Mapping[str, Connection], run: RunInProgress, progress: Progress
) -> Plan:
    """The plan with the duration that a pilot chose."""
    settings = await choose_duration(connections, plan.profile, plan.settings, run, progress)
    run.add(settings={**run.record.document["settings"], "duration": settings.duration})
    return replace(plan, settings=settings)
