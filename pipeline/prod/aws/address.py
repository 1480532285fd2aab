"""This machine's address as the internet sees it."""

from __future__ import annotations

import ipaddress
import urllib.request

from pipeline.base.errors import EnvironmentError_
from pipeline.base.text import reason_of

__all__ = ["own_address"]

_URL = "https://checkip.amazonaws.com"  # AWS' own answer to this question


def own_address(url: str = _URL) -> str:
    """An IPv4 address. Raises EnvironmentError_ when nobody can tell."""
    hint = "ssh_from: in prod.yml, with the network that you come from, such as 203.0.113.7/32"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - a constant, or a test's own server
            text = answer.read(100).decode(errors="replace").strip()
        return str(ipaddress.IPv4Address(text))
    except OSError as error:
        raise EnvironmentError_(
            f"this machine's address: no answer of {url} ({reason_of(error)})", hint=hint
        ) from None
    except ValueError:
        raise EnvironmentError_(f"this machine's address: {url} said nothing like one", hint=hint) from None
