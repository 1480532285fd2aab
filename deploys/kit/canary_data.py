"""What the hosts of a canary are to have, where plain pyinfra gives no more than a repository and two refs.

`pipeline canary` hands every host all of its data. What is there already is never replaced.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pyinfra.api.exceptions import DeployError
from pyinfra.context import host, inventory

from deploys.kit.places import DEPLOYS
from deploys.kit.source import SourceError, archive_of

__all__ = ["complete"]

_REF_OF: Final = {"blue": "baseline", "green": "canary"}
_USAGE: Final = "--data repo=URL|PATH --data baseline=REF --data canary=REF"
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def complete() -> None:
    """Give this host the data that it lacks: from `repo`, `baseline`, `canary`, and `profile` (default: preview).

    Raises DeployError for what is missing, or cannot be read.
    """
    colour = next((name for name in _REF_OF if name in host.groups), "")
    if colour and not host.data.get("archive"):
        _service(colour, _profile())
    if "proxy" in host.groups and not host.data.get("blue"):
        _proxy(_profile())


def _service(colour: str, profile: Mapping[str, Any]) -> None:
    repo, ref = host.data.get("repo"), host.data.get(_REF_OF[colour])
    if not repo or not ref:
        missing = _REF_OF[colour] if repo else "repo"
        raise DeployError(f"{host.name}: no data {missing!r}; give {_USAGE}")
    try:
        archive, commit = archive_of(str(repo), str(ref))
    except SourceError as error:
        raise DeployError(str(error)) from None
    _give(archive=str(archive), commit=commit)
    _give(**{name: profile.get(name) for name in ("install", "start", "packages", "port")})
    if not isinstance(host.data.get("environment"), Mapping):  # for the other deploys it is a name
        host.data.environment = _filled(profile.get("environment") or {})


def _proxy(profile: Mapping[str, Any]) -> None:
    for colour in _REF_OF:
        members = inventory.get_group(colour, [])
        if len(members) != 1:
            raise DeployError(f"{host.name}: the inventory needs one host in group {colour!r}")
        data = members[0].data
        address = str(data.get("private_address") or data.get("ssh_hostname") or members[0].name)
        address = f"[{address}]" if ":" in address and not address.startswith("[") else address
        port = data.get("port") or profile.get("port")
        _give(**{colour: f"{address}:{port}"})
    _give(public_path=(profile.get("request") or {}).get("path"))


def _give(**data: object) -> None:
    for name, value in data.items():
        if host.data.get(name) is None:
            setattr(host.data, name, value)


def _profile() -> Mapping[str, Any]:
    """The service profile: a name of profiles/, or a file."""
    name = str(host.data.get("profile") or "preview")
    path = Path(name).expanduser()
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        path = DEPLOYS.parent / "profiles" / f"{name}.yml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise DeployError(f"profile {name!r} cannot be read: {path}: {said}") from None
    if not isinstance(found, dict) or not {"start", "port"} <= set(found):
        raise DeployError(f"profile {name!r} is none: {path} needs at least `start` and `port`")
    return found


def _filled(environment: Mapping[str, Any]) -> dict[str, str]:
    """The variables, each `${NAME}` of them from the environment of this process."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise DeployError(f"{host.name}: the profile needs ${{{found[1]}}}, which is not set")
        return os.environ[found[1]]

    return {name: _VARIABLE.sub(value, str(text)) for name, text in environment.items()}
