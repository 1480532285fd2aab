"""The options that divide a run among several processes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
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
_FILE = click.Path(path_type=Path)
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
    click.option(
        "--dask-ca",
        type=_FILE,
        help="Of --dask tls://...: the certificate that scheduler and workers are checked by.",
    ),
    click.option("--dask-cert", type=_FILE, help="Certificate that is shown to them (PEM)."),
    click.option("--dask-key", type=_FILE, help="Its key; without a password."),
)
shard_options = added(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class ShardOptions(OptionGroup):
    """What was given for them."""

    processes: int
    dask: str | None
    dask_ca: Path | None
    dask_cert: Path | None
    dask_key: Path | None

    def check(self, context: click.Context, plan: Plan) -> None:
        """Raises click.UsageError where they do not go together with the others, or Dask is not installed."""
        if self.dask is not None:
            others = ("processes", *_OF_THIS_MACHINE)
            given = (n for n in others if context.get_parameter_source(n) is ParameterSource.COMMANDLINE)
            if other := next(given, None):
                why = "each worker is one" if other == "processes" else "the workers do not have it"
                raise click.UsageError(f"--dask and --{other}: {why}")
            _dask_workers()
        self._check_tls()
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
            return _dask_workers()(self.dask, plan, first=first, rows=rows, tls=self._tls)
        if self.processes > 1:
            return Processes(plan.divided(self.processes), first=first, rows=rows)
        return None

    @property
    def _tls(self) -> tuple[Path, Path, Path] | None:
        """The files of TLS, all three; None: as Dask's own configuration has it."""
        if self.dask_ca is None or self.dask_cert is None or self.dask_key is None:
            return None
        return self.dask_ca, self.dask_cert, self.dask_key

    def _check_tls(self) -> None:
        given = [path for path in (self.dask_ca, self.dask_cert, self.dask_key) if path is not None]
        if not given:
            return
        if self.dask is None or not self.dask.startswith("tls://"):
            raise click.UsageError("--dask-ca, --dask-cert and --dask-key are for --dask tls://HOST:PORT")
        if self._tls is None:
            raise click.UsageError("--dask-ca, --dask-cert and --dask-key go together: give all three")
        ca, cert, key = self._tls
        for path in given:
            try:
                path.open("rb").close()
            except OSError as problem:
                raise click.UsageError(f"{path}: {problem.strerror}") from None
        try:
            context = ssl.create_default_context(cafile=ca)
            context.load_cert_chain(cert, key, password="")
        except (ssl.SSLError, ValueError):
            raise click.UsageError(
                f"{ca}, {cert} and {key} cannot be used: PEM files, and the key belongs to the certificate"
            ) from None


def _dask_workers() -> type[DaskWorkers]:
    try:
        from loadgen.dask_shards import DaskWorkers  # Dask is not needed without
    except ImportError as problem:
        raise click.UsageError(
            f"--dask needs a package that is missing ({problem.name}): pip install 'pipeline-canary[loader-dask]'"
        ) from None
    return DaskWorkers
