"""The recipes of CONTRIBUTING.md, followed: each in a copy of this repository, or with the functions that it names."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

import click
import numpy as np
import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.cli.options import provider_option
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.lab.provider import PROVIDERS
from pipeline.prod.apply import down, up
from pipeline.prod.cloud import Change, Cloud, Machine, Plan, Step
from pipeline.prod.settings import LocalSettings
from pipeline.series.config import JudgeConfig, load_config
from pipeline.series.evidence import build
from pipeline.series.planned import ending
from pipeline.series.samples import Samples, level
from pipeline.series.window import Span

TEXT: Final = (ROOT / "CONTRIBUTING.md").read_text()
FOLDERS: Final = ("pipeline", "loadgen", "deploys", "dashboard", "profiles", "services", "tests/infra")


class Copy:
    """A copy of what a recipe changes, and what its programs then do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / folder, path / folder, ignore=ignored)
        for file in (ROOT / "pyproject.toml", *ROOT.glob("Vagrantfile.*")):
            shutil.copy(file, path)

    def insert(self, file: str, after: str, text: str) -> None:
        """Put `text` behind the one place in a file that the regular expression `after` matches."""
        target = self.path / file
        changed, count = re.subn(
            f"({after})", lambda found: found[1] + text, target.read_text(), flags=re.MULTILINE
        )
        assert count == 1, f"{file}: {after!r} is there {count} times"
        target.write_text(changed)

    def write(self, file: str, text: str) -> None:
        (self.path / file).write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A program of the copy: `python ARGUMENTS` there."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(self.path), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def told(self, program: str) -> str:
        """What a Python text prints there."""
        done = self.run("-c", program)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


# What the document names.


def steps() -> list[tuple[str, list[str]]]:
    """Each file that a step of a recipe begins with or goes on to, and the names that it says are in there."""
    recipes = TEXT[TEXT.index("## Recipes") :]
    found = []
    for step in re.findall(r"^\d\. (.*(?:\n   .*)*)", recipes, re.MULTILINE):
        for part in re.split(r"(?=`[\w./]+\.(?:py|yml|md|rb)`)", step):
            words = re.findall(r"`([^`]+)`", part)
            if words and re.search(r"\.(py|yml|md|rb)$", words[0]):
                found.append((words[0], [word for word in words[1:] if re.fullmatch(r"_?[A-Za-z_]+", word)]))
    return found


def test_every_file_and_name_of_a_recipe_is_there() -> None:
    assert len(steps()) > 20
    for file, names in steps():
        if "KEY" in file or "NAME" in file:
            assert list(ROOT.glob(file.replace("KEY", "*").replace("NAME", "*"))), file
            continue
        text = (ROOT / file).read_text()
        for name in {*names} - {"prod"}:
            assert re.search(rf"\b{name}\b", text), f"{file} has no {name}"


def test_every_folder_and_target_of_the_document_is_there() -> None:
    named = set(re.findall(r"`((?:pipeline|tests|deploys|docs|bootstrap)/[\w./]+)`", TEXT))
    for path in named:
        if not re.search(r"KEY|NAME|ROOM", path):
            assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_table_of_rooms_is_whole() -> None:
    table = TEXT[TEXT.index("| floor | room |") : TEXT.index("The walls")]
    rooms = {f"pipeline/{path.parent.name}" for path in (ROOT / "pipeline").glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"`(pipeline/\w+)`", table))


def test_the_document_is_one_page() -> None:
    lines = TEXT.splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 120


# What it says of the tests.


def test_nothing_is_imported_from_a_test_module_or_a_conftest() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests"):
                assert re.match(r"tests\.support\b", node.module), f"{path}: {node.module}"
            elif isinstance(node, ast.Import):
                named = [one.name for one in node.names if one.name.startswith("tests.")]
                assert all(name.startswith("tests.support.") for name in named), f"{path}: {named}"


def test_each_folder_of_unit_tests_is_named_after_what_it_tests() -> None:
    for folder in (path for path in (ROOT / "tests" / "unit").iterdir() if any(path.glob("**/test_*.py"))):
        places = [ROOT / "pipeline" / folder.name, ROOT / folder.name]
        assert any(place.is_dir() for place in places), f"{folder}: there is no such room"


# A metric.

