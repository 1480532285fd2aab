"""What was asked of a service before: an access log (combined, nginx as JSON, HAProxy) or a browser's HAR file."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from loadgen import stripped

__all__ = ["FORMATS", "Asked", "Recording", "RecordingError", "read_recording"]

_REQUEST: Final = re.compile(r"([A-Z]+) (\S+)(?: HTTP/[\d.]+)?")
_COMBINED: Final = re.compile(r'\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) ')
_HAPROXY: Final = re.compile(r'\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] .*? (\d{3}|-1) .*"([^"]*)"\s*$')
_LOCAL: Final = "%d/%b/%Y:%H:%M:%S %z"
_HAPROXYS: Final = "%d/%b/%Y:%H:%M:%S.%f"
_ESCAPE: Final = re.compile(r"\\x([0-9a-fA-F]{2})")
_HASHED: Final = re.compile(r"#([0-9a-fA-F]{2})")  # so HAProxy writes what may not stand in its log
_TIMES: Final = ("time_iso8601", "msec", "time_local", "@timestamp", "timestamp", "time", "ts", "time_msec")
_GZIP: Final = b"\x1f\x8b"
_READ: Final = ("GET", "HEAD")
_MILLISECONDS: Final = 1e11  # a Unix time above it is in these


class RecordingError(ValueError):
    """The file cannot be used; says why, without a word of what is in it."""


class Asked(NamedTuple):
    """A request that somebody made.

    Attributes:
        t: When (Unix time, seconds).
        method: HTTP method.
        target: Path and query, stripped.
        status: What was answered; 0 where that is not known.
        headers: Those that are kept.
        body: Its bytes, or None.
    """

    t: float
    method: str
    target: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass(slots=True)
class Recording:
    """What is sent again, by its time.

    Attributes:
        form: Of FORMATS.
        asked: The requests.
        writes: How many were left out because they may write, by method.
        unreadable: How many lines hold no request.
        whole_seconds: Whether the times are no finer, so that the requests of a second were spread over it.
    """

    form: str
    asked: list[Asked] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    whole_seconds: bool = False

    @property
    def notes(self) -> str:
        """What of the file is not sent as it was."""
        said = [f"{len(self.asked)} requests"]
        if self.writes:
            left = ", ".join(f"{count} {method}" for method, count in sorted(self.writes.items()))
            said.append(f"{left} left out (--allow-writes sends them)")
        if self.unreadable:
            said.append(f"{self.unreadable} lines that hold no request")
        if self.whole_seconds:
            said.append("its times are whole seconds: the requests of one are spread over it")
        return "; ".join(said)


def read_recording(path: Path, *, form: str | None = None, allow_writes: bool = False) -> Recording:
    """The requests of a file. Raises OSError; RecordingError: there is none.

    Args:
        path: The file.
        form: One of FORMATS; None: by its content.
        allow_writes: Whether other methods than GET and HEAD are sent, too.
    """
    text = _text(path)
    form = form or _form_of(text)
    recording = Recording(form)
    for asked in FORMATS[form](text):
        if asked is None or not asked.target or asked.method == "CONNECT":
            recording.unreadable += 1
        elif asked.method in _READ or allow_writes:
            recording.asked.append(asked)
        else:
            recording.writes[asked.method] += 1
    if not recording.asked:
        raise RecordingError(f"no request in it that can be sent, read as {form}: {recording.notes}")
    if recording.unreadable > len(recording.asked) + recording.writes.total():
        raise RecordingError(
            f"most of its lines hold no request, read as {form}: --replay-format says another"
        )
    recording.asked.sort(key=lambda asked: asked.t)
    recording.whole_seconds = len(recording.asked) > 1 and all(each.t % 1 == 0 for each in recording.asked)
    if recording.whole_seconds:
        recording.asked = list(_spread(recording.asked))
    return recording


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise RecordingError("gzipped, and not whole") from None
    return data.decode("utf-8-sig", errors="replace")


def _form_of(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip().startswith("{"):
        try:
            found = json.loads(first)
        except ValueError:
            return "har"  # of more than a line
        return "har" if isinstance(found.get("log"), dict) else "json"
    return "haproxy" if _HAPROXY.search(first) or "haproxy[" in first else "combined"


def _spread(asked: list[Asked]) -> Iterator[Asked]:
    """Those of a second, evenly over it."""
    of_second = Counter(each.t for each in asked)
    seen: Counter[float] = Counter()
    for each in asked:
        yield each._replace(t=each.t + seen[each.t] / of_second[each.t])
        seen[each.t] += 1


def _lines(read: Callable[[str], Asked]) -> Callable[[str], Iterator[Asked | None]]:
    """The reader of a file of which each line is a request; None is a line that holds none."""

    def of_text(text: str) -> Iterator[Asked | None]:
        for line in text.splitlines():
            if line.strip():
                try:
                    yield read(line)
                except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
                    yield None

    return of_text


def _combined(line: str) -> Asked:
    when, request, status = _found(_COMBINED, line)
    return _asked(datetime.strptime(when, _LOCAL).timestamp(), _unescaped(request), int(status))


def _haproxy(line: str) -> Asked:
    """Its times have no zone, which does not matter between them."""
    when, status, request = _found(_HAPROXY, line)
    moment = datetime.strptime(when, _HAPROXYS).replace(tzinfo=UTC)
    return _asked(moment.timestamp(), _HASHED.sub(r"%\1", request), max(0, int(status)))


def _json(line: str) -> Asked:
    """nginx's `log_format ... escape=json`, with the names of its variables, or usual ones."""
    found = json.loads(line)
    request = found.get("request")
    if not isinstance(request, str) or " " not in request:
        method = found.get("request_method") or found.get("method")
        address = found.get("request_uri") or found.get("uri") or found.get("path") or found["url"]
        query = found.get("args") or found.get("query_string") or ""
        request = f"{method} {address}{'?' + query if query and '?' not in address else ''}"
    name = next(name for name in _TIMES if found.get(name) not in (None, ""))
    began = _instant(found[name]) - float(found.get("request_time") or 0)  # nginx writes when it has answered
    return _asked(began, request, int(found.get("status") or 0))


