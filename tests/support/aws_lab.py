"""EC2 whose instances are hosts of a lab: moto's server, with addresses put in place of those that it makes up.

What stands between the command and the server does to a lab's host what EC2 does to a new instance: the key pair's
public half becomes the key of a user `admin`. An instance that is terminated lets `admin` in no more.
"""

from __future__ import annotations

import base64
import threading
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

from pipeline.inventory.hosts import Host
from pipeline.remote.ask import ask

__all__ = ["AwsLab", "aws_lab"]

_SECONDS = 60
_BOOT = """set -eu
id admin >/dev/null 2>&1 || useradd --create-home --shell /bin/bash admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/admin
install -d -m 700 -o admin /home/admin/.ssh
cat > /home/admin/.ssh/authorized_keys
chown admin /home/admin/.ssh/authorized_keys
"""
_END = "rm -f /home/admin/.ssh/authorized_keys /etc/sudoers.d/admin; pkill -KILL -u admin || :"


@dataclass
class AwsLab:
    """Where the API answers, which calls it had, and which hosts instances are, by the tag `pipeline:host`."""

    upstream: str
    hosts: Mapping[str, Host]
    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    key: str = ""
    instances: dict[str, str] = field(default_factory=dict)  # host's name by instance

    def answer(self, request: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """What EC2 says to a request, and what happens to the hosts with it."""
        sent = dict(urllib.parse.parse_qsl(request.decode()))
        action = sent.get("Action") or headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.calls[action] += 1
        if action == "ImportKeyPair":
            self.key = base64.b64decode(sent["PublicKeyMaterial"]).decode()
        forward = urllib.request.Request(self.upstream, request, dict(headers), method="POST")  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(forward, timeout=_SECONDS) as said:  # noqa: S310
                status, body = said.status, said.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        if action in ("RunInstances", "DescribeInstances"):
            body = self._placed(body)
        if action == "RunInstances":
            self._as_root(self._named(sent), _BOOT, self.key)
        if action == "TerminateInstances":
            for name, value in sent.items():
                if name.startswith("InstanceId") and value in self.instances:
                    self._as_root(self.instances[value], _END)
        return status, body

    def _named(self, sent: Mapping[str, str]) -> str:
        """The value of `pipeline:host` in a request."""
        key = next(name for name, value in sent.items() if value == "pipeline:host")
        return sent[key.removesuffix("Key") + "Value"]

    def _placed(self, body: bytes) -> bytes:
        root = ElementTree.fromstring(body)  # noqa: S314 - moto's
        space = root.tag.partition("}")[0] + "}"
        ElementTree.register_namespace("", space[1:-1])
        for item in root.iter(f"{space}item"):
            identifier = item.find(f"{space}instanceId")
            tags = item.find(f"{space}tagSet")
            if identifier is None or tags is None:
                continue
            found = {each.findtext(f"{space}key"): each.findtext(f"{space}value") for each in tags}
            host = self.hosts.get(found.get("pipeline:host") or "")
            if host is None:
                continue
            self.instances[str(identifier.text)] = host.name
            for name in ("ipAddress", "privateIpAddress"):
                for element in item.iter(f"{space}{name}"):
                    element.text = host.private_address
        return ElementTree.tostring(root)

    def _as_root(self, name: str, script: str, stdin: str = "") -> None:
        host = self.hosts[name]
        assert host.known_hosts is not None or host.key is not None
        known = host.known_hosts or Path("/dev/null")
        quoted = script.replace("'", "'\\''")
        answer = ask(host, f"sudo sh -c '{quoted}'", known_hosts=known, seconds=_SECONDS, stdin=stdin)
        assert answer.status == 0, answer


@contextmanager
def aws_lab(upstream: str, hosts: Mapping[str, Host]) -> Iterator[AwsLab]:
    """The server, on loopback, as long as it is used."""
    made = AwsLab(upstream, hosts)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
            status, said = made.answer(body, kept)
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()
