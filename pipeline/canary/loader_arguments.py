"""What the loader is told on its command line, and in files where others could read that."""

from __future__ import annotations

import contextlib
import math
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.base.facts import PROXY_PORT
from pipeline.canary.plan import Settings
from pipeline.canary.profile import Profile

__all__ = ["loader_arguments", "private_files"]

# Longer than HAProxy's own, so that what the service delays is HAProxy's 504 and has a colour.
_TIMEOUT_SECONDS: Final = 5.0
_CONNECTIONS: Final = 64
_SPARE_FILES: Final = 64
_ONE_REQUEST: Final = {"Connection": "close"}


def loader_arguments(
    address: str, profile: Profile, settings: Settings, directory: Path, *, seconds: float | None = None
) -> list[str]:
    """loadgen's arguments for load on the proxy at `address`, but the request's query, headers and body.

    Its tables go to `directory`. The load lasts for `seconds`; None: for the whole schedule.
    """
    request = profile.request
    lasts = settings.phases()[-1].end if seconds is None else seconds
    options = {
        "--method": request.method,
        "--rate": f"{settings.rate:g}",
        "--duration": f"{lasts:g}s",
        "--timeout": f"{_TIMEOUT_SECONDS:g}s",
        "--connections": str(_connections(settings)),
        "--served-by-header": "X-Served-By",
        "--requests-out": str(directory / "requests.csv"),
        "--hist-out": str(directory / "latency.hlog"),
    }
    if profile.expect.body_regex is not None:
        options["--expect-body-regex"] = profile.expect.body_regex
    url = f"http://{address}:{PROXY_PORT}{request.path}"
    statuses = [word for status in profile.expect.status for word in ("--expect-status", str(status))]
    return [url, *(word for option in options.items() for word in option), *statuses]


def _connections(settings: Settings) -> int:
    """How many requests may be on the wire at once.

    Where both versions carry load at once, one that hangs must not make the other's requests wait for a connection: so
    as many as fall due before the loader gives up, as far as this process may open them.
    """
    if settings.canary_share is None:
        return _CONNECTIONS
    wanted = max(_CONNECTIONS, math.ceil(settings.rate * _TIMEOUT_SECONDS))
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(_CONNECTIONS, allowed - _SPARE_FILES))


@contextlib.contextmanager
def private_files(profile: Profile, share: float | None) -> Iterator[list[str]]:
    """The request's query, headers and body as files for the loader: a token must not stand in a process list.

    Where both versions carry load at once (`share` is the canary's), each request has a connection of its own. When a
    version hangs up without an answer, HAProxy gives its 502, with the colour, only to the first request of a
    connection; later ones end without a word, for the client to try again (RFC 9112, 9.3.1), and nobody could tell
    whose they were.
    """
    sent = dict(profile.request.headers)
    if share is not None:
        others = {name: value for name, value in sent.items() if name.lower() != "connection"}
        sent = {**others, **_ONE_REQUEST}
    with tempfile.TemporaryDirectory(prefix="pipeline-") as private:  # mode 0700
        headers, body, query = (Path(private) / name for name in ("headers", "body", "query"))
        headers.write_text("".join(f"{name}: {value}\n" for name, value in sent.items()))
        body.write_bytes(profile.request.content())
        arguments = ["--header-file", str(headers)]
        if profile.request.query:
            query.write_text(profile.request.query)
            arguments += ["--query-file", str(query)]
        yield [*arguments, "--body-file", str(body)] if profile.request.content() else arguments
