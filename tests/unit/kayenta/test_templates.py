"""Templates are filled as Kayenta's StringSubstitutor fills them. Rows with a K are of Kayenta's own tests."""

from __future__ import annotations

import pytest

from pipeline.kayenta.templates import TemplateError, expand


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("test template ${p1} ${p2} $\\{p1} $\\{p2}", "test template v1 v2 v1 v2"),  # K
        ("A test: key1=key1.", "A test: key1=key1."),  # K
        ("${absent:-default}, ${p1:-default}, ${absent:-}", "default, v1, "),
        ("$${p1} and ${p1}", "${p1} and v1"),
        ("${holds}", "v1 within"),
        ("a { b } $ {p1} ${p1", "a { b } $ {p1} ${p1"),
        ("${}", "empty"),
        ('x{job="${p1}",le="+Inf"}', 'x{job="v1",le="+Inf"}'),
    ],
)
def test_variables_defaults_and_escapes(template: str, filled: str) -> None:
    assert expand(template, {"p1": "v1", "p2": "v2", "holds": "${p1} within", "": "empty"}) == filled


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("test template ${unknown-param} ${p2}", "the variable 'unknown-param' stands for nothing"),  # K
        ("${itself}", "the variable itself holds itself"),
        ("${a${p2:-x}", "the variable 'a${p2:-x' stands for nothing"),
        ("${a0}", "grows beyond"),
    ],
)
def test_what_cannot_be_filled_is_told(template: str, words: str) -> None:
    doubling = {f"a{n}": f"${{a{n + 1}}}${{a{n + 1}}}" for n in range(40)}
    values = {"p2": "v2", "itself": "x${itself}", **doubling, "a40": "bomb"}
    with pytest.raises(TemplateError) as caught:
        expand(template, values)
    assert words in str(caught.value)
