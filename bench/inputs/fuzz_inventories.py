"""Broken inventories: `python -m bench.inputs.fuzz_inventories --count 10000 --seed 1`.

Whole inventories of all three forms, cut, shuffled, spliced and sprinkled with odd characters, and the files beside
them. Each must be refused with an InventoryError or give hosts that ansible-core sees as well, and within seconds.
"""

from __future__ import annotations

import random
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from bench.inputs.ansible_answers import ansible_answers
from bench.inputs.inventory_samples import write_inventory_sample
from bench.inputs.run import at_most, options, show
from pipeline.base.errors import InventoryError
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory

__all__ = ["fuzz_inventories"]

_SECONDS = 10
_PYTHON = (
    '[all]\nblue = [("b", {"ssh_hostname": "10.0.0.1", "ssh_port": 22}), "c"]\n',
    "web = ([('w1', {'ssh_user': 'admin'}), 'w2'], {'listen': 8080})\nall = ['w1']\n",
    "# note\n[all]\nproxy = [\n    ('p', {}),\n    ]\n",
)
_ODD = (
    "\0", "\ufeff", "\u2028", "\x85", "'", '"', "[", "]", "{", "}", ":", "=", "#", "*", "&a ", "*a", "<<: ",
    "!!python/object:os.system ", "- ", "%", "\\", "\t", "\n", "\r", "[0:99999999]", "[a:z][a:z][a:z][a:z]",
    "9" * 5000, "(" * 300, "[" * 300, "{" * 300, "é", "\U0001f600", "\x1b[0m", "-oProxyCommand=x",
    "../../etc/passwd", "{{ x }}", "ansible_host=", ":vars]", "[all]\n", "@local", "~", "0x", "1e999", "---\n",
    "...\n", "lambda: 0", "b = [", "$ANSIBLE_VAULT;1.1;AES256\n", "<html>",
)  # fmt: skip


def fuzz_inventories(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """How often which outcome came, and a line for each that should not be."""
    chance = random.Random(seed)  # noqa: S311 - test data
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    read: list[tuple[Path, Inventory]] = []
    for number in range(count):
        path = _sample(chance, folder / f"{number}")
        try:
            with at_most(_SECONDS):
                inventory = read_inventory(path)
        except InventoryError as error:
            outcomes["refused"] += 1
            if not error.message.strip() or any(len(line) > 1000 for line in error.message.splitlines()):
                wrong.append(f"{path}: no clear line: {error.message[:200]!r}")
        except Exception:
            outcomes["tracebacks"] += 1
            wrong.append(f"{path}: {traceback.format_exc(limit=-3)}")
        else:
            outcomes["read"] += 1
            wrong += [f"{path}: {line}" for line in _odd_hosts(inventory)]
            if path.suffix != ".py":
                read.append((path, inventory))
    for (path, inventory), theirs in zip(read, ansible_answers([path for path, _ in read]), strict=True):
        groups = theirs["groups"] if theirs is not None else {}
        for group, hosts in inventory.groups.items():
            if extra := {host.name for host in hosts} - {*groups.get(group, [])}:
                outcomes["hosts that Ansible does not see"] += len(extra)
                wrong.append(f"{path}: only we see {sorted(extra)[:5]} in {group}")
        outcomes["hosts that Ansible sees as well"] += len([*inventory])
    outcomes["wrong"] = len(wrong)
    return outcomes, wrong


def _sample(chance: random.Random, folder: Path) -> Path:
    if chance.random() < 0.2:
        folder.mkdir(parents=True)
        path = folder / "hosts.py"
        path.write_text(chance.choice(_PYTHON))
        if chance.random() < 0.5:
            (folder / "group_data").mkdir()
            data = folder / "group_data" / chance.choice(["all.py", "blue.py", "web.py", "hosts.py"])
            data.write_text("import os\nlisten = 80\nssh_user = 'x'\nssh_port: int = 22\n")
    else:
        path = write_inventory_sample(chance, folder)
    files = [path, path, *sorted(other for other in folder.rglob("*") if other.is_file())]
    for file in dict.fromkeys(chance.choice(files) for _ in range(chance.randint(1, 2))):
        file.write_bytes(_broken(chance, file.read_bytes()))
    return path


def _broken(chance: random.Random, content: bytes) -> bytes:
    if chance.random() < 0.03:
        return chance.randbytes(chance.randint(0, 200))
    text = content.decode(errors="replace")
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        kind = chance.randrange(6)
        if kind == 0:
            text = text[:at]
        elif kind == 1:
            lines = text.splitlines(keepends=True)
            chance.shuffle(lines)
            text = "".join(lines)
        elif kind == 2:
            text = text[:at] + text[chance.randint(0, len(text)) :]
        else:
            text = text[:at] + chance.choice(_ODD) * (1 if chance.random() < 0.9 else 50) + text[at:]
    broken = text[:200_000].encode()
    return broken + b"\xff" if chance.random() < 0.02 else broken


def _odd_hosts(inventory: Inventory) -> list[str]:
    """Hosts that no inventory could have meant."""
    return [
        f"a host from garbage: {host!r}"
        for host in inventory
        for text in (host.address, host.user, host.private_address)
        if not 0 < host.port < 65536
        or text.startswith("-")
        or not text.isprintable()
        or " " in text
        or not text
    ]


def _main() -> int:
    asked = options(__doc__, 10_000, keep=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(asked.keep or temporary) / f"seed-{asked.seed}"
        return show(asked, *fuzz_inventories(asked.count, asked.seed, folder))


if __name__ == "__main__":
    sys.exit(_main())
