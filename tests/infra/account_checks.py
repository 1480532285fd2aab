"""Users, files and modes; who can read what is secret."""

from __future__ import annotations

from typing import Any

import pytest
from application import Application
from shell import output


class AccountChecks:
    """The application's own user, and nobody with more rights than needed."""

    def test_user(self, host: Any, app: Application) -> None:
        """The application's user is a system user that cannot log in."""
        assert host.user(app.name).exists, f"there is no user {app.name}"
        user = host.user(app.name)
        assert user.uid < 1000, f"uid {user.uid} is a person's"
        assert user.shell in ("/usr/sbin/nologin", "/bin/false"), f"its shell is {user.shell}"
        assert user.password in ("!", "*", "!*", "!!"), "it has a password"
        assert user.groups == [app.name], f"it is in {', '.join(user.groups)}"

    def test_own_configuration(self, host: Any, app: Application) -> None:
        """The application can change neither its slots, nor `current`, nor what is in its unit."""
        places = f"{app.home} {app.home}/releases {app.home}/slots {app.home}/live {app.home}/history"
        places += f" {app.home}/slots/* /etc/systemd/system/{app.name}@.service /etc/nginx/pipeline/*"
        listed = output(host, f"stat -c '%U %a %n' {places}").splitlines()
        for owner, mode, path in (line.split(maxsplit=2) for line in listed):
            assert owner == "root", f"{path} belongs to {owner}"
            assert not int(mode, 8) & 0o022, f"{path} is {mode}: others can write it"

    def test_world_writable(self, host: Any, app: Application) -> None:
        """Nothing under the application's directory can be written by everybody."""
        found = output(
            host,
            f"find {app.home} /etc/nginx -xdev -type d ! -perm -o+x -prune -o ! -type l -perm -o+w -print -quit",
        )
        assert not found, f"{found} can be written by everybody"

    def test_secret_modes(self, host: Any, app: Application) -> None:
        """Files that hold secrets are readable by root and the application only."""
        listed = output(host, f"stat -c '%U %G %a %n' {' '.join(app.secrets)} 2>/dev/null || true")
        files = [line.split(maxsplit=3) for line in listed.splitlines()]
        assert files, f"there is none of {', '.join(app.secrets)}"
        for owner, group, mode, path in files:
            assert not int(mode, 8) & 0o027, f"{path} is {mode}"
            assert {owner, group} <= {"root", app.name}, f"{path} is {owner}:{group}"

    def test_logs(self, host: Any, app: Application) -> None:
        """Logs are not readable by everybody."""
        found = output(host,
            "find /var/log/nginx /var/log/mongodb /var/log/mysql %s -type d ! -perm -o+x -prune -o -type f "
            r"\( -path '/var/log/*' -o -path '*/logs/*' -o -name '*.log' \) ! -path '*/node_modules/*' "
            "! -path '*/releases/*' -perm -o+r -print -quit 2>/dev/null || true", app.home
        )  # fmt: skip
        assert not found, f"{found} can be read by everybody"

    @pytest.mark.parametrize("what", ["processes", "units", "files", "journal"])
    def test_secrets(self, leaks: dict[str, Any], what: str) -> None:
        """No secret can be read by others"""
        assert not leaks[what], f"a secret is in {', '.join(leaks[what][:3])}"
