"""What is sent to a host: shell texts that quote everything, and run whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyinfra.api.exceptions import DeployError
from pyinfra.api.util import get_kwargs_str
from pyinfra.connectors.util import write_stdin

from deploys.kit import scripts
from deploys.kit.places import TEMPLATES
from deploys.kit.proof import program_text
from deploys.kit.releases import unpacked_size
from deploys.kit.scripts import script
from deploys.kit.slots import unit_text

SHELL = sorted(path.stem for path in TEMPLATES.glob("*.sh"))


@pytest.mark.parametrize("name", SHELL)
def test_every_script_is_posix_shell(name: str) -> None:
    done = subprocess.run(["sh", "-n"], input=script(name), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_value_is_expanded_by_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "show.sh").write_text('main() { printf %s "$value"; }\n')
    monkeypatch.setattr(scripts, "TEMPLATES", tmp_path)
    value = "a'b\"c $(touch x) `id` \\ $HOME\nlast"
    done = subprocess.run(
        ["sh", "-s"], input=script("show", value=value), capture_output=True, text=True, check=True
    )
    assert done.stdout == value


def test_a_script_that_arrives_in_part_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "show.sh").write_text("main() { echo begun; }\n")
    monkeypatch.setattr(scripts, "TEMPLATES", tmp_path)
    text = script("show", value="x")
    for length in range(len(text) - len("run\n")):
        done = subprocess.run(["sh", "-s"], input=text[:length], capture_output=True, text=True, check=False)
        assert "begun" not in done.stdout


def test_a_script_is_sent_but_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "show.sh").write_text('main() { echo "$password"; }\n')
    monkeypatch.setattr(scripts, "TEMPLATES", tmp_path)
    text = script("show", password="hunter2")
    # As pyinfra -v prints what a fact was given, and as it sends it.
    assert not any("hunter2" in shown for shown in (get_kwargs_str({"_stdin": text}), str(text), f"{[text]}"))
    sent = io.BytesIO()
    sent.close = lambda: None  # type: ignore[method-assign] # it is read after it was closed
    write_stdin(text, sent)  # type: ignore[no-untyped-call] # pyinfra gives it no types
    done = subprocess.run(["sh", "-s"], input=sent.getvalue(), capture_output=True, check=True)
    assert done.stdout == b"hunter2\n"


def test_a_proof_reads_its_parameters_from_standard_input_and_they_are_in_no_argv() -> None:
    program = (
        "from __future__ import annotations\nimport json, sys\nfrom pathlib import Path\n"
        "given = json.load(sys.stdin)\n"
        "print(json.dumps({'given': given, 'argv': Path('/proc/self/cmdline').read_text()}))\n"
    )
    parameters = {"password": 'it\'s "hunter2" \\ \n \u2028', "list": [1, None]}
    done = subprocess.run(
        [sys.executable, "-"],
        input=program_text(program, parameters),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["given"] == parameters
    assert "hunter2" not in told["argv"]


def test_the_unit_runs_exactly_the_command_in_the_release_of_its_slot() -> None:
    text = unit_text(
        "shop", ["bin/serve", "100%", "$HOME"], directory="site", after=["db.service"], memory_max="1G"
    )
    assert 'ExecStart="/srv/shop/slots/%i/release/bin/serve" "100%%" "$$HOME"\n' in text
    assert "WorkingDirectory=/srv/shop/slots/%i/release/site\n" in text
    assert "After=network-online.target db.service\n" in text
    assert "MemoryMax=1G\n" in text
    assert "MemoryMax" not in unit_text("shop", ["serve"])


def test_a_damaged_archive_is_told_before_it_is_sent(tmp_path: Path) -> None:
    good, cut = tmp_path / "good.gz", tmp_path / "cut.gz"
    good.write_bytes(gzip.compress(b"x" * 5_000_000))
    cut.write_bytes(good.read_bytes()[:1000])
    assert unpacked_size(good) == 5_000_000
    with pytest.raises(DeployError, match=r"cut\.gz"):
        unpacked_size(cut)
