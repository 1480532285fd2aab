"""The files that `pipeline judge` writes beside its table, from two files of series and from a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run

CONFIG = """\
metrics:
  - {name: latency, kind: level, unit: s, margin: 10%, csv: {column: latency}}
policy: {min_blocks: 5}
"""


@pytest.fixture
def series(tmp_path: Path) -> list[str]:
    """The arguments that judge a canary whose latency is twice the baseline's."""
    (tmp_path / "canary.yml").write_text(CONFIG)
    for arm, base in (("baseline", 0.1), ("canary", 0.2)):
        rows = "".join(f"{i},{base + 0.001 * (i * 7 % 5)}\n" for i in range(1, 241))
        (tmp_path / f"{arm}.csv").write_text(f"t,latency\n{rows}")
    files = [f"--{arm}={tmp_path / arm}.csv" for arm in ("baseline", "canary")]
    return ["judge", f"--config={tmp_path / 'canary.yml'}", *files]


def test_a_verdict_on_series_goes_into_every_file_and_the_table_stays(
    tmp_path: Path, series: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    names = {"junit": "j.xml", "summary": "s.md", "html": "p.html", "json-file": "v.json"}
    code = run([*series, *(f"--{option}={tmp_path / name}" for option, name in names.items())])
    out = capsys.readouterr().out
    assert code == Exit.FAILED
    assert "canary score" in out
    assert "::error" not in out
    assert json.loads((tmp_path / "v.json").read_text())["outcome"] == "failed"
    page = (tmp_path / "p.html").read_text()
    assert "column latency" in page
    assert page.count('<td class="n">240</td>') >= 2, "how many samples each column gave"
    assert "1 s to" in page or "0 s to" in page
    assert '<path class="line canary" d="M' in page
    assert 'failures="2"' in (tmp_path / "j.xml").read_text()
    assert (tmp_path / "s.md").read_text().startswith("## The canary failed: canary ")


def test_a_job_of_github_gets_annotations_after_the_text_which_can_give_no_command(
    series: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run(series)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("::stop-commands::")
    end = lines.index(f"::{lines[0].rpartition('::')[2]}::")
    assert [line.partition(" ")[0] for line in lines[end + 1 :]] == ["::error", "::error"]
    run([*series, "--json"])
    both = capsys.readouterr()
    assert json.loads(both.out)["outcome"] == "failed"
    assert both.err.startswith("::error ")
    run([*series, "--annotations=off"])
    assert "::error" not in capsys.readouterr().out


def test_kayenta_s_judge_has_none_of_these(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["judge", "--judge", "kayenta", f"--junit={tmp_path / 'x'}"]) == Exit.USAGE
    assert "--junit is for --judge pipeline" in capsys.readouterr().err


def test_a_directory_that_is_not_there_is_told_before_anything_is_judged(
    tmp_path: Path, series: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*series, f"--junit={tmp_path / 'no' / 'x.xml'}"]) == Exit.USAGE
    both = capsys.readouterr()
    assert both.out == ""
    assert "no such directory" in both.err
