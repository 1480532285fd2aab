"""What a plan is about: production's own hosts, or those of a canary beside them in the same environment.

Both have the environment's network and key in common, and a security group for each role. Neither touches the hosts and
the groups of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.prod.aws.found import Found
from pipeline.prod.aws.tags import ROLE, tag
from pipeline.prod.settings import CANARY_ROLES, ROLES, Settings, Wanted

__all__ = ["Part", "canary_part", "production_part"]


@dataclass(frozen=True, slots=True)
class Part:
    """Hosts that are wanted together. `port` is that of a canary's service, which only its proxy may reach."""

    hosts: tuple[Wanted, ...]
    roles: tuple[str, ...]
    is_canary: bool = False
    port: int = 0

    def owns(self, resource: Mapping[str, Any]) -> bool:
        """Whether an instance or a group of the environment is this part's; what has no role is production's."""
        return (tag(resource, ROLE) in CANARY_ROLES) == self.is_canary

    def own(self, found: Found) -> Found:
        """What of the environment is this part's own. The network is production's, whoever made it."""
        mine = replace(
            found,
            groups=[group for group in found.groups if self.owns(group)],
            instances=[instance for instance in found.instances if self.owns(instance)],
        )
        if not self.is_canary:
            return mine
        return replace(mine, vpcs=[], subnets=[], gateways=[], tables=[], keys=[])

    def is_alone(self, found: Found) -> bool:
        """Whether nothing in the environment is the other part's."""
        return all(self.owns(item) for item in (*found.groups, *found.instances))


def production_part(settings: Settings) -> Part:
    """The hosts that prod.yml names for the applications and the monitor."""
    return Part(tuple(settings.hosts()), ROLES)


def canary_part(settings: Settings, port: int) -> Part:
    """Proxy, blue and green, for a service that listens on `port`."""
    return Part(tuple(settings.canary_hosts()), CANARY_ROLES, is_canary=True, port=port)
