"""The clients: how each is asked for a rate, and where it says what it measured.

All get 64 connections where they want a number, so that what a stalled server does to them can be compared.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

__all__ = ["CONNECTIONS", "QUANTILES", "Client", "ClientError", "Job", "Told", "clients", "run"]

CONNECTIONS: Final = 64
QUANTILES: Final = (50.0, 95.0, 99.0, 99.9)
_WORKERS: Final = 5  # users of locust, which shares its rate among them
_MILLISECONDS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Job:
    """What a client is to do: so many requests a second (None: as fast as it can), for so long, to this address."""

    url: str
    rate: int | None
    seconds: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Told:
    """What a client says of its run.

    Attributes:
        requests: how many it did.
        ms: its latency in milliseconds at each of QUANTILES; inf: beyond what it waits for, nan: not told.
        valid: False where the client itself calls its run invalid.
    """

    requests: int
    ms: Mapping[float, float]
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Client:
    """A client by name.

    Attributes:
        name: in the tables.
        program: what must be installed, a name or a path.
        command: for a job, without the program; may write files into the job's folder.
        read: the run's standard output and the job to what was told.
        rated: it sends at a rate by the clock, whatever comes back.
    """

    name: str
    program: str
    command: Callable[[Job], Sequence[str]]
    read: Callable[[str, Job], Told]
    rated: bool = True

    @property
    def installed(self) -> bool:
        """Whether its program is there."""
        return shutil.which(self.program) is not None


class ClientError(Exception):
    """A client that did not work."""


def run(client: Client, job: Job) -> Told:
    """Raises ClientError where the client fails."""
    command = [client.program, *client.command(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    # 4: the loader's own "this run is invalid"; 99: thresholds of k6's
    if done.returncode not in (0, 4):
        raise ClientError(f"{client.name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return client.read(done.stdout, job)


def clients(programs: Mapping[str, str]) -> list[Client]:
    """All, those that are not installed too; `programs`: another path by program."""

    def found(name: str) -> str:
        return programs.get(name, name)

    return [
        Client("loadgen", sys.executable, lambda job: _loadgen(job, "httptools"), _loadgen_told),
        Client(
            "loadgen --engine aiohttp", sys.executable, lambda job: _loadgen(job, "aiohttp"), _loadgen_told
        ),
        Client("wrk2", found("wrk2"), _wrk2, _wrk2_told),
        Client("oha", found("oha"), lambda job: _oha(job, found("oha")), _oha_told),
        Client("vegeta", found("vegeta"), _vegeta, lambda _out, job: _vegeta_told(found("vegeta"), job)),
        Client("fortio", found("fortio"), _fortio, _fortio_told),
        Client("k6", found("k6"), _k6, _k6_told),
        Client(
            "locust FastHttpUser",
            found("locust"),
            lambda job: _locust(job, "FastHttpUser"),
            _locust_told,
            rated=False,
        ),
        Client(
            "locust HttpUser",
            found("locust"),
            lambda job: _locust(job, "HttpUser"),
            _locust_told,
            rated=False,
        ),
    ]


def _loadgen(job: Job, engine: str) -> list[str]:
    """As the canary runs it: rows, histograms, a search in each body."""
    rate = job.rate or 20_000
    return [
        *("-m", "loadgen", job.url, f"--rate={rate}", f"--duration={job.seconds}s", "--events"),
        *(f"--engine={engine}", f"--connections={max(CONNECTIONS, 6 * rate)}", "--expect-body-regex=x+y"),
        *("--requests-out", str(job.folder / "requests.csv"), "--hist-out", str(job.folder / "latency.hlog")),
    ]


def _loadgen_told(out: str, _job: Job) -> Told:
    summary = json.loads(out.splitlines()[-1])["summary"]
    latency = summary["latency_ms"]
    values = {q: latency[f"p{q:g}".replace(".", "")] for q in QUANTILES}
    ms = {q: math.inf if value is None else float(value) for q, value in values.items()}
    return Told(summary["completed"], ms, bool(summary["valid"]))


def _wrk2(job: Job) -> list[str]:
    rate = job.rate or 1_000_000
    return [
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{job.seconds}s",
        f"-R{rate}",
        "--latency",
        "--timeout",
        "30s",
        job.url,
    ]


def _wrk2_told(out: str, _job: Job) -> Told:
    """From its "detailed percentile spectrum": value in ms, share, count."""
    rows = re.findall(r"^\s+([\d.]+)\s+([01]\.\d+)\s+\d+\s+\S+$", out, re.MULTILINE)
    shares = [(float(share), float(value)) for value, share in rows]
    ms = {q: next((value for share, value in shares if share >= q / 100 - 1e-9), math.nan) for q in QUANTILES}
    return Told(int(re.findall(r"(\d+) requests in", out)[0]), ms)


def _oha(job: Job, program: str) -> list[str]:
    rate = ["-q", str(job.rate), "--latency-correction"] if job.rate else []
    taken = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    as_json = ["--output-format", "json"] if "--output-format" in taken else ["--json"]  # of older ones
    return [*rate, "-c", str(CONNECTIONS), "-z", f"{job.seconds}s", "--no-tui", *as_json, job.url]


def _oha_told(out: str, _job: Job) -> Told:
    told = json.loads(out)
    at = told["latencyPercentiles"]
    ms = {q: 1e3 * (at[f"p{q:g}"] if at[f"p{q:g}"] is not None else math.nan) for q in QUANTILES}
    return Told(sum(told["statusCodeDistribution"].values()), ms)


def _vegeta(job: Job) -> list[str]:
    targets = job.folder / "targets"
    targets.write_text(f"GET {job.url}\n")
    rate = [f"-rate={job.rate}"] if job.rate else ["-rate=0", f"-max-workers={CONNECTIONS}"]
    return [
        "attack",
        *rate,
        f"-duration={job.seconds}s",
        f"-targets={targets}",
        f"-output={job.folder / 'results.bin'}",
    ]


def _vegeta_told(program: str, job: Job) -> Told:
    encoded = subprocess.run(
        [program, "encode", "--to", "csv", str(job.folder / "results.bin")],
        capture_output=True,
        text=True,
        check=True,
    )
    # its columns: time, status, latency in ns, and more
    return _quantiles(float(line.split(",")[2]) / 1e6 for line in encoded.stdout.splitlines())


def _fortio(job: Job) -> list[str]:
    rate = str(job.rate) if job.rate else "0"
    quantiles = ",".join(f"{q:g}" for q in QUANTILES)
    return [
        *("load", "-qps", rate, "-c", str(CONNECTIONS), "-t", f"{job.seconds}s", "-p", quantiles),
        *("-quiet", "-r", "0.0001", "-json", str(job.folder / "fortio.json"), job.url),
    ]


def _fortio_told(_out: str, job: Job) -> Told:
    told = json.loads((job.folder / "fortio.json").read_text())["DurationHistogram"]
    return Told(told["Count"], {one["Percentile"]: 1e3 * one["Value"] for one in told["Percentiles"]})


_K6_SCRIPT: Final = """
import http from "k6/http";
export const options = {{ scenarios: {{ load: {scenario} }}, discardResponseBodies: false,
  summaryTrendStats: ["p(50)", "p(95)", "p(99)", "p(99.9)"] }};
