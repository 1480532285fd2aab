"""A local HTTP server in the place of a Prometheus that fails in ways a real one cannot be brought to on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

__all__ = ["GOOD", "Answering", "Faulty", "faulty", "matrix"]


@dataclass(frozen=True)
class Answering:
    """One answer: its status, body, and headers."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def matrix(*series: dict[str, Any], **others: Any) -> Answering:
    """The answer of a Prometheus that holds these series."""
    data = {"resultType": "matrix", "result": list(series)}
    return Answering(body=json.dumps({"status": "success", "data": data, **others}).encode())


GOOD = matrix({"metric": {"pod": "a"}, "values": [[100, "1"], [115, "NaN"], [130, "2.5"]]})


@dataclass
class Faulty:
    """`answers` are given in turn, the last one for ever; `seen` holds each request's headers and form.

    Where `no_post` is given, it is the answer to every POST, and those in turn are to GET.
    """

    answers: list[Answering]
    url: str = ""
    no_post: Answering | None = None
    seen: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)


@contextmanager
def faulty(*answers: Answering, no_post: Answering | None = None) -> Iterator[Faulty]:
    """The server, running."""
    server = Faulty(list(answers), no_post=no_post)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self._answer(self.rfile.read(length).decode(), server.no_post)

        def do_GET(self) -> None:
            self._answer(self.path.partition("?")[2], None)

        def _answer(self, text: str, refused: Answering | None) -> None:
            form = {name: values[0] for name, values in parse_qs(text).items()}
            server.seen.append((dict(self.headers), form))
            answer = refused or (server.answers[0] if len(server.answers) == 1 else server.answers.pop(0))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
