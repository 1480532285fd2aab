"""The tags that are the only state: what carries `pipeline:environment` is that environment's, nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DISK", "ENVIRONMENT", "HOST", "ROLE", "filters", "name_of", "specification", "tag"]

ENVIRONMENT = "pipeline:environment"
ROLE = "pipeline:role"
HOST = "pipeline:host"  # which of the role's hosts an instance is
DISK = "pipeline:disk"  # GB that it was made with


def filters(environment: str) -> list[dict[str, Any]]:
    """For a Describe call: only what is this environment's."""
    return [{"Name": f"tag:{ENVIRONMENT}", "Values": [environment]}]


def specification(kind: str, environment: str, name: str, **more: str) -> dict[str, Any]:
    """A TagSpecifications entry, so that a thing is tagged from its first moment; `more` is role, host and disk."""
    tags = {
        "Name": name,
        ENVIRONMENT: environment,
        **{f"pipeline:{key}": value for key, value in more.items()},
    }
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tag(resource: Mapping[str, Any], key: str) -> str:
    """The tag's value, or empty."""
    return next((str(tag["Value"]) for tag in resource.get("Tags", ()) if tag["Key"] == key), "")


def name_of(resource: Mapping[str, Any]) -> str:
    """What people call it: its Name, or empty."""
    return tag(resource, "Name")
