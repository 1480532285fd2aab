"""A real Prometheus on a port of loopback. Its data, the past of a fleet, is written by promtool.

The fleet has four versions, each with two pods that were scraped every 5 s for 30 minutes from BEGIN on:
old, same (as old), worse (half as slow again, and 4 % of its answers are 500), and shrunk (as old, but its
histogram is gone). old and same never erred.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import bcrypt
import numpy as np
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from numpy.typing import NDArray

from tests.support.ports import free_port

__all__ = ["BEGIN", "PASSWORD", "program", "serving", "truth", "write_certificate", "write_fleet"]

Ints = NDArray[np.int64]

BEGIN: Final = 1_577_872_800  # 2020-01-01T10:00:00Z
SECONDS: Final = 1800
SCRAPE: Final = 5
PASSWORD: Final = 'p"a:ss'
VERSIONS: Final = ("old", "same", "worse", "shrunk")
PODS: Final = ("a", "b")
BOUNDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def program(name: str) -> str:
    """The program on PATH, or where bootstrap/setup.sh test has put it. Without it a test fails."""
    path = os.environ.get("PATH", "") + os.pathsep + str(Path(sys.prefix) / "prometheus")
    found = shutil.which(name, path=path)
    assert found, f"{name} is not there: bootstrap/setup.sh test"
    return found


def _random(version: str, pod: str) -> np.random.Generator:
    return np.random.default_rng([VERSIONS.index(version), ord(pod)])


def _requests(rng: np.random.Generator, version: str) -> tuple[Ints, Ints]:
    """Requests between two scrapes, and how many of them failed."""
    count = rng.poisson(10 * SCRAPE, SECONDS // SCRAPE + 1)
    return count, rng.binomial(count, 0.04) if version == "worse" else np.zeros_like(count)


def truth(version: str) -> tuple[int, int]:
    """How many of a version's requests failed, of how many, after the first scrape."""
    pods = [_requests(_random(version, pod), version) for pod in PODS]
    return sum(int(bad[1:].sum()) for _, bad in pods), sum(int(count[1:].sum()) for count, _ in pods)


def write_fleet(directory: Path) -> None:
    """Blocks of a database in `directory`/data."""
    lines: list[str] = []
    for version in VERSIONS:
        for pod in PODS:
            _pod(lines, version, pod)
    lines += [f"steady {i} {BEGIN - 14_400 + 60 * i}" for i in range(241)]
    for pod, first, again in (("a", 0, 178), ("b", 199, None)):
        # Ten jobs between two scrapes. Pod a begins again at 0 once; pod b is there only from its first job on.
        for i in range(first, SECONDS // SCRAPE + 1):
            done = i - again + 1 if again and i >= again else i - first + (pod == "b")
            lines.append(f'jobs_total{{version="old",pod="{pod}"}} {10 * done} {BEGIN + SCRAPE * i}')
        lines += [
            f'jobs_total{{version="same",pod="c"}} 7 {BEGIN + SCRAPE * i}'
            for i in (range(361) if first else ())
        ]
    (directory / "fleet.txt").write_text("\n".join([*lines, "# EOF", ""]), "utf-8")
    subprocess.run(
        [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "fleet.txt", "data"],
        cwd=directory,
        check=True,
        capture_output=True,
        timeout=60,
    )


def _pod(lines: list[str], version: str, pod: str) -> None:
    rng, labels = _random(version, pod), f'version="{version}",pod="{version}-{pod}"'
    every, bad = _requests(rng, version)
    n = len(every)
    t = BEGIN + SCRAPE * np.arange(n)
    for status, count in (("200", every - bad), ("500", bad)):
        if count.any():
            counter = np.cumsum(count) + 1_000_000 * (status == "200")
            lines += [
                f'http_requests_total{{{labels},status="{status}"}} {v} {s}'
                for s, v in zip(t, counter, strict=True)
            ]
    memory = 80e6 + rng.normal(0, 1e5, n)
    lines += [
        f"process_resident_memory_bytes{{{labels}}} {v:.0f} {s}" for s, v in zip(t, memory, strict=True)
    ]
    cpu = 100 + np.cumsum(rng.normal(0.2, 0.005, n)) * SCRAPE
    lines += [f"process_cpu_seconds_total{{{labels}}} {v:.3f} {s}" for s, v in zip(t, cpu, strict=True)]
    if version == "shrunk":
        return
    mean = 0.045 if version == "worse" else 0.03
    seen = np.zeros(len(BOUNDS) + 1, dtype=np.int64)
    rows: list[list[str]] = [[] for _ in seen]
    for s, count in zip(t, every, strict=True):
        latency = mean * rng.lognormal(0, 0.4, count)
        seen += [np.count_nonzero(latency <= bound) for bound in (*BOUNDS, np.inf)]
        for row, bound, value in zip(rows, (*BOUNDS, "+Inf"), seen, strict=True):
            row.append(f'http_request_duration_seconds_bucket{{{labels},le="{bound}"}} {value} {s}')
    for row in rows:
        lines += row


def write_certificate(directory: Path, name_in_dns: str | None = None) -> None:
    """cert.pem, which signs itself for 127.0.0.1 or else for a name, and key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the test's Prometheus")])
    now = datetime.now(UTC)
    whose: x509.GeneralName = x509.IPAddress(ip_address("127.0.0.1"))
    if name_in_dns is not None:
        whose = x509.DNSName(name_in_dns)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([whose]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (directory / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (directory / "key.pem").write_bytes(key.private_bytes(pem, form, plain))


@contextmanager
def serving(
    directory: Path,
    *,
    password: bool = False,
    tls: bool = False,
    config: str = "scrape_configs: []\n",
    port: int | None = None,
) -> Iterator[str]:
    """The address of a Prometheus with the data in `directory`, and with `config`; on a free port unless given.

    With `password` it is for the user judge alone; with `tls` its certificate, `directory`/cert.pem, signs itself.
    """
    port = port or free_port()
    (directory / "prometheus.yml").write_text(config, "utf-8")
    options = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    web = ""
    if password:
        digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        web += f"basic_auth_users: {{judge: '{digest}'}}\n"
    if tls:
        write_certificate(directory)
        web += "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
    (directory / "web.yml").write_text(web, "utf-8")
    options.append("--web.config.file=web.yml")
    log = (directory / "log").open("wb")
    server = subprocess.Popen([program("prometheus"), *options], cwd=directory, stdout=log, stderr=log)
    url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    try:
        _wait_until_ready(server, url, directory / "log")
        yield url
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    trusted = str(log.with_name("cert.pem")) if url.startswith("https") else True
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text("utf-8")[-2000:]
        try:
            answer = requests.get(f"{url}/-/ready", timeout=5, auth=("judge", PASSWORD), verify=trusted)
        except requests.ConnectionError:
            time.sleep(0.05)
            continue
        if answer.status_code == 200:
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8")[-2000:])
