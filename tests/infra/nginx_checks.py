"""nginx, as configured and as a stranger meets it."""

from __future__ import annotations

from typing import Any

import pytest
from application import Application
from connection import Outside

# Each would lead out of the site if nginx took it as it stands, decoded it once, or joined it to an alias.
ESCAPES = (
    "/../../../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/api../../../../../../../etc/passwd",
    "/iTrust2/..;/..;/..;/etc/passwd",
)


class NginxChecks:
    """What nginx serves, and what it must not show."""

    def test_configuration(self, host: Any) -> None:
        """nginx's configuration is accepted."""
        tested = host.run("nginx -t")
        last = tested.stderr.strip().splitlines()[-2:] or [""]
        assert tested.rc == 0, f"nginx -t: {last[0]}"

    def test_default_site(self, host: Any) -> None:
        """Debian's default site is gone."""
        assert not host.file("/etc/nginx/sites-enabled/default").exists, "sites-enabled/default is there"

    def test_version_hidden(self, outside: Outside) -> None:
        """nginx does not tell its version, neither in a good answer nor in an error."""
        for path in ("/", "/.git/"):
            answer = outside.get(path)
            assert answer.status, answer.text
            server = answer.headers.get("server", "")
            assert server in ("", "nginx"), f"GET {path}: Server: {server}"
            assert "nginx/" not in answer.text, f"GET {path}: the page names a version"

    @pytest.mark.parametrize("path", ["/.git/config", "/.env", "/img/.htpasswd"])
    def test_dot_files(self, outside: Outside, path: str) -> None:
        """Files whose name begins with a dot are not served"""
        status = outside.get(path).status
        assert status in (403, 404), f"GET {path} is {status}"

    def test_traversal(self, outside: Outside) -> None:
        """No path leads out of the site."""
        for path in ESCAPES:
            answer = outside.get(path)
            assert answer.status, f"GET {path}: {answer.text}"
            assert "root:" not in answer.text, f"GET {path} is /etc/passwd"

    def test_answers(self, app: Application, outside: Outside) -> None:
        """The application answers through nginx, with its database."""
        answer = outside.get(app.alive)
        assert answer.status == 200, f"GET {app.alive} is {answer.status or answer.text}"
