"""The unit of an application's slots."""

from __future__ import annotations

from deploys.kit.slots import unit_text


def test_the_unit_runs_exactly_the_command_in_the_release_of_its_slot() -> None:
    text = unit_text("shop", ["bin/serve", "100%", "$HOME"], directory="site", after=["db.service"])
    assert 'ExecStart="/srv/shop/slots/%i/release/bin/serve" "100%%" "$$HOME"\n' in text
    assert "WorkingDirectory=/srv/shop/slots/%i/release/site\n" in text
    assert "After=network-online.target db.service\n" in text
