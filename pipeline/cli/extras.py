"""Which commands need more than the base installation, and what to type when it is not there."""

from __future__ import annotations

import importlib.util
from typing import Final

from pipeline.base.errors import EnvironmentError_

__all__ = ["EXTRAS", "require_extra"]

_LOADER: Final = (
    "aiohttp",
    "hdrh",
    "httptools",
    "jinja2",
    "multidict",
    "prometheus_client",
    "uvloop",
    "yarl",
)
_CANARY: Final = (*_LOADER, "pyinfra", "vagrant")

# Command -> its extra in pyproject.toml, and the modules of that extra that it imports, itself or in a child process.
# tests/unit/test_dependencies.py compares them with pyproject.toml.
EXTRAS: Final = {
    "canary": ("canary", _CANARY),
    "calibrate": ("canary", _CANARY),
    "report": ("report", ("jinja2",)),
    "lab": ("canary", ("vagrant",)),
    "doctor": ("canary", ("vagrant",)),
    "deploy": ("deploy", ("bcrypt", "jinja2", "pyinfra")),
    "load": ("loaders", (*_LOADER, "cryptography", "dask", "distributed", "pyinfra")),
    "prod": ("prod", ("bcrypt", "boto3", "botocore", "cryptography", "jinja2", "pyinfra", "vagrant")),
    "verify": ("verify", ("paramiko", "pytest", "testinfra")),
}


def require_extra(command: str) -> None:
    """Raise EnvironmentError_ when `command` needs an extra that is not installed. Nothing of it is imported."""
    extra, modules = EXTRAS.get(command, ("", ()))
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise EnvironmentError_(
            f"`pipeline {command}` needs packages that are not installed: {', '.join(missing)}",
            hint=f"pip install 'pipeline-canary[{extra}]'",
        )
