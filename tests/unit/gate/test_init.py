"""`gate --init` on the metrics of real exporters and client libraries: what it writes judges without an edit."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pexpect
import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from pipeline.gate.first_look import first_look
from pipeline.series.config import load_config
from pipeline.series.prometheus import Prometheus
from tests.support.exporter_past import TARGETS, write_exporters
from tests.support.real_prometheus import serving

HOURS = 3  # of a past, which make five windows of half an hour
AFTER = 1500  # seconds of a future, in which the tests run

# By job the label that tells its versions apart, and what is judged.
HTTP = ["errors", "latency_p50", "latency_p99"]
PROCESS = ["cpu", "memory_growth"]
JUDGED = {
    "client_golang": ("version", [*HTTP, *PROCESS]),
    "otel_go": ("version", [*HTTP, *PROCESS]),
    "otel_python": ("service_version", [*HTTP, *PROCESS]),
    "spring_boot": ("version", ["errors", "latency_mean", "cpu_share", "memory_growth", "gc"]),
    "prom_client": ("version", [*HTTP, *PROCESS]),
    "flask": ("version", [*HTTP, *PROCESS]),
    "fastapi": ("version", [*HTTP, *PROCESS]),
    "caddy": ("version", [*HTTP, *PROCESS]),
    "nginx_exporter": ("version", ["dropped", "busy"]),
    "node_exporter": ("version", ["cpu", "memory_growth", "load"]),
    "process_exporter": ("version", ["cpu", "memory_growth"]),
    "haproxy": ("server", ["errors", "latency_mean", "queue"]),
    "traefik": ("service", HTTP),
    "envoy": ("envoy_cluster_name", HTTP),
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the last hours of two versions of a service for each exporter."""
    directory = tmp_path_factory.mktemp("exporters")
    now = int(time.time()) // 15 * 15
    write_exporters(directory, now - HOURS * 3600, now, now + AFTER)
    with serving(directory) as address:
        yield address


def command(url: str, file: Path, *options: str) -> list[str]:
    return ["gate", "--init", "--config", str(file), "--prometheus", url, *options]


def instant(ago: float) -> str:
    return datetime.fromtimestamp(time.time() - ago, UTC).isoformat()


def test_each_recorded_exporter_is_tried() -> None:
    assert {target.exporter for target in TARGETS} == set(JUDGED)


@pytest.mark.parametrize("job", JUDGED)
def test_what_it_writes_of_a_real_exporter_judges_without_an_edit(
    url: str, job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label, metrics = JUDGED[job]
    file = tmp_path / "canary.yml"
    assert run(command(url, file, "--service", f"job={job}", "--json")) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["label"], [one["name"] for one in told["metrics"]]) == (label, metrics)
    assert told["questions"] <= 7 + 2 * len(metrics)
    assert told["last_day"]["failed"] == 0
    assert [metric.name for metric in load_config(file, "prometheus").metrics] == metrics

    arguments = ["judge", "--config", str(file), "--prometheus", url, "--planned", "30m", "--json"]
    code = run([*arguments, "--from", instant(1860), "--to", instant(60)])
    judged = {one["name"]: one["decision"] for one in json.loads(capsys.readouterr().out)["metrics"]}
    # Versions that are alike; near its margin one may stay open.
    assert code in (Exit.OK, Exit.INCONCLUSIVE)
    assert set(judged) == set(metrics)
    assert set(judged.values()) <= {"pass", "inconclusive"}
    assert list(judged.values()).count("pass") > len(metrics) / 2


