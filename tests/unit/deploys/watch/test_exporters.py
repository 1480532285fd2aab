"""The exporters of a host and of its applications."""

from __future__ import annotations

from deploys.kit.kept import Kept
from deploys.watch import exporters, jmx


def test_no_exporter_listens_but_on_loopback() -> None:
    what = Kept()
    exporters.keep_host(what)
    for app in ("checkbox", "itrust"):
        _, more = exporters.described(app)
        what.files |= more.files
    texts = [file["text"] for path, file in what.files.items() if path.startswith("/etc/default/")]
    assert len(texts) == 5
    for text in texts:
        assert "listen-address=127.0.0.1:" in text or "HOST=127.0.0.1\n" in text
    assert all(
        option.startswith("-javaagent:/srv/itrust/jmx/") and f"=127.0.0.1:{port + 10000}:" in option
        for port, option in ((p, jmx.option(p)) for p in (8081, 8082))
    )
