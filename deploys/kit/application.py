"""What the deploys of an application read from its host's data in the same way."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.context import host

from deploys.kit.secrets import SecretsError, secrets_of
from deploys.kit.source import archive_of

__all__ = ["archive_and_commit", "digest", "host_secrets", "page_address", "wants_rollback"]


def wants_rollback() -> bool:
    """Whether the release before the current one is to be served again (`rollback`)."""
    return str(host.data.get("rollback") or "").lower() in ("true", "1", "yes")


def archive_and_commit(repository: str, branch: str) -> tuple[str, str]:
    """The archive of the tree on this machine (.tar.gz), and its commit's full hash.

    They are the host's `archive` and `commit`, or those of `repo` and `ref` (else of `repository` and `branch`).
    Raises SourceError, or DeployError where what is given is no archive or no commit.
    """
    archive, commit = str(host.data.get("archive") or ""), str(host.data.get("commit") or "")
    if not archive:
        path, commit = archive_of(
            str(host.data.get("repo") or repository), str(host.data.get("ref") or branch)
        )
        archive = str(path)
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        raise DeployError(f"{host.name}: commit {commit!r} is not a commit's full hash")
    if not Path(archive).is_file():
        raise DeployError(f"{host.name}: no archive {archive!r}")
    return archive, commit


def host_secrets(of: Host, names: Iterable[str], optional: Iterable[str] = ()) -> dict[str, str]:
    """The secrets of the environment that the host `of` belongs to (`environment`, else production); see `secrets_of`.

    DeployError where they cannot be read.
    """
    environment = str(of.data.get("environment") or "production")
    try:
        return secrets_of(environment, names, of.data.get("secrets_directory"), optional)
    except SecretsError as error:
        raise DeployError(str(error)) from None


def page_address(listen: int, path: str) -> str:
    """The address at which a user finds `path` on this host, whose nginx has the port `listen`."""
    address = host.data.get("ssh_hostname") or host.name
    return f"http://{address}{'' if listen == 80 else f':{listen}'}{path}"


def digest(*parts: object) -> str:
    """A SHA-256 of all that decides how something runs, as JSON: another one means that it is started anew."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
