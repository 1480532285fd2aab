"""Mixes: which request comes when, and what is filled in."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loadgen.mix import Mix
from loadgen.mixfile import MixError, mix_of, read_mix
from loadgen.request import Request
from loadgen.result import Answer

TWO: list[dict[str, Any]] = [
    {"name": "read", "weight": 3, "path": "/r"},
    {"name": "write", "path": "/w", "method": "POST"},
]


TOKEN: dict[str, Any] = {"name": "in", "path": "/in", "capture": {"t": {"json": "$.token"}}}


def of_steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"requests": [{"steps": list(steps)}]}


def mix(document: dict[str, Any], base: Path = Path()) -> Mix:
    return mix_of(document, base, "http://h")


def first(document: dict[str, Any], count: int, base: Path = Path()) -> list[Request]:
    return list(islice(mix(document, base).requests(), count))


def test_each_hundred_has_every_request_as_often_as_its_weight_says() -> None:
    names = [request.kind.name for request in first({"requests": TWO}, 1000)]

    assert all(Counter(names[at : at + 100]) == {"read": 75, "write": 25} for at in range(0, 1000, 100))
    assert names[:100] != names[100:200], "and not in the same order"


def test_a_rare_request_comes_as_often_as_its_weight_says_in_the_long_run() -> None:
    rare = [{"name": "usual", "weight": 999, "path": "/"}, {"name": "rare", "path": "/"}]

    names = Counter(request.kind.name for request in first({"requests": rare}, 50_000))

    assert 25 <= names["rare"] <= 75


def test_the_same_seed_gives_the_same_requests_and_another_one_others() -> None:
    def sent(seed: int) -> list[bytes]:
        requests = [{"name": "a", "path": "/{{n}}"}, {"name": "b", "path": "/{{u}}"}]
        values = {"n": {"numbers": [1, 1000], "pick": "random"}, "u": {"uuid": True}}
        return [one.raw for one in first({"requests": requests, "values": values, "seed": seed}, 50)]

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


def test_rows_of_a_csv_file_come_in_their_order_and_from_the_beginning_again(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text('name,password\nada,"x,""y"\nbob,z\n')
    request = {"name": "in", "path": "/{{user.name}}", "headers": {"X-Pass": "{{ user.password }}"}}

    sent = first({"requests": [request], "values": {"user": {"csv": "users.csv"}}}, 3, tmp_path)

    assert [one.url for one in sent] == ["http://h/ada", "http://h/bob", "http://h/ada"]
    assert [one.headers for one in sent] == [
        (("X-Pass", 'x,"y'),),
        (("X-Pass", "z"),),
        (("X-Pass", 'x,"y'),),
    ], "both cells are of one row"


def test_two_requests_that_share_values_go_on_where_the_other_was() -> None:
    requests = [{"name": "a", "path": "/{{n}}"}, {"name": "b", "path": "/{{n}}"}]

    sent = first({"requests": requests, "values": {"n": {"numbers": [1, 100]}}}, 100)

    assert [one.url for one in sent] == [f"http://h/{number}" for number in range(1, 101)]


@pytest.mark.parametrize("value", ['a&b=c/d?e #"\\\u00fc', "{{n}}", "\r\nX-Evil: 1"])
def test_a_value_stays_one_value_wherever_it_is_filled_in(value: str) -> None:
    request = {
        "name": "a",
        "method": "POST",
        "path": "/p/{{n}}",
        "query": "q={{n}}",
        "headers": {"X-N": "{{n}}"},
        "json": {"n": "{{n}}"},
    }

    (sent,) = first({"requests": [request], "values": {"n": {"one_of": [value]}}}, 1)

    url = urlsplit(sent.url)
    assert parse_qs(url.query) == {"q": [value]}
    assert url.path.count("/") == 2
    assert json.loads(sent.body or b"") == {"n": value}
    head, _, body = sent.raw.partition(b"\r\n\r\n")
    assert b"X-Evil" not in [line.partition(b":")[0] for line in head.split(b"\r\n")]
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")


def test_a_form_is_written_as_a_form_and_other_text_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\xff{{n}}")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    requests = [
        {"name": "form", "method": "POST", "path": "/", "body": "n={{n}}", "headers": form},
        {"name": "file", "method": "POST", "path": "/", "body_file": "body"},
    ]

    sent = mix({"requests": requests, "values": {"n": {"one_of": ["a&b"]}}}, tmp_path).first_of_each()

    assert [one.body for one in sent] == [b"n=a%26b", b"\xffa&b"]


def test_a_sequence_is_begun_as_often_as_its_weight_says_and_draws_its_values_once() -> None:
    steps = [{"name": "a", "path": "/{{n}}"}, {"name": "b", "path": "/{{n}}/{{u}}"}]
    requests = [{"name": "read", "weight": 3, "path": "/r"}, {"steps": steps}]
    values = {"n": {"numbers": [1, 100]}, "u": {"one_of": ["x"]}}

    sent = first({"requests": requests, "values": values}, 100)

    begun = [one for one in sent if one.session is not None]
    assert {one.kind.name for one in begun} == {"a"}
    assert [one.url for one in begun] == [f"http://h/{number}" for number in range(1, 26)]
    session = begun[4].session
    assert session is not None
    _, after = session.answered(begun[4], Answer(1.0, 200))
    assert after is not None
    assert (after.kind.name, after.url) == ("b", "http://h/5/x")


def test_a_request_without_values_is_made_once() -> None:
    assert len({id(request) for request in first({"requests": TWO}, 100)}) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"requests": []}, "requests: a list of 1 to 100 requests"),
        ({"request": {}}, "no key is called 'request': there is requests, values, seed"),
        ({"seed": "x"}, "seed: a whole number"),
        ({"requests": [{"path": "/"}]}, "requests[0].name: is missing"),
        ({"requests": [{"name": "a", "path": "/x y"}]}, "requests[0].path: a path such as /items"),
        ({"requests": [{"name": "a", "path": "/x?y"}]}, "what follows a ? goes into query"),
        ({"requests": [{"name": "a,b", "path": "/"}]}, "requests[0].name: up to 40 letters"),
        ({"requests": [{"name": "a", "path": "/", "weight": 0}]}, "requests[0].weight: a number above 0"),
        ({"requests": [{"name": "a", "path": "/", "weight": True}]}, "requests[0].weight"),
        ({"requests": [{"name": "a", "path": "/{{n}}"}]}, "requests[0]: no value is called 'n'"),
        ({"requests": [{"name": "a", "path": "/", "body": "x", "json": 1}]}, "give body or json, not both"),
        ({"requests": [{"name": "a", "path": "/", "body_file": "none"}]}, "none: No such file"),
        ({"requests": [{"name": "a", "path": "/", "headers": {"a b": "c"}}]}, "a header is written"),
        ({"requests": [{"name": "a", "path": "/", "method": "CONNECT"}]}, "is not a method that can be sent"),
        (
            {"requests": [{"name": "a", "path": "/", "expect": {"status": 99}}]},
            "expect.status: a status from",
        ),
        (
            {"requests": [{"name": "a", "path": "/", "expect": {"body_regex": "("}}]},
            "not a regular expression",
        ),
        ({"requests": [*TWO, TWO[0]]}, "requests[2].name: 'read' is the name of another one, too"),
        (of_steps(), "requests[0].steps: a list of 1 to 100 requests, in their order"),
        (of_steps({"path": "/"}), "requests[0].steps[0].name: is missing"),
        (of_steps(TWO[0]), "requests[0].steps[0]: no key is called 'weight': there is name, method"),
        (of_steps({"name": "a", "path": "/{{t}}"}), "requests[0].steps[0]: no value is called 't'"),
        (of_steps(TOKEN, TOKEN), "requests[0].steps[1].name: 'in' is the name of another one, too"),
        (of_steps(TOKEN | {"capture": 3}), "steps[0].capture: a mapping of names"),
        (of_steps(TOKEN | {"capture": {"t": {}}}), "steps[0].capture.t: one of json, header, regex says"),
        (of_steps(TOKEN | {"capture": {"a.b": {"header": "X"}}}), "steps[0].capture.a.b: not a name"),
        (of_steps(TOKEN | {"capture": {"t": {"header": "a b"}}}), "capture.t.header: a header is written"),
        (of_steps(TOKEN | {"capture": {"t": {"regex": "("}}}), "capture.t.regex: '(' is not a regular"),
        (
            of_steps(TOKEN | {"capture": {"t": {"json": "$.a..b"}}}),
            "capture.t.json: a path such as $.user.id",
        ),
        (
            of_steps(TOKEN) | {"values": {"t": {"uuid": True}}},
            "steps[0].capture: 't' is the name of a value, too",
        ),
        ({"requests": [TOKEN]}, "requests[0].capture: goes with steps"),
        ({"requests": [{"name": "s", "steps": [TOKEN]}]}, "no key is called 'name': there is weight, steps"),
        ({"values": {"n": {}}}, "values.n: one of csv, numbers, one_of, uuid says where"),
        ({"values": {"n": {"numbers": [2, 1]}}}, "values.n: numbers: from 2 to 1 there are none"),
        ({"values": {"n": {"numbers": [1]}}}, "values.n.numbers: the first and the last"),
        ({"values": {"n": {"one_of": []}}}, "values.n.one_of: at least one"),
        ({"values": {"n": {"csv": "none"}}}, "values.n: none: No such file"),
        ({"values": {"n": {"one_of": [1], "pick": "x"}}}, "values.n.pick: one of in_order, random"),
        ({"values": {"a.b": {"one_of": [1]}}}, "values.a.b: not a name"),
        ({"values": 3}, "values: a mapping"),
        (3, "a mapping of keys to values"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(change: Any, said: str) -> None:
    document = {"requests": TWO, **change} if isinstance(change, dict) else change
    with pytest.raises(MixError) as caught:
        mix(document)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,b\n", "no rows below its first line"),
        ("a,a\n1,2\n", ":1: each column needs a name of its own"),
        ("a,b\n1,2\n1\n", ":3: 1 cells, the first line has 2"),
        ('a\n"x\n', "no CSV"),
        (b"\xff", "not a text file in UTF-8"),
    ],
)
def test_a_csv_file_that_cannot_be_used_is_told_with_its_line(
    tmp_path: Path, rows: str | bytes, said: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    with pytest.raises(MixError, match=said):
        mix({"requests": TWO, "values": {"n": {"csv": "rows.csv"}}}, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 1: "),
        ("a: &x 1\nb: *x", "aliases"),
        ("[" * 1100 + "]" * 1100, "nested too deeply"),
        (b"\xff", "not a text file in UTF-8"),
        ("a: 2026-99-99", "not YAML"),
        (None, "No such file"),
    ],
    ids=["cut off", "alias", "deep", "bytes", "date", "absent"],
)
def test_a_file_that_is_no_yaml_is_one_line(tmp_path: Path, text: str | bytes | None, said: str) -> None:
    path = tmp_path / "mix.yml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MixError, match=said) as caught:
        read_mix(path, "http://h")
    assert "\n" not in str(caught.value)
