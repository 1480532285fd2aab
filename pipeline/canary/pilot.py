"""A minute of load on the baseline before the run, to learn how long the run must be (`--duration auto`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipeline.base.console import Progress
from pipeline.base.errors import ServiceError
from pipeline.base.step_hook import begins
from pipeline.base.text import duration
from pipeline.canary.display import LoadDisplay
from pipeline.canary.drive import LoadSetup, Measurement, drive_load
from pipeline.canary.early_stop import EarlyStop
from pipeline.canary.health import Collector
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.loader import Loader
from pipeline.canary.loader_arguments import loader_arguments, private_files
from pipeline.canary.plan import Settings
from pipeline.canary.probe import probe
from pipeline.canary.profile import Profile
from pipeline.canary.proxy import Proxy
from pipeline.canary.schedule import baseline_alone
from pipeline.judge.evidence import Arm
from pipeline.remote.ssh import Connection
from pipeline.runs.directory import Run
from pipeline.runs.evidence import build_evidence
from pipeline.runs.record import Terms
from pipeline.runs.tables import SeriesWriter, read_requests, read_series

if TYPE_CHECKING:
    from pipeline.judge.forecast import Need

__all__ = ["choose_duration", "chosen"]

_PILOT_SECONDS: Final = 45.0
_LEAST: Final = 60.0  # a leak does not show in less
_STEP: Final = 10.0


async def choose_duration(
    connections: Mapping[str, Connection],
    profile: Profile,
    settings: Settings,
    run: RunInProgress,
    progress: Progress,
) -> Settings:
    """The settings with the duration after which the same code would pass; unchanged where a pilot cannot tell.

    What the pilot measured is kept in the run's directory under `pilot`. Raises HostError and LoadError.

    Args:
        connections: The three hosts.
        profile: How the service is asked.
        settings: `duration` is the longest that may be chosen.
        run: The run, which nothing was measured for yet.
        progress: Where the user is told about it.
    """
    from pipeline.judge.forecast import forecast, in_words  # loads scipy, which a dry run does without

    warmup = f"{duration(settings.warmup)} of warm-up and " if settings.warmup else ""
    begins("pilot")
    progress.say(f"pilot: {warmup}{duration(_PILOT_SECONDS)} on the baseline tell how long the run must be")
    try:
        instance = await probe(connections["baseline"], profile)
    except ServiceError:
        return replace(settings, auto=False)  # the run itself finds it, and says what it means
    proxy = Proxy(connections["proxy"])
    await proxy.route("blue", instance.route)
    await proxy.switch("blue")
    arm = await _measure(connections, profile, settings, run, progress)
    needs = forecast(arm, profile.metrics, profile.policy, share=_smaller_share(settings)) if arm else ()
    seconds = chosen(needs, settings.duration)
    said = in_words(needs, seconds) or "the pilot was too short to tell"
    progress.say(f"pilot: {said}; each version is measured for {duration(seconds)}")
    run.add(pilot={"duration": seconds, "said": said})
    return replace(settings, duration=seconds, auto=False)


def chosen(needs: Sequence[Need], longest: float) -> float:
    """The seconds for which each version is measured: what the slowest metric needs that a run of `longest` can show.

    >>> from pipeline.judge.forecast import Need
    >>> chosen([Need("a", "A", 93.0, "1 %"), Need("b", "B", None, "1 %")], 600)
    100.0
    """
    within = [need.seconds for need in needs if need.seconds is not None and need.seconds <= longest]
    if not within:
        return longest
    return min(longest, max(_LEAST, math.ceil(max(within) / _STEP) * _STEP))


def _smaller_share(settings: Settings) -> float:
    """What part of the load the version with less of it will have."""
    share = settings.canary_share
    return 1.0 if share is None else min(share, 1 - share)


async def _measure(
    connections: Mapping[str, Connection],
    profile: Profile,
    settings: Settings,
    run: RunInProgress,
    progress: Progress,
) -> Arm | None:
    """The baseline under load; None where something went wrong, which the run itself will find as well."""
    directory = run.path / "pilot"
    directory.mkdir(exist_ok=True)
    phases = baseline_alone(_PILOT_SECONDS, settings.warmup)
    measurement = Measurement()
    with SeriesWriter(directory / "series.csv") as write, private_files(profile, None) as files:
        address = connections["proxy"].host.private_address
        arguments = loader_arguments(address, profile, settings, directory, seconds=phases[-1].end)
        setup = LoadSetup(
            loader=Loader([*arguments, *files], run.path / "logs" / "pilot.log"),
            phases=phases,
            proxy=Proxy(connections["proxy"]),
            collector=Collector(connections, write),
            connections=connections,
            expected_status=profile.right_statuses,
            share=None,
            early_stop=EarlyStop(Run(directory, run.record), phases, settings.rate, "off"),
            display=LoadDisplay(progress),
        )
        await drive_load(setup, measurement)
    if measurement.problem is not None:
        return None
    measured = [phase for phase in measurement.phases if phase.kind == "measure"]
    rows = read_requests(directory / "requests.csv"), read_series(directory / "series.csv")
    return build_evidence(measured, (), *rows, Terms()).baseline
