"""Serves the page of a run that is under way: a process of its own, so that it takes no time from the measurement.

    python -m pipeline.report.live_server FD DIRECTORY

listens on the socket that it inherits as FD, and ends by itself once the run's report was shown to whoever was looking.
It gives way to everything else on the machine, and computes only what is asked for, not more often than once a second.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from pipeline.report.live import LivePage

__all__ = ["LiveServer", "main"]

_LEAST: Final = 1.0  # seconds between two computations, however many look
_LOOKING: Final = 5.0  # seconds since the last question after which nobody looks any more
_HOSTS: Final = ("127.0.0.1", "localhost")


class LiveServer(ThreadingHTTPServer):
    """The page of one run, on a socket that listens already."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, page: LivePage) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.page = page
        self.shown = False
        self._asked_at = 0.0
        self._lock = threading.Lock()
        self._state = ""
        self._made_at = -_LEAST

    @property
    def over(self) -> bool:
        """Whether the run has its report."""
        return self.page.report.is_file()

    @property
    def done(self) -> bool:
        """Whether the run is over and nobody waits for its report any more."""
        return self.over and (self.shown or time.monotonic() - self._asked_at > _LOOKING)

    def asked(self) -> None:
        """Somebody looks."""
        self._asked_at = time.monotonic()

    def state(self) -> str:
        """The page's state, a second old at most."""
        with self._lock:
            if time.monotonic() - self._made_at >= _LEAST:
                self._state = self.page.state()
                self._made_at = time.monotonic()
            return self._state

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is nothing to tell, and nobody reads what is told here."""


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    timeout = 10.0  # seconds for a request; a client that sends none holds a thread only

    def do_GET(self) -> None:
        """`/` is the page, `/state` its inside, `/report` what the run leaves."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in _HOSTS:  # a page of somebody else's, whose name was made to mean this machine
            self._answer(403, "this page is served as http://127.0.0.1 only\n", "text/plain")
            return
        self.server.asked()
        over = self.server.over
        if over and self.path in ("/", "/report"):
            self._answer(200, self.server.page.report.read_text("utf-8"))
            self.server.shown = True
        elif self.path == "/":
            self._answer(200, self.server.page.whole())
        elif self.path == "/state":
            self._answer(200, "" if over else self.server.state(), run="over" if over else "under way")
        else:
            self._answer(404, "not found\n", "text/plain")

    def _answer(self, status: int, text: str, kind: str = "text/html", run: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            *((("X-Run", run),) if run else ()),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the command's output is the run's."""


def main(arguments: list[str]) -> int:
    """Serve until the run is over and was seen to be."""
    descriptor, directory = int(arguments[0]), Path(arguments[1])
    os.nice(19)
    page = LivePage(directory)
    page.whole()  # what must be imported and compiled is so before there is any load
    with LiveServer(socket.socket(fileno=descriptor), page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while not server.done:
            time.sleep(0.5)
        if server.shown:
            time.sleep(0.5)  # the answer may be under way
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
