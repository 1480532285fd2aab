"""GET /slug?text=... -> {"slug": "...", "words": n, "repeated": {...}}, with the standard library alone."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from urllib.parse import parse_qs, urlsplit

from slug import describe


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open between requests."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds an idle connection is kept
    disable_nagle_algorithm = True  # an answer is two small writes: the second must not wait for an ACK

    def do_GET(self) -> None:
        """Answers /slug; anything else is a 404, a missing text a 400."""
        url = urlsplit(self.path)
        texts = parse_qs(url.query).get("text")
        if url.path != "/slug":
            self.answer(404, {"error": "the only page here is /slug?text=..."})
        elif not texts:
            self.answer(400, {"error": "text is missing"})
        else:
            self.answer(200, describe(texts[0]))

    def answer(self, status: int, value: dict[str, object]) -> None:
        """Sends `value` as JSON."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: a line for each request would cost more than the request."""


def main() -> None:
    """Serves until SIGTERM."""
    port = int(os.environ.get("PORT", "8000"))
    server = ThreadingHTTPServer(("", port), Handler)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # shutdown() waits for serve_forever(), which this very thread is running.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"slug listening on http://localhost:{port}/slug", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
