"""tests/infra needs hosts, and never takes the machine that runs it for one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.places import ROOT


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_without_hosts_no_check_is_collected() -> None:
    """Neither run nor skipped: a plain pytest does not see them."""
    # of all the others one folder is enough
    others = [
        "--ignore=tests/faults",
        "--ignore=tests/lab",
        "--ignore=tests/support",
        "--ignore-glob=tests/unit/[!b]*",
        "--ignore=tests/unit/bench",
    ]
    ended = run_pytest("--collect-only", "tests", *others)

    assert "tests/unit/base/test_lock.py" in ended.stdout
    assert "infra" not in ended.stdout


@pytest.mark.parametrize(
    ("hosts", "error"),
    [
        ([], "which hosts? --hosts=paramiko://NAME --ssh-config=FILE"),
        (["--hosts=here", "--connection=local"], "only hosts reached by SSH are tested, not local://"),
    ],
)
def test_the_machine_that_runs_the_suite_is_never_tested(hosts: list[str], error: str) -> None:
    ended = run_pytest("tests/infra/test_checkbox.py", *hosts)

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert error in ended.stderr


def test_each_check_of_a_host_that_cannot_be_reached_fails_with_the_reason_in_the_report(
    tmp_path: Path,
) -> None:
    config, report = tmp_path / "config", tmp_path / "report"
    config.write_text("Host gone\n  HostName 127.0.0.1\n  Port 1\n")

    ended = run_pytest(
        "tests/infra/test_itrust.py", "--hosts=paramiko://gone", f"--ssh-config={config}",
        f"--pipeline-report={report}",
    )  # fmt: skip

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    checks = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(checks) > 50
    assert {(check["host"], check["outcome"]) for check in checks} == {("gone", "failed")}
    assert {check["reason"][:26] for check in checks} == {"cannot be reached by SSH: "}
    assert "The log-in page has its form" in [check["title"] for check in checks]


def test_what_listens_is_read_as_ss_prints_it() -> None:
    """The suite's own doctests, which a plain pytest leaves out with everything else in there."""
    program = (
        "import doctest, sys; sys.path.insert(0, 'tests/infra'); import sockets; r = doctest.testmod(sockets)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; print(r.attempted, r.failed)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout == "2 0\n"
