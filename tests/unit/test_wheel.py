"""The wheel, installed as a new user would: in an environment of its own, away from the checkout."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tests.support.report_samples as samples
from deploys.software.loader_archive import ASKED, platform_of, release_of
from pipeline import __version__
from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.cli.extras import EXTRAS
from pipeline.cli.root import COMMANDS
from pipeline.source.sample import fingerprint
from tests.support.environments import Installed, build_wheel, install

CONFIG = "metrics:\n  - {name: latency, kind: level, unit: s, margin: 10%, weight: 30, critical: true}\n"
# An SSH that says of every host what a deploy asks first.
SSH = """#!/bin/sh
cat >/dev/null
printf 'system=debian 12\\nsystemd=yes\\nroot=yes\\nmemory=4000\\ndisk=9000\\n'
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The environment; whatever is done with it, nothing is written where the package is."""
    environment = install(wheel, tmp_path_factory.mktemp("environment") / "venv")
    before = _files(environment.package)
    yield environment
    assert _files(environment.package) == before


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A working directory in which there is nothing."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def hosts(empty: Path) -> Iterator[Path]:
    """An inventory of one host, whose SSH closes each connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=refuse)
        thread.start()
        port = server.getsockname()[1]
        host = f"web ansible_host=127.0.0.1 ansible_port={port} ansible_user=admin"
        inventory = empty / "hosts.ini"
        inventory.write_text(f"[checkbox]\n{host}\n")
        yield inventory
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def ssh(tmp_path: Path) -> dict[str, str]:
    """Variables with which `ssh` is the script above."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH)
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_the_wheel_carries_what_the_commands_need_and_nothing_that_was_made_here(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {
        name.removeprefix("pipeline/shipped/") for name in names if name.startswith("pipeline/shipped/")
    }
    assert {path.name for path in ROOT.glob("Vagrantfile.*")} <= shipped
    assert {
        "dashboard/panels.yml",
        "deploys/canary.py",
        "deploys/templates/haproxy.cfg.j2",
        "profiles/preview.yml",
        "services/preview/faults/broken.patch",
        "tests/infra/on_host/find_secrets.py",
    } <= shipped
    assert {"pipeline/py.typed", "loadgen/py.typed", "pipeline/lab/box/lxc-template"} <= names
    assert {"pipeline/runs/__init__.py", "pipeline/report/templates/report.html.j2"} <= names
    assert not [name for name in names if {"node_modules", "__pycache__"} & {*name.split("/")}]
    assert {name.split("/")[0] for name in names} == {
        "loadgen",
        "pipeline",
        f"pipeline_canary-{__version__}.dist-info",
    }


def test_it_is_the_installed_package_that_runs(installed: Installed, empty: Path) -> None:
    code = "import loadgen, pipeline; print(pipeline.__file__, loadgen.__file__)"
    ended = installed.run("python", "-c", code, cwd=empty)
    assert [Path(name).parents[1] for name in ended.stdout.split()] == [installed.package.parent] * 2
    assert installed.run("python", "-c", "import deploys", cwd=empty).returncode == 1
    assert installed.run("pipeline", "--version", cwd=empty).stdout == f"pipeline, version {__version__}\n"


def test_every_command_has_help_in_the_base_installation(installed: Installed, empty: Path) -> None:
    code = (
        "from pipeline.cli.root import COMMANDS, run; print(sum(run([name, '--help']) for name in COMMANDS))"
    )
    ended = installed.run("python", "-c", code, cwd=empty)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(f"Usage: pipeline {name}" in ended.stdout for name in COMMANDS)
    assert ended.stdout.endswith("\n0\n")


@pytest.mark.parametrize(("name", "extra"), [(name, extra) for name, (extra, _) in EXTRAS.items()])
def test_a_command_whose_extra_is_missing_says_what_to_install(
    installed: Installed, empty: Path, name: str, extra: str
) -> None:
    ended = installed.run("pipeline", name, cwd=empty)
    assert ended.returncode == Exit.ENVIRONMENT
    first, second = ended.stderr.splitlines()
    assert first.startswith(f"pipeline: `pipeline {name}` needs ")
    assert second == f"  try: pip install 'pipeline-canary[{extra}]'"
    assert not [*empty.iterdir()]


def test_the_base_installation_lists_the_faults(installed: Installed, empty: Path) -> None:
    ended = installed.run("pipeline", "faults", cwd=empty)
    assert ended.returncode == Exit.OK
    assert "answers 500 to every request" in ended.stdout


@pytest.mark.parametrize(("slower", "code"), [(1.0, Exit.OK), (2.0, Exit.FAILED)])
def test_the_base_installation_judges_two_files(
    installed: Installed, empty: Path, slower: float, code: int
) -> None:
    (empty / "canary.yml").write_text(CONFIG)
    for name, seed, factor in (("a.csv", 1, 1.0), ("b.csv", 2, slower)):
        values = factor * np.random.default_rng(seed).lognormal(-4, 0.1, 300)
        (empty / name).write_text("t,latency\n" + "".join(f"{t},{value}\n" for t, value in enumerate(values)))
    files = ["--config", "canary.yml", "--baseline", "a.csv", "--canary", "b.csv"]
    ended = installed.run("pipeline", "judge", *files, cwd=empty)
    assert (ended.returncode, ended.stderr) == (code, "")
    assert "latency" in ended.stdout


def test_the_base_installation_judges_a_run_and_asks_for_more_to_write_its_page(
    installed: Installed, empty: Path
) -> None:
    (empty / "run").mkdir()
    (empty / "run" / "run.json").write_text(json.dumps({**samples.run(), "t0_unix": 1790000000.0}))
    rows = [
        f"{t:.6f},12,6000,{200 if t < 70 else 500},,5475,{1 if t < 70 else ''},0a1b2c3d,"
        f"{'blue' if t < 70 else 'green'}\n"
        for t in np.arange(0, 140, 0.02)
    ]
    header = "t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by\n"
    (empty / "run" / "requests.csv").write_text(header + "".join(rows))
    (empty / "run" / "series.csv").write_text("t,arm,metric,value\n")
    ended = installed.run("pipeline", "judge", "run", cwd=empty)
    assert ended.returncode == Exit.FAILED, ended.stderr
    ended = installed.run("pipeline", "report", "run", cwd=empty)
    assert ended.returncode == Exit.ENVIRONMENT
    assert "not installed: jinja2" in ended.stderr
    assert sorted(path.name for path in empty.iterdir()) == ["run"]


def test_the_canary_is_planned_and_the_machine_looked_at_in_an_empty_folder(
    installed: Installed, empty: Path
) -> None:
    arguments = ["canary", "master", "broken", "--repo", "sample", "--dry-run"]
    ended = installed.run("pipeline", *arguments, cwd=empty, extras=["canary"])
    assert (ended.returncode, ended.stderr) == (Exit.OK, "")
    assert "300 s on blue (baseline, measure)" in ended.stdout
    ended = installed.run("pipeline", "doctor", cwd=empty, extras=["canary"])
    assert ended.returncode in (Exit.OK, Exit.ENVIRONMENT)
    assert f"GBfreeat{empty}" in "".join(ended.stdout.split()), "broken where the terminal ends"
    assert {path.name for path in empty.iterdir()} <= {".pipeline"}


def test_the_sample_is_the_same_everywhere(installed: Installed, empty: Path) -> None:
    code = (
        "from pipeline.source.sample import fingerprint; print(fingerprint('preview'), fingerprint('slug'))"
    )
    ended = installed.run("python", "-P", "-c", code, cwd=empty)
    assert ended.stdout.split() == [fingerprint("preview"), fingerprint("slug")]


def test_the_loader_is_the_installed_one_whatever_the_working_directory_holds(
    installed: Installed, empty: Path
) -> None:
    (empty / "loadgen.py").write_text("raise SystemExit('not this one')")
    code = (
        "import subprocess, sys; from pipeline.base.places import ISOLATED; "
        "subprocess.run([sys.executable, *ISOLATED, '-m', 'loadgen', '--help'], check=True)"
    )
    ended = installed.run("python", "-P", "-c", code, cwd=empty, extras=["canary"])
    assert (ended.returncode, ended.stderr) == (0, "")


def test_two_working_directories_have_two_labs(installed: Installed, tmp_path: Path) -> None:
    code = (
        "from pipeline.base.places import *; from pipeline.lab.lab import Lab; from pipeline.lab.sets import CANARY;"
        "from pipeline.lab.vagrant_command import VagrantCommand;"
        "lab = Lab(workplace()); vagrant = lab._vagrant('lxc', {});"
        "print(CANARY.prefix(workplace()), lab.state, vagrant.env['VAGRANT_DOTFILE_PATH'],"
        " vagrant.env['PIPELINE_LAB_PLACE'], vagrant.root)"
    )
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ended = installed.run("python", "-P", "-c", code, cwd=tmp_path / name, extras=["canary"])
        prefix, *places, root = ended.stdout.split()
        here = tmp_path / name
        assert places == [str(here / ".pipeline"), str(here / ".vagrant"), str(here)]
        assert root == str(installed.package / "shipped")
        found.append(prefix)
    assert len({*found}) == 2
    common = (installed.package / "shipped" / "Vagrantfile.common.rb").read_text()
    assert 'File.realpath(ENV.fetch("PIPELINE_LAB_PLACE", directory))' in common


def test_deploys_travel_with_it(installed: Installed, hosts: Path, ssh: dict[str, str]) -> None:
    arguments = ["deploy", "checkbox.io", "-i", hosts.name, "--rollback", "--dry-run"]
    ended = installed.run("pipeline", *arguments, cwd=hosts.parent, extras=["deploy"], env=ssh)
    assert ended.returncode == Exit.ENVIRONMENT
    assert "pipeline: web: cannot be reached by SSH" in ended.stderr
    # Every deploy can be read, with all that it imports: what each then says of this machine is that it is in no group.
    shipped = installed.package / "shipped"
    for name in ("checkbox", "itrust", "monitor"):
        run = ["python", "-m", "pyinfra", "--dry", "@local", f"deploys/{name}.py"]
        ended = installed.run(*run, cwd=shipped, extras=["deploy"])
        assert "in the group" in ended.stderr or "no group" in ended.stderr, ended.stderr


def test_the_loader_that_hosts_get_is_the_installed_one(installed: Installed) -> None:
    run = ["python", "-m", "pyinfra", "--dry", "@local", "deploys/loader.py"]
    ended = installed.run(*run, cwd=installed.package / "shipped", extras=["loaders"])
    assert ended.returncode == 0, ended.stderr
    said = subprocess.run(["python3", "-I", "-c", ASKED], capture_output=True, text=True, check=True)
    release = release_of(installed.package.parent / "loadgen", platform_of(said.stdout))
    assert f'report: {{"directory": "{Path.home()}/.cache/pipeline-loader/{release}"}}' in ended.stderr


def test_the_verification_suite_travels_with_it(
    installed: Installed, hosts: Path, ssh: dict[str, str]
) -> None:
    # Neither the user's variables nor a configuration in the working directory has a say in it.
    (hosts.parent / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    variables = {**ssh, "PYTEST_ADDOPTS": "--no-such-option"}
    arguments = ["verify", "checkbox.io", "-i", hosts.name, "--json"]
    ended = installed.run("pipeline", *arguments, cwd=hosts.parent, extras=["verify"], env=variables)
    assert ended.returncode == Exit.FAILED, ended.stderr
    document = json.loads(ended.stdout)
    assert document["failed"] > 40
    assert {check["reason"][:26] for check in document["checks"]} == {"cannot be reached by SSH: "}


def test_production_is_planned_on_this_machine(installed: Installed, empty: Path) -> None:
    ended = installed.run("pipeline", "prod", "up", cwd=empty, extras=["prod"])
    assert ended.returncode == Exit.USAGE
    assert f"cp {installed.package / 'shipped' / 'prod.example.yml'} prod.yml" in ended.stderr


def test_plain_pyinfra_reads_an_inventory_in_ansibles_form(installed: Installed, hosts: Path) -> None:
    arguments = ["-m", "pyinfra", f"@ini/{hosts.name}", "debug-inventory"]
    ended = installed.run("python", *arguments, cwd=hosts.parent, extras=["deploy"])
    assert "Groups: checkbox" in ended.stdout + ended.stderr