export default function () {{ http.get("{url}"); }}
"""


def _k6(job: Job) -> list[str]:
    if job.rate:
        scenario: dict[str, Any] = {
            **{
                "executor": "constant-arrival-rate",
                "rate": job.rate,
                "timeUnit": "1s",
                "duration": f"{job.seconds}s",
            },
            **{"preAllocatedVUs": CONNECTIONS, "maxVUs": CONNECTIONS},
        }
    else:
        scenario = {"executor": "constant-vus", "vus": CONNECTIONS, "duration": f"{job.seconds}s"}
    script = job.folder / "script.js"
    script.write_text(_K6_SCRIPT.format(scenario=json.dumps(scenario), url=job.url))
    return [
        "run",
        "--quiet",
        "--no-usage-report",
        "--summary-export",
        str(job.folder / "k6.json"),
        str(script),
    ]


def _k6_told(_out: str, job: Job) -> Told:
    metrics = json.loads((job.folder / "k6.json").read_text())["metrics"]
    at = metrics["http_req_duration"]
    return Told(metrics["http_reqs"]["count"], {q: float(at[f"p({q:g})"]) for q in QUANTILES})


_LOCUSTFILE: Final = """
from locust import {kind}, constant_throughput, task
class User({kind}):
    wait_time = constant_throughput({per_user})
    @task
    def get(self):
        self.client.get("/")
"""


def _locust(job: Job, kind: str) -> list[str]:
    users = _WORKERS if job.rate else CONNECTIONS
    file = job.folder / "locustfile.py"
    file.write_text(_LOCUSTFILE.format(kind=kind, per_user=(job.rate or 1_000_000) / users))
    return [
        *("-f", str(file), "-H", job.url.rstrip("/"), "--headless", "--only-summary", "--json"),
        *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{job.seconds}s"),
    ]


def _locust_told(out: str, _job: Job) -> Told:
    (told,) = json.loads(out[out.index("[") :])
    times = {float(ms): int(count) for ms, count in told["response_times"].items()}
    found = _quantiles(ms for ms, count in times.items() for _ in range(count))
    return Told(told["num_requests"], found.ms)


def _quantiles(ms: Iterable[float]) -> Told:
    values = np.fromiter(ms, dtype=np.float64)
    if len(values) == 0:
        return Told(0, dict.fromkeys(QUANTILES, math.nan))
    at = np.quantile(values, [q / 100 for q in QUANTILES], method="inverted_cdf")
    return Told(len(values), dict(zip(QUANTILES, at.tolist(), strict=True)))
