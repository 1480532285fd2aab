"""What the loader costs and whether it tells the truth, side by side with its peers.

    python bench/loader.py [--locust PATH] [--wrk PATH] [--vegeta PATH] [--rate 1000] [--rounds 5]

Two tables from one run, against a small server on this machine:

1. CPU seconds of the client per 1,000 requests, as the ratio to the loader with aiohttp: the clients run in turn, round
   after round, and the median of the rounds' ratios is told, as a machine's moods are longer than a round. Each client
   runs once short and once long at the same rate; the difference leaves its start-up out. The loader runs as the
   canary runs it: rows, histograms, a search in each body. wrk has no rate: it sends as fast as it can.
2. The server freezes for one second of ten. By the clock a tenth of all requests fall due in the freeze and
   wait between 0 and 1 s, so the true p99 is 900 ms. What does each client report?

Peers that are not installed are left out, and the output says so. locust wants its own virtual environment
(`python3 -m venv V && V/bin/pip install locust`, then `--locust V/bin/locust`); wrk is a Debian package
(`apt install wrk`); vegeta is built with `go install github.com/tsenart/vegeta/v12@latest`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import multiprocessing
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import aiohttp
import click
import uvloop
from aiohttp import web
from tabulate import tabulate

OTHER = "loadgen, aiohttp"
WORKERS = 5  # of the closed-loop clients: users of locust, tasks of the naive one, connections of wrk
SHORT, LONG = 3, 10  # seconds of the two runs whose difference is the cost
STALL_RUN = 10  # seconds, of which the server freezes one
BODY = b"x" * 5474 + b"y"  # as long as the preview service's answer

LOCUSTFILE = """
from locust import {kind}, constant_throughput, task
class User({kind}):
    wait_time = constant_throughput({per_user})
    @task
    def get(self):
        self.client.get("/")
