"""An Ansible inventory with the files beside it: what its variables mean here, and which cannot be used.

Only what holds for a host that is wanted counts: a password in another group is nobody's business.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipeline.inventory.ansible_groups import IMPLIED, Groups
from pipeline.inventory.ansible_vars import VarsFolders
from pipeline.inventory.entries import Entry, Problems, Value, pyinfra_data
from pipeline.inventory.group_data import GroupData
from pipeline.inventory.yamltree import has_template

__all__ = ["KEYS", "AnsibleInventory"]

# Of two names Ansible takes the first.
KEYS: Mapping[str, tuple[str, ...]] = {
    "ssh_hostname": ("ansible_ssh_host", "ansible_host"),
    "ssh_port": ("ansible_ssh_port", "ansible_port"),
    "ssh_user": ("ansible_ssh_user", "ansible_user"),
    "ssh_key": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "private_address": ("private_address",),
}
_NAMES = [name for names in KEYS.values() for name in names]
_CONNECTIONS = (
    "ssh",
    "smart",
    "paramiko",
    "paramiko_ssh",
    "ansible.builtin.ssh",
    "ansible.builtin.paramiko_ssh",
)
_SSH_OPTIONS = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
# Options of ssh that do not change which host is reached as whom; ours are at least as strict.
_HARMLESS_OPTIONS = re.compile(
    r"(StrictHostKeyChecking|Control(Master|Persist|Path)|ServerAlive(Interval|CountMax)|ConnectTimeout"
    r"|ConnectionAttempts|Compression|LogLevel)[= ].*",
    re.IGNORECASE,
)
# About Ansible's own way of working, which has no counterpart here.
_WITHOUT_MEANING = re.compile(
    r"ansible_(become(_(method|user|flags|exe))?|\w+_interpreter|python_interpreter_fallback|connection"
    r"|(ssh_)?pipelining|(ssh_)?timeout|(ssh_)?host_key_checking|ssh_(retries|transfer_method|executable|use_tty)"
    r"|(scp|sftp)_\w+|ssh_control_path(_dir)?|remote_tmp|async_dir|shell_\w+|facts?_\w+|group_priority|diff_mode"
    r"|check_mode|verbosity|forks)"
)
# pyinfra would take these out of a host's data.
_PYINFRA = re.compile(
    r"ssh_(hostname|port|user|key|\w*password|allow_agent|look_for_keys|forward_agent|config_file|known_hosts_file"
    r"|strict_host_key_checking|paramiko_connect_kwargs|connect_\w+|file_transfer_protocol)"
)


class AnsibleInventory:
    """Groups that were read from a file, and the variables beside it."""

    def __init__(self, groups: Groups, folders: VarsFolders, group_data: GroupData) -> None:
        self._groups = groups
        self._folders = folders
        self._group_data = group_data

    @property
    def lines(self) -> Mapping[str, int]:
        """The groups with their lines; not `all` and `ungrouped`, which Ansible implies."""
        return {name: group.line for name, group in self._groups.groups.items() if name not in IMPLIED}

    def entries(self, group: str, problems: Problems) -> list[Entry]:
        """The hosts of a group; what cannot be used becomes a problem."""
        for line, what in self._groups.problems_below(group):
            problems.add(line, what)
        members = self._groups.members(group)
        return [Entry(host, line, self._values(host, problems)) for host, line in members.items()]

    def _values(self, host: str, problems: Problems) -> dict[str, Value]:
        variables = self.variables(host, problems)
        late = self._groups.hosts[host].late_port
        port = variables.get("ansible_port")
        if late is not None and (port is None or str(port.value) != str(late.value)):
            said = f"Ansible takes no port for '{host}' here, as line {self._groups.hosts[host].line} names it before"
            problems.add(late.line, f"{said}: write ansible_port={late.value}")
        return self._pyinfra_data(host, problems) | _meaning(host, variables, problems)

    def _pyinfra_data(self, host: str, problems: Problems) -> dict[str, Value]:
        """What pyinfra, given this file as `@ini/FILE`, would add: it is weaker than all that Ansible has."""
        around = {group.name for group in self._groups.around(host)}
        found = self._group_data.of("all", problems)
        for name in (name for name in self.lines if name in around):
            found |= self._group_data.of(name, problems)
        return pyinfra_data(found, problems)

    def variables(self, host: str, problems: Problems) -> dict[str, Value]:
        """All variables of a host as Ansible has them, with the value that wins."""
        around = self._groups.around(host)
        found: dict[str, Value] = {}
        for group in (self._groups.groups["all"], *around):
            found |= group.variables
            for line, what in group.doubts:
                problems.add(line, what)
        found |= self._folders.of_group("all", problems)
        for group in around:
            found |= self._folders.of_group(group.name, problems)
        return found | self._groups.hosts[host].variables | self._folders.of_host(host, problems)


def _meaning(host: str, variables: Mapping[str, Value], problems: Problems) -> dict[str, Value]:
    """The variables under the names they have here."""
    found: dict[str, Value] = {}
    for part, names in KEYS.items():
        given = [variables[name] for name in names if name in variables and _is_set(variables[name])]
        if given:
            found[part] = _as_text(_knowable(given[0]))
    for name, value in variables.items():
        if name in _NAMES or not _is_set(value):
            continue
        if name == "ansible_connection" and value.value not in _CONNECTIONS:
            said = value.unread or f"={value.value}: only hosts reached by SSH can be used"
            problems.add(value.line, f"ansible_connection{' ' if value.unread else ''}{said}", value.path)
        elif name in _SSH_OPTIONS:
            if not _is_harmless(value):
                problems.add(value.line, _ssh_configuration(value, found, host), value.path)
        elif name.startswith("ansible_"):
            if value.value != "" and not _WITHOUT_MEANING.fullmatch(name):
                problems.key(value, _NAMES)
        elif name in KEYS:
            said = f"'{name}' is pyinfra's; in an Ansible inventory write {KEYS[name][-1]}"
            problems.add(value.line, said, value.path)
        elif _PYINFRA.fullmatch(name) or difflib.get_close_matches(name, _NAMES, 1, 0.85):
            problems.key(value, _NAMES)
        else:
            found[name] = _knowable(value)
    return found


def _is_set(value: Value) -> bool:
    return value.value is not None or bool(value.unread)


def _knowable(value: Value) -> Value:
    """A template is filled in by Ansible at run time, from what only Ansible knows."""
    if not value.unread and has_template(value.value):
        return replace(value, unread="is a template, and none is filled in here: write the value itself")
    return value


def _as_text(value: Value) -> Value:
    """A number as the text that Ansible makes of it: a user may be called 1000."""
    plain = value.value
    return replace(value, value=str(plain)) if type(plain) is int else value


def _options(value: Value) -> list[str]:
    """The words behind each -o, with -J and all else as they are; raises ValueError where a quote is left open."""
    words = shlex.split(value.value) if isinstance(value.value, str) else [str(value.value)]
    return [*_joined(iter(words))]


def _joined(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if word in ("-o", "-J"):
            option = next(words, "")
            yield option if word == "-o" else f"ProxyJump={option}"
        else:
            yield word.removeprefix("-o") if word.startswith("-o") else word


def _is_harmless(value: Value) -> bool:
    if value.unread:
        return False
    try:
        return all(_HARMLESS_OPTIONS.fullmatch(option) for option in _options(value))
    except ValueError:
        return False


def _ssh_configuration(value: Value, found: Mapping[str, Value], host: str) -> str:
    """What to write into the SSH configuration instead."""
    address = found["ssh_hostname"].value if "ssh_hostname" in found else host
    lines: list[str] = []
    if not value.unread:
        try:
            options = [option.replace("=", " ", 1) for option in _options(value)]
        except ValueError:
            options = []
        lines = [option for option in options if re.fullmatch(r"[A-Za-z]+ \S.*", option)]
    example = ", ".join(f"`{line}`" for line in lines) or "`ProxyJump BASTION`"
    return (
        f"{value.name} is not taken: jump hosts and other options belong into your SSH configuration, which is read; "
        f"in ~/.ssh/config write `Host {address}` and below it {example}"
    )
