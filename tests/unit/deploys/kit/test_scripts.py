"""Shell texts for a host: they quote everything, and run whole or not at all."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from pyinfra.api.util import get_kwargs_str
from pyinfra.connectors.util import write_stdin

from deploys.kit import scripts
from deploys.kit.places import TEMPLATES
from deploys.kit.scripts import script

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
