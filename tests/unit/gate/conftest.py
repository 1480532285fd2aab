"""A real Prometheus with the past of a fleet, which a gate watches as if it came about just now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pipeline.gate.settings import Settings
from tests.support.live_services import METRICS, Service, write_past
from tests.support.real_prometheus import serving

FLEET = f"""\
arms:
  baseline: {{version: old}}
  canary: {{version: CANARY}}
planned: 10m
step: 20s
{METRICS.replace("LEAK", "5MB/min")}"""


VERSIONS = (
    "old", "same", "down", "failing", "erring", "slow", "leaking", "idle", "shrunk", "restarting", "missed", "ended",
)  # fmt: skip


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a Prometheus with the fleet's data."""
    directory = tmp_path_factory.mktemp("fleet")

    def make(clock: Callable[[], float]) -> list[Service]:
        made = {name: Service(name, seed, clock) for seed, name in enumerate(VERSIONS)}
        made["down"].failing = 1.0
        made["failing"].failing = 0.4
        made["erring"].failing = 0.04
        made["slow"].slower = 1.2
        made["leaking"].leak = 2e5
        made["idle"].rate = 0.0
        made["shrunk"].histogram = False
        for one in made.values():
            one.rate = min(one.rate, 20.0)
        return list(made.values())

    def restart(services: Mapping[str, Service]) -> None:
        services["restarting"].restart()
        services["missed"].silent = True

    events: dict[int, Callable[[Mapping[str, Service]], object]] = {
        200: restart,
        260: lambda services: setattr(services["missed"], "silent", False),
        360: lambda services: setattr(services["ended"], "silent", True),
    }
    write_past(directory, make, 1800, 5, events)
    return directory


@pytest.fixture(scope="session")
def server(fleet: Path) -> Iterator[str]:
    """The address of a Prometheus with the fleet's data."""
    with serving(fleet) as url:
        yield url


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Settings]:
    """The settings of a gate for one of the fleet's versions, with a configuration of its own."""

    def make(url: str, canary: str, **others: object) -> Settings:
        config = tmp_path / "canary.yml"
        config.write_text(FLEET.replace("CANARY", canary), "utf-8")
        return Settings(config=config, sets=(), url=url, runs=tmp_path / "runs", **others)  # type: ignore[arg-type]

    return make
