"""A lab's host whose SSH key is another one: it is built anew, and that is said."""

from __future__ import annotations

from pipeline.base.errors import Exit
from pipeline.lab.lab import Lab
from pipeline.remote.ask import ask
from tests.support.lab import Command

_ANOTHER_KEY = "sudo sh -c 'rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh'"


def test_a_host_with_another_ssh_key_is_built_anew_and_that_is_said(pipeline: Command, lab: Lab) -> None:
    def keys() -> set[str]:
        return {line for line in lab.known_hosts.read_text().splitlines() if not line.startswith("#")}

    before = keys()
    done = ask(lab.inventory().one("green"), _ANOTHER_KEY, known_hosts=lab.known_hosts, seconds=30)
    assert done.status == 0, done
    ended = pipeline("lab", "up")
    assert ended.code == Exit.OK, ended.err
    assert "green: its SSH host key is not the one that it had: it is built anew" in ended.out + ended.err
    assert {len(before), len(keys())} == {3}
    assert len(before & keys()) == 2, "those of the other hosts stay as they are"
