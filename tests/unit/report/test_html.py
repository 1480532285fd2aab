"""The HTML page: complete, inert, offline and small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tests.support.report_samples as samples
from pipeline.judge.evidence import Arm, Evidence, Requests
from pipeline.judge.verdict import Decision, Outcome
from pipeline.report import html
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

RECORD, BARE = Record.from_dict(samples.run()), Record.from_dict({})
INJECTION = "</script><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>\x1b[2J"


class Page(HTMLParser):
    """The page as a browser takes it apart: tags with their attributes, scripts, and the text between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base class names it
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data

    @property
    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads(self.scripts[0])
        return figures


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(samples.verdict(), RECORD, samples.evidence()))


@pytest.fixture(scope="module")
def hostile() -> Page:
    metric = samples.metric(title=INJECTION, group=INJECTION, reason=INJECTION)
    verdict = samples.verdict(metrics=(metric,), reasons=(INJECTION, INJECTION), notes=(INJECTION,))
    version = {"ref": INJECTION, "sha": INJECTION, "subject": INJECTION}
    run = samples.run(
        baseline=version,
        canary=version,
        sample=True,
        sample_why=INJECTION,
        repo=INJECTION,
        profile={"name": INJECTION, INJECTION: INJECTION},
        problems=[{"effect": INJECTION, "message": INJECTION}],
    )
    log = (LogLine(INJECTION, INJECTION, 3, INJECTION, wrong=True),)
    return Page(html.render(verdict, Record.from_dict(run), samples.evidence(), log=log))


def test_what_only_the_canary_logged_stands_above_the_reasons_and_the_logs_are_linked(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("blue.log.gz", "green.log.gz"):
        (tmp_path / "logs" / name).write_bytes(b"")
    log = (LogLine("TypeError: no", "preview.js:71", 285, "09:52:59", wrong=True),)
    page = Page(html.render(samples.verdict(), RECORD, samples.evidence(), str(tmp_path), log))
    todo, logged, why = (
        page.text.index(words)
        for words in ("Do not promote: ", "TypeError: no", "100 % of requests failed on the canary")
    )
    assert todo < logged < why
    assert "(preview.js:71), 285 times, first at 09:52:59" in page.text[logged:why]
    links = [str(dict(given)["href"]) for tag, given in page.tags if tag == "a"]
    assert [link for link in links if link.startswith("logs/")] == ["logs/blue.log.gz", "logs/green.log.gz"]


def test_the_verdict_comes_first_with_score_refs_and_commits(page: Page) -> None:
    assert next(tag for tag, _ in page.tags if re.fullmatch(r"h\d", tag)) == "h1"
    verdict, table = page.text.index("The canary failed"), page.text.index("Metrics")
    assert verdict < page.text.index("100 % of requests failed on the canary") < table
    for fact in ("12", "master", "broken", "ec9b647000", "0fb8c1c000", "Pass the whole body", "Not promoted"):
        assert fact in page.text[:table]


def test_under_the_verdict_stands_what_to_do_and_then_every_reason(page: Page) -> None:
    headline, sentence = (
        page.text.index("The canary failed"),
        page.text.index("Do not promote: 3,000 of 3,000"),
    )
    assert headline < sentence < page.text.index("100 % of requests failed on the canary")


def test_a_pass_by_the_policy_is_told_from_one_by_evidence() -> None:
    undecided = samples.metric("m", decision=Decision.INCONCLUSIVE)
    verdict = samples.verdict(outcome=Outcome.PASSED, metrics=(undecided,), undecided="pass", let_pass=("m",))
    text = Page(html.render(verdict, RECORD, samples.evidence())).text
    assert "No harm shown" in text
    assert "The canary passed" not in text
    assert "undecided: pass: a run in which no harm was shown passes" in text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_is_in_the_title(outcome: Outcome) -> None:
    text = html.render(samples.verdict(outcome=outcome, score=None), RECORD, samples.evidence())
    assert f"<title>{outcome.upper()}: canary broken against master</title>" in text


def test_each_metric_has_a_section_with_its_reason_and_two_drawn_charts(page: Page) -> None:
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "article"]
    told = [metric for metric in samples.verdict().metrics if metric.decision is not Decision.NODATA]
    assert len(sections) == len(told)
    for metric in told:
        assert metric.reason in page.text
    for section in sections:
        for kind in "dt":
            assert page.figures[f"{section}{kind}"]["data"]


def test_charts_tell_in_words_what_they_show(page: Page) -> None:
    charts = [attributes for _, attributes in page.tags if attributes.get("class") == "chart"]
    drawn = [str(chart["data-chart"]) for chart in charts]
    assert drawn[:2] == ["m1t", "m2t"], "errors and the median over time come first"
    assert all(chart["role"] == "img" for chart in charts)
    assert "canary 100 %" in (charts[0]["aria-label"] or "")


