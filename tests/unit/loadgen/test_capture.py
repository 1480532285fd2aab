"""What is captured of an answer, in whatever form it came."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from loadgen.capture import Capture, Header, JsonPath, Pattern
from loadgen.result import Content


def of_body(body: bytes) -> Content:
    return Content((), body)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.text", "a b"),
        ("$.number", "7"),
        ("$.share", "0.5"),
        ("$.yes", "true"),
        ("$.list[1].id", "x"),
        ("$['with a dot.']", "y"),
        ("$.list[0]", None),
        ("$.list[9]", None),
        ("$.list.id", None),
        ("$.text[0]", None),
        ("$.null", None),
        ("$.empty", None),
        ("$.half", "a?"),
        ("$.none", None),
    ],
)
def test_a_path_leads_to_a_text_a_number_or_a_truth_value_or_to_nothing(path: str, found: str | None) -> None:
    body: dict[str, Any] = {
        "text": "a b",
        "number": 7,
        "share": 0.5,
        "yes": True,
        "list": [{}, {"id": "x"}],
        "with a dot.": "y",
        "half": "a\ud800",
        "null": None,
        "empty": "",
    }
    capture = Capture("n", JsonPath.parsed(path))
    assert capture.found(of_body(json.dumps(body).encode())) == found


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b"[" * 100_000], ids=["none", "html", "bytes", "deep"]
)
def test_a_body_that_is_no_json_holds_nothing(body: bytes) -> None:
    assert Capture("n", JsonPath.parsed("$.a")).found(of_body(body)) is None


@pytest.mark.parametrize(
    "text", ["", "$", "a", "$a", "$.", "$.a.", "$.*", "$..a", "$.a[x]", "$.a[-1]", "$.a b"]
)
def test_a_path_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"a path such as \$\.user\.id"):
        JsonPath.parsed(text)


def test_the_first_header_of_the_name_counts_in_any_case() -> None:
    content = Content((("X-Id", "1"), ("x-id", "2")), b"")
    assert Capture("n", Header("x-ID")).found(content) == "1"
    assert Capture("n", Header("X-Other")).found(content) is None


@pytest.mark.parametrize(
    ("regex", "found"), [(rb"id=(\d+)", "42"), (rb"id=\d+", "id=42"), (rb"x(y)?", None), (rb"none", None)]
)
def test_a_pattern_gives_its_first_group_or_all_that_it_finds(regex: bytes, found: str | None) -> None:
    assert Capture("n", Pattern("p", re.compile(regex))).found(of_body(b"x id=42")) == found
