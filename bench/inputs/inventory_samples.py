"""Random Ansible inventories in INI and YAML, with group_vars/ and host_vars/ beside them, odd as people's are."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import yaml

__all__ = ["write_inventory_sample"]

_GROUPS = ("web", "db", "proxy", "blue", "green", "site", "dc1", "prod", "web-servers")
_HOSTS = (
    "web1", "web2", "db1", "edge", "proxy", "blue", "a.example.com", "b-1.example.com", "10.0.0.1", "10.0.0.2",
    "2001:db8::7", "fe80::1", "h_1", "web[01:03]", "web[1:9:4]", "db[a:c]", "n[0:1]x[a:b]", "10.0.1.[1:3]",
    "web[:2]", "edge:2222", "web1:2022", "10.0.0.9:22", "[2001:db8::8]:2222", "[10.0.0.3]:24", "w[01:02].example.com:7",
    "2001:db8::[1:3]", "localhost",
)  # fmt: skip
_BAD_HOSTS = ("web[1:", "web[3:1]", "web[a:3]", "web[01:100]", "web[1:2:3:4]", "b[c]", "web:", "web[5:2]x")
_VALUES = (
    "22", "2222", "admin", "root", "deploy", "10.1.2.3", "'quoted'", '"double"', "True", "no", "null", "None", "0644",
    "1e3", "[80, 443]", "{'a': 1}", "('x', 'y')", "3.5", "a=b", "x # note", "8080 # note", "'x' # note", "...", "1+2j",
    "{1}", "b'x'", "", "None # note", "~/.ssh/id", "0x1F", "1_000", "{{ other }}", "'it''s'", "[1, 2",
)  # fmt: skip
_NAMES = (
    "ansible_host", "ansible_port", "ansible_user", "ansible_ssh_user", "ansible_ssh_host", "ansible_ssh_port",
    "listen", "environment", "note", "private_address", "role_ports",
)  # fmt: skip
_ODD_NAMES = (
    "ansible_password", "ansible_become", "ansible_python_interpreter", "ansible_ssh_common_args", "ansible_connection",
    "ansible_become_password", "ansible_group_priority",
)  # fmt: skip
_YAML_VALUES: tuple[Any, ...] = (
    22, "22", 2222, "admin", "deploy", "10.1.2.3", "10.9.9.9", True, None, 3.5, [80, 443], {"a": {"b": 1}}, "",
    "{{ x }}", "no", "0644", "1e3", "it's",
)  # fmt: skip
# What is mostly right for a name; the rest of the time it gets anything.
_USUAL: dict[str, tuple[Any, ...]] = {
    "host": ("10.1.2.3", "10.9.9.9", "edge.example.com", "2001:db8::9"),
    "port": (22, 2222, 2022),
    "user": ("admin", "root", "deploy", 1000),
    "private_address": ("10.0.0.77", "10.0.0.78"),
}
_RAW_YAML = (
    "yes", "0644", "1e3", "~", "12:30", "2020-01-01", "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162",
    "!unsafe '{{ a }}'", "0x1F", "|\n  two\n  lines", "'22'", "1_000", "on", "!odd x", "&a [1, 2]", ".5", "2222 # note",
)  # fmt: skip


def write_inventory_sample(chance: random.Random, folder: Path) -> Path:
    """An inventory in a folder that is made for it; gives the file."""
    folder.mkdir(parents=True)
    if chance.random() < 0.55:
        path = folder / chance.choice(["hosts.ini", "hosts", "inventory.cfg"])
        path.write_text(_ini(chance))
    else:
        path = folder / chance.choice(["hosts.yml", "hosts.yaml", "hosts", "hosts.json"])
        data = _yaml(chance)
        path.write_text(json.dumps(data) if path.suffix == ".json" else yaml.safe_dump(data, sort_keys=False))
    for kind, names in (
        ("group_vars", ("all", "ungrouped", *_GROUPS)),
        ("host_vars", ("web1", "web01", "edge", "10.0.0.1")),
    ):
        if chance.random() < 0.6:
            for name in chance.sample(names, chance.randint(1, 4)):
                _beside(chance, folder / kind, name)
    return path


def _usual(chance: random.Random, name: str) -> Any:
    """A value that fits a name, or None four times in a hundred and for names that take anything."""
    fitting = _USUAL.get(name if name in _USUAL else name.rpartition("_")[2])
    return chance.choice(fitting) if fitting and chance.random() < 0.96 else None


def _ini_value(chance: random.Random, name: str) -> str:
    value = _usual(chance, name)
    return chance.choice(_VALUES) if value is None else str(value)


def _yaml_value(chance: random.Random, name: str) -> Any:
    value = _usual(chance, name)
    return chance.choice(_YAML_VALUES) if value is None else value


def _ini(chance: random.Random) -> str:
    lines: list[str] = []
    groups = chance.sample(_GROUPS, chance.randint(1, 6))
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        lines.append(_host_line(chance))
    sections = [(group, "") for group in groups] + [(g, ":vars") for g in groups if chance.random() < 0.4]
    sections += [("all", ":vars")] * (chance.random() < 0.4)
    order = {group: i for i, group in enumerate(groups)}
    parents = [g for g in groups if chance.random() < 0.4]
    sections += [(group, ":children") for group in parents]
    chance.shuffle(sections)
    for group, kind in sections:
        note = chance.choice(["", "", " # note", "  ", " ; note" if chance.random() < 0.05 else ""])
        lines += ["", f"[{group}{kind}]{note}"]
        if kind == ":vars":
            names = [*_NAMES, "ansible_group_priority"]
            for _ in range(chance.randint(0, 4)):
                name = chance.choice(names)
                value = (
                    chance.choice("12345") if name == "ansible_group_priority" else _ini_value(chance, name)
                )
                lines.append(f"{name}{chance.choice(['=', ' = '])}{value}")
        elif kind == ":children":
            later = [g for g in groups if order[g] > order[group]]
            later = groups if not later or chance.random() < 0.02 else later
            for child in chance.sample(later, chance.randint(1, min(3, len(later)))):
                if child != group or chance.random() < 0.05:
                    lines.append(child + chance.choice(["", "", " # note"]))
            if chance.random() < 0.02:
                lines.append("undefined")
        else:
            lines += [_host_line(chance) for _ in range(chance.choice([0, 1, 1, 2, 3]))]
        if chance.random() < 0.005:
            lines.append("x={[]: 1}")
        if chance.random() < 0.2:
            lines.append(chance.choice(["# comment", "; comment", "  # [web]"]))
    return "\n".join(lines) + "\n"


def _host_line(chance: random.Random) -> str:
    words = [chance.choice(_HOSTS) if chance.random() < 0.98 else chance.choice(_BAD_HOSTS)]
    for _ in range(chance.choice([0, 0, 1, 2, 3])):
        name = chance.choice(_NAMES) if chance.random() < 0.95 else chance.choice(_ODD_NAMES)
        value = _ini_value(chance, name)
        words.append(f"{name}={value if ' ' not in value or chance.random() < 0.1 else json.dumps(value)}")
    if chance.random() < 0.1:
        words.append("# note")
    return chance.choice(["", "", "  "]) + " ".join(words)


def _yaml(chance: random.Random) -> dict[str, Any]:
    groups = chance.sample(_GROUPS, chance.randint(1, 6))

    def variables(most: int) -> dict[str, Any]:
        pool = (_NAMES if chance.random() < 0.97 else _ODD_NAMES[:-1] for _ in range(chance.randint(0, most)))
        return {name: _yaml_value(chance, name) for name in map(chance.choice, pool)}

    def group(left: list[str]) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        if chance.random() < 0.8:
            hosts = chance.sample(_HOSTS, chance.randint(0, 3))
            found["hosts"] = {host: variables(3) or None for host in hosts}
            if hosts and chance.random() < 0.05:
                found["hosts"] = hosts[0]
        if chance.random() < 0.5:
            found["vars"] = variables(3) or None
        if left and chance.random() < 0.6:
            found["children"] = {
                name: group(left[i + 1 :]) for i, name in enumerate(left) if chance.random() < 0.5
            }
        if chance.random() < 0.02:
            found["hots"] = {"lost": None}
        return found or None

    top = {name: group(groups[i + 1 :]) for i, name in enumerate(groups)}
    return {"all": {"children": top, "vars": variables(2)}} if chance.random() < 0.6 else dict(top)


def _beside(chance: random.Random, folder: Path, name: str) -> None:
    """One or more files for a group or a host."""
    for _ in range(chance.choice([1, 1, 1, 2])):
        kind = chance.choice(["", ".yml", ".yml", ".yaml", ".json", "/", "/"])
        if kind == "/":
            place = folder / (name + chance.choice(["", "", ".yml"]))
            if place.is_file():
                continue
            for inside in chance.sample(
                ["a.yml", "b.yaml", "c", ".hidden.yml", "d.yml~", "e.md", "f/g.yml", "h.json"], 3
            ):
                _variables_file(chance, place / inside)
        elif not (folder / f"{name}{kind}").is_dir():
            _variables_file(chance, folder / f"{name}{kind}")


def _raw(chance: random.Random, name: str) -> str:
    """A value as YAML text, for one in five as nobody's library would write it."""
    odd = chance.random() < (0.05 if name.startswith("ansible_") else 0.4)
    return chance.choice(_RAW_YAML) if odd else json.dumps(_yaml_value(chance, name))


def _variables_file(chance: random.Random, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = chance.sample(_NAMES, chance.randint(0, 4))
    roll = chance.random()
    if roll < 0.01:
        path.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162636465\n")
    elif roll < 0.02:
        path.write_text(chance.choice(["- a\n- b\n", "text\n", "a: [\n", "\ta: 1\n", "a: 1\n---\nb: 2\n"]))
    elif path.suffix == ".json" or roll < 0.1:
        path.write_text(json.dumps({name: _yaml_value(chance, name) for name in names}))
    elif roll < 0.15 and names:
        path.write_text(f"x: &common\n  {names[0]}: merged\n<<: *common\nlisten: 1\n")
    else:
        lines = [f"{name}: {_raw(chance, name)}" for name in names]
        path.write_text("---\n" * (chance.random() < 0.3) + "\n".join(lines) + "\n")
