"""`pyinfra @ini/hosts.ini deploys/itrust.py`: an inventory file of any form for plain pyinfra.

pyinfra executes a file it is given; this one is only read. The entry point is `pyinfra.connectors: ini` in
pyproject.toml; see pyinfra's "Writing Connectors".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyinfra.api.exceptions import InventoryError as PyinfraInventoryError
from pyinfra.connectors.base import BaseConnector

from pipeline.base.errors import PipelineError
from pipeline.inventory.file import host_data, read_inventory

__all__ = ["IniConnector"]


class IniConnector(BaseConnector):
    """Gives hosts and groups; how they are then reached is pyinfra's own ssh connector."""

    @staticmethod
    def make_names_data(name: str | None = None) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """(host, data, groups) for each host of the file `name`. Raises pyinfra's InventoryError, a problem a line."""
        if not name:
            raise PyinfraInventoryError("name the file: @ini/hosts.ini")
        try:
            inventory = read_inventory(Path(name).expanduser())
        except PipelineError as error:
            raise PyinfraInventoryError(error.message) from None
        # A deploy would take the usual value instead, and nobody would know.
        if unread := [line for host in inventory for line in host.unread.values()]:
            raise PyinfraInventoryError("\n".join(dict.fromkeys(unread)))
        for host in inventory:
            data = host_data(host)
            if host.key is not None:
                # pyinfra looks for a relative key file beside the deploy as well as in the working directory.
                data["ssh_key"] = str(host.key.resolve())
            yield host.name, data, [group for group, hosts in inventory.groups.items() if host in hosts]
