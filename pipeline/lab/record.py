"""What is known about a running lab, in .pipeline/lab.json: it saves asking Vagrant, which takes 1.5 s."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.files import write_whole
from pipeline.inventory.hosts import Host

__all__ = ["Record", "read", "write"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """A lab that was brought up: its provider, the PIPELINE_LAB_* settings it was made with, its hosts."""

    provider: str
    settings: Mapping[str, str]
    hosts: tuple[Host, ...]


def read(path: Path) -> Record | None:
    """The record at `path`; None when there is none, or none that this version wrote."""
    try:
        found = json.loads(path.read_text())
        if found["format"] != _FORMAT:
            return None
        hosts = tuple(
            Host(
                row["name"],
                row["address"],
                row["port"],
                row["user"],
                Path(row["key"]),
                row["private_address"],
            )
            for row in found["hosts"]
        )
        return Record(found["provider"], dict(found["settings"]), hosts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, provider: str, settings: Mapping[str, str], hosts: Sequence[Host]) -> None:
    """Replace the record of a lab, whole or not at all.

    Args:
        path: Its file.
        provider: The provider that the hosts are on.
        settings: The PIPELINE_LAB_* variables that they were made with.
        hosts: All of them.
    """
    rows = [
        {
            "name": host.name,
            "address": host.address,
            "port": host.port,
            "user": host.user,
            "key": str(host.key),
            "private_address": host.private_address,
        }
        for host in hosts
    ]
    record = {"format": _FORMAT, "provider": provider, "settings": dict(settings), "hosts": rows}
    write_whole(path, json.dumps(record, indent=1))
