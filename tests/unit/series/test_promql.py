"""Query templates: variables, quoting and ranges."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.series import promql
from pipeline.series.matchers import Matcher


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(), min_size=1))
def test_a_labels_value_stays_a_value_whatever_is_in_it(labels: dict[str, str]) -> None:
    filled = promql.fill("up{$arm}", {name: Matcher("=", value) for name, value in labels.items()}, 15)
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
    assert promql.fill(query, {"v": Matcher("=", "1")}, 15) == 'x{v="1",a=~"b$",c=\'$step\'} # $arm\n'


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


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("rate(x{$arm}[$__rate_interval])", "$__rate_interval is Grafana's: write $step"),
        ("rate(x{$arm}[${__interval}])", "$__interval is Grafana's: write $step"),
        ("rate(x{$arm}[$__range])", "$__range is Grafana's: a metric has a value a step: write $step"),
        ('x{$arm,job="$job"}', "job: $job is not known: there are $arm and $step"),
        ('x{$arm,job=~"[[job:regex]]"}', "job: $job is not known"),
        ("rate(x{$arm}[${step}])", "${step} is not known: write $step"),
        ("rate(x{$arm}[5m]", "is not PromQL: unclosed left parenthesis"),
        ("x{$arm", "is not PromQL: unexpected end of input inside braces"),
        ("x $arm", "is not PromQL"),
        ("", "is not PromQL"),
        ("-" * 9_000 + "x", "has more than 300 operators and brackets"),
        ("+".join(["x"] * 4_000), "has more than 300 operators and brackets"),
        (" or ".join(["x"] * 2_000), "has more than 300 operators and brackets"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_with_the_reason(query: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        promql.check(query)


def test_a_dollar_that_ends_a_regular_expression_or_names_a_group_is_no_variable() -> None:
    for query in ('x{$arm,a=~"b$|c$"}', 'label_replace(x{$arm}, "a", "${b}", "c", "(?P<b>.)")'):
        assert promql.check(query) == query


@given(st.text(alphabet='x{}[]()"$arm,step+-*=~5 morsumby#\n`\\', max_size=60))
def test_any_text_is_a_query_or_refused(query: str) -> None:
    try:
        promql.check(query)
    except ValueError:
        return
    assert all(seconds > 0 for seconds in promql.ranges(promql.fill(query, {"v": Matcher("=", "1")}, 15)))
