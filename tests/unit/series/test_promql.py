"""Query templates: variables, quoting and ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.series import promql


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(), min_size=1))
def test_a_labels_value_stays_a_value_whatever_is_in_it(labels: dict[str, str]) -> None:
    filled = promql.fill("up{$arm}", labels, 15)
    # Outside of its string literals there is nothing but names, = and commas; the values come back out of them.
    found = {}
    rest = filled.removeprefix("up{").removesuffix("}")
    while rest:
        name, _, rest = rest.partition('="')
        value = ""
        while not rest.startswith('"'):
            taken = 2 if rest.startswith("\\") else 1
            value += {"\\\\": "\\", '\\"': '"', "\\n": "\n"}.get(rest[:taken], rest[:taken])
            rest = rest[taken:]
        found[name] = value
        rest = rest[1:].removeprefix(",")
    assert found == labels


def test_what_looks_like_a_variable_in_a_string_or_a_comment_stays_as_it_is() -> None:
    query = "x{$arm,a=~\"b$\",c='$step'} # $arm\n"
    assert promql.fill(query, {"v": "1"}, 15) == 'x{v="1",a=~"b$",c=\'$step\'} # $arm\n'


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("rate(x[5m])", [300]),
        ("max_over_time(rate(x[1m30s])[1h:15s])", [3600, 90]),
        ('x{a="[5m]"} # [1h]', []),
        ("sum(x)", []),
    ],
)
def test_the_ranges_of_a_query_are_found(query: str, seconds: list[float]) -> None:
    assert list(promql.ranges(query)) == seconds