def _instant(value: Any) -> float:
    text = str(value)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        number = float(text)
        return number / 1000 if number > _MILLISECONDS else number
    if re.match(r"\d\d/\w{3}/", text):
        return datetime.strptime(text, _LOCAL).timestamp()
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _har(text: str) -> Iterator[Asked | None]:
    try:
        entries = json.loads(text)["log"]["entries"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RecordingError("not a HAR file: no log with entries") from None
    for entry in entries:
        try:
            yield _entry(entry)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            yield None


def _entry(entry: Mapping[str, Any]) -> Asked:
    request = entry["request"]
    sent = request.get("postData") or {}
    kind = str(sent.get("mimeType") or "").lower()
    body = stripped.body(str(sent["text"]), kind).encode() if sent.get("text") else None
    headers = tuple(
        (str(header["name"]), str(header["value"]))
        for header in request.get("headers", ())
        if str(header["name"]).lower() in stripped.KEPT_HEADERS and str(header["value"]).isprintable()
    )
    line = f"{request['method']} {request['url']}"
    status = int((entry.get("response") or {}).get("status") or 0)
    return _asked(_instant(entry["startedDateTime"]), line, status)._replace(headers=headers, body=body)


def _asked(t: float, request: str, status: int) -> Asked:
    method, address = _found(_REQUEST, request)
    return Asked(t, method, stripped.target(address), status)


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.search(text) if pattern is not _REQUEST else pattern.fullmatch(text)
    if match is None:
        raise ValueError
    return tuple(match.groups())


def _unescaped(text: str) -> str:
    r"""What nginx and Apache write as `\x22` in a log, percent-encoded as it may stand in an address.

    >>> _unescaped(r"GET /a\x22b HTTP/1.1")
    'GET /a%22b HTTP/1.1'
    """
    return _ESCAPE.sub(r"%\1", text)


FORMATS: Final[Mapping[str, Callable[[str], Iterator[Asked | None]]]] = {
    "combined": _lines(_combined),
    "json": _lines(_json),
    "haproxy": _lines(_haproxy),
    "har": _har,
}
