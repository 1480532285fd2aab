"""`pipeline prod open`: what it says and when, with an ssh that leads to a page on this machine."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

import pytest

from pipeline.base.errors import Exit, HostError
from pipeline.cli.root import run
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.prod import tunnel

MONITOR = Host("watcher", "192.0.2.7", user="admin")
# Answers on the port that ssh is to forward; ends after `requests` answers, with a word.
PAGE = """
import http.server, sys
port = int(sys.argv[sys.argv.index("-L") + 1].split(":")[1])
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
    def log_message(self, *_):
        pass
with http.server.HTTPServer(("127.0.0.1", port), Page) as server:
    for _ in range({requests}):
        server.handle_request()
print("the line went dead", file=sys.stderr)
"""


def ssh_that_is(program: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "ssh").write_text(f"#!{sys.executable}\n{program}")
    (directory / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_the_page_is_told_once_it_answers_and_a_lost_connection_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_that_is(PAGE.format(status=200, requests=2), tmp_path, monkeypatch)
    monkeypatch.setattr(tunnel, "AGAIN", 0.0)
    told: list[str] = []

    def ready(address: str) -> None:
        told.append(address)
        urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - the page above; it ends with this

    def lost(said: str) -> None:
        told.append(said)
        ssh_that_is("import os, signal; os.kill(os.getppid(), signal.SIGINT)", tmp_path, monkeypatch)

    with pytest.raises(KeyboardInterrupt):  # from the second ssh, as Ctrl-C would be
        tunnel.open_tunnel(MONITOR, tmp_path / "known", ready, lost)
    assert told[0].startswith("http://127.0.0.1:")
    assert told[0].endswith("/dashboard/")
    assert told[1:] == ["the line went dead"]


def test_a_host_without_the_page_is_told_with_what_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_that_is(PAGE.format(status=404, requests=1), tmp_path, monkeypatch)
    with pytest.raises(HostError, match="watcher: the dashboard does not answer there: HTTP 404") as caught:
        tunnel.open_tunnel(MONITOR, tmp_path / "known", pytest.fail, pytest.fail)
    assert caught.value.hint == "pipeline prod up"


def test_a_monitor_that_ssh_does_not_reach_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ssh_that_is("import sys; sys.exit('Permission denied (publickey).')", tmp_path, monkeypatch)
    write_inventory(Inventory({"monitor": (MONITOR,)}), tmp_path / "inventory.ini")
    assert run(["prod", "open", "-i", str(tmp_path / "inventory.ini")]) == Exit.ENVIRONMENT
    assert capsys.readouterr().err == (
        "pipeline: watcher: SSH to 192.0.2.7: Permission denied (publickey).\n  try: pipeline prod status\n"
    )


def test_without_a_screen_no_browser_takes_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("webbrowser.open", pytest.fail)
    assert not tunnel.show_in_browser("http://127.0.0.1:1/")
