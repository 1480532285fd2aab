"""A small shop, with the standard library alone: what it sells, carts, reviews, orders; eight routes, and a log-in."""

import json
import os
import re
import signal
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType, MappingProxyType
from urllib.parse import parse_qs, urlsplit

import sessions
import shop

_ROUTES = (
    ("GET", re.compile("/items"), shop.items),
    ("GET", re.compile("/items/([0-9]+)"), shop.item),
    ("GET", re.compile("/search"), shop.search),
    ("GET", re.compile("/cart/([a-z]+)"), shop.cart),
    ("POST", re.compile("/cart/([a-z]+)"), shop.put_in_cart),
    ("GET", re.compile("/items/([0-9]+)/reviews"), shop.reviews),
    ("POST", re.compile("/items/([0-9]+)/reviews"), shop.review),
    ("POST", re.compile("/orders"), shop.order),
)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open between requests."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds an idle connection is kept
    disable_nagle_algorithm = True  # an answer is two small writes: the second must not wait for an ACK

    def do_GET(self) -> None:
        """Answers what is read."""
        self.route({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})

    def do_POST(self) -> None:
        """Answers what is written: a JSON object."""
        try:
            given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        except ValueError:
            given = None
        if isinstance(given, dict):
            self.route(given)
        else:
            self.answer(400, {"error": "not a JSON object"})

    def route(self, given: dict[str, object]) -> None:
        """Answers by method and path; 404 where there is none."""
        path = urlsplit(self.path).path
        if (self.command, path) == ("POST", "/login"):
            self.answer(*sessions.log_in(given))
            return
        if (self.command, path) == ("GET", "/account"):
            sent = self.headers
            self.answer(*sessions.account(sent.get("Cookie", ""), sent.get("Authorization", "")))
            return
        for method, pattern, answer in _ROUTES:
            match = pattern.fullmatch(path)
            if match and method == self.command:
                self.answer(*answer(*match.groups(), given))
                return
        self.answer(404, {"error": f"there is no {self.command} {path}"})

    def answer(
        self, status: int, value: dict[str, object], headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Sends `value` as JSON."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: a line for each request would cost more than the request."""


def main() -> None:
    """Serves until SIGTERM."""
    port = int(os.environ.get("PORT", "8001"))
    server = ThreadingHTTPServer(("", port), Handler)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # shutdown() waits for serve_forever(), which this very thread is running.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"shop listening on http://localhost:{port}/items", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
