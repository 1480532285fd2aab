"""A recording as an animated SVG, which plays on any page that shows pictures; it ends on the last screen."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import pyte

from recordings.cast import Cast

__all__ = ["picture"]

_STEP: Final = 0.5  # seconds: no two frames are nearer to each other
_REST: Final = 6.0  # seconds that the last screen stays before it begins again
_WIDE, _HIGH, _EDGE = 8.4, 18, 12  # of a character, and around the screen
_COLOURS: Final = {
    "default": "#d8dee9",
    "black": "#4c566a",
    "red": "#ff6b6b",
    "green": "#8fd18a",
    "brown": "#e5c76b",
    "blue": "#7aa2f7",
    "magenta": "#c792ea",
    "cyan": "#7dcfe0",
    "white": "#e5e9f0",
}

_Screen = tuple[str, ...]  # each line as SVG, "" when it is empty


def picture(cast: Cast, file: Path) -> None:
    """Write `cast` to `file` as SVG. Pauses are shortened to the header's `idle_time_limit`."""
    frames = _frames(cast)
    length = frames[-1][0] + _REST
    wide, high = cast.header["width"] * _WIDE + 2 * _EDGE, cast.header["height"] * _HIGH + 2 * _EDGE
    lines = sorted({line for _, screen in frames for line in screen if line})
    numbers = {line: number for number, line in enumerate(lines)}
    strip = "".join(
        f'<g transform="translate(0 {place * high:g})">'
        + "".join(
            f'<use href="#l{numbers[line]}" y="{row * _HIGH}"/>' for row, line in enumerate(screen) if line
        )
        + "</g>"
        for place, (_, screen) in enumerate(frames)
    )
    keys = "".join(
        f"{100 * at / length:.3f}%{{transform:translateY({-place * high:g}px)}}"
        for place, (at, _) in enumerate(frames)
    )
    last = f"100%{{transform:translateY({-(len(frames) - 1) * high:g}px)}}"
    style = (
        f"text{{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:{_COLOURS['default']};"
        f"white-space:pre}}.s{{animation:p {length:.2f}s step-end infinite}}@keyframes p{{{keys}{last}}}"
    )
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}">'
        f"<title>{escape(str(cast.header.get('title', '')))}</title><style>{style}</style>"
        f'<defs>{"".join(f"""<text id="l{number}">{line}</text>""" for line, number in numbers.items())}</defs>'
        f'<rect width="100%" height="100%" rx="8" fill="#1b1f27"/>'
        f'<g transform="translate({_EDGE} {_EDGE + 14})"><g class="s">{strip}</g></g></svg>\n',
        "utf-8",
    )


def _frames(cast: Cast) -> list[tuple[float, _Screen]]:
    """(seconds since the start of playing, screen), the first at 0; the screen changed at each."""
    screen = pyte.Screen(cast.header["width"], cast.header["height"])
    stream = pyte.Stream(screen)
    limit = float(cast.header.get("idle_time_limit", 1e9))
    frames: list[tuple[float, _Screen]] = []
    playing = before = 0.0
    for number, (at, data) in enumerate(cast.output):
        playing += min(at - before, limit)
        before = at
        stream.feed(data)
        last = number == len(cast.output) - 1
        if frames and playing - frames[-1][0] < _STEP and not last:
            continue
        shown = tuple(_line(screen, row) for row in range(screen.lines))
        if not frames or shown != frames[-1][1]:
            frames.append((playing if frames else 0.0, shown))
    return frames


def _line(screen: pyte.Screen, row: int) -> str:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    while cells and cells[-1].data == " ":
        cells.pop()
    spans: list[tuple[str, str, int]] = []
    for column, cell in enumerate(cells):
        look = _look(cell)
        if spans and spans[-1][0] == look:
            spans[-1] = (look, spans[-1][1] + cell.data, spans[-1][2])
        else:
            spans.append((look, cell.data, column))
    # Each span has its place: a font with another width of characters does not shift the columns.
    return "".join(
        f'<tspan x="{column * _WIDE:g}" textLength="{len(text) * _WIDE:g}"{look}>{escape(text)}</tspan>'
        for look, text, column in spans
        if text.strip()
    )


def _look(cell: pyte.screens.Char) -> str:
    name = cell.fg.removeprefix("bright")
    colour = _COLOURS.get(name) or f"#{name}"
    look = f" fill={quoteattr(colour)}" if name != "default" else ""
    return look + (' font-weight="bold"' if cell.bold else "")
