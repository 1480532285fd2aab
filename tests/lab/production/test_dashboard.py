"""The page of the real monitor in a headless Chromium: all is drawn, and an application that stops is seen to stop.

What the page says when data ends, is late or is not there, tests/unit/dashboard/test_page.py has.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from dashboard.panels import Dashboard, Panel, load
from tests.support.browser import Page, browser, chromium
from tests.support.production_site import ProductionSite

pytestmark = pytest.mark.skipif(not chromium(), reason="needs chromium: apt-get install chromium")

DESCRIBED: Final[Dashboard] = load()
# By a panel's id in the page: its note where it says something, and its rows: name, value now.
PANELS: Final = """JSON.stringify(Object.fromEntries([...document.querySelectorAll('.panel')].map((one) => [one.id, {
  drawn: one.querySelectorAll('canvas').length,
  note: one.querySelector('.note').hidden ? '' : one.querySelector('.note').textContent,
  rows: [...one.querySelectorAll('tbody tr')].map((row) => [...row.children].slice(0, 2).map((cell) => cell.innerText)),
}])))"""
WORDS: Final = """Object.fromEntries([...document.querySelectorAll('.tile')].map(
  (one) => [one.dataset.app, one.querySelector('.word').innerText]))"""
FIGURES: Final = "[...document.querySelectorAll('.tile .figure')].map((one) => one.innerText)"
ALERTS: Final = "[...document.querySelectorAll('.alert')].map((one) => one.textContent)"
NONE: Final = "\N{EN DASH}"  # what the page writes for a value that is not there
SOON: Final = 60.0  # seconds within which an application that stopped must be seen to be
# Other tests end processes on these hosts on purpose, and the page would still show that.
METRICS: Final = "/var/lib/prometheus/metrics2"
FORGET: Final = f"systemctl stop prometheus && rm -rf {METRICS}/* && systemctl start prometheus"


@dataclass(frozen=True)
class Seen:
    """The monitor's page in a browser that stays open, as on somebody's wall."""

    page: Page
    runner: asyncio.Runner

    def until(self, expression: str, seconds: float) -> float:
        """Wait until a JavaScript expression is true; the seconds that took."""
        began = time.monotonic()
        self.runner.run(self.page.until(expression, seconds))
        return time.monotonic() - began

    def value(self, expression: str) -> Any:
        return self.runner.run(self.page.evaluate(expression))

    def picture(self, path: Path) -> None:
        path.write_bytes(self.runner.run(self.page.screenshot()))

    def missing(self, hosts: list[str]) -> list[str]:
        """What the page ought to show and does not: one line for each panel, or for each of its queries."""
        panels = json.loads(self.value(PANELS))
        return [line for where, panel in expected(hosts) for line in lacks(where, panel, panels.get(where))]


def expected(hosts: list[str]) -> Iterator[tuple[str, Panel]]:
    """Each panel by its id in the page."""
    for panel in DESCRIBED.panels:
        if panel.of == "app":
            named = panel.apps or [one.app for one in DESCRIBED.applications]
        else:
            named = [] if panel.apps else hosts
        yield from ((f"{name}-{panel.id}", panel) for name in named)


def lacks(where: str, panel: Panel, shown: dict[str, Any] | None) -> Iterator[str]:
    if shown is None or shown["drawn"] != 1 or shown["note"]:
        yield f"{where}: {(shown or {}).get('note') or 'not drawn'}"
        return
    values = {name for name, value in shown["rows"] if value != NONE}
    plain = {query.legend for query in panel.queries if "{{" not in query.legend}
    yield from (f"{where}: no {legend}" for legend in sorted(plain - values))
    if len(plain) < len(panel.queries) and not values - plain:
        yield f"{where}: no series"


@pytest.fixture(scope="module")
def seen(
    site: ProductionSite, applications: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seen]:
    """The page, opened with its password after each application was used."""
    assert set(applications) == {one.app for one in DESCRIBED.applications}
    site.machines["monitor"].check_output("sudo sh -c %s", FORGET)
    for app in applications:
        use(site, app, 50)
    word = b64encode(f"pipeline:{site.password}".encode()).decode()
    address = f"http://{site.hosts.one('monitor').private_address}/dashboard/?range=15m"
    with asyncio.Runner() as runner:
        opened = browser(tmp_path_factory.mktemp("chromium"))
        page = runner.run(opened.__aenter__())
        try:
            # In the place of the browser's own question for it.
            runner.run(page.call("Network.enable"))
            runner.run(page.call("Network.setExtraHTTPHeaders", headers={"Authorization": f"Basic {word}"}))
            runner.run(page.see(1440, 6000))  # high enough for all charts to be in view
            runner.run(page.open(address))
            yield Seen(page, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def use(site: ProductionSite, app: str, times: int) -> None:
    """Ask an application as its users do."""
    address = site.hosts.one(app).private_address
    url = (
        f"http://{address}/api/study/listing" if app == "checkbox" else f"http://{address}:8080/iTrust2/login"
    )
    with requests.Session() as session:
        for _ in range(times):
            assert session.get(url, timeout=10).status_code == 200


def test_every_panel_of_the_real_monitor_shows_its_data_and_both_applications_are_well(
    site: ProductionSite, seen: Seen, tmp_path: Path
) -> None:
    hosts = [host.name for host in site.hosts]
    # Rates want two scrapes after the first request, the JVM's come each 15 s, and a chart's grid ends up to 15 s ago.
    deadline = time.monotonic() + 100
    while (missing := seen.missing(hosts)) and time.monotonic() < deadline:
        time.sleep(1)
    seen.picture(tmp_path / "both.png")
    assert not missing
    seen.until("document.title === '✓ Both applications are well'", 30)
    assert seen.value(WORDS) == {"checkbox": "well", "itrust": "well"}
    # Errors and response times are said of users, who must be there within the minute.
    for application in DESCRIBED.applications:
        use(site, application.app, 60)
    seen.until(f"!{FIGURES}.some((one) => one.includes('no data') || one.includes('idle'))", 30)
    for application in DESCRIBED.applications:
        assert f"deploy of {application.app}" in seen.value("document.getElementById('marks').innerText")
    assert seen.page.problems == []


def test_an_application_that_stops_is_on_the_page_and_an_alert_within_a_minute_and_both_clear_once_it_runs(
    site: ProductionSite, seen: Seen, tmp_path: Path
) -> None:
    seen.until("document.title.endsWith('well')", 100)
    machine = site.machines["checkbox"]
    machine.check_output("sudo systemctl stop 'checkbox@*'")
    try:
        began = time.monotonic()
        seen.until("document.title === '✗ checkbox.io does not answer'", SOON)
        words = "one.includes('critical') && one.includes('checkbox on checkbox does not answer')"
        alert = f"{ALERTS}.some((one) => {words})"
        seen.until(alert, SOON - (time.monotonic() - began))
        seen.picture(tmp_path / "stopped.png")
        assert seen.value(WORDS) == {"checkbox": "does not answer", "itrust": "well"}
    finally:
        machine.check_output("sudo systemctl start checkbox@$(cut -d ' ' -f 1 /srv/checkbox/live)")
        machine.check_output(
            "curl -sS --retry 30 --retry-delay 1 --retry-all-errors -f http://127.0.0.1/api/study/listing"
        )
    # What failed were the probe's requests, and no user's: they are no error rate, neither now nor in half a minute.
    seen.until("document.title === '✓ Both applications are well'", SOON)
    seen.until(f"!{ALERTS}.length", SOON)
    began = time.monotonic()
    while time.monotonic() - began < SOON:
        assert not [one for one in seen.value(ALERTS) if "critical" in one]
        time.sleep(2)
    assert seen.page.problems == []
