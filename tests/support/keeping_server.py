"""An HTTP server in threads that keeps its connections: it answers while the event loop of a test is busy."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

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

    def __init__(self, answer: bytes = ANSWER, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Keeping)
        self._tls = tls
        self.answer = answer
        self.asked: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection, address


@contextlib.contextmanager
def serving(answer: bytes = ANSWER, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    with Server(answer, tls) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
