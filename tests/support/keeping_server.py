"""An HTTP server in threads that keeps its connections: it answers while the event loop of a test is busy."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator

__all__ = ["ANSWER", "Server", "serving"]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Keeping(socketserver.BaseRequestHandler):
    """Answers each request on a connection with the server's `answer`, and keeps the connection."""

    server: Server

    def handle(self) -> None:
        self.server.connections += 1
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(100_000):
                self.server.asked.append(data)
                time.sleep(self.server.seconds)
                self.request.sendall(self.server.answer)


class Server(socketserver.ThreadingTCPServer):
    """`asked` has what came, `connections` how many were made; each answer takes `seconds`."""

    daemon_threads = True
    answer = ANSWER
    seconds = 0.0
    connections = 0

    def __init__(self, answer: bytes = ANSWER) -> None:
        super().__init__(("127.0.0.1", 0), Keeping)
        self.answer = answer
        self.asked: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def serving(answer: bytes = ANSWER) -> Iterator[Server]:
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
