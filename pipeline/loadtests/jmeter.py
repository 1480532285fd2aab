"""JMeter: a JTL file, as CSV with its header or as XML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.parsers import expat

from pipeline.base.text import printable
from pipeline.loadtests.recorded import OF_STATUS, LoadTest, Recorder, refuse
from pipeline.loadtests.stamps import Stamps
from pipeline.loadtests.textfile import TextFile, decimal, whole

__all__ = ["read", "recognises"]

_NEEDED: Final = ("timeStamp", "elapsed", "success")
# What each is called in XML.
_ATTRIBUTES: Final = {
    "timeStamp": "ts",
    "elapsed": "t",
    "success": "s",
    "label": "lb",
    "responseCode": "rc",
    "responseMessage": "rm",
    "bytes": "by",
}
_SAMPLES: Final = ("httpSample", "sample")
_SEPARATORS: Final = (",", ";", "\t", "|")
_TRANSACTION: Final = "Number of samples in transaction"
_ROOT: Final = re.compile(rb"<testResults\b")


def recognises(data: bytes) -> bool:
    """Whether JMeter wrote this."""
    return _is_xml(data) or all(name in _first(data) for name in ("timeStamp", "elapsed"))


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError."""
    rows = _Rows(path)
    if _is_xml(data):
        _xml(path, data, rows)
    else:
        _csv(TextFile.of(path, data), rows)
    return rows.finished()


def _first(data: bytes) -> str:
    return data.split(b"\n", 1)[0].decode("utf-8", "replace")


def _is_xml(data: bytes) -> bool:
    return _ROOT.search(data[:2000]) is not None


class _Rows:
    """The samples; those of a transaction controller are sums of others, and left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recorder, self._stamps = Recorder(path), Stamps(path)
        self._transactions = 0
        self._code = False

    def add(self, line: int, one: Mapping[str, str]) -> None:
        path = self._path
        if one.get("responseMessage", "").startswith(_TRANSACTION):
            self._transactions += 1
            return
        if one["success"] not in ("true", "false"):
            refuse(path, line, f"success is {printable(one['success'], 40)!r}, not true or false")
        right = one["success"] == "true"
        code = one.get("responseCode")
        self._code |= code is not None
        # `Non HTTP response code: java.net.ConnectException` where there was no answer.
        status = int(code) if code is not None and re.fullmatch(r"[1-9]\d\d", code, re.ASCII) else 0
        if code is None:
            status = 200 if right else 0
        answered = 200 <= status < 400
        self._recorder.add(
            line,
            t=self._stamps.read(line, one["timeStamp"]),
            latency=decimal(path, line, "elapsed", one["elapsed"]) / 1000,
            status=status,
            size=whole(path, line, "bytes", one["bytes"], empty=0) if "bytes" in one else None,
            # A right status that is no success: an assertion of the test plan failed.
            body_ok=(1 if right else 0) if answered else -1,
            name=one.get("label", ""),
            expected=right,
        )

    def finished(self) -> LoadTest:
        without = frozenset() if self._code else frozenset({"new_statuses"})
        said = (
            f"{self._transactions:,} transactions are left out: they are sums of requests that are counted",
        )
        return self._recorder.finished(
            "JMeter", notes=said if self._transactions else (), tells=OF_STATUS - without
        )


def _csv(file: TextFile, rows: _Rows) -> None:
    first = file.lines[0]
    separator = max(_SEPARATORS, key=first.count)
    lines = file.rows(separator=separator)
    _, header = next(lines)
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        refuse(
            file.path,
            1,
            f"no column {', '.join(missing)} in the header",
            "jmeter -Jjmeter.save.saveservice.print_field_names=true",
        )
    at = {name: header.index(name) for name in _ATTRIBUTES if name in header}
    for line, row in lines:
        rows.add(line, {name: row[index] for name, index in at.items()})


def _xml(path: Path, data: bytes, rows: _Rows) -> None:
    parser, depth = expat.ParserCreate(), 0

    def begins(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if name not in _SAMPLES:
            return
        depth += 1
        if depth > 1:
            return  # a redirect or an embedded file: its time is within that of the sample around it
        missing = [_ATTRIBUTES[key] for key in _NEEDED if _ATTRIBUTES[key] not in attributes]
        if missing:
            refuse(path, parser.CurrentLineNumber, f"a sample without {', '.join(missing)}")
        found = {name: attributes[short] for name, short in _ATTRIBUTES.items() if short in attributes}
        rows.add(parser.CurrentLineNumber, found)

    def ends(name: str) -> None:
        nonlocal depth
        depth -= name in _SAMPLES

    def entity(*_: object) -> None:
        refuse(path, parser.CurrentLineNumber, "an entity of its own: JMeter writes none")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = begins, ends, entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code) or "no XML"
        refuse(path, error.lineno, f"not whole XML ({said}): was the test ended before JMeter had closed it?")
