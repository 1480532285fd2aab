"""The two slots and the releases: docs/deploys.md, "On the host"."""

from __future__ import annotations

import time
from typing import Any

import pytest
from application import Application, Database
from connection import Outside
from shell import output, process
from slots import Slots

KEPT = 3


class SlotChecks:
    """Exactly one slot is live, and everything agrees on which."""

    def test_one_active(self, slots: Slots) -> None:
        """Exactly one slot runs."""
        assert len(slots.active) == 1, f"running slots: {slots.active or 'none'}"

    def test_one_enabled(self, slots: Slots) -> None:
        """Exactly the slot that runs will start at boot."""
        assert len(slots.enabled) == 1, f"enabled slots: {slots.enabled or 'none'}"
        assert slots.enabled == slots.active, f"enabled {slots.enabled}, running {slots.active}"

    def test_upstream(self, slots: Slots) -> None:
        """nginx points to the slot that runs, and to nothing else."""
        assert len(slots.upstream) == 1, f"nginx points to {slots.upstream or 'nothing'}"
        assert slots.upstream == slots.active, f"nginx points to {slots.upstream}, running is {slots.active}"

    def test_live(self, slots: Slots) -> None:
        """The last deploy finished: its port and release are the ones that are served."""
        port, release, fingerprint = slots.live
        assert port, f"{slots.home}/live says {slots.parts['live']!r}: no deploy finished"
        assert [port] == slots.active, f"live says {port}, running is {slots.active}"
        assert release == slots.current, f"live says {release}, current leads to {slots.current or 'nothing'}"
        slot = slots.parts[f"release-{port}"].removeprefix(f"{slots.home}/releases/")
        assert release == slot, f"live says {release}, the slot runs {slot or 'nothing'}"
        assert fingerprint == slots.parts[f"fingerprint-{port}"], "the slot was started from something else"

    def test_current(self, slots: Slots) -> None:
        """`current` leads to a release whose installation finished."""
        assert slots.current in slots.releases, f"current leads to {slots.parts['current'] or 'nothing'}"
        assert slots.current in slots.markers, f"{slots.current} was not installed to its end"

    def test_releases_whole(self, slots: Slots) -> None:
        """Each release that serves, or that can be gone back to, was installed to its end."""
        assert slots.releases, f"there is none in {slots.home}/releases"
        # A tree that nothing leads to was refused or broken off before it served: a later deploy removes it.
        broken = (slots.releases ^ slots.markers) & {slots.current, *slots.slotted, *slots.history}
        assert not broken, f"broken off: {', '.join(sorted(broken))}"

    def test_releases_kept(self, slots: Slots) -> None:
        """At most three releases are kept beside the one that is served."""
        others = slots.releases & slots.markers - {slots.current}
        assert slots.current, "no release is served"
        assert len(others) <= KEPT, f"{len(others)} releases beside the current one"

    def test_history(self, slots: Slots) -> None:
        """The history names each release once, the served one among them."""
        assert slots.current in slots.history, f"{slots.current} is not in the history"
        assert len(set(slots.history)) == len(slots.history), "a release is named twice"

    def test_restart_policy(self, host: Any, app: Application, live_port: int) -> None:
        """The application is started again whenever it ends, however often."""
        shown = output(
            host, "systemctl show -p Restart -p StartLimitIntervalUSec %s", app.unit(live_port)
        ).splitlines()
        assert sorted(shown) == ["Restart=always", "StartLimitIntervalUSec=0"], " ".join(shown)

    def test_process(self, host: Any, app: Application, live_port: int) -> None:
        """The application runs as its own user and can gain no rights."""
        pid = process(host, app.unit(live_port))
        user = output(host, "ps -o user:32= -p %s", pid)
        assert user == app.name, f"it runs as {user}"
        assert "NoNewPrivs:\t1" in output(host, "cat /proc/%s/status", pid), "it could gain rights"

    def test_nginx_runs(self, host: Any) -> None:
        """nginx runs, and will start at boot."""
        starts_and_runs(host, "nginx.service")

    def test_database_runs(self, host: Any, own_database: Database) -> None:
        """The database runs, and will start at boot."""
        starts_and_runs(host, own_database.unit)

    @pytest.mark.disruptive
    def test_killed(
        self, host: Any, app: Application, live_port: int, outside: Outside, record_property: Any
    ) -> None:
        """The application comes back when its process is killed."""
        unit = app.unit(live_port)
        before = process(host, unit)
        output(host, "systemctl kill --signal=KILL --kill-whom=main %s", unit)
        record_property("note", answered_again(outside, app))
        assert process(host, unit) != before, f"{unit} was not killed"

    @pytest.mark.disruptive
    def test_database_restarted(
        self, host: Any, app: Application, own_database: Database, outside: Outside, record_property: Any
    ) -> None:
        """The application comes back when its database was restarted."""
        output(host, "systemctl restart %s", own_database.unit)
        record_property("note", answered_again(outside, app))


def starts_and_runs(host: Any, unit: str) -> None:
    assert host.service(unit).is_running, f"{unit} does not run"
    assert host.service(unit).is_enabled, f"{unit} is not enabled"


def answered_again(outside: Outside, app: Application) -> str:
    """Wait until the application answers three times in a row; says after how long."""
    began, good = time.monotonic(), 0
    while good < 3:
        answer = outside.get(app.alive)
        good = good + 1 if answer.status == 200 else 0
        waited = time.monotonic() - began
        assert waited < app.restart_seconds, (
            f"no good answer for {waited:.0f} s: {answer.status or answer.text}"
        )
        time.sleep(0.3)
    return f"answers after {waited:.1f} s"
