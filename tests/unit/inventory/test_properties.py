"""Whatever stands in an inventory or beside it: it is refused with a line, or its hosts are ones that SSH can reach."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InventoryError
from pipeline.inventory.file import read_inventory

_PIECES = st.sampled_from(
    ["[web]", "[all]", ":vars]", "web", "=", "\n", " ", "#", "'", '"', "[1:2]", "ansible_host=", "- ", ": ", "hosts:",
     "{", "}", "[", "]", "(", ")", "&a ", "*a", "<<: ", "!vault ", "{{ x }}", "\t", "\0", "é", ",", "22", "web = ["]
)  # fmt: skip
_TEXTS = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=25).map("".join))


@pytest.mark.parametrize(
    "name", ["hosts", "hosts.ini", "hosts.yml", "group_vars/web.yml", "group_data/web.py"]
)
@given(text=_TEXTS)
def test_any_text_is_refused_with_a_line_or_gives_hosts(name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hosts.ini").write_text("[web]\nw\n")
        path = Path(folder) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(errors="surrogatepass"))
        inventory = Path(folder) / ("hosts.ini" if "/" in name else name)
        refused, hosts = "", []
        try:
            hosts = [*read_inventory(inventory)]
        except InventoryError as error:
            refused = error.message
        assert all(line.startswith(folder) for line in refused.splitlines())
        for host in hosts:
            assert 0 < host.port < 65536
            for word in (host.address, host.user, host.private_address):
                assert word
                assert not word.startswith("-")
                assert word.isprintable()
                assert " " not in word