@pytest.mark.parametrize(
    ("outcome", "decision"),
    [(Outcome.FAILED, Decision.FAIL), (Outcome.INCONCLUSIVE, Decision.INCONCLUSIVE), (Outcome.PASSED, None)],
)
def test_what_explains_the_outcome_is_open_and_the_rest_is_folded(
    outcome: Outcome, decision: Decision | None
) -> None:
    verdict = samples.verdict(outcome=outcome)
    page = html.render(verdict, RECORD, samples.evidence())
    before = page[page.index('<h2 id="table">') : page.index("<summary>", page.index('<h2 id="table">'))]
    shown = re.findall(r'<tr class="(\w+)">', before)
    if decision is None:
        assert len([word for word in shown if word != "group"]) == len(verdict.metrics)
    else:
        assert shown == [m.decision.value for m in verdict.metrics if m.decision is decision]


def test_an_inconclusive_run_says_what_to_type_next(tmp_path: Path) -> None:  # noqa: ARG001
    undecided = samples.metric("m", decision=Decision.INCONCLUSIVE, more_minutes=3.0)
    verdict = samples.verdict(outcome=Outcome.INCONCLUSIVE, metrics=(undecided,))
    text = Page(html.render(verdict, RECORD, samples.evidence())).text
    assert "Next: the same command with --duration 4m" in text


def test_phases_are_marked_and_warm_ups_shaded(page: Page) -> None:
    shapes = page.figures["m1t"]["layout"]["shapes"]
    assert [shape["fillcolor"] for shape in shapes] == [
        "@warmup",
        "@baseline-tint",
        "@warmup",
        "@canary-tint",
    ]


def test_a_span_in_which_both_were_measured_is_neithers_and_its_warm_up_is_shaded_once() -> None:
    spans = [("warmup", 0, 10), ("measure", 10, 70)]
    phases = [
        {"arm": arm, "kind": kind, "start": start, "end": end}
        for kind, start, end in spans
        for arm in ("baseline", "canary")
    ]
    run = samples.run(phases=phases, settings={"schedule": "concurrent", "share": 0.1, "rate": 50})
    page = Page(html.render(samples.verdict(), Record.from_dict(run), samples.evidence()))
    (shape,) = page.figures["m1t"]["layout"]["shapes"]
    assert (shape["fillcolor"], shape["x0"], shape["x1"]) == ("@warmup", 0, 10)
    assert "concurrent (10 % to the canary), 1 min an arm, 50 requests/s" in page.text


def test_nothing_is_loaded_from_outside(page: Page, hostile: Page) -> None:
    loading = ("src", "href", "srcset", "data", "action", "poster", "background")
    for tag, attributes in page.tags + hostile.tags:
        for name in loading:
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, name, value)
        assert not [name for name in attributes if name.startswith("on")]
    styles = re.findall(r"<style>.*?</style>", html.render(samples.verdict(), BARE, samples.evidence()), re.S)
    assert not re.search(r"url\(|@import", "".join(styles))


def test_only_the_page_s_own_scripts_may_run(hostile: Page) -> None:
    policy = next(a["content"] for _, a in hostile.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert len(hostile.scripts) == 3  # the figures, which are data, plotly and ours
    for script in hostile.scripts[1:]:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]


def test_injected_markup_and_control_characters_are_inert_text(hostile: Page) -> None:
    assert hostile.text.count("<script>alert(1)</script>") >= 8
    assert "\x1b" not in hostile.text
    assert "img" not in {tag for tag, _ in hostile.tags}


def test_the_sample_repository_is_named_loudly(page: Page, hostile: Page) -> None:
    assert "Sample code." in hostile.text
    assert "Sample code." not in page.text


def test_a_long_run_stays_a_small_page() -> None:
    evidence = samples.evidence(rate=50, seconds=300)
    assert len(evidence.baseline.requests) + len(evidence.canary.requests) == 30_000
    page = Page(html.render(samples.verdict(), RECORD, evidence))
    assert len(page.scripts[0]) < 200_000


def test_a_run_that_measured_nothing_still_has_a_page() -> None:
    none = np.empty(0)
    whole = np.empty(0, np.int64)
    arm = Arm(Requests(none, none, whole, whole, whole), {}, 0.0)
    broken = samples.verdict(outcome=Outcome.INVALID, score=None)
    page = Page(html.render(broken, BARE, Evidence(arm, arm)))
    assert "There are no samples to draw." in page.text
    assert "Invalid: the experiment is broken" in page.text
    assert "nan" not in page.text.lower()


def test_the_page_says_of_the_proxy_only_what_it_said_itself() -> None:
    proxy = {"wanted": "blue", "colour": "green", "problem": "no answer"}
    record = Record.from_dict(samples.run(promoted=None, proxy=proxy))
    text = Page(html.render(samples.verdict(), record, samples.evidence())).text
    assert "The proxy is on green: it could not be put on blue: no answer" in text
    assert "type: pipeline canary rollback" in text
    assert "Not promoted" not in text
