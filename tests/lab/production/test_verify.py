"""`pipeline verify` on a real host: it passes what is right, and names what is not, each by the check meant for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.base.errors import Exit
from tests.support.checkbox_site import CheckboxSite


@dataclass(frozen=True)
class Fault:
    """Something wrong with a host: how it comes, how it goes, and what the check that finds it is called."""

    make: str
    undo: str
    title: str
    reason: str


# $LIVE is the live slot's port, $IDLE the other one.
FAULTS = (
    Fault(
        "usermod -s /bin/bash checkbox",
        "usermod -s /usr/sbin/nologin checkbox",
        "The application's user is a system user that cannot log in",
        "its shell is /bin/bash",
    ),
    Fault(
        "chmod 644 /srv/checkbox/slots/$LIVE/environment",
        "chmod 640 /srv/checkbox/slots/$LIVE/environment",
        "No secret can be read by others: files",
        "a secret is in /srv/checkbox/slots/$LIVE/environment",
    ),
    Fault(
        "chown checkbox /srv/checkbox/current/public_html/index.html",
        "chown root /srv/checkbox/current/public_html/index.html",
        "The application cannot change the code that runs",
        "/srv/checkbox/current/public_html/index.html does not belong to root alone",
    ),
    Fault(
        "systemctl enable -q checkbox@$IDLE",
        "systemctl disable -q checkbox@$IDLE",
        "Exactly the slot that runs will start at boot",
        "enabled slots: [3002, 3003]",
    ),
    Fault(
        "systemd-run -q --unit=stranger python3 -m http.server 9999",
        "systemctl stop stranger",
        "Only SSH and nginx can be reached from outside",
        "reachable from outside: python3:9999",
    ),
    Fault(
        "echo 'nonsense;' > /etc/nginx/conf.d/nonsense.conf",
        "rm -f /etc/nginx/conf.d/nonsense.conf",
        "nginx's configuration is accepted",
        'nginx -t: [...] unknown directive "nonsense" in /etc/nginx/conf.d/nonsense.conf:1',
    ),
    Fault(
        # A second one that nothing leads to is no fault: the next release removes it.
        "mkdir -p /srv/checkbox/releases/half /srv/checkbox/releases/refused; echo half >> /srv/checkbox/history",
        "rmdir /srv/checkbox/releases/half /srv/checkbox/releases/refused; sed -i '/^half$/d' /srv/checkbox/history",
        "Each release that serves, or that can be gone back to, was installed to its end",
        "broken off: half",
    ),
)
# Found besides: the mode of the same file.
ALSO = {"Files that hold secrets are readable by root and the application only"}


def verify(checkbox: CheckboxSite, *options: str) -> tuple[int, dict[str, Any]]:
    ended = checkbox.command("verify", "checkbox.io", "-i", str(checkbox.inventory), "--json", *options)
    assert ended.out, ended.err
    return ended.code, ended.json


@pytest.fixture
def ports(checkbox: CheckboxSite) -> Iterator[dict[str, str]]:
    """The live and the idle slot's port of a host with all the faults, which is mended afterwards."""
    live = checkbox.machine.check_output("cut -d' ' -f1 /srv/checkbox/live")
    found = {"$LIVE": live, "$IDLE": {"3002": "3003", "3003": "3002"}[live]}
    names = f"LIVE={found['$LIVE']} IDLE={found['$IDLE']}"
    try:
        for fault in FAULTS:
            checkbox.machine.check_output("sudo sh -c %s", f"{names}; {fault.make}")
        yield found
    finally:
        for fault in FAULTS:
            checkbox.machine.check_output("sudo sh -c %s", f"{names}; {fault.undo}")


def test_each_fault_of_a_host_is_found_by_its_check_and_by_no_other(
    checkbox: CheckboxSite,
    ports: dict[str, str],
) -> None:
    code, report = verify(checkbox)

    assert code == Exit.FAILED
    failed = {check["title"]: check["reason"] for check in report["checks"] if check["outcome"] == "failed"}
    assert set(failed) == {fault.title for fault in FAULTS} | ALSO
    for fault in FAULTS:
        expected = fault.reason.replace("$LIVE", ports["$LIVE"])
        begin, _, end = expected.partition("[...]")
        assert failed[fault.title].startswith(begin)
        assert failed[fault.title].endswith(end)


def test_a_deployed_host_passes_also_when_its_processes_are_killed(checkbox: CheckboxSite) -> None:
    code, report = verify(checkbox, "--disruptive")

    assert [check for check in report["checks"] if check["outcome"] == "failed"] == []
    assert code == Exit.OK
    killed = [check for check in report["checks"] if "comes back" in check["title"]]
    assert len(killed) == 2
    assert all(check["reason"].startswith("answers after") for check in killed)
