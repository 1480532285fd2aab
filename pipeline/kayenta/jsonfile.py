"""A JSON file with the line of each of its values, so that every problem can be reported where it is.

The counterpart of `yamlfile` (whose `validate` takes the Document that this gives). JSON is nearly YAML, but not
quite: tabs, `1e3` and `\\/` are good JSON that a YAML reader refuses or takes for text.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import Document, read_text

__all__ = ["read_json"]

_LARGEST: Final = 1_000_000  # bytes
_DEEPEST: Final = 40
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\n')


def read_json(path: Path, name: str | None = None) -> Document:
    """Reads `path`, called `name` in messages. Raises ConfigError when it is not one JSON document.

    Duplicate keys, NaN and infinities are kept as problems of the document, for `validate` to report.
    """
    name = name or str(path)
    text = read_text(path, name, _LARGEST, encoding="utf-8-sig")
    document = Document(name)
    try:
        document.data = json.loads(text)
    except json.JSONDecodeError as error:
        what = "the file is empty" if not text.strip() else f"not JSON: {error.msg}"
        ours = path.suffix in (".yml", ".yaml")
        hint = "leave --judge kayenta away: it reads Spinnaker's JSON" if ours else None
        raise ConfigError(name, [f"{name}:{error.lineno}: {what}"], hint=hint) from None
    except RecursionError:
        raise ConfigError(name, [f"{name}:1: nested too deeply"]) from None
    except ValueError:  # a whole number of thousands of digits
        raise ConfigError(name, [f"{name}:1: holds a number too long to read"]) from None
    _note_lines(document, text)
    return document


def _note_lines(document: Document, text: str) -> None:
    """Walks the tokens of what is known to be JSON, keeping the location of each."""
    line, kinds = 1, [""]
    at: list[str | int | None] = []  # the current location; None: an object's next key is to come

    def here() -> tuple[str | int, ...]:
        return tuple(step for step in at if step is not None)

    for match in _TOKEN.finditer(text):
        symbol = match[0]
        if symbol == "\n":
            line += 1
        elif symbol in "{[":
            document.lines.setdefault(here(), line)
            kinds.append(symbol)
            at.append(None if symbol == "{" else 0)
            if len(at) > _DEEPEST:
                raise ConfigError(document.name, [f"{document.name}:{line}: nested too deeply"])
        elif symbol in "}]":
            kinds.pop()
            at.pop()
        elif symbol == ",":
            last = at[-1]
            at[-1] = last + 1 if isinstance(last, int) else None
        elif symbol == ":":
            continue
        elif kinds[-1] == "{" and at[-1] is None:
            at[-1] = json.loads(symbol)
            _note_key(document, here(), line)
        else:
            document.lines.setdefault(here(), line)
            if symbol in ("NaN", "Infinity", "-Infinity"):
                document.problems[here()] = f"{symbol} is no number in JSON"


def _note_key(document: Document, here: tuple[str | int, ...], line: int) -> None:
    if here in document.lines:
        again = (*here, f"line {line}")
        document.lines[again] = line
        document.problems[again] = f"'{here[-1]}' is given twice, first in line {document.lines[here]}"
    else:
        document.lines[here] = line
