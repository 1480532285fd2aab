"""`pipeline canary`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from pipeline.base.errors import Exit, Interrupted, UsageError
from pipeline.cli.confirm import confirm
from pipeline.cli.marks import Marks, marks_of
from pipeline.cli.options import (
    AUTO,
    DURATION,
    DURATION_OR_AUTO,
    RATE,
    WARMUP,
    cloud_options,
    inventory_option,
    json_option,
    monitor_option,
    one_place,
    provider_option,
    publish_option,
    schedule_options,
)
from pipeline.cli.outputs import OUTPUT_OPTIONS, output_options, outputs_of
from pipeline.cli.switch import WithSwitches

__all__ = ["canary"]

_LONGEST_CHOSEN = 600.0  # seconds


@click.command(
    cls=WithSwitches,
    epilog="""\b
Examples:
  pipeline canary master broken
  pipeline canary v1.2 HEAD --repo ~/src/service --profile service.yml
  pipeline canary master slow --duration 1m --schedule interleaved
  pipeline canary master slow --schedule concurrent   on a noisy machine
  pipeline canary master slow --duration auto         as long as it takes
  pipeline canary master broken -i inventory.ini      on hosts you have
  pipeline canary master broken --cloud aws           hosts made for it
  pipeline canary master slow --watch                 its page, as it grows
  pipeline canary promote                             put a kept lab on green
  pipeline canary rollback                            ... and back to blue
