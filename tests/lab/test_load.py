"""`pipeline load` from two real hosts: what arrives, who can reach a worker meanwhile, and that nothing stays there."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from loadgen.cli import INTERRUPTED, INVALID
from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from tests.support.argv import sampled_argv
from tests.support.lab import Command

# What answers on each of a host's loopback ports to somebody who has no certificate. He says nothing himself, as Dask
# speaks first: bytes that a server has not read as it hangs up can cost its last words.
STRANGER = """
import socket, ssl, sys
from concurrent.futures import ThreadPoolExecutor
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
def told(port):
    try:
        with tls.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), 8)) as end:
            return "let in" if end.recv(1) else "closed"
    except ssl.SSLError as problem:
        return problem.reason
    except TimeoutError:  # Dask's own HTTP server, which serves no page and speaks no TLS
        return "silent"
with ThreadPoolExecutor() as pool:
    print(*pool.map(told, sys.argv[1:]), sep="\\n")
"""
REFUSED = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
# Addresses on which something listens, programs in Python, and what those keep.
LEFT = "ss -Hltn | awk '{print $4}' | sort -u; ps -C python3 -o args= || true; ls -A /dev/shm"
KILL = "kill -KILL $(pgrep -f '[l]oadgen.hosted')"


class Service(NamedTuple):
    """A service on this machine; `asked` counts its requests by the address that they came from."""

    url: str
    asked: Counter[str]


Shell = Callable[[Host, str], str]
Left = Callable[[], dict[str, str]]


class Load(NamedTuple):
    """A `pipeline load` under way, and how it ended: code, output, errors."""

    process: subprocess.Popen[str]

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def two(inventory: Inventory) -> tuple[Host, Host]:
    return inventory.one("blue"), inventory.one("green")


@pytest.fixture(scope="module")
def file(two: tuple[Host, Host], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory whose group `loaders` they are."""
    path = tmp_path_factory.mktemp("loaders") / "hosts.ini"
    write_inventory(Inventory({"loaders": two}), path)
    return path


@pytest.fixture
def service(two: tuple[Host, Host]) -> Iterator[Service]:
    asked: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked[self.client_address[0]] += 1
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((two[0].address, 9))  # nothing is sent: only the way there is looked up
        own = probe.getsockname()[0]
    with ThreadingHTTPServer((own, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Service(f"http://{own}:{server.server_address[1]}/", asked)
        server.shutdown()
        thread.join()


@contextmanager
def loading(file: Path, service: Service, *options: str) -> Iterator[Load]:
    """A load that goes on, from both hosts, while this is used. That the machine is busy makes none of it invalid."""
    patient = ("--max-lateness", "60s", "--timeout", "30s")
    command = ["load", "--loaders", str(file), service.url, *options, *patient]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *command],
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + 60
        while len(service.asked) < 2 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        yield Load(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def shell(hosts: dict[str, Any]) -> Shell:
    def run(host: Host, script: str) -> str:
        done = hosts[host.name].run(script)
        assert done.rc == 0, done.stderr
        return str(done.stdout)

    return run


@pytest.fixture(scope="module")
def left(two: tuple[Host, Host], shell: Shell) -> Left:
    """What there is on the hosts now."""
    return lambda: {host.name: shell(host, LEFT) for host in two}


@pytest.fixture(scope="module")
def before(left: Left) -> dict[str, str]:
    """The same, before any of these tests."""
    return left()


def test_requests_come_from_both_hosts_and_the_books_add_up(
    two: tuple[Host, Host], file: Path, service: Service, shell: Shell, left: Left, before: dict[str, str]
) -> None:
    blue, green = two
    with (
        sampled_argv() as argv,
        loading(file, service, "--rate", "30", "--duration", "16s", "--json") as under_way,
    ):
        meanwhile = left()
        ports = [
            line.rpartition(":")[2] for line in meanwhile[blue.name].splitlines() if "127.0.0.1:" in line
        ]
        told = shell(blue, shlex.join(["python3", "-I", "-c", STRANGER, *ports])).split("\n")
        code, out, err = under_way.ended()
    assert code == Exit.OK, err
    summary = json.loads(out)
    assert summary["sent"] == summary["completed"] == 480
    assert service.asked == {blue.address: 240, green.address: 240}
    names = [(shard["name"], shard["sent"]) for shard in summary["shards"]]
    assert names == [("shard 1 of 2 (worker blue)", 240), ("shard 2 of 2 (worker green)", 240)]
    assert left() == before

    # What has come to listen was on loopback, and let nobody in: the worker, and the way to the scheduler.
    new = {
        line
        for host in two
        for line in set(meanwhile[host.name].splitlines()) - {*before[host.name].splitlines()}
    }
    listening = {line for line in new if re.search(r":\d+$", line)}
    assert len(listening) >= 4
    assert [line for line in listening if not line.startswith("127.0.0.1:")] == []
    assert told.count(REFUSED) == 2
    assert "let in" not in told
    assert [line for line in argv if "PRIVATE KEY" in line] == []


def test_a_second_time_nothing_is_put_there(file: Path, command: Command) -> None:
    ended = command("load", "--loaders", str(file), "http://127.0.0.1:9/", "--dry-run", "--json")
    assert ended.code == Exit.OK, ended.err
    assert [(host["host"], host["put"]) for host in ended.json["hosts"]] == [
        ("blue", False),
        ("green", False),
    ]


def test_ctrl_c_ends_all_in_order_and_what_was_measured_is_said(
    file: Path, service: Service, left: Left, before: dict[str, str]
) -> None:
    with loading(file, service, "--rate", "20", "--duration", "1h", "--json") as under_way:
        under_way.process.send_signal(signal.SIGINT)
        code, out, err = under_way.ended()
    assert code == INTERRUPTED, err
    summary = json.loads(out)
    assert summary["interrupted"] is True
    assert [shard["lost"] for shard in summary["shards"]] == [None, None]
    assert left() == before


def test_a_host_whose_worker_dies_is_named_and_the_other_goes_on(
    two: tuple[Host, Host], file: Path, service: Service, shell: Shell, left: Left, before: dict[str, str]
) -> None:
    blue, green = two
    with loading(file, service, "--rate", "20", "--duration", "8s", "--json") as under_way:
        shell(green, KILL)
        code, out, err = under_way.ended()
    assert code == INVALID, err
    summary = json.loads(out)
    assert "shard 2 of 2 (worker green) was lost (" in summary["reason"]
    assert service.asked[blue.address] == 80
    assert left() == before
