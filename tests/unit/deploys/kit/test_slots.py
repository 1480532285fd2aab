"""The unit of an application's slots."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploys.kit.places import TEMPLATES
from deploys.kit.slots import unit_text


def test_the_unit_runs_exactly_the_command_in_the_release_of_its_slot() -> None:
    text = unit_text("shop", ["bin/serve", "100%", "$HOME"], directory="site", after=["db.service"])
    assert 'ExecStart="/srv/shop/slots/%i/release/bin/serve" "100%%" "$$HOME"\n' in text
    assert "WorkingDirectory=/srv/shop/slots/%i/release/site\n" in text
    assert "After=network-online.target db.service\n" in text


@pytest.mark.parametrize(
    ("given", "action"), [("back=no", "deploy"), ("back=yes", "rollback"), ("", "deploy")]
)
def test_the_monitors_mark_says_whether_it_was_a_deploy_or_a_rollback(
    tmp_path: Path, given: str, action: str
) -> None:
    functions = (
        (TEMPLATES / "mark.sh").read_text().replace("/var/lib/prometheus/node-exporter", str(tmp_path))
    )
    subprocess.run(["sh", "-eu", "-c", f"app=shop; {given}\n{functions}\nmark a1b2 1234"], check=True)
    line = (tmp_path / "pipeline_shop.prom").read_text().splitlines()[-1]
    assert line == f'pipeline_deploy_timestamp_seconds{{app="shop",release="a1b2",action="{action}"}} 1234'