""",
)
@click.argument("refs", nargs=-1, metavar="BASELINE CANARY | promote | rollback")
@click.option(
    "--repo",
    metavar="URL|PATH",
    help="The service's repository; 'sample' is the bundled one.  [default: the upstream preview service]",
)
@click.option(
    "--profile",
    default="preview",
    show_default=True,
    metavar="NAME|FILE",
    help="How the service is installed, asked and judged.",
)
@click.option(
    "--rate",
    type=RATE,
    default=50.0,
    show_default="50/s",
    help="Requests per second, open loop; concurrent: of both versions together.",
)
@click.option(
    "--duration",
    type=DURATION_OR_AUTO,
    default=300.0,
    show_default="5m",
    metavar="DURATION|auto",
    help="Measured load on each version; concurrent: on both at once, in half the time. auto: as long as the same "
    "code would need to pass, told by a minute on the baseline first.",
)
@click.option(
    "--at-most",
    type=DURATION,
    metavar="DURATION",
    help="With --duration auto: the longest that may be chosen.  [default: 10m]",
)
@click.option(
    "--warmup",
    type=WARMUP,
    default=15.0,
    show_default="15s",
    help="Load on each version before it, not judged.",
)
@schedule_options
@click.option(
    "--early-stop",
    type=click.Choice(["fail", "both", "off"]),
    default="fail",
    show_default=True,
    help="End as soon as the canary is shown to be worse; both: or shown to be no worse; off: never.",
)
@click.option("--no-calibration", is_flag=True, help="Judge as if `pipeline calibrate` had never run here.")
@provider_option
@inventory_option
@cloud_options
@click.option("--yes", is_flag=True, help="With --cloud: do not ask.")
@click.option("--keep", is_flag=True, help="Leave the hosts up for the next run.")
@click.option("--no-promote", is_flag=True, help="Leave the proxy on blue whatever the verdict.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where run directories go.",
)
@monitor_option
@click.option("--no-monitor", is_flag=True, help="Show the verdict on no dashboard.")
@publish_option
@click.option("--watch", is_flag=True, help="Serve the run's page while it grows, on this machine only.")
@click.option(
    "--watch-port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="The same, on this port.  [default: a free one]",
)
@click.option("--dry-run", is_flag=True, help="Check everything, show the plan, change nothing.")
@json_option
@output_options
def canary(refs: tuple[str, ...], **options: Any) -> int:
    """Compare two versions on real hosts, and promote or roll back.

    Boots proxy, blue and green, deploys BASELINE to blue and CANARY to green, sends load through the proxy to one
    and then the other, in turns, or to both at once (--schedule), compares their health, and prints a score from 0
    to 100 with passed or failed. On a pass the proxy stays on green; otherwise it goes back to blue.

    BASELINE and CANARY are any refs that git knows: branch, tag or commit.
    """
    if len(refs) != 2:
        raise _not_two(refs)
    from pipeline.base.console import Progress
    from pipeline.base.step_hook import begins
    from pipeline.canary.plan import Settings, describe, make_plan, too_short
    from pipeline.canary.watch import Watch
    from pipeline.canary.workflow import run_canary

    files = {option: options.pop(option[2:].replace("-", "_")) for option in OUTPUT_OPTIONS}
    at_most = options.pop("at_most")
    options["auto"] = options["duration"] == AUTO
    if at_most is not None and not options["auto"]:
        raise click.UsageError("--at-most goes with --duration auto")
    if options["auto"]:
        options["duration"] = at_most or _LONGEST_CHOSEN
    options["promote"] = not options.pop("no_promote")
    options["calibration"] = not options.pop("no_calibration")
    as_json, dry_run = options.pop("as_json"), options.pop("dry_run")
    yes = options.pop("yes")
    one_place(options)
    if yes and options["cloud"] is None:
        raise click.UsageError("--yes goes with --cloud")
    watch_port = options.pop("watch_port")
    watched = options.pop("watch") or watch_port is not None
    monitor_file, no_monitor, publish = (options.pop(name) for name in ("monitor", "no_monitor", "publish"))
    if no_monitor and (monitor_file or publish):
        raise click.UsageError(
            f"--{'monitor' if monitor_file else 'publish'} and --no-monitor contradict each other"
        )
    settings = Settings(baseline=refs[0], canary=refs[1], **options)
    progress = Progress()
    plan = make_plan(settings, progress)
    marks = Marks(None, publish=False)
    if not no_monitor:
        marks = marks_of(monitor_file, plan.inventory, publish=publish, sample=plan.source.sample)
    made = None
    if settings.cloud is not None:
        from pipeline.cli.canary_cloud import describe_both, hosts_in, planned_hosts

        made = planned_hosts(plan, progress)
    if dry_run:
        if made is not None:
            describe_both(plan, made, as_json=as_json)
        else:
            click.echo(describe(plan, as_json=as_json), nl=False)
        return Exit.OK
    from pipeline.cli.show import show_verdict

    if warning := too_short(plan):
        progress.say(f"warning: {warning}")
    outputs = outputs_of(files)
    with Watch(watch_port or 0) if watched else nullcontext() as watch:
        begun: Callable[[Path], object] = watch.begin if watch is not None else lambda _: None
        if watch is not None:
            progress.say(f"watch the run at {watch.url}")
        if made is None:
            result = run_canary(plan, progress, begun=begun)
        else:
            with made.lock():
                confirm(made.plan, yes=yes, as_json=as_json)
                result = run_canary(plan, progress, hosts_in(made), begun)
        try:
            marked = marks.leave(result.run, result.verdict, progress)
            begins("show")
            code = show_verdict(result.run, result.verdict, as_json=as_json, outputs=outputs) or marked
            if watch is not None:
                watch.finish()
        except KeyboardInterrupt:
            said = f"interrupted after the run: the canary's verdict is {result.verdict.outcome.value}"
            raise Interrupted(said, hint=f"pipeline report {result.run.path}") from None
    if made is not None and made.left:
        progress.say(made.left)  # once more, where it is not overlooked
    return code


def _not_two(refs: tuple[str, ...]) -> UsageError:
    """What to say of one ref, or three: `..` between two, or a word that is nearly `promote`."""
    said = f"two refs are needed, BASELINE and CANARY; got {len(refs)}{': ' if refs else ''}{' '.join(refs)}"
    hint = "pipeline canary master broken"
    if len(refs) == 1:
        both = [part for part in re.split(r"\.{2,3}", refs[0]) if part]
        if len(both) == 2:
            hint = f"pipeline canary {shlex.join(both)}"
        elif close := get_close_matches(refs[0], ["promote", "rollback"], n=1, cutoff=0.75):
            hint = f"pipeline canary {close[0]}"
    return UsageError(said, hint=hint)
