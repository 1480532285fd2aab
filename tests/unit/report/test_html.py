"""The HTML page: complete, inert, offline and small."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import tests.support.report_samples as samples
from pipeline.judge.evidence import Arm, Evidence, Requests
from pipeline.judge.verdict import Decision, Outcome
from pipeline.report import html
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record
from pipeline.series.asked import Question, Questions

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

    def classes(self, tag: str) -> list[str]:
        """The classes of each such tag, in the page's order."""
        return [attributes.get("class") or "" for name, attributes in self.tags if name == tag]


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
    todo, logged, versions, why = (
        page.text.rindex(words)
        for words in (
            "Do not promote: ",
            "TypeError: no",
            "canary broken against",
            "100 % of requests failed on the canary",
        )
    )
    assert todo < logged < versions < why
    assert "(preview.js:71), 285 times, first at 09:52:59" in page.text[logged:why]
    links = [str(dict(given)["href"]) for tag, given in page.tags if tag == "a"]
    assert [link for link in links if link.startswith("logs/")] == ["logs/blue.log.gz", "logs/green.log.gz"]


def test_the_verdict_comes_first_with_score_refs_and_commits(page: Page) -> None:
    assert next(tag for tag, _ in page.tags if re.fullmatch(r"h\d", tag)) == "h1"
    verdict, table = page.text.index("The canary failed"), page.text.index("Everything else")
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
    assert (
        len([tag for tag, _ in page.tags if tag == "svg"])
        - len([name for name in page.classes("svg") if name == "bar"])
        == 2 * len(told) + 2
    ), "and the two panels of the picture"


