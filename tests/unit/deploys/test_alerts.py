"""The alerts: each is shown to fire and not to fire, by promtool."""

from __future__ import annotations

import subprocess

import yaml

from deploys.kit.places import DEPLOYS
from tests.support.real_prometheus import program

ALERTS = DEPLOYS / "alerts"


def test_every_alert_waits_a_little_says_what_is_wrong_and_what_to_do_and_is_tested() -> None:
    groups = yaml.safe_load((ALERTS / "rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    tests = yaml.safe_load((ALERTS / "tests.yml").read_text())["tests"]
    fired = {c["alertname"] for t in tests for c in t["alert_rule_test"] if c["exp_alerts"]}
    silent = {c["alertname"] for t in tests for c in t["alert_rule_test"] if not c["exp_alerts"]}
    for rule in rules:
        assert rule["for"]
        assert rule["annotations"].keys() == {"summary", "hint"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["alert"] in fired & silent, f"{rule['alert']} is not shown to fire, and not to fire"


def test_the_alerts_fire_when_they_should() -> None:
    done = subprocess.run(
        [program("promtool"), "test", "rules", "tests.yml"],
        cwd=ALERTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
