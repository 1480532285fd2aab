"""The options that divide a run among several processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from loadgen.option_group import OptionGroup, added
from loadgen.plan import Plan
from loadgen.processes import Processes
from loadgen.shard import Shards

if TYPE_CHECKING:
    from loadgen.dask_shards import DaskWorkers

__all__ = ["ShardOptions", "shard_options"]

_MOST_PROCESSES = 256
# Files and addresses of this machine, which the workers of a cluster do not have.
_OF_THIS_MACHINE = ("ca", "cert", "key", "source")


_OPTIONS = (
    click.option(
        "--processes",
        type=click.IntRange(1, _MOST_PROCESSES),
        default=1,
        show_default=True,
        help="Send from so many processes, each with its part of the requests and of the connections.",
    ),
    click.option(
        "--dask",
        metavar="ADDRESS",
        help="Send from all workers of the Dask cluster whose scheduler is there, such as tcp://10.0.0.5:8786.",
    ),
)
shard_options = added(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class ShardOptions(OptionGroup):
    """What was given for them."""

    processes: int
    dask: str | None

    def check(self, context: click.Context, plan: Plan) -> None:
        """Raises click.UsageError where they do not go together with the others, or Dask is not installed."""
        if self.dask is not None:
            others = ("processes", *_OF_THIS_MACHINE)
            given = (n for n in others if context.get_parameter_source(n) is ParameterSource.COMMANDLINE)
            if other := next(given, None):
                why = "each worker is one" if other == "processes" else "the workers do not have it"
                raise click.UsageError(f"--dask and --{other}: {why}")
            _dask_workers()
        for name, count in (("users", plan.users), ("connections", plan.connections)):
            if 0 < count < self.processes:
                raise click.UsageError(
                    f"--processes {self.processes} and {count} {name}: each process needs one of them"
                )

    def here(self, plan: Plan) -> Plan:
        """The largest part that one process of this machine has."""
        return plan.divided(self.processes)[0] if self.processes > 1 else plan

    def shards(self, plan: Plan, *, first: bool, rows: bool) -> Shards | None:
        """Who sends the plan's parts; None: this process sends all. `first` and `rows` are those of Order."""
        if self.dask is not None:
            return _dask_workers()(self.dask, plan, first=first, rows=rows)
        if self.processes > 1:
            return Processes(plan.divided(self.processes), first=first, rows=rows)
        return None


def _dask_workers() -> type[DaskWorkers]:
    try:
        from loadgen.dask_shards import DaskWorkers  # Dask is not needed without
    except ImportError as problem:
        raise click.UsageError(
            f"--dask needs a package that is missing ({problem.name}): pip install 'pipeline-canary[loader-dask]'"
        ) from None
    return DaskWorkers
