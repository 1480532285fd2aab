"""Credentials and headers for a Prometheus, from files that only their owner may read or from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from pipeline.base.errors import UsageError
from pipeline.base.files import READABLE, open_private
from pipeline.base.text import reason_of
from pipeline.series.prometheus import Prometheus

__all__ = ["VARIABLE", "client_of", "read_credentials", "read_headers"]

VARIABLE: Final = "PIPELINE_PROMETHEUS_CREDENTIALS"
_LINE: Final = re.compile(
    r"Bearer (?P<token>[\x21-\x7e]+)|Basic (?P<user>[^:\x00-\x1f\x7f]+):(?P<word>[^\x00-\x1f\x7f]*)"
)
_HEADER: Final = re.compile(
    r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(?P<value>[^\x00-\x08\x0a-\x1f\x7f]+)"
)
# Another of these would change what is asked, or how it is read.
_OWN_HEADERS: Final = re.compile(
    r"accept(-encoding)?|connection|content-(encoding|length|type)|expect|host|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)
_FORM: Final = "one line: Bearer TOKEN or Basic USER:PASSWORD"


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def client_of(
    url: str, credentials: Path | None, header_file: Path | None, ca: Path | None, most: int | None = None
) -> Prometheus:
    """The server at `url`, with what the three files hold, to be asked `most` questions. Raises UsageError."""
    auth, headers = read_credentials(credentials), read_headers(header_file)
    if auth and any(name.lower() == "authorization" for name in headers):
        raise UsageError("the credentials and --header-file both give Authorization: leave one away")
    return Prometheus(url, auth=auth, headers=headers, ca=ca, most=most)


def read_credentials(path: Path | None) -> AuthBase | None:
    """The credentials in the file, else those of the environment's VARIABLE, else None.

    Raises UsageError, without a word of what was read, when the file is not the owner's alone or not as it must be.
    """
    if path is not None:
        where = f"--credentials {path}"
        return _parse(_private_text(path, where), where)
    text = os.environ.get(VARIABLE)
    return _parse(text, VARIABLE) if text else None


def read_headers(path: Path | None) -> Mapping[str, str]:
    """The headers in the file: a line `NAME: VALUE` each; empty lines and those that begin with # are left out.

    Raises UsageError as `read_credentials` does, with the line's number.
    """
    if path is None:
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(_private_text(path, f"--header-file {path}").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"--header-file {path}:{number}"
        match = _HEADER.fullmatch(line.strip())
        if match is None:
            raise UsageError(f"{where}: not a header", hint="NAME: VALUE, as in X-Scope-OrgID: tenant-1")
        name = match["name"]
        if _OWN_HEADERS.fullmatch(name):
            raise UsageError(f"{where}: {name} is set by the client itself")
        if name.lower() in map(str.lower, found):
            raise UsageError(f"{where}: {name} stands there twice")
        found[name] = match["value"]
    if not found:
        raise UsageError(f"--header-file {path}: no header is in it", hint="a line for each, NAME: VALUE")
    return found


def _private_text(path: Path, where: str) -> str:
    try:
        with open_private(path) as file:
            return file.read(100_000).decode()
    except OSError as error:
        raise UsageError(f"{where}: cannot be read: {reason_of(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{where}: not text in UTF-8") from None
    except ValueError as error:
        hint = f"chmod 600 {path}" if str(error) == READABLE else None
        raise UsageError(f"{where}: {error}", hint=hint) from None


def _parse(text: str, where: str) -> AuthBase:
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{where}: not credentials", hint=_FORM)
    if match["token"] is not None:
        return _Bearer(match["token"])
    # As bytes, so that a password of any alphabet is sent in UTF-8.
    return HTTPBasicAuth(match["user"].encode(), match["word"].encode())
