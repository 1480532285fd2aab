"""Every exception has a reason that a person can read."""

from __future__ import annotations

import socket
import urllib.error

import aiohttp
import pytest

from pipeline.base.text import reason_of


class Silent(Exception):
    """Its own words fail."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "no answer in time"),
        (TimeoutError("timed out"), "timed out"),
        (OSError(28, "No space left on device", "/x"), "No space left on device"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (ConnectionResetError(), "the connection was closed"),
        (EOFError(), "the end came too early"),
        (urllib.error.URLError(TimeoutError()), "no answer in time"),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (aiohttp.ServerTimeoutError(), "no answer in time"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ValueError("two\nlines \x1b[31mred"), "two lines red"),
        (UnicodeDecodeError("utf-8", b"a", 0, 1, "x"), "'utf-8' codec can't decode byte 0x61 in position 0: x"),
        (AssertionError(), "AssertionError without a word"),
        (Silent(), "Silent without a word"),
    ],
)  # fmt: skip
def test_a_reason_is_never_empty(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
