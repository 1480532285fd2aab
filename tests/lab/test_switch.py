"""The proxy changes colour under load, and deals requests to both, without losing one."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections import Counter
from pathlib import Path

import pytest

from pipeline.base.facts import PROXY_PORT
from pipeline.canary.proxy import Proxy, connected_proxy
from pipeline.lab.lab import Lab

SWITCHES = 40


@pytest.mark.usefixtures("deployed")
def test_forty_switches_and_splits_under_load_lose_no_request(lab: Lab, tmp_path: Path) -> None:
    async def switch_under_load() -> int:
        inventory = lab.inventory()
        out, body = tmp_path / "requests.csv", tmp_path / "body"
        body.write_text('{"markdown": "# hello"}')
        async with connected_proxy(inventory, lab.known_hosts) as connection:
            loader = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "loadgen", f"http://{inventory.one('proxy').private_address}:{PROXY_PORT}/preview",
                "--method", "POST", "--rate", "60", "--duration", "12s", "--body-file", str(body),
                "--header", "Content-Type: application/json",
                "--served-by-header", "X-Served-By", "--requests-out", str(out),
                stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            await asyncio.sleep(1.5)
            proxy = Proxy(connection)
            for turn in range(SWITCHES):
                await proxy.switch("green" if turn % 2 == 0 else "blue")
                await asyncio.sleep(0.1)
                await proxy.split(0.5)
                await asyncio.sleep(0.1)
            await proxy.switch("blue")
            return await loader.wait()

    assert asyncio.run(switch_under_load()) == 0
    with (tmp_path / "requests.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["status"] for row in rows) == {"200": 720}
    served = Counter(row["served_by"] for row in rows)
    assert min(served["blue"], served["green"]) > 100, served
