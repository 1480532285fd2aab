"""What a server says beside the numbers, as VictoriaMetrics, Thanos, Mimir, Prometheus and proxies write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.text import clean
from pipeline.series.answers import incomplete, own_words, remarks, sign_in

COUNTER = (
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "requests"'
)
STORE = "No StoreAPIs matched for this query"
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["isPartial", "warnings", "infos", "data", "error"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"isPartial": True}, ('"isPartial": true',)),
        ({"data": {"isPartial": True}}, ('"isPartial": true',)),
        ({"isPartial": "true"}, ('"isPartial": "true"',)),
        ({"isPartial": False}, ()),
        ({"warnings": [STORE, COUNTER, STORE]}, (STORE,)),
        ({"data": {"warnings": [STORE]}}, (STORE,)),
        ({"warnings": STORE}, (STORE,)),
        ({"warnings": [{"store": 3}]}, ('{"store": 3}',)),
        ({"warnings": []}, ()),
        ({"warnings": None, "infos": None}, ()),
        ({"warnings": ["3 more warning annotations omitted"]}, ("3 more warning annotations omitted",)),
        (
            {"infos": ["PromQL info: ignored histogram in sum aggregation (1:1)"]},
            ("PromQL info: ignored histogram in sum aggregation (1:1)",),
        ),
        (
            {"warnings": ["PromQL warning: encountered a mix of histograms and floats for aggregation"]},
            ("PromQL warning: encountered a mix of histograms and floats for aggregation",),
        ),
        ({"warnings": [f"not the words themselves: {COUNTER}"]}, (f"not the words themselves: {COUNTER}",)),
    ],
)
def test_an_answer_that_says_it_is_incomplete_is_so_and_a_harmless_one_is_not(
    answer: dict[str, Any], words: tuple[str, ...]
) -> None:
    assert incomplete(answer) == words


def test_a_remark_is_told_once_and_without_its_place_in_the_query() -> None:
    answer = {
        "warnings": [f"{COUNTER} (1:5)"],
        "infos": [f"{COUNTER} (1:9)", "10 more info annotations omitted"],
    }
    assert remarks(answer) == (COUNTER, "10 more info annotations omitted")
    assert incomplete(answer) == ()


@given(st.dictionaries(_KEYS | st.text(max_size=4), _JSON, max_size=5))
def test_whatever_is_in_an_answer_the_words_are_printable_and_few(answer: dict[str, Any]) -> None:
    for text in (*incomplete(answer), *remarks(answer)):
        assert text == clean(text, 300)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "no org id"}', "no org id"),
        (b'{"error": {}, "message": "denied\\u001b[31m"}', "denied"),
        (b"<html><head><title>502 Bad\n Gateway</title></head><body>nginx", "502 Bad Gateway"),
        (b"<style>p{}</style><p>Please &amp; thanks</p>", "Please & thanks"),
        (b"no org id\n", "no org id"),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words(body: bytes, words: str) -> None:
    assert own_words(body) == words


@given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_body_holds_its_words_are_one_printable_line(body: bytes) -> None:
    assert own_words(body) == clean(own_words(body), 300)


@pytest.mark.parametrize(
    "address",
    [
        "https://login.example/",
        "/oauth2/sign_in",
        "https://accounts.google.com/o/oauth2/auth",
        "https://dex.example/dex/auth",
        "https://id.example/realms/a/protocol/openid-connect/auth",
        "/saml2/idp",
    ],
)
def test_pages_to_sign_in_are_known_by_their_address(address: str) -> None:
    assert sign_in(address)


@pytest.mark.parametrize(
    "address", ["https://prometheus.example/api/v1/query_range", "/prometheus", "", "http://["]
)
def test_other_addresses_are_not(address: str) -> None:
    assert not sign_in(address)
