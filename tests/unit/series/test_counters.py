"""What `counters: true` may stand over, and queries that give a counter where each step's number is needed."""

from __future__ import annotations

import pytest

from pipeline.series.counters import since_the_beginning, why_not_raw


@pytest.mark.parametrize(
    "query",
    [
        'http_requests_total{$arm,code=~"5.."}',
        '({__name__="x_total",$arm})',
        "a_total{$arm} or b_total{$arm}",
        "x_total{$arm} and on (pod) up",
        'label_replace(x_total{$arm}, "a", "$1", "b", "(.*)")',
        "last_over_time(x_total{$arm}[$step])",
        "x:30s_total{$arm}",
        "x_total{$arm} offset 5m",
    ],
)
def test_raw_counters_are_told_from_what_is_made_of_them(query: str) -> None:
    assert why_not_raw(query) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sum(x_total{$arm})", "sum() over counters does not show when one of them begins again"),
        ("((max by (pod) (x_total{$arm})))", "max() over counters"),
        ("a_total{$arm} or sum(b_total{$arm})", "sum() over counters"),
        ('label_replace(sum(x_total), "a", "$1", "b", "(.*)")', "sum() over counters"),
        ("rate(x_total{$arm}[$step])", "rate() gives no counter"),
        ("x_total{$arm} * on (pod) group_left () info", "`and on (...)` chooses among them"),
        ("-x_total{$arm}", "gives no counter"),
        ("job:x_total:sum{$arm}", "is recorded with sum"),
        ("job:x:rate5m{$arm}", "is recorded with rate"),
        ("x_total{$arm} @ end()", "the same value at each step"),
        ("1", "gives no counter"),
    ],
)
def test_a_query_that_hides_when_a_counter_begins_again_is_named(query: str, words: str) -> None:
    assert words in str(why_not_raw(query))


@pytest.mark.parametrize(
    ("query", "counter"),
    [
        ("sum(x_total{$arm})", "x_total"),
        ('{__name__="x_bucket",$arm}', "x_bucket"),
        ("sum(increase(x_total{$arm}[$step])) / y_count{$arm}", "y_count"),
        ("sum(increase(x_total{$arm}[$step]))", None),
        ("sum(job:x_total:increase30s{$arm})", None),
        ("errors_in_step{$arm}", None),
    ],
)
def test_a_counter_outside_of_a_range_counts_since_it_began(query: str, counter: str | None) -> None:
    assert since_the_beginning(query) == counter
