"""docs/ci and action.yml: each is what its platform takes, and gives a verdict on a real Prometheus as it stands there.

A Jenkinsfile's own linter is a part of a Jenkins that runs, and is not asked here; its shell is checked and run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.gate.settings import Settings
from pipeline.series.case import arm_name
from tests.support.live_services import CONFIG, Service, live

CI: Final = ROOT / "docs" / "ci"
ACTION: Final = ROOT / "action.yml"
PROGRAMS: Final = (
    f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where pip has put the linters
)
ENVIRONMENT: Final = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "PIPELINE_"))},
    "PATH": PROGRAMS,
}


def checked(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=text, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )


def action() -> dict[str, Any]:
    return dict(yaml.safe_load(ACTION.read_text("utf-8")))


def gitlab() -> str:
    """The script of the job, as a runner gives it to a shell."""
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text("utf-8"))["gate"]
    return "\n".join(job["script"])


def jenkins() -> str:
    """The script of the stage: in '''...''' Groovy changes nothing but a backslash at the end of a line."""
    (script,) = re.findall(r"script: '''(.*?)'''", (CI / "Jenkinsfile").read_text("utf-8"), re.DOTALL)
    return str(script).replace("\\\n", "")


# what the platforms' own linters say


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", ACTION),
        ("vendor.github-workflows", CI / "github.yml"),
        ("vendor.gitlab-ci", CI / "gitlab-ci.yml"),
    ],
    ids=["action", "github", "gitlab"],
)
def test_a_file_is_of_its_platform_s_schema(schema: str, file: Path, tmp_path: Path) -> None:
    said = checked("check-jsonschema", "--builtin-schema", schema, str(file))
    assert said.returncode == 0, said.stdout + said.stderr
    wrong = tmp_path / file.name
    wrong.write_text(
        re.sub(r"^(on|runs|stages):", r"no-such-\1:", file.read_text("utf-8"), flags=re.MULTILINE)
    )
    if schema == "vendor.gitlab-ci":  # any key there may be a job
        wrong.write_text(wrong.read_text("utf-8").replace("when: always", "when: sometimes"), "utf-8")
    assert checked("check-jsonschema", "--builtin-schema", schema, str(wrong)).returncode == 1


def test_github_s_linter_finds_nothing_in_workflow_and_action() -> None:
    said = checked("jactionlint", str(CI / "github.yml"), str(ACTION))
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_github_s_linter_would_find_an_input_that_becomes_a_part_of_the_script(tmp_path: Path) -> None:
    text = ACTION.read_text("utf-8")
    wrong = tmp_path / "action.yml"
    wrong.write_text(text.replace('--config "$GATE_CONFIG"', '--config "${{ inputs.config }}"'), "utf-8")
    said = checked("jactionlint", str(wrong))
    assert said.returncode == 1, said.stdout
    assert "inputs.config" in said.stdout


def test_no_script_of_the_action_has_an_expression_in_it() -> None:
    scripts = [step["run"] for step in action()["runs"]["steps"]]
    assert len(scripts) == 2
    assert not any("${{" in script for script in scripts)


@pytest.mark.parametrize("file", sorted(CI.glob("*.sh")), ids=lambda file: file.name)
def test_a_script_of_the_shell_is_sound(file: Path) -> None:
    said = checked("shellcheck", str(file))
    assert said.returncode == 0, said.stdout
    assert os.access(file, os.X_OK)


@pytest.mark.parametrize("script", [gitlab(), jenkins()], ids=["gitlab", "jenkins"])
def test_the_script_of_a_job_is_sound(script: str) -> None:
    said = checked("shellcheck", "--shell=sh", "-", text=script)
    assert said.returncode == 0, said.stdout


# what they do

Ended = tuple[int, str, Path]  # exit code, what it printed, where it ran


def command(directory: Path, does: str = f'PYTHONPATH={ROOT} exec {sys.executable} -m pipeline "$@"') -> Path:
    """A directory with a `pipeline`: this checkout's, unless it does something else."""
    directory.mkdir(parents=True)
    file = directory / "pipeline"
    file.write_text(f"#!/bin/sh\n{does}\n", "utf-8")
    file.chmod(0o755)
    return directory


