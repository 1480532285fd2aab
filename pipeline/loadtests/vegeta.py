"""vegeta: `vegeta encode --to json` and `--to csv`; its own binary form is taken through `vegeta encode`."""

from __future__ import annotations

import base64
import binascii
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.base.text import last_line, printable
from pipeline.loadtests.jsonlines import first_object, objects
from pipeline.loadtests.recorded import LoadTest, Recorder, refuse
from pipeline.loadtests.stamps import Stamps
from pipeline.loadtests.textfile import TextFile, whole

__all__ = ["read", "recognises"]

_KEYS: Final = ("timestamp", "latency", "code")
_COLUMNS: Final = 12  # timestamp, code, latency, out, in, error, body, attack, sequence, method, url, headers
_BINARY: Final = b"\x06Result\x01\xff"  # Go's gob says the type's name first


def recognises(data: bytes) -> bool:
    """Whether vegeta wrote this."""
    return _is_binary(data) or _is_result(first_object(data)) or _is_row(data)


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError."""
    if _is_binary(data):
        data = _encoded(path)
    file, rows, stamps = TextFile.of(path, data), Recorder(path), Stamps(path)
    if file.lines[0].startswith("{"):
        for line, one in objects(file):
            if not _is_result(one):
                refuse(path, line, "not a result of vegeta: no timestamp, latency and code")
            _add(path, rows, line, stamps.read(line, str(one["timestamp"])), one)
    else:
        for line, row in file.rows(header=False):
            if len(row) != _COLUMNS:
                refuse(path, line, f"{len(row)} columns, vegeta writes {_COLUMNS}")
            names = (
                "timestamp",
                "code",
                "latency",
                "bytes_out",
                "bytes_in",
                "error",
                "body",
                "attack",
                "seq",
            )
            one = dict(zip((*names, "method", "url"), row, strict=False))
            _add(path, rows, line, stamps.read(line, row[0]), one)
    return rows.finished("vegeta")


def _add(path: Path, rows: Recorder, line: int, t: float, one: Mapping[str, Any]) -> None:
    code = whole(path, line, "code", str(one["code"]))
    latency = whole(path, line, "latency", str(one["latency"])) / 1e9
    text, body = one.get("body") or "", None
    if text:
        try:
            body = base64.b64decode(str(text), validate=True)
        except (binascii.Error, ValueError):
            refuse(path, line, "the body is not base64")
    # Of a status that is an error vegeta says its words again.
    failed = one.get("error") if code == 0 or 200 <= code < 400 else ""
    rows.add(
        line,
        t=t,
        latency=latency,
        status=code,
        error=printable(str(failed), 80) if failed else "",
        size=whole(path, line, "bytes_in", str(one.get("bytes_in") or 0)),
        body=body,
        name=f"{one.get('method') or ''} {one.get('url') or ''}".strip(),
    )


def _is_binary(data: bytes) -> bool:
    return _BINARY in data[:40]


def _is_result(one: Mapping[str, Any]) -> bool:
    return all(key in one for key in _KEYS)


def _is_row(data: bytes) -> bool:
    """The CSV has no header: nanoseconds since 1970, a status, nanoseconds."""
    cells = data.split(b"\n", 1)[0].split(b",")
    return len(cells) >= _COLUMNS and len(cells[0]) == 19 and all(cell.isdigit() for cell in cells[:5])


def _encoded(path: Path) -> bytes:
    """The binary form as JSON, by vegeta itself."""
    command = "vegeta encode --to json"
    if shutil.which("vegeta") is None:
        refuse(path, None, "vegeta's binary form, which only vegeta reads", f"{command} {path} > {path}.json")
    done = subprocess.run(["vegeta", "encode", "--to", "json", str(path)], capture_output=True, check=False)
    if done.returncode:
        said = last_line(done.stderr.decode(errors="replace"), "no words")
        refuse(path, None, f"`{command}` failed: {printable(said, 200)}")
    return done.stdout