"""


class Told(NamedTuple):
    """What a client says of its run: requests done, p99 in milliseconds."""

    requests: int
    p99_ms: float


Client = Callable[[int, int], Told]  # (port, seconds)


def loadgen(engine: str, rate: int, port: int, seconds: int) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        out = _output(
            [
                *(sys.executable, "-m", "loadgen", _url(port), f"--rate={rate}", f"--duration={seconds}s"),
                *("--events", f"--engine={engine}", f"--connections={max(64, 6 * rate)}"),
                *("--expect-body-regex=x+y", "--requests-out", f"{folder}/requests.csv"),
                *("--hist-out", f"{folder}/latency.hlog"),
            ]
        )
    summary = json.loads(out.splitlines()[-1])["summary"]
    if not summary["valid"]:
        click.echo(f"loadgen ({engine}) calls this run invalid: {summary['reason']}", err=True)
    return Told(summary["completed"], summary["latency_ms"]["p99"] or math.inf)


def vegeta(program: str, rate: int, port: int, seconds: int) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        results, targets = Path(folder) / "results.bin", Path(folder) / "targets"
        targets.write_text(f"GET {_url(port)}\n")
        where = (f"-targets={targets}", f"-output={results}")
        _output([program, "attack", f"-rate={rate}", f"-duration={seconds}s", *where])
        told = json.loads(_output([program, "report", "-type=json", str(results)]))
    return Told(told["requests"], told["latencies"]["99th"] / 1e6)


def locust(program: str, kind: str, rate: int, port: int, seconds: int) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "locustfile.py"
        file.write_text(LOCUSTFILE.format(kind=kind, per_user=rate / WORKERS))
        users = ["--users", str(WORKERS), "--spawn-rate", str(WORKERS), "--run-time", f"{seconds}s"]
        host = _url(port).rstrip("/")
        out = _output(
            [program, "-f", str(file), "-H", host, "--headless", "--only-summary", "--json", *users]
        )
    (told,) = json.loads(out[out.index("[") :])
    times = {float(ms): count for ms, count in told["response_times"].items()}
    return Told(told["num_requests"], _p99([ms for ms, count in times.items() for _ in range(count)]))


def wrk(program: str, port: int, seconds: int) -> Told:
    out = _output([program, "-t1", f"-c{WORKERS}", f"-d{seconds}s", "--latency", _url(port)])
    value, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)\b", out)[0]
    requests = int(re.findall(r"(\d+) requests in", out)[0])
    return Told(requests, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def naive(rate: int, port: int, seconds: int) -> Told:
    """The client everyone writes first: wait for the answer, sleep, stamp just before sending."""

    async def worker(session: aiohttp.ClientSession, end: float, taken: list[float]) -> None:
        while time.monotonic() < end:
            start = time.monotonic()
            async with session.get(_url(port)) as response:
                await response.read()
            taken.append((time.monotonic() - start) * 1000)
            await asyncio.sleep(WORKERS / rate)

    async def go() -> Told:
        taken: list[float] = []
        async with aiohttp.ClientSession() as session:
            end = time.monotonic() + seconds
            await asyncio.gather(*(worker(session, end, taken) for _ in range(WORKERS)))
        return Told(len(taken), _p99(taken))

    return asyncio.run(go())


def cost(client: Client, port: int) -> float:
    """CPU seconds per 1,000 requests of a client that runs as a child process."""
    cpu, requests = [], []
    for seconds in (SHORT, LONG):
        before = _children_cpu()
        requests.append(client(port, seconds).requests)
        cpu.append(_children_cpu() - before)
    return (cpu[1] - cpu[0]) / (requests[1] - requests[0]) * 1000


def under_a_stall(client: Client, port: int) -> Told:
    freezing = threading.Timer(STALL_RUN * 0.6, _freeze, (port,))
    freezing.start()
    try:
        return client(port, STALL_RUN)
    finally:
        freezing.join()


@contextmanager
def server() -> Iterator[int]:
    """A server in a process of its own; gives its port."""
    ours, theirs = multiprocessing.Pipe()
    # A daemon, so that it ends with this script however that ends.
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(parent: Connection) -> None:
    async def ok(_: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async def freeze(_: web.Request) -> web.Response:
        time.sleep(1)  # noqa: ASYNC251 - the whole server is to stand still
        return web.Response()

    async def go() -> None:
        app = web.Application()
        app.add_routes([web.get("/", ok), web.get("/freeze", freeze)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        parent.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    uvloop.run(go())


def _freeze(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/freeze")
    connection.getresponse().read()
    connection.close()


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):  # 4: loadgen's own "this run is invalid", which its summary explains
        raise click.ClickException(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)]


@click.command(help=__doc__.split("\n")[0])
@click.option("--locust", "locust_program", default="locust", show_default=True)
@click.option("--wrk", "wrk_program", default="wrk", show_default=True)
@click.option("--vegeta", "vegeta_program", default="vegeta", show_default=True)
@click.option("--rate", type=click.IntRange(20, 2000), default=1000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
def main(locust_program: str, wrk_program: str, vegeta_program: str, rate: int, rounds: int) -> None:
    clients: dict[str, Client] = {
        "loadgen, httptools": partial(loadgen, "httptools", rate),
        OTHER: partial(loadgen, "aiohttp", rate),
    }
    for name, program, client in (
        ("locust HttpUser", locust_program, partial(locust, locust_program, "HttpUser", rate)),
        ("locust FastHttpUser", locust_program, partial(locust, locust_program, "FastHttpUser", rate)),
        ("wrk (no rate)", wrk_program, partial(wrk, wrk_program)),
        ("vegeta", vegeta_program, partial(vegeta, vegeta_program, rate)),
    ):
        if shutil.which(program):
            clients[name] = client
        else:
            click.echo(f"{name} is not installed and left out; the head of this file says how to get it")
    with server() as port:
        rows = [{name: cost(client, port) for name, client in clients.items()} for _ in range(rounds)]
        told = {name: under_a_stall(client, port) for name, client in clients.items()}
        told["naive closed loop"] = under_a_stall(partial(naive, rate), port)
    click.echo(f"\nCPU of the client at {rate} requests a second")
    table = [
        (name, statistics.median(ratios), min(ratios), max(ratios))
        for name in clients
        for ratios in [[row[name] / row[OTHER] for row in rows]]
    ]
    heads = ("client", f"CPU, ratio to {OTHER}: median of {rounds}", "least", "most")
    click.echo(tabulate(table, heads, floatfmt=("", ".2f", ".2f", ".2f")))
    click.echo(f"\nThe server freezes 1 s of {STALL_RUN} s: the true p99 is {1000 - 10 * STALL_RUN} ms")
    stalled = [(name, each.requests, each.p99_ms) for name, each in told.items()]
    click.echo(tabulate(stalled, ("client", "requests", "p99 it reports, ms"), floatfmt=("", "d", ".1f")))


if __name__ == "__main__":
    main()