def test_the_picture_comes_before_every_table_and_shows_both_versions_over_one_time(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    charts = [attributes for tag, attributes in page.tags if tag == "svg" and "role" in attributes]
    assert tags.index("svg") < tags.index("table")
    assert [str(chart["aria-label"]).partition(" ")[0] for chart in charts[:2]] == ["Latency", "Failed"]
    latency, failed = html_of(page, 0), html_of(page, 1)
    assert [name for name in latency if name.startswith(("line", "area"))] == [
        "area baseline",
        "line baseline",
    ]
    assert [name for name in failed if name.startswith("line")] == ["line baseline", "line canary"]
    assert "no good answer of the canary" in page.text


def html_of(page: Page, number: int) -> list[str]:
    """The classes of what is drawn in the page's chart of that number."""
    drawn: list[list[str]] = []
    for tag, attributes in page.tags:
        if tag == "svg" and "role" in attributes:
            drawn.append([])
        elif tag in ("rect", "path") and drawn:
            drawn[-1].append(attributes.get("class") or "")
    return drawn[number]


def test_charts_tell_in_words_what_they_show(page: Page) -> None:
    charts = [
        attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("class") != "bar"
    ]
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert "canary 100 %" in " ".join(str(chart["aria-label"]) for chart in charts)


def test_metrics_without_data_are_named_once_and_have_neither_row_nor_chart(page: Page) -> None:
    assert page.text.count("Latency, median") == 1
    assert "Nothing to compare: Latency, median." in page.text


def test_no_word_of_statistics_stands_without_a_plain_one(page: Page) -> None:
    assert not re.search(r"\bpp\b", page.text)
    assert "chance of a false alarm is at most 2 % (alpha 0.02)" in page.text
    assert page.text.count("alpha") == 1
    assert "independent samples" not in page.text


def test_what_decided_is_drawn_first_where_it_is_not_about_requests() -> None:
    verdict = samples.verdict(
        metrics=(samples.metric("service_memory", title="Memory", unit="B", decision=Decision.FAIL),)
    )
    page = Page(html.render(verdict, RECORD, samples.evidence()))
    first = next(attributes for tag, attributes in page.tags if tag == "svg" and "role" in attributes)
    assert str(first["aria-label"]).startswith("Memory: ")


def test_a_verdict_on_series_shows_its_windows_and_queries_and_what_they_gave() -> None:
    questions = Questions(
        "http://prometheus:9090",
        {"baseline": "2026-01-31 10:00:00 to 2026-01-31 10:30:00 UTC, 30 min"},
        15.0,
        (Question("errors", "canary", 'sum(rate(x{code="5.."}[15s]))', 1, 121),),
    )
    text = Page(html.render(samples.verdict(), RECORD, samples.evidence(), questions=questions)).text
    assert "http://prometheus:9090" in text
    assert "10:30:00 UTC, 30 min" in text
    assert 'sum(rate(x{code="5.."}[15s]))1121' in text.replace(" ", "").replace("\n", "")
    assert "judged by" in text


@pytest.mark.parametrize(
    ("outcome", "decision"),
    [(Outcome.FAILED, Decision.FAIL), (Outcome.INCONCLUSIVE, Decision.INCONCLUSIVE), (Outcome.PASSED, None)],
)
def test_what_explains_the_outcome_is_open_with_its_reason_and_the_rest_is_folded(
    outcome: Outcome, decision: Decision | None
) -> None:
    verdict = samples.verdict(outcome=outcome)
    page = html.render(verdict, RECORD, samples.evidence())
    before = page[: page.index("<details>")]
    shown = re.findall(r'<tr class="(\w+)">', before)
    assert shown == [m.decision.value for m in verdict.metrics if m.decision is decision]
    assert all(f'<td colspan="8">{m.reason}' in before for m in verdict.metrics if m.decision is decision)
    assert "<details open" not in page


def test_of_many_undecided_metrics_a_few_are_open_and_the_others_are_counted() -> None:
    many = tuple(
        samples.metric(f"m{i}", weight=float(i), decision=Decision.INCONCLUSIVE) for i in range(1, 12)
    )
    page = html.render(
        samples.verdict(outcome=Outcome.INCONCLUSIVE, metrics=many), RECORD, samples.evidence()
    )
    before = page[: page.index("<details>")]
    assert re.findall(r'<th scope="row"><a href="#m\d+">(\w+)</a>', before) == ["m11", "m10", "m9", "m8"]
    assert "7 more like these are in the table of all metrics" in before


def test_three_figures_stand_before_the_picture_those_that_decided_first() -> None:
    names = ("latency_p99", "latency_p50", "service_cpu", "error_rate")
    metrics = tuple(
        samples.metric(name, decision=Decision.FAIL if name == "service_cpu" else Decision.PASS)
        for name in names
    )
    page = html.render(samples.verdict(metrics=metrics), RECORD, samples.evidence())
    before = page[: page.index('<h2 id="time">')]
    figures = re.findall(r"<dt>([\w ]+)</dt><dd>([^<]+)<b>", before)
    assert figures == [
        ("service cpu", "21.4 ms → "),
        ("error rate", "21.4 ms → "),
        ("latency p50", "21.4 ms → "),
    ]


def test_an_inconclusive_run_says_what_to_type_next(tmp_path: Path) -> None:  # noqa: ARG001
    undecided = samples.metric("m", decision=Decision.INCONCLUSIVE, more_minutes=3.0)
    verdict = samples.verdict(outcome=Outcome.INCONCLUSIVE, metrics=(undecided,))
    text = Page(html.render(verdict, RECORD, samples.evidence())).text
    assert "Next: the same command with --duration 4m" in text


def test_phases_are_marked_and_warm_ups_shaded(page: Page) -> None:
    tinted = [name for name in html_of(page, 0) if name.startswith("tint")]
    assert tinted == ["tint warmup", "tint baseline", "tint warmup", "tint canary"]


def test_a_span_in_which_both_were_measured_is_neithers_and_its_warm_up_is_shaded_once() -> None:
    spans = [("warmup", 0, 10), ("measure", 10, 70)]
    phases = [
        {"arm": arm, "kind": kind, "start": start, "end": end}
        for kind, start, end in spans
        for arm in ("baseline", "canary")
    ]
    run = samples.run(phases=phases, settings={"schedule": "concurrent", "share": 0.1, "rate": 50})
    page = Page(html.render(samples.verdict(), Record.from_dict(run), samples.evidence()))
    assert [name for name in html_of(page, 0) if name.startswith("tint")] == ["tint warmup", "tint both"]
    assert "concurrent (10 % to the canary), 1 min on each version, 50 requests/s" in page.text


def test_nothing_is_loaded_from_outside(page: Page, hostile: Page) -> None:
    loading = ("src", "href", "srcset", "data", "action", "poster", "background")
    for tag, attributes in page.tags + hostile.tags:
        for name in loading:
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, name, value)
        assert not [name for name in attributes if name.startswith("on")]
    styles = re.findall(r"<style>.*?</style>", html.render(samples.verdict(), BARE, samples.evidence()), re.S)
    assert not re.search(r"url\(|@import", "".join(styles))


def test_no_script_may_run_and_none_is_there(hostile: Page) -> None:
    policy = next(a["content"] for _, a in hostile.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "script-src" not in policy
    assert hostile.scripts == []


def test_injected_markup_and_control_characters_are_inert_text(hostile: Page) -> None:
    assert hostile.text.count("<script>alert(1)</script>") >= 8
    assert "\x1b" not in hostile.text
    assert "img" not in {tag for tag, _ in hostile.tags}


def test_the_sample_repository_is_named_loudly(page: Page, hostile: Page) -> None:
    assert "Sample code." in hostile.text
    assert "Sample code." not in page.text


def test_a_long_run_with_many_metrics_stays_below_600_kb() -> None:
    evidence = samples.evidence(rate=50, seconds=1800)
    assert len(evidence.baseline.requests) + len(evidence.canary.requests) == 180_000
    names = ("latency_p50", "latency_p99", "error_rate", "throughput", "service_memory", "service_cpu")
    metrics = tuple(samples.metric(name, title=f"{name} {i}") for i in range(20) for name in names)
    page = html.render(samples.verdict(metrics=metrics), RECORD, evidence)
    assert len(page.encode()) < 600_000
    assert "80 more are in the table only" in page


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