METRIC: Final = """    Metric(
        "service_sockets", "Service sockets", "count", "service", Kind.LEVEL, Direction.INCREASE, "50%", 10, floor=5
    ),
"""
READ: Final = """            if item.name == "namedprocess_namegroup_sockets":
                sample["service_sockets"] = item.value
"""
SPANS: Final = [("baseline", 0, 62), ("canary", 62, 124)]


def write_run(directory: Path, metrics: Mapping[str, Mapping[str, float]]) -> None:
    """A run of a minute for each version, where all requests were answered well."""
    directory.mkdir(parents=True)
    phases, rows, series = [], [], []
    for arm, start, end in SPANS:
        phases += [
            {"arm": arm, "kind": "warmup", "start": start, "end": start + 2},
            {"arm": arm, "kind": "measure", "start": start + 2, "end": end},
        ]
        colour = {"baseline": "blue", "canary": "green"}[arm]
        rows += [f"{t / 50:.6f},12,6000,200,,5475,1,0a1b2c3d,{colour}" for t in range(start * 50, end * 50)]
        for second in range(start, end):
            series += [f"{second + 0.5},{arm},{name},{own[arm]}" for name, own in metrics.items()]
    run = {
        "format": 1,
        "t0_unix": 1790000000.0,
        "profile": {
            "metrics": [{"name": name} for name in ("error_rate", *metrics)],
            "expect": {"status": 200},
        },
        "phases": phases,
        "problems": [],
    }
    (directory / "run.json").write_text(json.dumps(run))
    header = "t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by"
    (directory / "requests.csv").write_text("\n".join([header, *rows, ""]))
    (directory / "series.csv").write_text("\n".join(["t,arm,metric,value", *series, ""]))


def test_a_metric_of_the_catalogue_is_collected_and_judged(copy: Copy) -> None:
    copy.insert("pipeline/judge/catalogue.py", r"^_ALL\b.*= \(\n", METRIC)
    copy.insert("pipeline/canary/health.py", r'get\("groupname"\) != \w+:\n +continue\n', READ)
    copy.insert("profiles/preview.yml", r"^metrics:\n", "  - name: service_sockets\n")

    exporter = 'namedprocess_namegroup_sockets{groupname="canary"} 7\n'
    read = f"from pipeline.canary.health import read_sample; print(dict(read_sample('', {exporter!r})))"
    assert copy.told(read) in ("{'service_sockets': 7}", "{'service_sockets': 7.0}")

    write_run(copy.path / "worse", {"service_sockets": {"baseline": 20.0, "canary": 60.0}})
    done = copy.run("-m", "pipeline", "judge", "worse", "--json")
    assert done.stdout, done.stderr
    decisions = {metric["name"]: metric["decision"] for metric in json.loads(done.stdout)["metrics"]}
    assert decisions["service_sockets"] == "fail", done.stdout

    rules = "[rule.name for rule in load_profile('preview').metrics]"
    assert "service_sockets" in copy.told(
        f"from pipeline.canary.profile_file import load_profile; print({rules})"
    )


# An application.

FACTS: Final = """  wiki:
    name: Wiki
    repository: https://wiki.example.org/wiki.git
    ref: main
    listen: 8000
    slots: [3004, 3005]
    page: /
    health: /
    tree: []
    memory: 450
    disk: 1000
"""
ENTRY: Final = """    _application("wiki", also=("wikis",)),
"""
DEPLOY: Final = """from deploys.kit.places import CHECKS
from deploys.kit.proof import proof

proof(name="prove it", program=(CHECKS / "wiki.py").read_text(encoding="utf-8"), parameters={"page": "Main"})
"""
CHECK: Final = """import json, sys
print(json.dumps({"proof": "read " + json.load(sys.stdin)["page"]}))
"""
CHECKS: Final = """from account_checks import AccountChecks
from application import WIKI

APPLICATION = WIKI


class TestAccounts(AccountChecks):
    pass
"""
WIKI: Final = """WIKI = Application(
    name="wiki",
    ports=(3004, 3005),
    listen=8000,
    database=Database("mariadb.service", 3306, "mysql"),
    packages=("nginx",),
    alive="/",
    restart_seconds=30,
    secrets=("/srv/wiki/slots/*/environment",),
)
"""


