"""What may stand on the command line: each kind of value, checked before anything is sent."""

from __future__ import annotations

import math
import re
import resource
from pathlib import Path

import click
from yarl import URL

from loadgen.arrivals import Stage
from loadgen.durations import parse_amount, parse_duration

__all__ = [
    "BYTES_REGEX",
    "DURATION",
    "HEADER",
    "LONGEST",
    "METHOD",
    "RATE",
    "SIZE",
    "STAGE",
    "TARGET",
    "check_connections",
    "read_body",
    "read_headers",
    "with_query",
]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: what a method or a header's name is made of
_MAX_RATE = 100_000
LONGEST = 86_400  # seconds
_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_LARGEST = 1 << 30  # bytes; a body that is searched is kept until it is whole
_SPARE_FILES = 32  # records, standard streams, the event loop's own, look-ups


class _Target(click.ParamType[str]):
    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if "@" in re.split(r"[/?#]", value.partition("://")[2], maxsplit=1)[0]:
            # Not repeated in the message: it may be a password.
            self.fail(
                "an address is no place for a password: use --header-file for Authorization", param, ctx
            )
        try:
            url = URL(value)
            usable = url.scheme in ("http", "https") and bool(url.host) and url.port != 0
        except ValueError:
            usable = False
        if not usable or re.search(r"[\s\x00-\x1f]", value):
            self.fail(f"{value!r} is not an http:// or https:// address", param, ctx)
        if not value.isascii():
            self.fail(
                f"{value!r} has letters beyond ASCII: write them percent-encoded (ü is %C3%BC)", param, ctx
            )
        return value


class _Rate(click.ParamType[float]):
    name = "per_second"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 0 < rate <= _MAX_RATE:
            self.fail(
                f"{value!r} is not a rate: requests a second, above 0 and up to {_MAX_RATE}", param, ctx
            )
        return rate


class _Stage(click.ParamType[Stage]):
    """A part of the load: 30s@50 (at 50 a second), 2m@50..200 (from 50 to 200 a second), 10s@0 (a pause)."""

    name = "time@rate"

    def convert(self, value: str | Stage, param: click.Parameter | None, ctx: click.Context | None) -> Stage:
        if isinstance(value, Stage):
            return value
        seconds, at, rates = value.partition("@")
        begin, dots, end = rates.partition("..")
        try:
            stage = Stage(parse_duration(seconds), float(begin), float(end if dots else begin))
        except ValueError:
            stage = None
        if not at or stage is None or not all(0 <= rate <= _MAX_RATE for rate in stage[1:]):
            self.fail(
                f"{value!r} is not a stage such as 30s@50 or 2m@50..200 (up to {_MAX_RATE} a second)",
                param,
                ctx,
            )
        return stage


class _Duration(click.ParamType[float]):
    """Seconds as a float, from 100ms, 60s, 5m, 5min, 1h or a bare number of seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = parse_duration(value)
        except ValueError:
            seconds = math.inf
        if seconds > LONGEST:
            self.fail(f"{value!r} is not a duration such as 100ms, 60s or 5m (up to 24h)", param, ctx)
        return seconds


class _Size(click.ParamType[int]):
    """Bytes, from 500kB, 16MB, 1GiB or a bare number of bytes."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            size = parse_amount(value, _BYTES, "size", "16MB")
        except ValueError:
            size = math.inf
        if size > _LARGEST:
            self.fail(f"{value!r} is not a size such as 500kB or 16MB (up to 1GiB)", param, ctx)
        return math.ceil(size)


class _Header(click.ParamType[tuple[str, str]]):
    name = "'k: v'"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, colon, text = value.partition(":")
        # The value is not repeated in the message: it may be a password.
        if not colon or not _TOKEN.fullmatch(name):
            self.fail("a header is written 'Name: value'", param, ctx)
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
            self.fail(f"the value of {name} holds a control character", param, ctx)
        if name.lower() in ("content-length", "transfer-encoding"):
            self.fail(f"{name} follows from the body and cannot be set", param, ctx)
        return name, text.strip()


class _Method(click.ParamType[str]):
    name = "method"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        method = value.upper()
        if not _TOKEN.fullmatch(method) or method == "CONNECT":
            self.fail(f"{value!r} is not a method that can be sent", param, ctx)
        return method


class _BytesRegex(click.ParamType[re.Pattern[bytes]]):
    name = "regex"

    def convert(
        self, value: str | re.Pattern[bytes], param: click.Parameter | None, ctx: click.Context | None
    ) -> re.Pattern[bytes]:
        if isinstance(value, re.Pattern):
            return value
        try:
            return re.compile(value.encode(), re.DOTALL)
        except (re.error, OverflowError) as problem:
            self.fail(f"{value!r} is not a regular expression: {problem}", param, ctx)


TARGET, RATE, DURATION, SIZE, STAGE = _Target(), _Rate(), _Duration(), _Size(), _Stage()
HEADER, METHOD, BYTES_REGEX = _Header(), _Method(), _BytesRegex()


def read_body(path: Path | None) -> bytes | None:
    """The body file's bytes. Raises click.BadParameter when it cannot be read."""
    return None if path is None else _read(path, "'--body-file'")


def read_headers(path: Path | None) -> list[tuple[str, str]]:
    """The header file's lines, checked as `--header` is. Raises click.BadParameter."""
    if path is None:
        return []
    text = _read(path, "'--header-file'").decode("utf-8", errors="replace")
    return [HEADER.convert(line, None, None) for line in text.splitlines() if line.strip()]


def with_query(url: str, path: Path | None) -> str:
    """`url` with the query in the file, if one is given. Raises click.BadParameter, without a word of the query."""
    if path is None:
        return url
    query = _read(path, "'--query-file'").decode("utf-8", errors="replace").rstrip("\r\n")
    if "?" in url or "#" in url:
        raise click.BadParameter("URL has a query of its own", param_hint="'--query-file'")
    if not re.fullmatch(r"[\x21\x22\x24-\x7e]*", query):
        raise click.BadParameter(
            f"{path}: not a query: no spaces (use %20), no #", param_hint="'--query-file'"
        )
    return f"{url}?{query}" if query else url


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise click.BadParameter(f"{path}: {problem.strerror}", param_hint=option) from None


def check_connections(count: int, phases: int = 1) -> None:
    """Let this process open as many files as it may, and raise click.BadParameter when that is too few.

    Unchecked, it would look as if the server refused the connections.

    Args:
        count: Connections of one phase.
        phases: How many phases' requests may be on the wire at once.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    needed = count * phases + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise click.BadParameter(
            f"{count} connections need {needed:,} open files, more than the {hard:,} allowed here (see ulimit -Hn)",
            param_hint="'--connections'",
        )
