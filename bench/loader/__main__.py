"""What the loader costs and whether it tells the truth, beside its peers, in turn, round after round.

\b
    python -m bench.loader --programs DIRECTORY            all tables
    python -m bench.loader cost --rounds 5                 CPU at 200/s, 1,000/s, and as fast as it can
    python -m bench.loader arrivals --rounds 5             how late requests reach the server, at 1,000/s and 3,000/s
    python -m bench.loader highest                         the highest rate at which they do so in time
    python -m bench.loader stall overload                  what each says when the server freezes, or is too slow
    python -m bench.loader memory --minutes 60             resident memory at 1,000/s

Peers that are not installed are left out, and the output says so. A machine's moods are longer than a round, so ratios
of one round are told, their median, least and most. vegeta, fortio and k6 come through `go install`, oha through
`cargo install`, locust through pip, wrk2 is built from its sources (github.com/giltene/wrk2, which calls it wrk).
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click
from tabulate import tabulate

from bench.loader.clients import QUANTILES, Client, ClientError, Told, clients
from bench.loader.measures import (
    FROZEN,
    OVERLOAD,
    STALL,
    arrived,
    cost,
    highest_rate,
    memory,
    overloaded,
    stalled,
    truth,
)
from bench.loader.server import Server, serving

_RATES = (200, 1000)
_ARRIVAL_RATES = (1000, 3000)
_PROGRAMS = ("wrk2", "oha", "vegeta", "fortio", "k6", "locust")


def _turns(
    those: Sequence[Client], rounds: int, measure: Callable[[Client], float]
) -> dict[str, list[float]]:
    """Each client's value of each round; nan where it failed, which is told."""
    found: dict[str, list[float]] = {client.name: [] for client in those}
    for _ in range(rounds):
        for client in those:
            try:
                found[client.name].append(measure(client))
            except ClientError as error:
                click.echo(str(error), err=True)
                found[client.name].append(math.nan)
    return found


def _ratios(found: dict[str, list[float]], what: str) -> None:
    """The values, and the ratios to the first client's of the same round."""
    ours = next(iter(found.values()))
    rows = []
    for name, values in found.items():
        ratios = [value / one for value, one in zip(values, ours, strict=True)]
        rows.append((name, statistics.median(values), statistics.median(ratios), min(ratios), max(ratios)))
    heads = ("client", what, "ratio to ours", "least", "most")
    click.echo(tabulate(rows, heads, tablefmt="github", floatfmt=("", ".3f", ".2f", ".2f", ".2f")))


def _costs(those: Sequence[Client], server: Server, rounds: int, _minutes: int) -> None:
    for rate in _RATES:
        click.echo(f"\nCPU of the client at {rate} requests a second\n")
        _ratios(_turns(those, rounds, partial(cost, server=server, rate=rate)), "CPU s per 1,000")
    click.echo("\nCPU of the client as fast as it can\n")
    _ratios(_turns(those, rounds, partial(cost, server=server, rate=None)), "CPU s per 1,000")


def _arrivals(those: Sequence[Client], server: Server, rounds: int, _minutes: int) -> None:
    for rate in _ARRIVAL_RATES:
        click.echo(f"\nHow late requests reach the server at {rate} a second, p99\n")
        _ratios(_turns(those, rounds, partial(_late, server=server, rate=rate)), "ms")


def _late(client: Client, server: Server, rate: int) -> float:
    return arrived(client, server, rate).p99


def _highest(those: Sequence[Client], server: Server, rounds: int, _minutes: int) -> None:
    click.echo("\nThe highest rate at which requests reach the server in time (p99 within 20 ms)\n")
    found = _turns(those, rounds, lambda client: highest_rate(client, server))
    rows = [(name, statistics.median(values), min(values), max(values)) for name, values in found.items()]
    click.echo(
        tabulate(rows, ("client", "requests a second", "least", "most"), tablefmt="github", floatfmt=".0f")
    )


def _stall(those: Sequence[Client], server: Server, _rounds: int, _minutes: int) -> None:
    click.echo(
        f"\nThe server freezes for {FROZEN:g} s of {STALL} s, 200 requests a second: the latency told, ms\n"
    )
    true = truth(QUANTILES)
    rows = [("the truth", 200 * STALL, *(true[q] for q in QUANTILES))]
    rows += _told(those, lambda client: stalled(client, server, 200))
    _latencies(rows)


def _overload(those: Sequence[Client], server: Server, _rounds: int, _minutes: int) -> None:
    click.echo(
        f"\nThe server gets through 100 of the 200 requests a second, for {OVERLOAD} s: the latency told, ms\n"
    )
    click.echo(f"By the clock the last of what is due waits {OVERLOAD} s, the median {OVERLOAD / 2:g} s.\n")
    _latencies(_told(those, lambda client: overloaded(client, server, 200)))


def _memory(those: Sequence[Client], server: Server, _rounds: int, minutes: int) -> None:
    click.echo("\nResident memory at 1,000 requests a second, MB\n")
    rows = [(client.name, *memory(client, server, 1000, minutes)) for client in those]
    heads = ("client", "after a minute", f"after {minutes} minutes")
    click.echo(tabulate(rows, heads, tablefmt="github", floatfmt=".0f"))


def _told(those: Sequence[Client], measure: Callable[[Client], Told]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for client in those:
        try:
            told = measure(client)
        except ClientError as error:
            click.echo(str(error), err=True)
            continue
        name = client.name if told.valid else f"{client.name} (calls the run invalid)"
        rows.append((name, told.requests, *(told.ms[q] for q in QUANTILES)))
    return rows


def _latencies(rows: Sequence[Sequence[object]]) -> None:
    heads = ("client", "requests", *(f"p{q:g}" for q in QUANTILES))
    click.echo(tabulate(rows, heads, tablefmt="github", floatfmt=".0f"))


_TABLES = {
    "cost": _costs,
    "arrivals": _arrivals,
    "highest": _highest,
    "stall": _stall,
    "overload": _overload,
    "memory": _memory,
}


@click.command(help=__doc__)
@click.argument("tables", nargs=-1, type=click.Choice(list(_TABLES)))
@click.option(
    "--programs",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where peers are, before PATH.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--minutes", type=click.IntRange(2), default=60, show_default=True, help="Of each client's memory."
)
@click.option("--only", help="Only clients with this in their name.")
def main(tables: tuple[str, ...], programs: Path | None, rounds: int, minutes: int, only: str | None) -> None:
    paths = {name: str(programs / name) for name in _PROGRAMS if programs and (programs / name).exists()}
    those = []
    for client in clients(paths):
        if only and only not in client.name:
            continue
        if client.installed:
            those.append(client)
        else:
            click.echo(f"{client.name} is not installed and left out", err=True)
    if not those:
        raise click.ClickException("no client is left; try without --only")
    load, rated = os.getloadavg()[0], [client for client in those if client.rated]
    click.echo(f"{os.cpu_count()} cores, load {load:.1f}")
    with serving() as server:
        for name in tables or _TABLES:
            _TABLES[name](rated if name in ("arrivals", "highest") else those, server, rounds, minutes)


if __name__ == "__main__":
    main()
