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
    monitor.silent = {"itrust"}

    async def then() -> None:
        await stage.page.until("document.title === '✗ iTrust does not answer'")
        assert (
            await stage.page.evaluate("document.querySelector('[data-app=checkbox]').dataset.level") == "good"
        )
        assert await stage.page.evaluate("document.querySelector('[data-app=itrust]').dataset.level") == "bad"

    stage.show(monitor, then())


def test_a_host_without_its_application_yet_is_not_trouble(stage: Stage, monitor: Monitor) -> None:
    monitor.silent = {"itrust"}
    monitor.deploys = [one for one in monitor.deploys if one["app"] != "itrust"]

    async def then() -> None:
        await stage.page.until("document.title === '? iTrust is not deployed'")
        assert "pipeline deploy iTrust -i FILE" in await stage.page.evaluate("document.body.innerText")

    stage.show(monitor, then())


@pytest.fixture
def two_hosts(monitor: Monitor) -> Monitor:
    """checkbox.io on web1, which answers, and web2, which does not; both were deployed at once."""
    monitor.applications["checkbox"] = ["web1", "web2"]
    monitor.hosts = {"itrust": 1.0, "web1": 1.0, "web2": 0.0}
    monitor.silent = {"web2"}
    (checkbox,) = [one for one in monitor.deploys if one["app"] == "checkbox"]
    monitor.deploys += [checkbox | {"host": host} for host in ("web1", "web2")]
    monitor.deploys.remove(checkbox)
    return monitor


def test_one_of_two_hosts_that_does_not_answer_is_one_of_two(stage: Stage, two_hosts: Monitor) -> None:
    async def then() -> None:
        await stage.page.until("document.title === '✗ 1 of 2 hosts of checkbox.io does not answer'")
        tile = await stage.page.evaluate("document.querySelector('[data-app=checkbox]').innerText")
        assert "1 of 2 does not answer" in tile
        assert "web2: the probe gets no answer" in tile
        assert "web1 answers" in tile
        assert "web2 does not answer" in tile
        answers = "document.querySelector('[data-app=checkbox] .figure dd').innerText"
        assert "1 of 2" in await stage.page.evaluate(answers)
        assert stage.page.problems == []

    stage.show(two_hosts, then())


def test_both_of_two_hosts_that_do_not_answer_are_the_application(stage: Stage, two_hosts: Monitor) -> None:
    two_hosts.silent = {"web1", "web2"}

    async def then() -> None:
        await stage.page.until("document.title === '✗ checkbox.io does not answer'")

    stage.show(two_hosts, then())


def test_an_application_on_two_hosts_has_its_panels_for_each_of_them(
    stage: Stage, two_hosts: Monitor
) -> None:
    own = [
        panel.id for panel in DESCRIBED.panels if panel.of == "app" and "checkbox" in (panel.apps or NAMES)
    ]
    hosts = sum(panel.of == "host" and not panel.apps for panel in DESCRIBED.panels)

    async def then() -> None:
        await stage.page.until(f"{DRAWN} === {CHARTS + hosts + 2 * len(own)}")
        for name in ("web1", "web2"):
            for panel in own:
                there = f"document.querySelector('#host-{name} #{name}-checkbox-{panel} canvas') !== null"
                assert await stage.page.evaluate(there)
        asked = {one["query"] for one in two_hosts.asked if "http_requests_total" in one["query"]}
        for name in ("web1", "web2"):
            assert any(f'{{app="checkbox",host="{name}"}}' in query for query in asked)
        notes = "[...document.querySelectorAll('.application > p')].map((one) => one.hidden)"
        assert await stage.page.evaluate(notes) == [False, True]
        assert stage.page.problems == []

    stage.show(two_hosts, then(), height=8000)


def test_a_host_that_is_gone_makes_no_second_one_of_its_successor(stage: Stage, two_hosts: Monitor) -> None:
    two_hosts.hosts["web2"] = None

    async def then() -> None:
        await stage.page.until("document.querySelector('#host-web2 .state')?.innerText.includes('no longer')")
        assert await stage.page.evaluate("document.querySelectorAll('.part').length") == 0

    stage.show(two_hosts, then())


def test_a_second_host_without_its_application_yet_is_told_with_its_deploy(
    stage: Stage, two_hosts: Monitor
) -> None:
    two_hosts.deploys = [one for one in two_hosts.deploys if one["host"] != "web2"]

    async def then() -> None:
        next_step = "web2: not deployed; next: pipeline deploy checkbox.io -i FILE --limit web2"
        await stage.page.until(f"document.body.innerText.includes('{next_step}')")
        assert (
            await stage.page.evaluate("document.querySelector('[data-app=checkbox]').dataset.level")
            == "unknown"
        )

    stage.show(two_hosts, then())


def test_two_hosts_that_serve_different_releases_are_told(stage: Stage, two_hosts: Monitor) -> None:
    two_hosts.silent = set()
    two_hosts.deploys[-1]["release"] = "c2200fe"

    async def then() -> None:
        words = "its hosts serve different releases: web1 0fb8c1c, web2 c2200fe"
        await stage.page.until(f"document.body.innerText.includes('{words}')")

    stage.show(two_hosts, then())


