"""Headers come from a file: what may hold a password stays out of the process list."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def test_the_loader_takes_headers_from_a_file(tmp_path: Path) -> None:
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "headers").write_text("Authorization: Bearer secret\n")
        url = f"http://127.0.0.1:{server.server_port}/"
        command = [sys.executable, "-m", "loadgen", url, "--rate", "5", "--duration", "1s"]
        subprocess.run(
            [*command, "--header-file", str(tmp_path / "headers")],
            check=True,
            capture_output=True,
            timeout=30,
        )
        server.shutdown()
    assert seen == ["Bearer secret"] * 5


def test_a_header_file_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("no colon here\n")
    command = [
        sys.executable,
        "-m",
        "loadgen",
        "http://127.0.0.1:9/",
        "--header-file",
        str(tmp_path / "headers"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
