"""Security groups, one for each role.

The application's port is open to everybody, SSH to the given networks and to the monitor, which reaches the exporters
through it. Of a canary the proxy's port is open to the networks that SSH is open to, for the load, and the service's to
the proxy alone. Rules that people add by hand stay: ours are recognised by their descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.facts import PROXY_PORT
from pipeline.deploy.applications import APPLICATIONS
from pipeline.prod.aws.found import Found, Ids
from pipeline.prod.aws.part import Part
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.tags import ROLE, specification, tag
from pipeline.prod.cloud import Change, Step

__all__ = ["firewall_steps"]

_PORTS = {app.key: app.listen for app in APPLICATIONS}
_OURS = "pipeline: "  # how our rules' descriptions begin


@dataclass(frozen=True, slots=True)
class _Rule:
    """TCP ports `first` to `last`, open to `source`: a network, or the group of a role."""

    first: int
    last: int
    source: str
    what: str = ""  # its description, "" for a rule made by hand

    @property
    def key(self) -> tuple[int, int, str]:
        return self.first, self.last, self.source

    def permission(self, groups: dict[str, str]) -> dict[str, Any]:
        """For Authorize- and RevokeSecurityGroupIngress. A group is a role's, or already an id."""
        permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": self.first, "ToPort": self.last}
        if "/" in self.source:
            return {**permission, "IpRanges": [{"CidrIp": self.source, "Description": self.what}]}
        pair = {"GroupId": groups.get(self.source, self.source), "Description": self.what}
        return {**permission, "UserIdGroupPairs": [pair]}


def firewall_steps(aws: Aws, found: Found, ids: Ids, part: Part, ssh_from: tuple[str, ...]) -> list[Step]:
    """A group for each role that has hosts. Fills `ids.groups`."""
    wanted = {host.role for host in part.hosts}
    return [
        _group(aws, found, ids, role, _rules(role, ssh_from, "monitor" in wanted, part.port))
        for role in part.roles
        if role in wanted
    ]


def _rules(role: str, ssh_from: tuple[str, ...], monitored: bool, port: int) -> list[_Rule]:
    rules = [_Rule(22, 22, source, f"{_OURS}SSH") for source in ssh_from]
    if role in _PORTS:
        rules.append(_Rule(_PORTS[role], _PORTS[role], "0.0.0.0/0", f"{_OURS}the application"))
        if monitored:
            rules.append(_Rule(22, 22, "monitor", f"{_OURS}SSH of the monitor"))
    elif role == "proxy":
        rules += [_Rule(PROXY_PORT, PROXY_PORT, source, f"{_OURS}the load") for source in ssh_from]
    elif role in ("blue", "green"):
        rules.append(_Rule(port, port, "proxy", f"{_OURS}the service, for the proxy"))
    return rules


def _group(aws: Aws, found: Found, ids: Ids, role: str, wanted: list[_Rule]) -> Step:
    name = f"pipeline-{aws.environment}-{role}"  # one that begins with sg- is refused
    group = next(
        (
            group
            for group in found.groups
            if tag(group, ROLE) == role and ids.vpc and group["VpcId"] == ids.vpc
        ),
        None,
    )
    if group is None:

        def create(_: Progress) -> None:
            parameters: dict[str, Any] = {
                "GroupName": name,
                "Description": f"pipeline: {role} of {aws.environment}",
                "TagSpecifications": [specification("security-group", aws.environment, name, role=role)],
            }
            made = aws.patiently(aws.client.create_security_group, ".NotFound", VpcId=ids.vpc, **parameters)
            ids.groups[role] = made["GroupId"]
            _authorize(aws, ids, role, wanted)

        return Step(Change("create", "security group", role, _words(wanted)), create)
    ids.groups[role] = str(group["GroupId"])
    ids.claimed.add(ids.groups[role])
    roles = {identifier: name for name, identifier in ids.groups.items()}
    there = [rule for permission in group["IpPermissions"] for rule in _flat(permission, roles)]
    keys = {rule.key for rule in wanted}
    new = [rule for rule in wanted if rule.key not in {rule.key for rule in there}]
    old = [rule for rule in there if rule.what.startswith(_OURS) and rule.key not in keys]
    if not new and not old:
        by_hand = sum(rule.key not in keys for rule in there)
        detail = ids.groups[role] + (f", {by_hand} rules by hand" if by_hand else "")
        return Step(Change("keep", "security group", name, detail))

    def change(_: Progress) -> None:
        _authorize(aws, ids, role, new)
        if old:
            permissions = [rule.permission(ids.groups) for rule in old]
            aws.client.revoke_security_group_ingress(GroupId=ids.groups[role], IpPermissions=permissions)

    detail = "; ".join(f"{word} {_words(rules)}" for word, rules in (("open", new), ("close", old)) if rules)
    return Step(Change("change", "security group", role, detail), change)


def _authorize(aws: Aws, ids: Ids, role: str, rules: list[_Rule]) -> None:
    if rules:
        permissions = [rule.permission(ids.groups) for rule in rules]
        aws.patiently(
            aws.client.authorize_security_group_ingress,
            ".NotFound",
            GroupId=ids.groups[role],
            IpPermissions=permissions,
        )


def _flat(permission: dict[str, Any], roles: dict[str, str]) -> list[_Rule]:
    """A permission's rules, a group by its role when it is one of `roles` (by id)."""
    first, last = int(permission.get("FromPort", -1)), int(permission.get("ToPort", -1))
    if permission["IpProtocol"] != "tcp":
        first = last = -1  # not one of ours
    networks = [(each["CidrIp"], each.get("Description", "")) for each in permission.get("IpRanges", ())]
    groups = [
        (each["GroupId"], each.get("Description", "")) for each in permission.get("UserIdGroupPairs", ())
    ]
    return [_Rule(first, last, roles.get(source, source), what) for source, what in networks + groups]


def _words(rules: list[_Rule]) -> str:
    def ports(rule: _Rule) -> str:
        if rule.first == 22:
            return "SSH"
        return str(rule.first) if rule.first == rule.last else f"{rule.first}-{rule.last}"

    return ", ".join(f"{ports(rule)} from {_source(rule.source)}" for rule in rules)


def _source(source: str) -> str:
    return "everywhere" if source == "0.0.0.0/0" else source.removesuffix("/32")
