"""The JSON document of `--json`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

import tests.support.report_samples as samples
from pipeline.judge.verdict import Verdict
from pipeline.report import jsonout
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record


def parse(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def render(verdict: Verdict, run: dict[str, Any], log: tuple[LogLine, ...] = ()) -> str:
    return jsonout.render(verdict, Record.from_dict(run), log=log)


def test_what_only_the_canary_logged_is_listed() -> None:
    line = LogLine("Error: no template", "index.js:58", 12, "09:52:59", wrong=True)
    assert parse(render(samples.verdict(), samples.run(), (line,)))["canary_logged"] == [
        {
            "text": "Error: no template",
            "where": "index.js:58",
            "count": 12,
            "first": "09:52:59",
            "wrong": True,
        }
    ]


def test_the_document_is_the_verdict_with_the_run_beside_it() -> None:
    document = parse(render(samples.verdict(), samples.run()))
    run = document.pop("run")
    assert document.pop("headline") == "do not promote: 3,000 of 3,000 requests fail"
    assert document.pop("canary_logged") == []
    assert document["format"] == 2
    assert document == json.loads(json.dumps(samples.verdict().to_dict()))
    assert run["baseline"] == {
        "ref": "master",
        "commit": samples.BASELINE["sha"],
        "subject": "Render surveys",
        "measured_seconds": 60.0,
    }
    assert (run["provider"], run["promoted"], run["sample"]) == ("lxc", False, False)
    assert [phase["kind"] for phase in run["phases"]] == ["warmup", "measure"] * 2


def test_the_share_of_a_concurrent_run_is_told() -> None:
    settings = {"schedule": "concurrent", "share": 0.1}
    told = parse(render(samples.verdict(), samples.run(settings=settings)))["run"]
    assert (told["schedule"], told["share"]) == ("concurrent", 0.1)
    assert parse(render(samples.verdict(), samples.run()))["run"]["share"] is None


def test_a_run_without_facts_has_the_same_keys() -> None:
    bare = parse(render(samples.verdict(), {}))["run"]
    full = parse(render(samples.verdict(), samples.run()))["run"]
    assert list(bare) == list(full)
    assert bare["promoted"] is None


def test_an_early_end_is_told_as_it_was_written() -> None:
    stopped = {"at": 332.0, "outcome": "failed", "decided_after": 12.0}
    assert (
        parse(render(samples.verdict(), samples.run(stopped_early=stopped)))["run"]["stopped_early"]
        == stopped
    )
    assert parse(render(samples.verdict(), samples.run()))["run"]["stopped_early"] is None


def test_values_json_has_no_words_for_are_null() -> None:
    odd = samples.metric(effect=float("inf"), low=float("nan"), threshold=np.float64(0.1))
    metric = parse(render(samples.verdict(metrics=(odd,)), samples.run()))["metrics"][0]
    assert (metric["effect"], metric["low"], metric["threshold"]) == (None, None, 0.1)


def test_no_escape_sequence_reaches_the_terminal() -> None:
    text = render(samples.verdict(reasons=("a\x1b[2Jb\u202e",)), samples.run())
    assert text.isascii()
    assert "\x1b" not in text


def test_where_the_proxy_is_and_what_is_wrong_with_it() -> None:
    proxy = {"wanted": "blue", "colour": None, "problem": "no answer"}
    told = parse(render(samples.verdict(), samples.run(proxy=proxy)))["run"]
    assert told["proxy"] is None
    assert told["trouble"].endswith("not be put on blue: no answer; type: pipeline canary rollback")
    told = parse(render(samples.verdict(), samples.run(proxy={**proxy, "colour": "blue", "problem": ""})))[
        "run"
    ]
    assert (told["proxy"], told["trouble"]) == ("blue", None)
