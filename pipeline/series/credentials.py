"""Credentials for a Prometheus, from a file that only its owner may read or from the environment."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from pipeline.base.errors import UsageError

__all__ = ["VARIABLE", "read_credentials"]

VARIABLE: Final = "PIPELINE_PROMETHEUS_CREDENTIALS"
_LINE: Final = re.compile(
    r"Bearer (?P<token>[\x21-\x7e]+)|Basic (?P<user>[^:\x00-\x1f\x7f]+):(?P<word>[^\x00-\x1f\x7f]*)"
)
_FORM: Final = "one line: Bearer TOKEN or Basic USER:PASSWORD"


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read_credentials(path: Path | None) -> AuthBase | None:
    """The credentials in the file, else those of the environment's VARIABLE, else None.

    Raises UsageError, without a word of what was read, when the file is not the owner's alone or not as it must be.
    """
    if path is not None:
        return _parse(_private_text(path), f"--credentials {path}")
    text = os.environ.get(VARIABLE)
    return _parse(text, VARIABLE) if text else None


def _private_text(path: Path) -> str:
    where = f"--credentials {path}"
    try:
        with path.open("rb") as file:
            # Of what was opened: a name can be given to another file meanwhile.
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode) and not stat.S_ISFIFO(state.st_mode):
                raise UsageError(f"{where}: neither a file nor a pipe")
            if state.st_mode & 0o077:
                raise UsageError(f"{where}: others can read this file", hint=f"chmod 600 {path}")
            return file.read(100_000).decode()
    except OSError as error:
        raise UsageError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{where}: not text in UTF-8") from None


def _parse(text: str, where: str) -> AuthBase:
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{where}: not credentials", hint=_FORM)
    if match["token"] is not None:
        return _Bearer(match["token"])
    # As bytes, so that a password of any alphabet is sent in UTF-8.
    return HTTPBasicAuth(match["user"].encode(), match["word"].encode())
