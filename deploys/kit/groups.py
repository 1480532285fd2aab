"""Which hosts of an inventory a deploy is for: plain pyinfra runs a deploy on all of them."""

from __future__ import annotations

from pyinfra.api.exceptions import DeployError
from pyinfra.context import host, inventory

__all__ = ["in_group"]


def in_group(group: str) -> bool:
    """Whether this host is in `group`. DeployError where the inventory has no such group."""
    if group not in inventory.groups:
        raise DeployError(f"the inventory has no group {group!r}, whose hosts this deploy is for")
    return group in host.groups
