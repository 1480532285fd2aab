"""A backtest for people: the lines on the terminal, and a small page with the curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from tabulate import tabulate

from pipeline.backtest.summary import WANTED, Found, Share, Summary
from pipeline.backtest.svg import curves
from pipeline.base.text import duration
from pipeline.judge.words import amount, percent

__all__ = ["render_page", "render_text"]

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:1.6rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .9rem .2rem 0;border-bottom:1px solid #8884;vertical-align:top}
.curves{max-width:40rem;width:100%;height:auto;font-size:11px;fill:currentColor}
.curves .grid{stroke:#8884}.curves .wanted{stroke:currentColor;stroke-dasharray:4 4;opacity:.6}
"""
_HEADERS: Final = ("harm", "found", "after", "let through", "to find 95 % of it")


def render_text(summary: Summary, notes: Sequence[str]) -> str:
    """The same as the page, in lines."""
    rows = [_row(found) for found in summary.harms]
    return "\n".join(
        [
            *_first(summary),
            "",
            tabulate(
                rows,
                headers=_HEADERS,
                tablefmt="simple",
                disable_numparse=True,
                maxcolwidths=[None] * 4 + [44],
            ),
            "",
            *(f"note: {note}" for note in notes),
        ]
    )


def render_page(summary: Summary, notes: Sequence[str], title: str) -> str:
    """One HTML file without anything beside it."""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _row(found))}</tr>" for found in summary.harms
    )
    head = "".join(f"<th>{escape(name)}</th>" for name in _HEADERS)
    said = "".join(f"<p>{escape(line)}</p>" for line in _first(summary))
    pictures = "".join(f"<h2>{escape(name)}</h2>{picture}" for name, picture in _pictures(summary))
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{said}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"{pictures}<h2>Notes</h2><ul>{listed}</ul></html>\n"
    )


def _first(summary: Summary) -> list[str]:
    n = summary.alarms.n
    return [
        f"Of {n:,} windows of {duration(summary.seconds)} in which nothing was wrong this gate would have failed "
        f"{_said(summary.alarms)}, passed {_said(summary.passed)} and stayed undecided in {_said(summary.undecided)}.",
    ]


def _said(share: Share) -> str:
    low, high = share.limits
    return f"{_percent(share.value)} % ({_percent(low)} to {_percent(high)} %)"


def _percent(share: float) -> str:
    """Of a hundred, with as many digits as there is evidence for."""
    return f"{100 * share:.1f}".removesuffix(".0")


def _row(found: Found) -> list[str]:
    return [
        found.harm,
        _said(found.failed),
        duration(found.after) if found.after is not None else "-",
        f"{_percent(found.passed.value)} %",
        _needs(found),
    ]


def _needs(found: Found) -> str:
    if found.failed.value >= WANTED:
        return "it is"
    ways = []
    if found.length is not None:
        ways.append(f"windows of {duration(found.length)}")
    if found.margin is not None:
        margin = found.margin
        points = (
            f"{100 * margin.value:.2g}pp" if margin.unit == "fraction" else amount(margin.value, margin.unit)
        )
        size = percent(margin.value) if margin.relative else points
        alarms = f"{_percent(margin.alarms.value)} %"
        ways.append(f"a margin of {size} for {margin.metric} (then {alarms} of equal versions fail by it)")
    longest = max(found.by_length)
    return ", or ".join(ways) or f"more than {duration(longest)}, a smaller margin, or less noise"


def _pictures(summary: Summary) -> Iterator[tuple[str, str]]:
    families: dict[str, list[Found]] = {}
    for found in summary.harms:
        families.setdefault(found.family, []).append(found)
    for family, several in families.items():
        if len(several) > 1:
            ticks = [f"+{100 * found.size:g} %" for found in several]
            title = f"Found, by the size of the harm: {family}"
            yield (
                title,
                curves(
                    title, "harm", ["0", *ticks], {family: [summary.alarms, *(f.failed for f in several)]}
                ),
            )
    lengths = sorted({length for found in summary.harms for length in found.by_length})
    if len(lengths) > 1:
        lines = {found.harm: [found.by_length.get(length) for length in lengths] for found in summary.harms}
        title = "Found, by the length of the window"
        yield title, curves(title, "length", [duration(length) for length in lengths], lines)
