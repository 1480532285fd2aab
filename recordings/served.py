"""What the loader is recorded on: a small server on this machine that now and then stands still."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.loader.server import Server, serving

__all__ = ["served"]

_EVERY: Final = 4.0  # seconds from one stop to the next
_STANDS_STILL: Final = 0.4  # seconds


@contextmanager
def served(_directory: Path) -> Iterator[Mapping[str, str]]:
    """The server, while it runs. Gives what a session's shell gets."""
    over = threading.Event()
    with serving() as server:
        stops = threading.Thread(target=_stop_often, args=(server, over))
        stops.start()
        try:
            yield {"SERVICE": server.url}
        finally:
            over.set()
            stops.join()


def _stop_often(server: Server, over: threading.Event) -> None:
    while not over.wait(_EVERY):
        server.freeze(_STANDS_STILL)