def test_a_margin_is_more_than_the_noise_of_the_last_day_and_the_file_says_so(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    assert run(command(url, file, "--service", "job=prom_client", "--json")) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert sum(told["last_day"].values()) == 5
    config = load_config(file, "prometheus")
    for one, metric in zip(told["metrics"], config.metrics, strict=True):
        assert one["windows"] == 5
        assert metric.rule().limit.value >= 1.25 * one["noise"] > 0
    text = file.read_text("utf-8")
    assert "Of 5 windows of 30 min in the last day" in text
    assert text.count("# noise: ") == 5
    assert "Nine of" in text


def test_the_releases_are_told_apart_by_what_only_the_resource_has_and_a_gate_takes_it(
    url: str, tmp_path: Path
) -> None:
    file = tmp_path / "canary.yml"
    assert run(command(url, file, "--service", "job=otel_python")) == Exit.OK
    assert "and on (job, instance) target_info{$arm}" in file.read_text("utf-8")
    with Prometheus(url) as client:
        look, _ = first_look(load_config(file, "prometheus"), client, time.time())
    assert look.shared() == []
    assert all(one.series for one in look.seen if one.needed)


def test_a_version_that_is_alone_is_the_baseline_and_what_comes_is_the_canary(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    options = ("--service", "job=flask", "--service", "version=1.4.0", "--json")
    assert run(command(url, file, *options)) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["baseline"], told["canary"]) == ("=1.4.0", "!=1.4.0")
    assert 'canary: {version: {not: "1.4.0"}}' in file.read_text("utf-8")


def test_another_jobs_exporter_is_judged_where_it_has_the_labels_that_were_typed(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    assert run(command(url, file, "--service", "app=shop", "--json")) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["service"] == {"app": "shop", "job": "flask"}
    assert [one["name"] for one in told["metrics"]] == [*HTTP, *PROCESS, "load"]
    assert """query: 'avg(node_load1{app="shop",$arm})'""" in file.read_text("utf-8")


def test_versions_that_are_given_are_taken_and_a_place_is_one_against_the_others(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--service", "job=flask", "--json")
    sets = ("--set", "baseline.version=1.5.0", "--set", "canary.version=1.4.0")
    assert run(command(url, tmp_path / "a.yml", *options, *sets)) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["baseline"], told["canary"]) == ("=1.5.0", "=1.4.0")
    for number, more in enumerate(([], ["--set", "canary.instance=flask-b:9100"])):
        file = tmp_path / f"{number}.yml"
        assert run(command(url, file, *options, "--label", "instance", *more)) == Exit.OK
        told = json.loads(capsys.readouterr().out)
        assert (told["baseline"], told["canary"]) == ("!=flask-b:9100", "=flask-b:9100")


@pytest.mark.parametrize(
    ("given", "baseline", "canary"),
    [("canary.version=2.0", "=1.4.0", "=2.0"), ("baseline.version=1.5.*", "=~1.5.*", "=1.4.0")],
)
def test_of_one_version_that_is_given_the_other_is_found(
    url: str, given: str, baseline: str, canary: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    assert run(command(url, file, "--service", "job=flask", "--json", "--set", given)) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["baseline"], told["canary"]) == (baseline, canary)


def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    file.write_text("mine\n", "utf-8")
    (tmp_path / "link.yml").symlink_to(tmp_path / "nowhere")
    for path in (file, tmp_path / "link.yml"):
        assert run(command("http://127.0.0.1:1", path)) == Exit.USAGE
        assert f"{path} is there already, and is not overwritten" in capsys.readouterr().err
    assert file.read_text("utf-8") == "mine\n"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "which service? job=caddy (Caddy); job=client_golang"),
        (("--service", "job=nobody"), "has none of the metrics that are known here for job=nobody"),
        (("--service", "job"), "--service 'job' is not LABEL=VALUE"),
        (("--service", "job=flask", "--label", "colour"), "--label colour: not on the service's series; there is"),
        (("--service", "job=two_labels"), "which label tells the versions apart? version: 1.4.0 (1), 1.5.0 (1);"),
        (("--service", "job=flask", "--queries", "5"), "5 questions are not enough"),
        (("--service", "job=flask", "--for", "95s"), "no whole number of steps of 1 min"),
        (("--set", "metrics.errors.margin=1pp"), "with --init it names a version by its label"),
        (("--service", "job=flask", "--label", "pod", "--set", "canary.version=2"), "but --set names version"),
        (("--on-fail", "true"), "--on-fail goes without --init"),
    ],
)  # fmt: skip
def test_what_must_be_decided_is_told_in_a_line_and_nothing_is_written(
    url: str, options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    assert run(command(url, file, *options)) == Exit.USAGE
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not file.exists()


def test_options_of_init_are_no_gates_and_a_gate_needs_its_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate = ["gate", "--prometheus", "http://127.0.0.1:1"]
    assert run([*gate, "--label", "version"]) == Exit.USAGE
    assert "--label goes with --init" in capsys.readouterr().err
    assert run(gate) == Exit.USAGE
    assert "pipeline gate --init --prometheus http://127.0.0.1:1" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_an_error_of_the_environment_as_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "canary.yml"
    assert run(command("http://127.0.0.1:1", file, "--json")) == Exit.ENVIRONMENT
    out, error = capsys.readouterr()
    assert "connection refused" in json.loads(out)["error"]["message"]
    assert "connection refused" in error
    assert not file.exists()


def test_a_terminal_is_asked_for_the_service_and_the_label(url: str, tmp_path: Path) -> None:
    file = tmp_path / "canary.yml"
    arguments = ["-m", "pipeline", *command(url, file)]
    child = pexpect.spawn(sys.executable, arguments, encoding="utf-8", timeout=120, dimensions=(40, 120))
    child.expect("Which service.*number")
    assert isinstance(child.before, str)
    child.expect_exact("[1]: ")
    child.sendline(str(1 + sorted(name for name in JUDGED if JUDGED[name][1][0] == "errors").index("flask")))
    child.expect("Which label tells its versions apart.*number")
    child.expect_exact("[1]: ")
    child.sendline("2")
    child.expect("written: ")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert 'instance: {not: "flask-b:9100"}' in file.read_text("utf-8")