def test_an_application_is_deployed_verified_and_watched(copy: Copy) -> None:
    copy.insert("deploys/facts.yml", r"^applications:.*\n", FACTS)
    copy.insert("pipeline/deploy/applications.py", r"^APPLICATIONS\b.*= \(\n", ENTRY)
    copy.write("deploys/wiki.py", DEPLOY)
    copy.write("deploys/checks/wiki.py", CHECK)
    copy.insert("tests/infra/application.py", r"(?s:^CHECKBOX = Application\(.*?^\)\n)", WIKI)
    copy.write("tests/infra/test_wiki.py", CHECKS)
    copy.insert("deploys/watch/scraped.py", r"^_OF_APP\b.*= \{\n", '    "wiki": ("mtail", "nginx"),\n')
    copy.insert("dashboard/panels.yml", r"^applications:\n", "  - {app: wiki, title: Wiki}\n")

    # `pipeline deploy` takes it, as far as the first host, which is not there.
    copy.write("hosts.ini", "[wiki]\nweb1 ansible_host=127.0.0.1 ansible_port=1\n")
    repository = copy.path / "repository"
    repository.mkdir()
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "One"]):
        person = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *person, *words], cwd=repository, check=True)
    done = copy.run("-m", "pipeline", "deploy", "WIKI", "-i", "hosts.ini", "--repo", str(repository))
    assert done.returncode == Exit.ENVIRONMENT, done.stderr
    assert "checking web1" in done.stderr
    assert "Connection refused" in done.stderr

    plain = copy.run("-m", "pyinfra", "-y", "@local", "deploys/wiki.py")
    assert plain.returncode == 0, plain.stderr
    assert '{"proof": "read Main"}' in plain.stderr + plain.stdout

    copy.write("ssh_config", "Host gone\n  HostName 127.0.0.1\n  Port 1\n")
    suite = [
        "tests/infra/test_wiki.py",
        "--hosts=paramiko://gone",
        "--ssh-config=ssh_config",
        "--collect-only",
        "-q",
    ]
    collected = copy.run("-m", "pytest", "-p", "no:cacheprovider", *suite)
    assert "test_wiki.py::TestAccounts::test_user[paramiko://gone]" in collected.stdout, collected.stdout

    seen = copy.told(
        "from deploys.watch.scraped import Monitored, ports_of\n"
        "from dashboard.panels import load\n"
        "print(ports_of(Monitored('web1', ['wiki'], {})), [one.title for one in load().applications])"
    )
    assert seen == "[9100, 9256, 3903, 9113] ['Wiki', 'checkbox.io', 'iTrust']"


# A provider of local hosts.

HYPERV: Final = """

def _hyperv() -> str | None:
    return None
"""


def test_a_vagrant_provider_is_chosen_and_can_be_asked_for(copy: Copy) -> None:
    copy.insert("pipeline/lab/provider.py", r"^PROVIDERS\b.*= \(", '"hyperv", ')
    copy.insert("pipeline/lab/provider.py", r"checks = \{", '"hyperv": _hyperv, ')
    with (copy.path / "pipeline/lab/provider.py").open("a") as file:
        file.write(HYPERV)
    copy.insert("pipeline/cli/options.py", r'"--provider",\s+type=click\.Choice\(\[', '"hyperv", ')
    copy.insert("pipeline/prod/settings.py", r"provider: Literal\[", '"hyperv", ')

    with_vagrant = "import shutil; shutil.which = lambda name, **_: f'/usr/bin/{name}'"
    chosen = f"{with_vagrant}\nfrom pipeline.lab.provider import choose_provider; print(choose_provider())"
    assert copy.told(chosen) == "hyperv"
    assert "hyperv" in copy.run("-m", "pipeline", "lab", "up", "--help").stdout
    settings = (
        "from pipeline.prod.settings import LocalSettings; print(LocalSettings(provider='hyperv').provider)"
    )
    assert copy.told(settings) == "hyperv"


def test_every_place_that_lists_the_providers_has_the_same_ones() -> None:
    command = provider_option(click.Command("x"))
    (option,) = command.params
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == PROVIDERS
    (literal,) = [
        one for one in get_args(LocalSettings.model_fields["provider"].annotation) if one is not type(None)
    ]
    assert get_args(literal) == PROVIDERS
    vagrantfile = (ROOT / "Vagrantfile.common.rb").read_text()
    assert all(f"\n  def {name}(" in vagrantfile for name in PROVIDERS)


# A provider of hosts in a cloud.


