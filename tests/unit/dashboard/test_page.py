"""The dashboard in a headless Chromium: what a person on call sees; never an empty chart without words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.panels import load
from tests.support.browser import browser
from tests.support.dashboard_stage import Stage
from tests.support.fake_prometheus import Monitor
from tests.support.node import node_modules

DESCRIBED = load()
NAMES = {application.app for application in DESCRIBED.applications}
# Each application is on a host of its own, which has no panel that is for others only.
CHARTS = sum(len(NAMES & set(panel.apps or NAMES)) for panel in DESCRIBED.panels)
DRAWN = "document.querySelectorAll('.panel canvas').length"
NOTES = "[...document.querySelectorAll('.note')].map((one) => one.hidden ? '' : one.textContent)"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        opened = browser(tmp_path_factory.mktemp("chromium"))
        page = runner.run(opened.__aenter__())
        try:
            yield Stage(page, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))


@pytest.fixture
def monitor() -> Monitor:
    now = time.time()
    deploy = {"__name__": "pipeline_deploy_timestamp_seconds", "release": "0fb8c1c", "at": str(now - 600)}
    deploys = [deploy | {"app": app, "host": app} for app in ("checkbox", "itrust")]
    return Monitor(node_modules("dashboard"), deploys=deploys)


def alert(name: str, severity: str, summary: str, **labels: str) -> dict[str, Any]:
    labels |= {"alertname": name, "severity": severity}
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 120))
    annotations = {"summary": summary, "hint": "look there"}
    return {"labels": labels, "annotations": annotations, "state": "firing", "activeAt": since}


def test_a_look_says_that_both_are_well_and_every_panel_is_drawn_under_the_strictest_policy(
    stage: Stage, monitor: Monitor
) -> None:
    async def then() -> None:
        await stage.page.until(f"{DRAWN} === {CHARTS}")
        assert await stage.page.evaluate("document.title") == "✓ Both applications are well"
        assert not any(await stage.page.evaluate(NOTES))
        assert stage.page.problems == []

    stage.show(monitor, then())


def test_an_application_that_does_not_answer_is_named_first(stage: Stage, monitor: Monitor) -> None:
    monitor.values |= {'probe_success{app="itrust"}': 0.0}

    async def then() -> None:
        await stage.page.until("document.title === '✗ iTrust does not answer'")
        assert (
            await stage.page.evaluate("document.querySelector('[data-app=checkbox]').dataset.level") == "good"
        )
        assert await stage.page.evaluate("document.querySelector('[data-app=itrust]').dataset.level") == "bad"

    stage.show(monitor, then())


def test_a_host_without_its_application_yet_is_not_trouble(stage: Stage, monitor: Monitor) -> None:
    monitor.values |= {'probe_success{app="itrust"}': 0.0}
    monitor.deploys = [one for one in monitor.deploys if one["app"] != "itrust"]

    async def then() -> None:
        await stage.page.until("document.title === '? iTrust is not deployed'")
        assert "pipeline deploy itrust" in await stage.page.evaluate("document.body.innerText")

    stage.show(monitor, then())


def test_a_figure_beyond_its_threshold_is_a_reason_with_its_value(stage: Stage, monitor: Monitor) -> None:
    monitor.values |= {'app="itrust",status=~"5.."': 0.12}

    async def then() -> None:
        await stage.page.until("document.title === '✗ iTrust is in trouble'")
        assert "errors: 12 %" in await stage.page.evaluate("document.querySelector('.reasons').innerText")

    stage.show(monitor, then())


def test_without_any_data_every_panel_says_so_and_nobody_knows(stage: Stage, monitor: Monitor) -> None:
    monitor.values = dict.fromkeys(["app=", "host=", 'status=~"5.."', "1 - "], None)

    async def then() -> None:
        await stage.page.until(f"{NOTES}.every((note) => note === 'No data in the last hour')")
        title = await stage.page.evaluate("document.title")
        assert title == "? Nobody knows how checkbox.io is; nobody knows how iTrust is"
        assert stage.page.problems == []

    stage.show(monitor, then())


def test_data_that_ended_is_said_with_for_how_long_in_any_range(stage: Stage, monitor: Monitor) -> None:
    monitor.ended |= {"mongodb_connections": 185.0}

    async def then() -> None:
        note = "document.querySelector('#checkbox-mongodb_connections .note').textContent"
        await stage.page.until(f"{note}.startsWith('No data for 3 min, since ')")

    for query in ("?range=15m", "?range=7d"):
        stage.show(monitor, then(), query)


def test_requests_that_are_not_there_are_idle_and_not_missing(stage: Stage, monitor: Monitor) -> None:
    monitor.values |= {"http_request_seconds_bucket": float("nan")}

    async def then() -> None:
        await stage.page.until(
            "document.querySelector('#itrust-latency .note').textContent === 'No requests in the last hour'"
        )
        assert await stage.page.evaluate("document.title") == "✓ Both applications are well"
        assert "idle" in await stage.page.evaluate("document.querySelector('[data-app=itrust]').innerText")

    stage.show(monitor, then())


def test_hosts_that_do_not_answer_and_hosts_that_are_gone_are_said_apart(
    stage: Stage, monitor: Monitor
) -> None:
    monitor.hosts = {"checkbox": 1.0, "itrust": 0.0, "old": None}

    async def then() -> None:
        state = "[...document.querySelectorAll('.host h3')].map((one) => one.innerText).join('|')"
        await stage.page.until(f"{state}.includes('old')")
        one, two, three = (await stage.page.evaluate(state)).split("|")
        assert one.endswith("answers")
        assert two.endswith("does not answer, and did not in the last hour")
        assert "is no longer monitored; last heard of 3 min ago" in three

    stage.show(monitor, then())


def test_a_proxys_panels_are_there_for_a_host_that_is_one(stage: Stage, monitor: Monitor) -> None:
    only = sum("proxy" in (panel.apps or []) for panel in DESCRIBED.panels)
    usual = sum(panel.of == "host" and not panel.apps for panel in DESCRIBED.panels)
    monitor.hosts |= {"proxy": 1.0}

    async def then() -> None:
        await stage.page.until(f"{DRAWN} === {CHARTS + usual + only}")
        mine = "document.querySelectorAll('[data-host=proxy] .panel').length"
        assert await stage.page.evaluate(mine) == usual + only
        assert stage.page.problems == []

    stage.show(monitor, then())


@pytest.mark.parametrize(
    ("status", "words"),
    [(502, "Prometheus is not running on the monitor"), (404, "is not Prometheus (status 404)")],
)
def test_without_prometheus_the_page_says_whose_fault_it_is(
    stage: Stage, monitor: Monitor, status: int, words: str
) -> None:
    monitor.status = status

    async def then() -> None:
        await stage.page.until(f"document.getElementById('trouble').innerText.includes('{words}')")
        await stage.page.until("document.title === '? Nobody knows how the applications are'")

    stage.show(monitor, then())


def test_alerts_stand_the_worst_first_with_what_to_do(stage: Stage, monitor: Monitor) -> None:
    monitor.alerts = [
        alert("Slow", "warning", "itrust is slow", app="itrust"),
        alert("Down", "critical", "checkbox is down", app="checkbox", host="web1"),
    ]

    async def then() -> None:
        await stage.page.until("document.querySelectorAll('.alert').length === 2")
        first, second = await stage.page.evaluate(
            "[...document.querySelectorAll('.alert')].map((one) => one.innerText)"
        )
        assert "checkbox is down" in first
        assert "look there" in first
        assert "web1" in first
        assert "itrust is slow" in second
        assert (await stage.page.evaluate("document.title")).startswith("✗ checkbox.io is in trouble; iTrust")

    stage.show(monitor, then())


def test_markup_in_labels_is_text(stage: Stage, monitor: Monitor) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    monitor.alerts = [alert(evil, "warning", evil, app="itrust", host=evil)]
    monitor.hosts |= {evil: 1.0}
    monitor.deploys[0]["release"] = evil

    async def then() -> None:
        await stage.page.until(f"{DRAWN} > {CHARTS}")
        assert await stage.page.evaluate("document.querySelectorAll('img, main script').length") == 0
        for place in ("#alerts", "#marks", "#tiles", "#hosts"):
            assert evil in await stage.page.evaluate(f"document.querySelector('{place}').textContent")
        assert stage.page.problems == []

    stage.show(monitor, then())


def test_a_range_is_kept_in_the_address_and_asked_for_whole(stage: Stage, monitor: Monitor) -> None:
    async def then() -> None:
        await stage.page.until(f"{DRAWN} === {CHARTS}")
        monitor.asked.clear()
        await stage.page.evaluate("document.getElementById('range-7d').click()")
        await stage.page.until("location.search === '?range=7d'")
        await stage.page.until("document.querySelector('#marks').innerText.includes('0fb8c1c')")
        for _ in range(100):
            whole = [one for one in monitor.asked if one.get("step") == "1800"]
            if len(whole) >= CHARTS:
                break
            await asyncio.sleep(0.05)
        assert {float(one["end"]) - float(one["start"]) for one in whole} == {604800.0}
        assert any("[1800s]" in one["query"] for one in whole)

    stage.show(monitor, then())


def test_it_reads_again_while_it_is_live_and_not_while_it_is_paused(stage: Stage, monitor: Monitor) -> None:
    async def then() -> None:
        await stage.page.until(f"{DRAWN} === {CHARTS}")
        asked = len(monitor.asked)
        for _ in range(300):  # tenths of a second: other tests use the processors, too
            if len(monitor.asked) > asked:
                break
            await asyncio.sleep(0.1)
        assert len(monitor.asked) > asked
        await stage.page.evaluate("document.getElementById('live').click()")
        await asyncio.sleep(0.5)
        asked = len(monitor.asked)
        await asyncio.sleep(1.5)
        assert len(monitor.asked) == asked
        await stage.page.evaluate("document.getElementById('live').click()")
        await asyncio.sleep(0.5)
        assert not (await stage.page.evaluate("document.getElementById('freshness').textContent")).startswith(
            "paused"
        )

    faster = "const real = setInterval; window.setInterval = (what, wait) => real(what, wait / 10);"
    added = stage.run(stage.page.call("Page.addScriptToEvaluateOnNewDocument", source=faster))
    try:
        stage.show(monitor, then())
    finally:
        stage.run(stage.page.call("Page.removeScriptToEvaluateOnNewDocument", **added))


def test_without_its_charts_the_page_still_has_words_and_numbers(
    stage: Stage, monitor: Monitor, tmp_path: Path
) -> None:
    monitor.libraries = tmp_path / "empty"

    async def then() -> None:
        await stage.page.until(f"{NOTES}.every((note) => note.startsWith('Charts cannot be drawn'))")
        assert await stage.page.evaluate("document.title") == "✓ Both applications are well"
        assert "4.2/s" in await stage.page.evaluate(
            "document.querySelector('#itrust-requests table').innerText"
        )

    stage.show(monitor, then())


def test_a_phone_never_scrolls_sideways(stage: Stage, monitor: Monitor) -> None:
    monitor.alerts = [alert("A" * 90, "critical", "B" * 200, app="itrust", host="h" * 60)]

    async def then() -> None:
        await stage.page.until(f"{DRAWN} > 0")
        assert await stage.page.evaluate("document.documentElement.scrollWidth") == 390

    stage.show(monitor, then(), width=390)
