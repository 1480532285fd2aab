"""The past of services as real exporters would have told it, as a real Prometheus' data.

Names, labels and shapes are those of texts that real exporters gave (tests/support/exporters, with how); how fast each
series moves is what two texts a minute apart say. What it was before and after is drawn at random around that.
"""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.gate.families import read_families
from tests.support.real_prometheus import program

__all__ = ["SCRAPE", "TARGETS", "Target", "write_exporters"]

Floats = NDArray[np.float64]

SCRAPE: Final = 15  # seconds
_APART: Final = 60.0  # seconds between the two texts
_TEXTS: Final = Path(__file__).with_name("exporters")
_LE: Final = re.compile(r',?le="([^"]*)"')
_SHORT: Final = 300  # seconds of what nobody asks for: it only has to be there


@dataclass(frozen=True, slots=True)
class Target:
    """One target: the exporter whose text it has, the labels that its scrape configuration gives it.

    `renamed` are words of the text that are others here.
    """

    exporter: str
    labels: Mapping[str, str]
    renamed: Mapping[str, str] | None = None


def _both(exporter: str, job: str, **others: str) -> list[Target]:
    """Two versions of a service, which a label of the scrape configuration tells apart; VERSION in `others` as well."""
    return [
        Target(
            exporter,
            {"job": job, "instance": f"{job}-{place}:9100", "version": version}
            | {name: value.replace("VERSION", version) for name, value in others.items()},
        )
        for place, version in (("a", "1.4.0"), ("b", "1.5.0"))
    ]


def _one(exporter: str, job: str) -> list[Target]:
    """A proxy, which tells versions apart by a label of its own."""
    return [Target(exporter, {"job": job, "instance": f"{job}:9100"})]


TARGETS: Final = (
    *(target for name in (
        "client_golang", "otel_go", "spring_boot", "prom_client", "fastapi", "caddy", "nginx_exporter",
        "process_exporter",
    ) for target in _both(name, name)),
    *(target for name in ("flask", "node_exporter") for target in _both(name, name, app="shop")),
    *_both("nginx_exporter", "two_labels", track="of-VERSION"),
    *(target for name in ("haproxy", "traefik", "envoy") for target in _one(name, name)),
    Target("otel_python", {"job": "otel_python", "instance": "otel-a:9464"}),
    Target("otel_python", {"job": "otel_python", "instance": "otel-b:9464"}, {'"1.4.0"': '"1.5.0"'}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    labels: str
    kind: str
    before: float
    after: float


def write_exporters(directory: Path, begin: int, now: int, end: int) -> None:
    """All targets' series from `begin` to `end` as a Prometheus' data; those of no known family just around `now`."""
    known = frozenset[str]().union(*(family.names() for family in read_families().families))
    known |= {carrier.metric for carrier in read_families().carriers}
    with (directory / "exporters.txt").open("w", encoding="utf-8") as file:
        for seed, target in enumerate(TARGETS):
            rng = np.random.default_rng(seed)
            told = ",".join(f'{name}="{value}"' for name, value in target.labels.items())
            for series, values in _moving(target, rng, (end - begin) // SCRAPE + 1):
                wanted = series.name in known
                first = 0 if wanted else (now - _SHORT - begin) // SCRAPE
                last = len(values) if wanted else (now + _SHORT - begin) // SCRAPE
                labels = f"{series.labels},{told}" if series.labels else told
                head, start = f"{series.name}{{{labels}}} ", begin + SCRAPE * first
                file.write(
                    "".join(
                        [
                            f"{head}{value:.10g} {start + SCRAPE * at}\n"
                            for at, value in enumerate(values[first:last].tolist())
                        ]
                    )
                )
        file.write("# EOF\n")
    subprocess.run(
        [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "exporters.txt", "data"],
        cwd=directory,
        check=True,
        capture_output=True,
        timeout=300,
    )


def _moving(target: Target, rng: np.random.Generator, count: int) -> Iterator[tuple[_Series, Floats]]:
    """Each series with so many values."""
    buckets: dict[tuple[str, str], list[tuple[float, _Series]]] = {}
    for series in _texts(target.exporter):
        labels = series.labels
        for old, new in (target.renamed or {}).items():
            labels = labels.replace(old, new)
        for name in target.labels:  # as Prometheus does where both have a label
            labels = re.sub(rf"(?<![^,]){name}=", f"exported_{name}=", labels)
        one = _Series(series.name, labels, series.kind, series.before, series.after)
        if one.name.endswith("_bucket") and (le := _LE.search(one.labels)):
            key = one.name, _LE.sub("", one.labels)
            buckets.setdefault(key, []).append((float(le[1]), one))
        elif one.kind in ("counter", "histogram", "summary"):
            yield one, one.after + np.cumsum(_rises(rng, one.after - one.before, count))
        else:
            yield one, one.after * (1 + 0.01 * rng.standard_normal(count))
    for group in buckets.values():
        group.sort(key=lambda pair: pair[0])
        risen, lower = np.zeros(count), 0.0
        for _, one in group:
            moved = max(one.after - one.before, 0.0)
            risen = risen + rng.poisson(max(moved - lower, 0.0) * SCRAPE / _APART, count)
            lower = max(moved, lower)
            yield one, one.after + np.cumsum(risen)


def _rises(rng: np.random.Generator, moved: float, count: int) -> Floats:
    """What a counter rises by from one scrape to the next, where it rose by `moved` between the texts."""
    each = max(moved, 0.0) * SCRAPE / _APART
    if moved == round(moved):
        return rng.poisson(each, count).astype(np.float64)
    return np.asarray(each * np.maximum(1 + 0.1 * rng.standard_normal(count), 0.0))


@cache
def _texts(exporter: str) -> tuple[_Series, ...]:
    """All series of an exporter's later text, with their values in both."""
    before = {(one.name, one.labels): one.after for one in _parsed(exporter, "a")}
    return tuple(
        _Series(one.name, one.labels, one.kind, before.get((one.name, one.labels), 0.0), one.after)
        for one in _parsed(exporter, "b")
    )


def _parsed(exporter: str, which: str) -> list[_Series]:
    found = []
    name, kind = "", ""
    with gzip.open(_TEXTS / f"{exporter}.{which}.txt.gz", "rt", encoding="utf-8") as file:
        for line in file:
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
            elif line.strip() and not line.startswith("#"):
                series, _, value = line.rstrip().rpartition(" ")
                metric, _, labels = series.partition("{")
                if value == "NaN":
                    continue
                of = kind if metric.startswith(name) else "untyped"
                found.append(_Series(metric, labels.rstrip("}").rstrip(","), of, 0.0, float(value)))
    return found
