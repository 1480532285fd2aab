"""GitHub's annotations: what its runner reads back from them, by its own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

import tests.support.report_samples as samples
from pipeline.judge.verdict import Decision, Outcome
from pipeline.report.annotations import github_annotations, inert, inert_json, on_github


def read(line: str) -> tuple[str, Mapping[str, str], str]:
    """A line as the runner takes it apart (ActionCommand.cs): command, properties, data."""
    assert line.startswith("::")
    end = line.index("::", 2)
    command, _, rest = line[2:end].partition(" ")
    properties = dict(pair.split("=", 1) for pair in rest.split(",") if pair)

    def unescaped(text: str, more: tuple[tuple[str, str], ...] = ()) -> str:
        for code, char in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
            text = text.replace(code, char)
        return text

    of_properties = (("%3A", ":"), ("%2C", ","))
    return (
        command,
        {k: unescaped(v, of_properties) for k, v in properties.items()},
        unescaped(line[end + 2 :]),
    )


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (Outcome.PASSED, ["notice", "notice", "notice"]),
        (Outcome.FAILED, ["error", "error"]),
        (Outcome.INCONCLUSIVE, ["error", "warning", "warning"]),
        (Outcome.INVALID, ["error", "error", "warning"]),
    ],
)
def test_the_verdict_and_what_decided_it_are_annotated(outcome: Outcome, kinds: list[str]) -> None:
    found = [read(line) for line in github_annotations(samples.verdict(outcome=outcome))]
    assert [kind for kind, _, _ in found] == kinds


def test_a_passing_job_has_no_error_and_no_warning_whatever_single_metrics_say() -> None:
    lines = github_annotations(samples.verdict(outcome=Outcome.PASSED))
    assert all(line.startswith("::notice ") for line in lines)


def test_percent_signs_colons_and_commas_arrive_as_they_were() -> None:
    metric = samples.metric("m", title="a, b: 5 %", reason="50 % worse: 1,000", decision=Decision.FAIL)
    line = github_annotations(samples.verdict(metrics=(metric,), reasons=()))[-1]
    assert read(line) == ("error", {"title": "a, b: 5 %: worse than allowed"}, "50 % worse: 1,000")


def test_line_breaks_cannot_begin_another_command() -> None:
    bad = "x\r\n::error::owned\n%0A::warning::owned"
    metric = samples.metric(bad, title=bad, reason=bad, decision=Decision.FAIL)
    lines = github_annotations(samples.verdict(metrics=(metric,), reasons=(bad,)))
    assert all("\n" not in line and "\r" not in line for line in lines)
    assert read(lines[-1])[2] == "x ::error::owned %0A::warning::owned"


def test_of_many_at_most_ten_of_a_kind_and_the_last_counts_the_others() -> None:
    many = tuple(samples.metric(f"m{i}", decision=Decision.FAIL) for i in range(30))
    lines = github_annotations(samples.verdict(metrics=many))
    assert len(lines) == 10
    assert read(lines[-1])[2] == "22 more: the report has them all"


def test_a_text_of_others_stands_between_two_lines_that_switch_commands_off_and_on() -> None:
    first, text, last = inert("  ::error::owned").splitlines()
    command, _, token = read(first)
    assert (command, text, last) == ("stop-commands", "  ::error::owned", f"::{token}::")
    assert inert("x").splitlines()[0] != first, "nobody can know the word that ends it"


def test_a_json_document_says_the_same_without_the_older_form_of_a_command() -> None:
    document = json.dumps({"text": "##[error]owned"})
    assert "##[" not in inert_json(document)
    assert json.loads(inert_json(document)) == json.loads(document)


def test_a_job_of_github_is_known_by_its_variable() -> None:
    assert on_github({"GITHUB_ACTIONS": "true"})
    assert not on_github({"GITHUB_ACTIONS": ""})
    assert not on_github({})
