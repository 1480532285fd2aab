"""Local hosts, a set of them at a time, brought up and removed through Vagrant.

Whatever state a set is in, `up` makes it whole and `down` leaves nothing. Callers hold the `lab_lock` of the set's
`state`.
"""
# mypy: disallow-untyped-calls=False
# python-vagrant publishes no types.

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.base.errors import HostError, LabError
from pipeline.inventory.hosts import Host, Inventory
from pipeline.lab import libvirt, lxc
from pipeline.lab.box import box_directory, box_for, ensure_box
from pipeline.lab.children import call, stop_left
from pipeline.lab.memory import memories
from pipeline.lab.provider import choose_provider, has_kvm
from pipeline.lab.record import Record, read, write
from pipeline.lab.sets import CANARY, HostSet
from pipeline.lab.vagrant_command import VagrantCommand, note_beside
from pipeline.remote.ssh import ssh_arguments

__all__ = ["Lab"]

_OTHER_KEY = "Host key verification failed"  # ssh(1)'s words


class Lab:
    """One set of hosts of the workplace `root` (see places.py).

    `provider` forces one; default: their own, or the first that works. `say` gets progress lines. State: within
    `root`/.pipeline (`state`: addresses, host keys, log) and `root`/.vagrant.
    """

    def __init__(
        self,
        root: Path,
        provider: str | None = None,
        say: Callable[[str], None] = print,
        host_set: HostSet = CANARY,
    ) -> None:
        self.root = root.resolve()
        self.host_set = host_set
        self._prefix = host_set.prefix(self.root)
        self._say = say
        self._wanted = provider
        self.state = host_set.state(self.root / ".pipeline")
        self._file = self.state / "lab.json"
        self._vagrant_folder = self.root / ".vagrant" / host_set.folder
        self._machines = self._vagrant_folder / "machines"
        self.known_hosts = self.state / "known_hosts"
        self.log = self.state / "vagrant.log"

    @property
    def provider(self) -> str:
        """The provider of the lab that is there, else what `up` would use. LabError when none works."""
        return self._in_use() or choose_provider(self._wanted)

    def exists(self) -> bool:
        """Whether there is any trace of these hosts, be they whole or not."""
        return self._in_use() is not None

    def is_up(self) -> bool:
        """Whether all hosts answer SSH, now."""
        record = read(self._file)
        return record is not None and not self._bad(record)

    def inventory(self) -> Inventory:
        """The hosts of a lab that is up. Raises LabError when one does not answer."""
        record = read(self._file)
        if record is None:
            raise LabError(f"{self.root}: {self.host_set.title} is not up", hint=self.host_set.command("up"))
        for error in memories(record.hosts, self.known_hosts).values():
            if isinstance(error, HostError):
                raise LabError(
                    f"{self.host_set.title} is not whole: {error}", hint=self.host_set.command("up")
                )
        return self._inventory(record)

    def hosts(self) -> tuple[Host, ...]:
        """The hosts as they were when all were last up; none is asked."""
        record = read(self._file)
        return tuple(self._inventory(record)) if record else ()

    def up(self) -> Inventory:
        """Boots what is missing, gives the hosts; a whole lab takes 0.3 s. Raises LabError.

        What is broken is built anew, or in a set that keeps data only started. When this fails or is
        interrupted, the hosts that it was building are gone again (not on VirtualBox).
        """
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        provider = self.provider
        if provider == "lxc":
            lxc.require_root()
        if self._wanted and self._wanted != provider:
            raise LabError(
                f"{self.host_set.title} of this checkout is on {provider} already",
                hint=self.host_set.command("down"),
            )
        record = read(self._file)
        settings = self._settings(provider)
        if record and self.host_set.keeps_data:
            self._refuse_other_sizes(record, settings)
            settings["PIPELINE_LAB_BOX"] = record.settings["PIPELINE_LAB_BOX"]
        same = record if record and settings.items() <= record.settings.items() else None
        bad = self._bad(same) if same else dict.fromkeys(self.host_set.hosts, "")
        if same and not bad:
            return self._inventory(same)
        missing = list(bad)
        fresh = [name for name in missing if not self._kept(record, name)]
        for name in (name for name, why in bad.items() if _OTHER_KEY in why):
            other = f"{name}: its SSH host key is not the one that it had"
            if name not in fresh:  # it has secrets, and gets new ones; one that is built anew gets a new key
                raise LabError(
                    other, hint=f"look who is there; {self.host_set.command('down')}: without its data"
                )
            self._say(f"{other}: it is built anew")
        self._say(f"{self.host_set.title.removeprefix('the ')} on {provider}: booting {', '.join(missing)}")
        stop_left(note_beside(self.log))  # of a killed command: nobody else can run one under the lock
        try:
            if provider == "lxc":
                lxc.acquire(self._prefix, self.root)
                settings |= self._lxc_addresses(record)
            elif provider == "libvirt":
                libvirt.acquire(self._prefix, self.root)
            ensure_box(provider, self._say)
            return self._boot(provider, settings, missing, fresh)
        except BaseException:
            self._discard(provider, fresh)
            if fresh == list(self.host_set.hosts):
                self._release(provider)
            raise

    def down(self) -> None:
        """Destroys all hosts and what belongs to them, known to Vagrant or not; none is fine too."""
        stop_left(note_beside(self.log))
        provider = self._in_use()
        if provider == "lxc":
            lxc.require_root()
            lxc.stop(lxc.containers(self._prefix))
        elif provider == "libvirt":
            # a machine that was restarted has hosts, but no libvirtd yet
            libvirt.acquire(self._prefix, self.root)
        if provider and any(self._machines.glob("*/*/id")):
            try:
                self._vagrant(provider, {}).destroy_hosts()
            except (LabError, OSError):  # such as a disk that has no room for its log
                if provider == "virtualbox":
                    raise
        if provider:
            self._discard(provider, self.host_set.hosts)  # what Vagrant did not know or could not destroy
            self._release(provider)
        shutil.rmtree(self._machines, ignore_errors=True)
        self._file.unlink(missing_ok=True)
        self.known_hosts.unlink(missing_ok=True)

    def status(self) -> list[tuple[str, str, str]]:
        """For each host its name, its state as the provider calls it, and its address:port or ""."""
        provider, record = self._in_use(), read(self._file)
        addresses = {host.name: f"{host.address}:{host.port}" for host in record.hosts} if record else {}
        if provider is None:
            states = dict.fromkeys(self.host_set.hosts, "not_created")
        elif provider == "lxc":
            states = {name: lxc.state(self._prefix + name) for name in self.host_set.hosts}
        else:
            states = {row.name: row.state for row in self._vagrant(provider, {}).status()}
        return [
            (name, state, addresses.get(name, "") if state == "running" else "")
            for name, state in states.items()
        ]

    def ssh_command(self, host: str) -> list[str]:
        """What to execute for a shell on that host; a command for it can be appended as one word."""
        record = read(self._file)
        for found in record.hosts if record else ():
            if found.name == host:
                return ["ssh", *ssh_arguments(found, self.known_hosts)]
        raise LabError(f"{self.host_set.title} has no host '{host}' now", hint=self.host_set.command("up"))

    def _refuse_other_sizes(self, record: Record, settings: dict[str, str]) -> None:
        wanted = {name: value for name, value in settings.items() if name != "PIPELINE_LAB_BOX"}
        for name, value in wanted.items():
            if record.settings.get(name) != value:
                raise LabError(
                    f"{self.host_set.title} was made with {name}={record.settings.get(name, '')}, not {value}",
                    hint=f"give the same; or remove it with all its data: {self.host_set.command('down')}",
                )

    def _kept(self, record: Record | None, name: str) -> bool:
        """Whether this host was whole once and is there, with data that must outlive a stop of the machine."""
        if not self.host_set.keeps_data or record is None:
            return False
        if record.provider == "lxc" and lxc.state(self._prefix + name) == "not_created":
            return False
        return any(self._machines.glob(f"{name}/*/id"))

    def _boot(
        self, provider: str, settings: dict[str, str], missing: Sequence[str], fresh: Sequence[str]
    ) -> Inventory:
        self._discard(provider, fresh)
        self._forget_keys(fresh)
        if not self.host_set.keeps_data or list(fresh) == list(self.host_set.hosts):
            self._file.unlink(missing_ok=True)  # else a broken-off `up` would forget whose data is to be kept
        vagrant = self._vagrant(provider, settings)
        vagrant.up_hosts(missing)
        hosts = self._lxc_hosts(settings) if provider == "lxc" else self._vm_hosts(provider, vagrant)
        self._check(provider, settings, hosts)
        write(self._file, provider, settings, hosts)
        return self._inventory(Record(provider, settings, tuple(hosts)))

    def _forget_keys(self, fresh: Sequence[str]) -> None:
        """A host that is built anew has a new key; those of the others stay known."""
        record = read(self._file)
        if record is None:
            self.known_hosts.unlink(missing_ok=True)
            return
        for host in record.hosts:
            if host.name in fresh and self.known_hosts.exists():
                place = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
                call(["ssh-keygen", "-q", "-R", place, "-f", str(self.known_hosts)], seconds=10)
        self.known_hosts.with_name(f"{self.known_hosts.name}.old").unlink(missing_ok=True)

    def _check(self, provider: str, settings: dict[str, str], hosts: Sequence[Host]) -> None:
        for name, memory in memories(hosts, self.known_hosts).items():
            if isinstance(memory, HostError):
                raise LabError(f"a booted host does not answer: {memory}", hint=f"see {self.log}")
            wanted = self.host_set.memory_of(name, settings)
            if provider == "lxc" and memory != int(wanted) << 20:
                raise LabError(
                    f"{name} sees {memory >> 20} MB of memory, not {wanted}:"
                    " lxcfs does not work, and no host's figures would be its own",
                    hint=f"{self.host_set.command('down')}, then {self.host_set.command('up')}",
                )

    def _bad(self, record: Record) -> dict[str, str]:
        """Each host that is not there, in the order of the set, and why; a stopped container has no reason."""
        hosts = record.hosts
        if record.provider == "lxc":  # a stopped container's address would be waited for
            hosts = tuple(h for h in hosts if lxc.state(self._prefix + h.name) == "running")
        answers = memories(hosts, self.known_hosts)
        good = {name for name, memory in answers.items() if not isinstance(memory, HostError)}
        return {name: str(answers.get(name, "")) for name in self.host_set.hosts if name not in good}

    def _in_use(self) -> str | None:
        """The provider that these hosts are on, by any trace of them."""
        if record := read(self._file):
            return record.provider
        for trace in self._machines.glob("*/*/id"):
            return trace.parent.name
        if lxc.in_use(self._prefix):
            return "lxc"
        return "libvirt" if libvirt.in_use(self._prefix) else None

    def _discard(self, provider: str, names: Sequence[str]) -> None:
        """Removes the hosts of these names, and Vagrant's memory of them; on VirtualBox only Vagrant does that."""
        ours = [self._prefix + name for name in names]
        if provider == "lxc":
            lxc.destroy([name for name in lxc.containers(self._prefix) if name in ours])
        elif provider == "libvirt":
            libvirt.destroy([name for name in libvirt.domains(self._prefix) if name in ours])
        else:
            return
        for name in names:
            shutil.rmtree(self._machines / name / provider, ignore_errors=True)

    def _release(self, provider: str) -> None:
        if provider == "lxc":
            lxc.release(self._prefix)
        elif provider == "libvirt":
            libvirt.release(self._prefix)

    def _vagrant(self, provider: str, settings: dict[str, str]) -> VagrantCommand:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        given = {**self.host_set.variables, **settings}
        return VagrantCommand(
            self.root, self.host_set.vagrantfile, self._vagrant_folder, provider, given, self.log, self._say
        )

    def _lxc_addresses(self, record: Record | None) -> dict[str, str]:
        """Where this lab's addresses begin: where they were, or where nobody is."""
        before = record.settings.get("PIPELINE_LAB_FIRST") if record else None
        return {
            "PIPELINE_LAB_SUBNET": lxc.bridge_address().rpartition(".")[0],
            "PIPELINE_LAB_FIRST": before or str(lxc.free_slot(self._prefix, self.host_set.place(self.root))),
        }

    def _lxc_hosts(self, settings: dict[str, str]) -> list[Host]:
        # `vagrant ssh-config` would say the same, 1.5 s later.
        key = box_directory(settings["PIPELINE_LAB_BOX"]) / "vagrant_private_key"
        first = int(settings["PIPELINE_LAB_FIRST"])
        subnet = settings["PIPELINE_LAB_SUBNET"]
        return [
            Host(name, f"{subnet}.{first + at}", 22, "vagrant", key)
            for at, name in enumerate(self.host_set.hosts)
        ]

    def _vm_hosts(self, provider: str, vagrant: VagrantCommand) -> list[Host]:
        hosts = []
        for name in self.host_set.hosts:
            found = vagrant.conf(vm_name=name)
            key = Path(found["IdentityFile"])
            # libvirt has one network, for us and among the hosts
            private = "" if provider == "libvirt" else vagrant.private_address(name)
            hosts.append(Host(name, found["HostName"], int(found["Port"]), found["User"], key, private))
        return hosts

    def _settings(self, provider: str) -> dict[str, str]:
        """The Vagrantfile's variables: the user's own where set."""
        emulate = provider == "libvirt" and not has_kvm()
        return {
            **({"PIPELINE_LAB_EMULATE": "1"} if emulate else {}),
            "PIPELINE_LAB_BOX": os.environ.get("PIPELINE_LAB_BOX") or box_for(provider),
            **self.host_set.settings(provider),
        }

    def _inventory(self, record: Record) -> Inventory:
        """Each host in a group of its own; where their keys are kept goes along into inventory files."""
        hosts = [replace(host, known_hosts=self.known_hosts) for host in record.hosts]
        return Inventory({host.name: (host,) for host in hosts})