@dataclass
class Shelf(Cloud):
    """A cloud that has its hosts at once."""

    there: list[str] = field(default_factory=list)

    def plan(self) -> Plan:
        return self._plan("create", [name for name in ("monitor", "checkbox-1") if name not in self.there])

    def removal(self) -> Plan:
        return self._plan("remove", list(self.there))

    def _plan(self, action: Literal["create", "remove"], names: list[str]) -> Plan:
        return Plan("production", "the shelf", tuple(Step(Change(action, "host", name)) for name in names))

    def apply(self, step: Step, progress: Progress) -> None:  # noqa: ARG002 - as Cloud has it
        if step.change.action == "create":
            self.there.append(step.change.name)
        else:
            self.there.remove(step.change.name)

    def settle(self, progress: Progress) -> tuple[Machine, ...]:  # noqa: ARG002 - as Cloud has it
        return self.machines()

    def machines(self) -> tuple[Machine, ...]:
        return tuple(
            Machine(
                name, name.removesuffix("-1"), "box", "running", name, None, Host(name, f"203.0.113.{at}")
            )
            for at, name in enumerate(self.there, 1)
        )

    def forget(self) -> str:
        return ""


def test_a_cloud_needs_nothing_but_its_methods(tmp_path: Path) -> None:
    cloud, inventory, progress = Shelf(), tmp_path / "inventory.ini", Progress(quiet=True)
    up(cloud, cloud.plan(), inventory, progress, lambda _: None, lambda _hosts, _progress: None)
    hosts = {group: [host.address for host in own] for group, own in read_inventory(inventory).groups.items()}
    assert hosts == {"monitor": ["203.0.113.1"], "checkbox": ["203.0.113.2"]}
    assert cloud.plan().changes == ()
    down(cloud, cloud.removal(), inventory, progress, lambda _: None)
    assert not inventory.exists()


# A series source.

CONFIG: Final = """\
step: 1s
metrics:
  - {name: queue, kind: level, unit: jobs, margin: 20%}
policy: {block_seconds: 3}
"""


def from_json(config: JudgeConfig, path: Path) -> Mapping[str, Samples]:
    """What `pipeline/series/from_json.py` would be: for each metric a list of [time, value]."""
    columns = json.loads(path.read_text())
    return {
        metric.name: level(*np.array(columns[metric.name], dtype=np.float64).T) for metric in config.metrics
    }


@pytest.mark.parametrize(("canary", "outcome"), [(10.0, Outcome.PASSED), (20.0, Outcome.FAILED)])
def test_a_series_source_reads_samples_and_the_judge_does_the_rest(
    tmp_path: Path, canary: float, outcome: Outcome
) -> None:
    (tmp_path / "canary.yml").write_text(CONFIG)
    config = load_config(tmp_path / "canary.yml", "csv")
    rng = np.random.default_rng(1)
    samples = {}
    for arm, mean in (("baseline", 10.0), ("canary", canary)):
        values = [[second, mean + rng.normal(0, 0.1)] for second in range(1, 181)]
        (tmp_path / f"{arm}.json").write_text(json.dumps({"queue": values}))
        samples[arm] = from_json(config, tmp_path / f"{arm}.json")
    spans = dict.fromkeys(samples, Span(0.0, 180.0))
    case = build(
        config,
        samples,
        spans,
        1.0,
        by_time=True,
        end=ending(spans["canary"].seconds, None, whole=True),
        names={arm: arm for arm in samples},
    )
    assert judge(case.evidence, case.rules, case.policy).outcome == outcome


# A fault.

FAULT: Final = """    Row(
        "the canary's cache is wiped",
        second(5),
        on("green", "rm -rf /srv/canary/home/.npm"),
        (Exit.INCONCLUSIVE,),
        "too few to tell",
    ),
"""


def test_a_fault_of_the_table_is_a_test_by_its_name(copy: Copy) -> None:
    for folder in ("tests/faults", "tests/support"):
        shutil.copytree(ROOT / folder, copy.path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "conftest.py", copy.path / "tests")
    copy.insert("tests/support/faults/rows/versions.py", r"^ROWS: Final = \(\n", FAULT)

    collected = copy.run("-m", "pytest", "tests/faults", "--collect-only", "-q", "-k", "cache")
    assert "[the-canary-s-cache-is-wiped-load-second-5-concurrent-10-s]" in collected.stdout, collected.stdout
    assert "1/" in collected.stdout.splitlines()[-1], collected.stdout
