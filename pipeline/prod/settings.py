"""prod.yml: what production is to be. prod.example.yml documents each key."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import matching, read_yaml, validate

__all__ = [
    "CANARY_ROLES",
    "HERE",
    "ROLES",
    "LocalSettings",
    "Settings",
    "Wanted",
    "cautions",
    "load_settings",
]

# In the order in which they are made: the hosts' firewalls name the monitor's.
ROLES = ("monitor", "checkbox", "itrust")
CANARY_ROLES = ("proxy", "blue", "green")  # the hosts of a canary beside them, in the same order

HERE = "here"  # in ssh_from: this machine, as the internet sees it


def _network(text: str) -> str:
    """A network in its usual spelling; ValueError says what is wrong."""
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"{str(error).splitlines()[0]} (as in 203.0.113.7/32)") from None


def _vpc_network(text: str) -> str:
    network = ipaddress.IPv4Network(_network(text))
    if not network.is_private or not 16 <= network.prefixlen <= 28:
        raise ValueError(f"{text} cannot be a VPC's network: a private one, /16 to /28")
    return str(network)


def _source(text: str) -> str:
    return text if text == HERE else _network(text)


def _cloud(value: Any) -> Any:
    if value != "aws":
        raise ValueError(
            f"{str(value)[:60]!r} is none that there is: aws, or vagrant (hosts on this machine)"
        )
    return value


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Source = Annotated[str, AfterValidator(_source)]
_Name = Annotated[str, matching(r"[a-z][a-z0-9-]{0,29}", "a name (a-z, 0-9 and -, at most 30)")]
_Type = Annotated[str, matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type such as t3.small")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Group(_Part):
    """The hosts of one application."""

    count: Annotated[int, Field(ge=0, le=20, strict=True)] = 1
    type: _Type = "t3.small"


class _Canary(_Part):
    """A canary's hosts. Blue and green are of one type: what is compared is two versions, not two machines."""

    type: _Type = "t3.small"
    proxy_type: _Type = "t3.small"
    spot: Annotated[bool, Field(strict=True)] = False


class Wanted(_Part):
    """One host that is to be there."""

    name: str
    role: str
    type: str
    spot: bool = False


class Settings(_Part):
    """What is wanted; a key that is absent has the value of prod.example.yml."""

    cloud: Annotated[Literal["aws"], BeforeValidator(_cloud)] = "aws"
    name: _Name = "production"
    region: Annotated[str, matching(r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1")] | None = None
    profile: Annotated[str, Field(min_length=1)] | None = None
    checkbox: _Group = _Group()
    itrust: _Group = _Group(type="t3.medium")
    monitor: Literal["cloud", "local", "none"] = "cloud"
    monitor_type: _Type = "t3.small"
    canary: _Canary = _Canary()
    ssh_from: Annotated[tuple[_Source, ...], Field(min_length=1), BeforeValidator(_list)] = ("here",)
    disk: Annotated[int, Field(ge=8, le=1000, strict=True)] = 20
    kms_key: (
        Annotated[
            str,
            matching(
                r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[A-Za-z0-9/_-]+|alias/[A-Za-z0-9/_-]+|"
                r"(mrk-)?[0-9a-f-]{32,36}",
                "a KMS key: its ARN, its id, or alias/NAME",
            ),
        ]
        | None
    ) = None
    cidr: Annotated[str, AfterValidator(_vpc_network)] = "10.83.0.0/24"
    subnet: Annotated[str, matching(r"subnet-[0-9a-f]+", "a subnet's id such as subnet-0a1b2c3d")] | None = (
        None
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if self.checkbox.count + self.itrust.count == 0:
            raise ValueError(
                "checkbox and itrust have no hosts at all; `pipeline prod down` removes everything"
            )
        if self.subnet is not None and "cidr" in self.model_fields_set:
            raise ValueError("cidr is for a network that is made; with subnet there is none to make")
        return self

    def hosts(self) -> Iterator[Wanted]:
        """Every host that is wanted, the monitor first."""
        if self.monitor == "cloud":
            yield Wanted(name="monitor", role="monitor", type=self.monitor_type)
        for role, group in (("checkbox", self.checkbox), ("itrust", self.itrust)):
            for number in range(1, group.count + 1):
                yield Wanted(name=f"{role}-{number}", role=role, type=group.type)

    def canary_hosts(self) -> Iterator[Wanted]:
        """The three hosts of a canary."""
        for role in CANARY_ROLES:
            kind = self.canary.proxy_type if role == "proxy" else self.canary.type
            yield Wanted(name=role, role=role, type=kind, spot=self.canary.spot)


def cautions(hosts: Iterable[Wanted]) -> Iterator[str]:
    """What is easily taken for something else, to be read before it is made."""
    for role, count in Counter(host.role for host in hosts).items():
        if count > 1:
            yield (
                f"CAUTION: {role} gets {count} hosts, which are {count} separate sites: each has a database of its own,"
                " and nothing shares the requests among them. What is saved on one is not on the others."
            )


class LocalSettings(_Part):
    """What is wanted on this machine; no key is needed."""

    cloud: Literal["vagrant"] = "vagrant"
    # Its own secrets: hosts that others on this machine may look into must not hold production's.
    name: _Name = "local"
    provider: Literal["virtualbox", "libvirt", "lxc"] | None = None


def load_settings(path: Path) -> Settings | LocalSettings:
    """prod.yml at `path`. Raises ConfigError with every problem, each `FILE:LINE: what is wrong`."""
    if not path.exists():
        raise ConfigError(
            str(path),
            [f"{path}:1: there is no such file"],
            hint=f"cp prod.example.yml {path}, and name your region; or without an account: --cloud vagrant",
        )
    document = read_yaml(path)
    try:
        if isinstance(document.data, dict) and document.data.get("cloud") == "vagrant":
            return validate(document, LocalSettings, LocalSettings.model_fields)
        return validate(
            document, Settings, (*Settings.model_fields, *_Group.model_fields, *_Canary.model_fields)
        )
    except ConfigError as error:
        error.hint = f"mend {path}, then pipeline prod up --dry-run; prod.example.yml has every key"
        raise
