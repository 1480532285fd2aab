"""Small services whose faults a test switches on: a real Prometheus scrapes them now, or has their past.

Each has /metrics as a client library writes it. What it would have served since the last scrape is drawn at random when
it is scraped, so that no time is spent on requests of a test's own.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import numpy as np
import requests

from tests.support.real_prometheus import BEGIN, program, serving

__all__ = ["CONFIG", "METRICS", "SCRAPE", "Service", "live", "write_past"]

SCRAPE: Final = 1.0  # seconds between two scrapes
_BOUNDS: Final = tuple(round(0.002 * 1.1**i, 6) for i in range(40))

# Margins as in docs/prometheus.md; that of the leak is the caller's.
METRICS: Final = """\
metrics:
  - name: errors
    title: Errors
    kind: proportion
    margin: 0.5pp
    weight: 30
    critical: true
    prometheus:
      counters: true
      hits: http_requests_total{$arm,status="500"}
      total: http_requests_total{$arm}
      absent: zero
  - name: latency
    title: Latency, median
    kind: level
    unit: s
    margin: 10%
    weight: 30
    prometheus:
      query: histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{$arm}[$step])))
  - name: leak
    title: Memory growth
    kind: trend
    unit: B
    margin: LEAK
    weight: 30
    prometheus:
      query: avg(process_resident_memory_bytes{$arm})
"""
# Steps of four scrapes.
CONFIG: Final = f"""\
arms:
  baseline: {{version: old}}
  canary: {{version: new}}
step: 4s
{METRICS.replace("LEAK", "20MB/min")}"""


class Service:
    """One version. What a test may change while it is scraped:

    Attributes:
        rate: requests a second.
        failing: the share of them that is answered with 500.
        slower: how many times as long as usual they take.
        leak: bytes a second.
        silent: scrapes get 503, and Prometheus misses them.
        histogram: whether it has one of its latency.
    """

    def __init__(self, version: str, seed: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.version = version
        self._clock = clock
        self.rate, self.failing, self.slower, self.leak = 400.0, 0.0, 1.0, 0.0
        self.silent, self.histogram = False, True
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._memory = 80e6
        self.restart()

    def restart(self) -> None:
        """Its counters begin again at 0."""
        with self._lock:
            self._good = self._bad = 0
            self._seen = np.zeros(len(_BOUNDS) + 1, dtype=np.int64)
            self._at = self._clock()

    def text(self) -> str:
        """What is scraped."""
        with self._lock:
            now = self._clock()
            passed, self._at = now - self._at, now
            count = int(self._rng.poisson(self.rate * passed))
            bad = int(self._rng.binomial(count, self.failing))
            self._good += count - bad
            self._bad += bad
            took = 0.02 * self.slower * self._rng.lognormal(0, 0.3, count)
            self._seen += [np.count_nonzero(took <= bound) for bound in (*_BOUNDS, np.inf)]
            self._memory += self.leak * passed
            memory = self._memory + self._rng.normal(0, 2e4)
            lines = [f'http_requests_total{{status="200"}} {self._good}']
            if self._bad:
                lines.append(f'http_requests_total{{status="500"}} {self._bad}')
            lines += [
                f'http_request_duration_seconds_bucket{{le="{bound}"}} {seen}'
                for bound, seen in zip((*_BOUNDS, "+Inf"), self._seen, strict=True)
                if self.histogram
            ]
            lines.append(f"process_resident_memory_bytes {memory:.0f}")
        return "\n".join([*lines, ""])

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address, host:port, while it runs."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = service.text().encode()
                self.send_response(503 if service.silent else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(OSError):  # who scraped has not waited: the machine is busy
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def write_past(
    directory: Path,
    make: Callable[[Callable[[], float]], Sequence[Service]],
    seconds: int,
    every: int,
    events: Mapping[int, Callable[[Mapping[str, Service]], object]],
) -> None:
    """The past of services from BEGIN on, as a Prometheus' data in `directory`.

    Args:
        directory: there is no data in it yet.
        make: makes the services, with the clock that they are to go by.
        seconds: for how long they ran.
        every: seconds between two scrapes.
        events: by the second, what happens to the services (by version) then.
    """
    now = 0.0
    services = {one.version: one for one in make(lambda: now)}
    lines: list[str] = []
    for at in range(0, seconds + 1, every):
        now = float(at)
        if at in events:
            events[at](services)
        for one in services.values():
            text = one.text()
            for line in [] if one.silent else text.splitlines():
                name, _, value = line.rpartition(" ")
                name, _, labels = name.partition("{")
                rest = labels.rstrip("}")
                both = f'version="{one.version}"' + (f",{rest}" if rest else "")
                lines.append(f"{name}{{{both}}} {value} {BEGIN + at}")
    (directory / "past.txt").write_text("\n".join([*lines, "# EOF", ""]), "utf-8")
    subprocess.run(
        [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"],
        cwd=directory,
        check=True,
        capture_output=True,
        timeout=120,
    )


@contextmanager
def live(directory: Path, services: Sequence[Service], port: int | None = None) -> Iterator[str]:
    """The address of a Prometheus that scrapes the services, each with its label `version`."""
    with ExitStack() as stack:
        jobs = "".join(
            f"      - targets: ['{stack.enter_context(one.running())}']\n        labels: {{version: '{one.version}'}}\n"
            for one in services
        )
        config = (
            f"global: {{scrape_interval: {SCRAPE * 1000:.0f}ms, scrape_timeout: {SCRAPE * 1000:.0f}ms}}\n"
            f"scrape_configs:\n  - job_name: services\n    static_configs:\n{jobs}"
        )
        url = stack.enter_context(serving(directory, config=config, port=port))
        _wait_for(url, [one.version for one in services])
        yield url


def _wait_for(url: str, versions: Sequence[str]) -> None:
    """Until two steps of each version's latency are there."""
    query = 'count by (version) (rate(http_request_duration_seconds_bucket{le="+Inf"}[8s]))'
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = requests.get(f"{url}/api/v1/query", {"query": query}, timeout=20).json()
        if {one["metric"]["version"] for one in answer["data"]["result"]} >= set(versions):
            return
        time.sleep(0.2)
    raise AssertionError(f"not all of {versions} are scraped")
