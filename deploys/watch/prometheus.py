"""Prometheus, Alertmanager and the blackbox exporter on the monitor: on its loopback, with Debian's packages.

`scrape_seconds` (5), `retention_days` (15) and `retention_size` (2GB) are data of the monitor's host.
Prometheus's admin and lifecycle APIs stay off; a changed configuration is checked by promtool, then read again on
SIGHUP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from pyinfra.api.exceptions import DeployError
from pyinfra.context import host

from deploys.kit.kept import Kept
from deploys.kit.places import DEPLOYS, TEMPLATES

__all__ = ["PACKAGES", "configuration", "keep_prometheus", "receiver"]

PACKAGES: Final = ["prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter"]
_HEAD: Final = "# Written by deploys/watch/prometheus.py; changes made here are lost.\n"
_TARGETS: Final = "/etc/prometheus/targets"
_RULES: Final = "/etc/prometheus/rules.yml"
_CONFIGURATION: Final = "/etc/prometheus/prometheus.yml"
_ALERTS: Final = "/etc/prometheus/alertmanager.yml"
_BLACKBOX: Final = "/etc/prometheus/blackbox.yml"


def _whole_number(name: str, usual: int, most: int) -> int:
    given = str(host.data.get(name) or usual)
    if not given.isdecimal() or not 0 < int(given) <= most:
        raise DeployError(f"{host.name}: {name} {given!r} is not a whole number from 1 to {most}")
    return int(given)


def configuration(jobs: Mapping[str, object], scrape_seconds: int) -> str:
    """The text of prometheus.yml for these jobs (JSON, which is YAML)."""
    own = [
        {"job_name": name, "static_configs": [{"targets": [target], "labels": {"app": "monitor"}}]}
        for name, target in (("prometheus", "127.0.0.1:9090"), ("alertmanager", "127.0.0.1:9093"))
    ]
    return _HEAD + _pretty(
        {
            "global": {
                "scrape_interval": f"{scrape_seconds}s",
                "scrape_timeout": f"{max(1, scrape_seconds - 1)}s",
                "evaluation_interval": f"{scrape_seconds}s",
            },
            "rule_files": [_RULES],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]},
            "scrape_configs": [*own, *(_scraped(job) for job in jobs)],
        }
    )


def _scraped(job: str) -> dict[str, object]:
    found: dict[str, object] = {"job_name": job, "file_sd_configs": [{"files": [f"{_TARGETS}/{job}.json"]}]}
    if job == "jmx":
        # One of the two slots never answers, and the host's sshd logs that each time.
        found["scrape_interval"] = "15s"
    if job in ("node", "mtail"):
        # A host with both applications is scraped for each: a series of the one must not count for the other.
        found["metric_relabel_configs"] = [
            {"source_labels": ["app"], "target_label": "__tmp_of"},
            {"source_labels": ["exported_app"], "regex": "(.+)", "target_label": "__tmp_of"},
            {"action": "keepequal", "source_labels": ["__tmp_of"], "target_label": "app"},
            {"action": "labeldrop", "regex": "exported_app|__tmp_of"},
        ]
    if job == "probe":
        found |= {
            "metrics_path": "/probe",
            "params": {"module": ["application"]},
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"target_label": "__address__", "replacement": "127.0.0.1:9115"},
            ],
        }
    return found


def receiver(webhook: str) -> str:
    """The text of alertmanager.yml: alerts go to `webhook`, or, where that is empty, no further than the page."""
    there: dict[str, object] = {"name": "page"}
    if webhook:
        parts = urlsplit(webhook)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", webhook):
            raise DeployError("the secret alert_webhook is not an address such as https://example.org/hook")
        there["webhook_configs"] = [{"url": webhook}]
    route = {
        "receiver": "page",
        "group_by": ["app", "alertname"],
        "group_wait": "10s",
        "group_interval": "1m",
    }
    return _HEAD + _pretty({"route": route, "receivers": [there]})


def _pretty(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


def keep_prometheus(what: Kept, jobs: Mapping[str, str], webhook: str) -> None:
    """Add the three to what the monitor keeps; `jobs` are the texts of the files of targets, by job."""
    seconds = _whole_number("scrape_seconds", 5, 300)
    days = _whole_number("retention_days", 15, 3650)
    size = str(host.data.get("retention_size") or "2GB")
    if not re.fullmatch(r"[1-9][0-9]{0,5}(MB|GB|TB)", size):
        raise DeployError(f"{host.name}: retention_size {size!r} is not a size such as 2GB")
    configured = what.file(_CONFIGURATION, configuration(jobs, seconds))
    rules = what.file(_RULES, (DEPLOYS / "alerts" / "rules.yml").read_text(encoding="utf-8"))
    what.only.append(f"{_TARGETS}/*.json")
    for job, text in jobs.items():
        what.file(f"{_TARGETS}/{job}.json", text)
    what.debian(
        "prometheus",
        [
            "--web.listen-address=127.0.0.1:9090",
            "--web.external-url=http://localhost/prometheus/",
            "--web.route-prefix=/",
            # By default Prometheus repeats the last value for 5 minutes; a minute, or four scrapes, is enough.
            f"--query.lookback-delta={max(60, 4 * seconds)}s",
            f"--storage.tsdb.retention.time={days}d",
            f"--storage.tsdb.retention.size={size}",
        ],
        answers="http://127.0.0.1:9090/-/ready",
        reread=[configured, rules],
    )
    receivers = what.file(_ALERTS, receiver(webhook), mode="640", group="prometheus")
    what.debian(
        "prometheus-alertmanager",
        [
            "--web.listen-address=127.0.0.1:9093",
            "--web.external-url=http://localhost/alertmanager/",
            "--web.route-prefix=/",
            # There is only one: it listens for no others.
            "--cluster.listen-address=",
        ],
        answers="http://127.0.0.1:9093/-/ready",
        reread=[receivers],
    )
    probes = what.file(_BLACKBOX, (TEMPLATES / "blackbox.yml").read_text(encoding="utf-8"))
    what.debian(
        "prometheus-blackbox-exporter",
        ["--web.listen-address=127.0.0.1:9115", f"--config.file={probes}"],
        answers="http://127.0.0.1:9115/-/healthy",
        reread=[probes],
    )
    what.test += [["promtool", "check", "config", _CONFIGURATION]]
