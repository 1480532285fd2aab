"""What the loader is told on its command line, and in files where others could read that."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pipeline.base.facts import PROXY_PORT
from pipeline.base.private import private_directory
from pipeline.canary.plan import Settings
from pipeline.canary.profile import Profile
from pipeline.runs.phases import ANSWER_SECONDS

__all__ = ["loader_arguments", "private_files"]

_FEWEST_CONNECTIONS: Final = 64
_ROOM: Final = 1.2  # as many more connections than a version that hangs can hold
_PROXY_TAKES: Final = 4000  # a little below HAProxy's maxconn: what is beyond it waits where nobody sees it
_SPARE_FILES: Final = 64
_ONE_REQUEST: Final = {"Connection": "close"}


def loader_arguments(
    address: str, profile: Profile, settings: Settings, directory: Path, *, seconds: float | None = None
) -> list[str]:
    """loadgen's arguments for load on the proxy at `address`, but the request's query, headers and body.

    Its tables go to `directory`. The load lasts for `seconds`; None: for the whole schedule.
    """
    request = profile.request
    of_one = [] if profile.mix else _of_one(profile)
    lasts = settings.phases()[-1].end if seconds is None else seconds
    ends = [] if seconds is not None else _phase_ends(settings)
    options = {
        "--rate": f"{settings.rate:g}",
        "--duration": f"{lasts:g}s",
        "--timeout": f"{ANSWER_SECONDS:g}s",
        "--connections": str(
            _connections(settings.rate * profile.requests_per_arrival, phases=2 if ends else 1)
        ),
        "--served-by-header": "X-Served-By",
        "--requests-out": str(directory / "requests.csv"),
        "--hist-out": str(directory / "latency.hlog"),
    }
    url = f"http://{address}:{PROXY_PORT}{'' if profile.mix else request.path}"
    repeated = [word for end in ends for word in ("--phase-end", f"{end:g}s")]
    return [url, *(word for option in options.items() for word in option), *of_one, *repeated]


def _of_one(profile: Profile) -> list[str]:
    """What is said of the only request."""
    expect = profile.expect
    regex = [] if expect.body_regex is None else ["--expect-body-regex", expect.body_regex]
    statuses = [word for status in expect.status for word in ("--expect-status", str(status))]
    return ["--method", profile.request.method, *regex, *statuses]


def _phase_ends(settings: Settings) -> list[float]:
    """When the load goes from one version to the other: what was meant for the one must not be sent to the other."""
    if settings.canary_share is not None:
        return []
    phases = settings.phases()
    return [before.end for before, after in itertools.pairwise(phases) if before.arm != after.arm]


def _connections(rate: float, phases: int) -> int:
    """How many requests of one phase may be on the wire at once.

    A version that hangs holds all that fall due until the loader gives up. None of them may wait for a connection: then
    the proxy would not have them, and could not say whose they are. So there is one for each, with room, as far as this
    process may open them and the proxy takes them.

    Args:
        rate: Requests a second, steps included: each may take almost as long as it may.
        phases: Of how many phases there may be requests at once: what one left behind, and the next.
    """
    wanted = max(_FEWEST_CONNECTIONS, math.ceil(rate * ANSWER_SECONDS * _ROOM))
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)  # the loader raises its own limit to this
    most = _PROXY_TAKES if allowed == resource.RLIM_INFINITY else min(_PROXY_TAKES, allowed - _SPARE_FILES)
    return max(1, min(wanted, most // phases))


def _headers(given: Mapping[str, str], share: float | None) -> dict[str, str]:
    if share is None:
        return dict(given)
    others = {name: value for name, value in given.items() if name.lower() != "connection"}
    return {**others, **_ONE_REQUEST}


@contextlib.contextmanager
def private_files(profile: Profile, share: float | None) -> Iterator[list[str]]:
    """What is sent, as files for the loader: a token must not stand in a process list.

    Where both versions carry load at once (`share` is the canary's), each request has a connection of its own. When a
    version hangs up without an answer, HAProxy gives its 502, with the colour, only to the first request of a
    connection; later ones end without a word, for the client to try again (RFC 9112, 9.3.1), and nobody could tell
    whose they were.
    """
    sent = _headers(profile.request.headers, share)
    with private_directory() as private:
        if profile.mix:
            requests = profile.mix["requests"]
            if share is not None:
                requests = [{**one, "headers": _headers(one["headers"], share)} for one in requests]
            mix = private / "requests.yml"
            mix.write_text(json.dumps({**profile.mix, "requests": requests}))  # JSON is YAML
            yield ["--requests-file", str(mix)]
            return
        headers, body, query = (private / name for name in ("headers", "body", "query"))
        headers.write_text("".join(f"{name}: {value}\n" for name, value in sent.items()))
        body.write_bytes(profile.request.content())
        arguments = ["--header-file", str(headers)]
        if profile.request.query:
            query.write_text(profile.request.query)
            arguments += ["--query-file", str(query)]
        yield [*arguments, "--body-file", str(body)] if profile.request.content() else arguments
