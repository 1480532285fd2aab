"""Curves as SVG: a share by something, each point with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from pipeline.backtest.summary import WANTED, Share

__all__ = ["curves"]

_WIDTH: Final = 520
_HEIGHT: Final = 260
_LEFT: Final = 44
_BOTTOM: Final = 34
_TOP: Final = 12
_RIGHT: Final = 170  # for the curves' names
_LINE: Final = 13  # of text
_COLOURS: Final = ("#3b6fb6", "#c0504d", "#4f8f4f", "#8064a2", "#b8860b", "#2f8f9d", "#7f7f7f", "#b5568c")


def curves(title: str, below: str, ticks: Sequence[str], lines: Mapping[str, Sequence[Share | None]]) -> str:
    """A picture with a curve for each of `lines`, which has a share for each of `ticks`, or None."""
    plot_w, plot_h = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step = plot_w / max(len(ticks) - 1, 1)

    def x(index: int) -> float:
        return _LEFT + index * step

    def y(share: float) -> float:
        return _TOP + (1 - share) * plot_h

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}" class="curves">',
        f"<title>{escape(title)}</title>",
    ]
    for percent in (0, 25, 50, 75, 100):
        at = y(percent / 100)
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + plot_w}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{percent} %</text>')
    at = y(WANTED)
    parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + plot_w}" y1="{at:.1f}" y2="{at:.1f}" class="wanted"/>')
    for index, tick in enumerate(ticks):
        parts.append(
            f'<text x="{x(index):.1f}" y="{_HEIGHT - 18}" text-anchor="middle">{escape(tick)}</text>'
        )
    parts.append(
        f'<text x="{_LEFT + plot_w / 2:.1f}" y="{_HEIGHT - 3}" text-anchor="middle">{escape(below)}</text>'
    )
    names = []
    for (name, shares), colour in zip(lines.items(), _COLOURS * 4, strict=False):
        known = [(index, share) for index, share in enumerate(shares) if share is not None]
        if not known:
            continue
        points = " ".join(f"{x(index):.1f},{y(share.value):.1f}" for index, share in known)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for index, share in known:
            low, high = share.limits
            parts.append(
                f'<line x1="{x(index):.1f}" x2="{x(index):.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" '
                f'stroke="{colour}" stroke-opacity=".45"/>'
                f'<circle cx="{x(index):.1f}" cy="{y(share.value):.1f}" r="3" fill="{colour}">'
                f"<title>{escape(name)}: {share.hits} of {share.n}</title></circle>"
            )
        names.append((y(known[-1][1].value), name, colour))
    places = _apart([at for at, _, _ in sorted(names)], y(0.0))
    for place, (_, name, colour) in zip(places, sorted(names), strict=True):
        parts.append(
            f'<text x="{_LEFT + plot_w + 16}" y="{place + 4:.1f}" fill="{colour}">{escape(name)}</text>'
        )
    return "".join([*parts, "</svg>"])


def _apart(places: Sequence[float], lowest: float) -> list[float]:
    """Heights in order, moved until no two names lie on one another, and none below the picture."""
    moved = list[float]()
    for place in places:
        moved.append(max(place, moved[-1] + _LINE) if moved else place)
    for index in reversed(range(len(moved))):
        below = moved[index + 1] - _LINE if index + 1 < len(moved) else lowest
        moved[index] = min(moved[index], below)
    return moved
