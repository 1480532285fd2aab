"""What is measured of a client: its CPU, when its requests arrive, what it says under a stall, its memory."""

from __future__ import annotations

import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.loader.clients import Client, Job, Told, run
from bench.loader.server import Server

__all__ = [
    "FROZEN",
    "OVERLOAD",
    "STALL",
    "Arrived",
    "arrived",
    "cost",
    "highest_rate",
    "lateness",
    "memory",
    "overloaded",
    "stalled",
    "truth",
]

_SHORT, _LONG = 3, 10  # seconds of the two runs whose difference is the cost
# wrk2 looks for 10 s before it measures, so the server freezes late.
STALL: Final = 30
_FREEZES_AT: Final = 20
FROZEN: Final = 1.0
OVERLOAD: Final = 20  # seconds of a server that gets through half of what is asked
_ARRIVALS: Final = 8  # seconds, the first of which is left out
_RATES: Final = (2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000, 20_000)
_LATE_MS: Final = 20.0
_LEAST_ARRIVED: Final = 0.99


class Arrived(NamedTuple):
    """How late requests reached the server, in milliseconds by the clock, and the share of all due that did."""

    p50: float
    p99: float
    share: float


def cost(client: Client, server: Server, rate: int | None) -> float:
    """CPU seconds per 1,000 requests; the difference of two runs, so its start is left out."""
    cpu, requests = [], []
    for seconds in (_SHORT, _LONG):
        before = _children_cpu()
        with _job(server, rate, seconds) as job:
            requests.append(run(client, job).requests)
        cpu.append(_children_cpu() - before)
    return (cpu[1] - cpu[0]) / max(requests[1] - requests[0], 1) * 1000


def arrived(client: Client, server: Server, rate: int) -> Arrived:
    """Against the client's own schedule: as if its earliest request by the clock had been in time."""
    server.forget()
    with _job(server, rate, _ARRIVALS) as job:
        run(client, job)
    return lateness(server.arrivals(), rate, _ARRIVALS)


def lateness(arrivals: NDArray[np.float64], rate: int, seconds: int) -> Arrived:
    """As `arrived`, of these times of arrival, in order."""
    share = len(arrivals) / (rate * seconds)
    kept = arrivals[rate:]
    if len(kept) < rate:
        return Arrived(np.inf, np.inf, share)
    behind = kept - np.arange(len(kept)) / rate
    late = 1e3 * (behind - behind.min())
    p50, p99 = np.quantile(late, (0.5, 0.99)).tolist()
    return Arrived(p50, p99, share)


def highest_rate(client: Client, server: Server) -> int:
    """The highest of some rates at which the requests arrive in time, p99; 0: none of them."""
    best = 0
    for rate in _RATES:
        found = arrived(client, server, rate)
        if found.p99 > _LATE_MS or found.share < _LEAST_ARRIVED:
            break
        best = rate
    return best


def stalled(client: Client, server: Server, rate: int) -> Told:
    """What it says of a run in which the server freezes for a second."""
    freezing = threading.Timer(_FREEZES_AT, server.freeze, (FROZEN,))
    freezing.start()
    try:
        with _job(server, rate, STALL) as job:
            return run(client, job)
    finally:
        freezing.join()


def truth(quantiles: Sequence[float], measured: int = STALL) -> dict[float, float]:
    """What is true of such a run, in ms: what falls due in the freeze waits until its end, by the clock."""
    struck = FROZEN / measured
    return {q: 1e3 * FROZEN * max(0.0, 1 - (1 - q / 100) / struck) for q in quantiles}


def overloaded(client: Client, server: Server, rate: int) -> Told:
    """What it says where the server gets through half of what is asked."""
    server.take(2 / rate)
    try:
        with _job(server, rate, OVERLOAD) as job:
            return run(client, job)
    finally:
        server.take(0.0)


def memory(client: Client, server: Server, rate: int, minutes: int) -> tuple[float, float]:
    """Its process' resident MB after a minute and at the end."""
    with _job(server, rate, 60 * minutes) as job:
        command = [client.program, *client.command(job)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seen: list[float] = []
        end = time.monotonic() + 60 * minutes
        while process.poll() is None and time.monotonic() < end - 2:
            time.sleep(1)
            seen.append(_resident(process.pid))
        process.wait()
    return statistics.median(seen[50:60]), statistics.median(seen[-10:])


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


@contextmanager
def _job(server: Server, rate: int | None, seconds: int) -> Iterator[Job]:
    with tempfile.TemporaryDirectory() as folder:
        yield Job(server.url, rate, seconds, Path(folder))


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