def as_a_runner(place: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the action's gate, as GitHub's runner makes it of these inputs."""
    document = action()
    inputs = {name: given.get(name, str(one.get("default", ""))) for name, one in document["inputs"].items()}
    own = {
        key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], value)
        for key, value in document["runs"]["steps"][1]["env"].items()
    }
    return {
        **ENVIRONMENT,
        **own,
        "GITHUB_ACTIONS": "true",
        "RUNNER_TEMP": str(place),
        "GITHUB_OUTPUT": str(place / "output"),
        "GITHUB_STEP_SUMMARY": str(place / "step.md"),
    }


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Ended]]:
    """By platform, what came of its gate on a canary that answers errors alone; all at once."""
    here = tmp_path_factory.mktemp("ci")
    old, new = Service("old", 41), Service("down", 42)
    new.failing = 1.0
    with live(here, [old, new]) as url:
        scripts = {
            "shell": (["sh", "-e"], f"exec {CI / 'gate.sh'}"),
            "gitlab": (["bash", "-eo", "pipefail"], gitlab()),
            "jenkins": (["sh", "-e"], jenkins()),
            "github": (["bash", "-eo", "pipefail"], action()["runs"]["steps"][1]["run"]),
        }
        children = {}
        for name, (shell, script) in scripts.items():
            place = here / name
            bin_ = command(place / {"jenkins": ".gate/bin", "github": "pipeline-gate/bin"}.get(name, "bin"))
            (place / "canary.yml").write_text(CONFIG, "utf-8")
            if name == "github":
                values = "\nbaseline.version=old\ncanary.version=down\n"
                environment = as_a_runner(place, {"prometheus": url, "set": values, "for": "30m"})
            else:
                path = PROGRAMS if name == "jenkins" else f"{bin_}{os.pathsep}{PROGRAMS}"
                versions = {"CANARY_VERSION": "down", "CI_COMMIT_TAG": "down"}
                versions |= {"BASELINE_VERSION": "old", "LIVE_VERSION": "old"}
                environment = {**ENVIRONMENT, **versions, "PROMETHEUS": url, "PATH": path}
            with (place / "out").open("wb") as out:
                children[name] = subprocess.Popen(
                    [*shell, "-c", script], cwd=place, env=environment, stdout=out, stderr=out
                )
        yield {
            name: (child.wait(200), (here / name / "out").read_text("utf-8"), here / name)
            for name, child in children.items()
        }


@pytest.mark.parametrize("platform", ["shell", "gitlab", "jenkins", "github"])
def test_a_gate_fails_a_failing_canary_and_its_files_are_there(
    ended: Mapping[str, Ended], platform: str
) -> None:
    code, out, place = ended[platform]
    assert code == Exit.FAILED, out
    assert "do not promote: errors at 100 %" in out
    assert 'failures="2"' in (place / "gate" / "junit.xml").read_text("utf-8")
    assert len(list((place / "gate" / "runs").iterdir())) == 1
    if platform != "shell":
        assert "<!doctype html>" in (place / "gate" / "report.html").read_text("utf-8")


def test_a_job_of_github_gets_outputs_annotations_and_the_step_s_summary(ended: Mapping[str, Ended]) -> None:
    _, out, place = ended["github"]
    assert (place / "output").read_text("utf-8") == "outcome=failed\nexit-code=10\nreports=gate\n"
    assert "\n::error title=The canary failed::" in out
    assert (place / "step.md").read_text("utf-8").startswith("## The canary failed")


@pytest.mark.parametrize(
    ("code", "outcome"), [(0, "passed"), (11, "inconclusive"), (12, "invalid"), (3, "")], ids=str
)
def test_what_is_given_to_the_action_is_an_argument_and_never_a_command(
    tmp_path: Path, code: int, outcome: str
) -> None:
    command(tmp_path / "pipeline-gate" / "bin", f'printf "%s\\0" "$@" >arguments; exit {code}')
    hostile = """x"; touch pwned; '$(touch pwned)`touch pwned` $HOME *"""
    given = {"prometheus": hostile, "set": f"canary.version={hostile}", "config": hostile, "every": hostile}
    step = action()["runs"]["steps"][1]["run"]
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step], cwd=tmp_path, env=as_a_runner(tmp_path, given), check=False
    )
    assert done.returncode == code
    arguments = (tmp_path / "arguments").read_text("utf-8").split("\0")
    assert arguments[:4] == ["gate", "--config", hostile, "--prometheus"]
    assert f"canary.version={hostile}" in arguments
    assert arguments.count(hostile) == 3
    assert not (tmp_path / "pwned").exists()
    assert f"outcome={outcome}\n" in (tmp_path / "output").read_text("utf-8")


# The roll-out over an inventory: here only which commands it types; it was run on hosts (docs/ci.md).
DOES: Final = """printf '%s' "$*" >>typed
printf ' [%s %s]\\n' "${APPLICATION:-}" "${CANARY_HOST:-}" >>typed
[ "$1" != gate ] || exit $GATE
"""


@pytest.mark.parametrize("code", [0, 10, 11, 3])
def test_a_roll_out_goes_on_after_a_pass_alone_and_else_takes_the_first_host_back(
    tmp_path: Path, code: int
) -> None:
    programs = command(tmp_path / "bin", DOES)
    environment = {
        **ENVIRONMENT, "PATH": f"{programs}{os.pathsep}{PROGRAMS}", "GATE": str(code), "GATE_WARMUP": "0",
        "PROMETHEUS": "http://monitor/prometheus", "GATE_CONFIG": str(CI / "hosts.yml"),
    }  # fmt: skip
    done = subprocess.run(
        [str(CI / "rollout.sh"), "hosts.ini", "checkbox.io", "web1", "v2", "--repo", "/a b"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    first, watched, last = (tmp_path / "typed").read_text("utf-8").splitlines()
    assert first == "deploy checkbox.io -i hosts.ini --limit web1 --ref v2 --repo /a b [ ]"
    assert watched.startswith(
        f"gate --config {CI / 'hosts.yml'} --prometheus http://monitor/prometheus --for 30m"
    )
    assert watched.endswith(" [checkbox web1]")
    if code == 0:
        assert last == "deploy checkbox.io -i hosts.ini --ref v2 --repo /a b [ ]"
    else:
        assert last == "deploy checkbox.io -i hosts.ini --limit web1 --rollback [ ]"
        assert f"web1 goes back: the gate ended with {code}" in done.stderr


def test_the_configuration_of_a_roll_out_is_one_that_a_gate_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_HOST", "web1")
    monkeypatch.setenv("APPLICATION", "itrust")
    read = Settings(config=CI / "hosts.yml", sets=(), url="http://monitor", planned=1800.0).read()
    assert [metric.name for metric in read.metrics] == ["errors", "latency", "memory"]
    assert [*arm_name(read, "baseline").split(",")] == ["app=itrust", "host!=web1"]
