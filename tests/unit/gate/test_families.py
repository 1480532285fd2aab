"""The table of metric families: a configuration takes each of its queries, and a version can be put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pipeline.gate.draft import Drafted
from pipeline.gate.families import Carrier, Family, Query, placed, read_families
from pipeline.gate.noise import Margin
from pipeline.gate.wanted import config_of

TABLE = read_families()
CARRIER = Carrier(metric="target_info", by=("job", "instance"))


def queries() -> Iterator[tuple[Family, str, Query]]:
    """All that a family can be asked, whatever of its metrics is there."""
    for family in TABLE.families:
        names = family.names()
        for there in (names, frozenset(name for name in names if not name.endswith("_bucket"))):
            for status in family.status or (None,):
                yield from ((family, role, query) for role, query in family.queries(there, status))


@pytest.mark.parametrize("carrier", [None, CARRIER], ids=["own", "joined"])
def test_each_query_is_one_of_its_role_with_the_service_and_the_version_in_each_selector(
    carrier: Carrier | None,
) -> None:
    for family, name, query in queries():
        texts = {"": query} if isinstance(query, str) else dict(query)
        full = {key: placed(text, 'job="shop"', carrier) for key, text in texts.items()}
        role = TABLE.roles[name]
        drafted = Drafted(name, role, family.name, full.get("", full), Margin(role.margin, None))
        metric = config_of(drafted, floor=True)
        assert metric.kind == role.kind
        for text, template in zip(full.values(), texts.values(), strict=True):
            assert text.count("$arm") == template.count("$arm") == text.count('job="shop"') > 0
            selectors = re.findall(r"\w+\{[^}]*\}", text)
            assert len(selectors) == template.count("$arm") * (2 if carrier else 1)


def test_each_margin_is_no_closer_than_the_closest_that_is_proposed() -> None:
    for name, role in TABLE.roles.items():
        drafted = Drafted(name, role, "", "up{$arm}", Margin(role.margin, None))
        if role.kind == "proportion":
            drafted = Drafted(
                name, role, "", {"hits": "a{$arm}", "total": "b{$arm}"}, Margin(role.margin, None)
            )
        limit = config_of(drafted, floor=True).rule().limit
        least = config_of(Drafted(name, role, "", drafted.query, Margin(role.least, None)), floor=True).rule()
        assert limit.relative == least.limit.relative
        assert limit.value >= least.limit.value > 0
