"""Production as `prod up --cloud vagrant` makes it. tests/lab/production/conftest.py has its fixture, `site`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from pipeline.base.errors import Exit
from pipeline.inventory.hosts import Inventory
from tests.support.lab import Ended

__all__ = ["ProductionSite"]


@dataclass(frozen=True)
class ProductionSite:
    """What `prod up` left. `run` runs our commands, with a home that holds nothing but its secrets."""

    run: Callable[..., Ended]
    file: Path
    told: dict[str, Any]
    hosts: Inventory
    machines: dict[str, Any]
    password: str = field(repr=False)  # what fails shows its fixtures

    def deploy(self, application: str, repository: Path) -> dict[str, Any]:
        ended = self.run("deploy", application, "-i", str(self.file), "--repo", str(repository), "--json")
        assert ended.code == Exit.OK, ended.err
        (told,) = ended.json["hosts"]
        return dict(told)

    def page(self, path: str, password: str | None = None) -> requests.Response:
        url = f"http://{self.hosts.one('monitor').private_address}{path}"
        return requests.get(url, auth=("pipeline", password or self.password), timeout=10)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Prometheus's answer: the labels of each series, with its `value`."""
        answer = self.page(f"/prometheus/api/v1/query?query={quote(expression)}").json()
        return [{**found["metric"], "value": float(found["value"][1])} for found in answer["data"]["result"]]