def test_a_rollback_is_shown_as_one(stage: Stage, monitor: Monitor) -> None:
    (deploy,) = [one for one in monitor.deploys if one["app"] == "itrust"]
    later = str(float(deploy["at"]) + 300)
    monitor.deploys.append(deploy | {"release": "c2200fe", "action": "rollback", "at": later})

    async def then() -> None:
        await stage.page.until(
            "document.getElementById('marks').innerText.includes('rollback of itrust to c2200fe')"
        )
        tile = await stage.page.evaluate("document.querySelector('[data-app=itrust] .deployed').innerText")
        assert tile.startswith("rolled back to release c2200fe")
        kinds = "[...document.querySelectorAll('.marks li')].map((one) => one.dataset.kind)"
        assert sorted(await stage.page.evaluate(kinds)) == ["deploy", "deploy", "rollback"]

    stage.show(monitor, then())


@pytest.mark.parametrize(
    ("report", "links"),
    [
        ("/reports/20261130-120000/", ["/reports/20261130-120000/"]),
        ("", []),
        ("//elsewhere.example", []),
        ("/\\elsewhere.example", []),
        ("javascript:alert(1)", []),
    ],
)
def test_a_canary_run_names_its_service_and_leads_to_its_report_where_that_was_published(
    stage: Stage, monitor: Monitor, report: str, links: list[str]
) -> None:
    run = {"service": "preview", "baseline": "master 1", "canary": "v2 2", "verdict": "failed", "score": "12"}
    at = str(time.time() - 60)
    monitor.deploys.append(
        run | {"__name__": "pipeline_canary_timestamp_seconds", "report": report, "at": at}
    )

    async def then() -> None:
        words = "canary of preview failed, score 12: v2 2 against master 1"
        await stage.page.until(f"document.getElementById('marks').innerText.includes('{words}')")
        found = "[...document.querySelectorAll('.marks a')].map((one) => one.getAttribute('href'))"
        assert await stage.page.evaluate(found) == links

    stage.show(monitor, then())


@pytest.mark.parametrize("published_first", [True, False])
def test_a_run_that_was_published_later_is_one_mark_with_its_report(
    stage: Stage, monitor: Monitor, published_first: bool
) -> None:
    run = {
        "__name__": "pipeline_canary_timestamp_seconds",
        "service": "preview",
        "verdict": "failed",
        "score": "12",
    }
    run |= {"baseline": "master 1", "canary": "v2 2", "at": str(time.time() - 60)}
    both = [run | {"report": "/reports/a.html"}, run]
    monitor.deploys += both if published_first else both[::-1]

    async def then() -> None:
        await stage.page.until("document.getElementById('marks').innerText.includes('canary of preview')")
        found = "[...document.querySelectorAll('[data-kind=canary]')].map((one) => one.querySelector('a')?.pathname)"
        assert await stage.page.evaluate(found) == ["/reports/a.html"]

    stage.show(monitor, then())


def test_a_canary_run_is_drawn_in_the_charts_of_its_own_application_and_of_no_other(
    stage: Stage, monitor: Monitor
) -> None:
    run = {
        "__name__": "pipeline_canary_timestamp_seconds",
        "verdict": "failed",
        "score": "12",
        "app": "monitor",
    }
    run |= {"baseline": "master 1", "canary": "v2 2", "at": str(time.time() - 60), "host": "monitor"}
    of_itrust = run | {"service": "iTrust2", "application": "itrust"}
    monitor.deploys += [run | {"service": "preview"}, of_itrust]
    drawn = """(async () => {
      const { readMarks, marksOf } = await import("/dashboard/js/marks.js");
      const [canaries] = (await (await fetch("/dashboard/panels.json")).json()).marks.slice(-1);
      const marks = await readMarks([canaries], { seconds: 3600, step: 15 }, Math.floor(Date.now() / 1000));
      const of = (labels) => marksOf(marks, labels).map((one) => one.labels.service);
      return [of({ app: "checkbox" }), of({ app: "itrust" }), of({ host: "itrust" }), marks.length];
    })()"""

    async def then() -> None:
        await stage.page.until("document.getElementById('marks').innerText.includes('canary of preview')")
        assert await stage.page.evaluate(drawn) == [[], ["iTrust2"], [], 2]

    stage.show(monitor, then())


def test_a_figure_beyond_its_threshold_is_a_reason_with_its_value(stage: Stage, monitor: Monitor) -> None:
    monitor.values |= {'app="itrust",status=~"5.."': 0.12}

    async def then() -> None:
        await stage.page.until("document.title === '✗ iTrust is in trouble'")
        assert "errors: 12 %" in await stage.page.evaluate("document.querySelector('.reasons').innerText")

    stage.show(monitor, then())


def test_without_any_data_every_panel_says_so_and_nobody_knows(stage: Stage, monitor: Monitor) -> None:
    monitor.values = dict.fromkeys(["app=", "host=", 'status=~"5.."', "1 - "], None)
    monitor.applications = {app: [] for app in monitor.applications}

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
