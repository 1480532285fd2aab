"""`pipeline canary` from two refs to a verdict, on the real lab, as a user runs it."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT, state_directory
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from pipeline.runs.dealt import split_chance
from pipeline.runs.directory import load
from pipeline.runs.entries import Entries
from pipeline.source.sample import make_sample_repository
from tests.support.argv import sampled_argv
from tests.support.lab import Command, Ended, active_colour

PROFILES = ROOT / "profiles"
SECRET = "s3cr3t-0f-the-t3sts"
GIVEN = {"TEST_SECRET": SECRET}
# ten blocks are the least that passes, and twenty tell how far a level wanders; errors, bodies and restarts fail sooner
WHOLE = ("--duration", "25s", "--warmup", "10s", "--json")
SHORT = ("--duration", "5s", "--warmup", "1s", "--json")
QUICK = ("--duration", "14s", "--warmup", "3s", "--json")
# where not the schedule is the question: half of the time
AT_ONCE = ("--schedule", "concurrent", *QUICK)


def explain(ended: Ended) -> str:
    return f"exit {ended.code}\n{ended.err}\n{ended.out[:2000]}"


@pytest.fixture(scope="module")
def broken(pipeline: Command, samples: Path) -> Ended:
    return pipeline("canary", "master", "broken", "--repo", str(samples), *QUICK)


@pytest.fixture(scope="module")
def short_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview's profile for 25 s: in so little time only wide margins can be shown, by blocks of a second.

    Other work on the machine may move latency by more than any margin, so latency weighs too little to matter.
    """
    whole = (PROFILES / "preview.yml").read_text()
    margins = {
        "error_rate": "1pp", "wrong_body_rate": "1pp", "availability": "50pp", "service_restarts": "0",
        "throughput": "20%", "service_cpu": "200%", "service_threads": "100%",
    }  # fmt: skip
    metrics = "".join(f"  - {{name: {name}, threshold: {margin}}}\n" for name, margin in margins.items())
    metrics += "  - {name: latency_p50, threshold: 200%, weight: 5}\n"
    profile = whole[: whole.index("metrics:\n")] + f"metrics:\n{metrics}policy: {{block_seconds: 1}}\n"
    # A secret in each place that may have one; the preview needs none of them.
    for place, given in (
        ("environment:\n", "  DATABASE_URL: 'postgres://app:${TEST_SECRET}-of-database@db/app'\n"),
        ("  headers: {", "X-Auth: '${TEST_SECRET}-of-header', "),
        ("  path: /preview\n", "  query: 'api_key=${TEST_SECRET}-of-query'\n"),
    ):
        assert place in profile
        profile = profile.replace(place, place + given, 1)
    path = tmp_path_factory.mktemp("profile") / "preview.yml"
    path.write_text(profile)
    return path


@pytest.fixture(scope="module")
def critical_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview's profile with its critical metrics only.

    A service that restarts is slow, too, and which of the two is shown first is chance.
    """
    whole = (PROFILES / "preview.yml").read_text()
    metrics = "".join(f"  - name: {name}\n" for name in ("error_rate", "wrong_body_rate", "service_restarts"))
    path = tmp_path_factory.mktemp("profile") / "preview.yml"
    path.write_text(f"{whole[: whole.index('metrics:')]}metrics:\n{metrics}")
    return path


@pytest.fixture(scope="module")
def watched(pipeline: Command, samples: Path, short_profile: Path) -> tuple[Ended, set[str]]:
    """Master against itself, with all command lines of the machine meanwhile.

    Where the evidence does not suffice (a busy machine) it is run once more; a fail stays.
    """
    arguments = (
        "canary",
        "master",
        "master",
        "--repo",
        str(samples),
        "--profile",
        str(short_profile),
        *WHOLE,
    )
    with sampled_argv() as seen:
        ended = pipeline(*arguments, environment=GIVEN)
    return (pipeline(*arguments, environment=GIVEN) if ended.code == Exit.INCONCLUSIVE else ended), seen


@pytest.fixture(scope="module")
def identical(watched: tuple[Ended, set[str]]) -> Ended:
    return watched[0]


def test_a_canary_that_answers_500_fails_for_its_errors(broken: Ended) -> None:
    assert broken.code == Exit.FAILED, explain(broken)
    assert broken.json["outcome"] == "failed"
    failed = {metric["name"]: metric for metric in broken.json["metrics"] if metric["decision"] == "fail"}
    assert failed["error_rate"]["canary"]["value"] == 1.0
    assert failed["error_rate"]["baseline"]["value"] == 0.0


def test_a_failed_canary_leaves_the_proxy_on_blue(broken: Ended, pipeline: Command) -> None:
    assert broken.json["run"]["promoted"] is False
    assert "blue" in pipeline("lab", "ssh", "proxy", "cat", "/etc/haproxy/active.map").out


def test_a_failing_canary_is_stopped_within_seconds_of_its_measurement(broken: Ended) -> None:
    stopped = broken.json["run"]["stopped_early"]
    assert stopped["outcome"] == "failed"
    assert stopped["decided_after"] <= 4
    last = broken.json["run"]["phases"][-1]
    assert (last["arm"], last["kind"]) == ("canary", "measure")
    assert last["end"] == stopped["at"] == last["start"] + stopped["decided_after"]


def test_a_stopped_run_leaves_everything_that_a_run_leaves(broken: Ended) -> None:
    path = Path(broken.json["run"]["directory"])
    assert sorted(file.name for file in path.iterdir()) == [
        *(
            "latency.hlog",
            "logs",
            "network.csv.gz",
            "proxy.json",
            "report.html",
            "requests.csv.gz",
            "run.json",
        ),
        *("series.csv.gz", "verdict.json"),
    ]
    written = [key for key in Entries.__annotations__ if key not in ("calibration", "kind", "pilot")]
    assert [key for key in load(path).record.to_dict() if key != "calibration"] == written


def test_judging_a_stopped_run_again_gives_the_same_verdict(broken: Ended, pipeline: Command) -> None:
    path = Path(broken.json["run"]["directory"])
    before = json.loads((path / "verdict.json").read_text())
    again = pipeline("judge", str(path))
    assert again.code == Exit.FAILED
    assert json.loads((path / "verdict.json").read_text()) == before


@pytest.fixture(scope="module")
def calibrated(pipeline: Command, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """One run of master against itself, kept for the length of the tests."""
    stored = state_directory() / "calibration.json"
    before = stored.read_bytes() if stored.exists() else None
    into = tmp_path_factory.mktemp("calibration")
    yield pipeline(
        "calibrate", "master", "--runs", "1", "--repo", str(samples), "--into", str(into), "--keep", *SHORT
    )
    stored.unlink(missing_ok=True) if before is None else stored.write_bytes(before)


def test_without_early_stop_a_calibrated_run_takes_all_of_its_time_and_says_what_it_knows(
    calibrated: Ended, pipeline: Command, samples: Path
) -> None:
    assert calibrated.code == Exit.OK, explain(calibrated)
    bounds = calibrated.json["calibrations"][0]["bounds"]
    ended = pipeline("canary", "master", "broken", "--repo", str(samples), "--early-stop", "off", *SHORT)
    assert ended.json["run"]["promoted"] is False, explain(ended)
    assert ended.json["run"]["stopped_early"] is None
    assert ended.json["run"]["canary"]["measured_seconds"] == 5
    run = json.loads((Path(ended.json["run"]["directory"]) / "run.json").read_text())
    assert run["calibration"]["drift"] == pytest.approx(bounds)
    assert any(note.startswith("Calibrated with 1 run of the same code") for note in ended.json["notes"])


def test_identical_code_passes_and_is_promoted(identical: Ended) -> None:
    assert identical.code == Exit.OK, explain(identical)
    assert identical.json["outcome"] == "passed"
    assert identical.json["run"]["promoted"] is True


def test_the_run_directory_holds_every_request_of_the_schedule(identical: Ended) -> None:
    path = Path(identical.json["run"]["directory"])
    run = json.loads((path / "run.json").read_text())
    with gzip.open(path / "requests.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50 * run["phases"][-1]["end"]
    assert Counter(row["served_by"] for row in rows).keys() == {"blue", "green"}
    assert run["reconciliation"]["mismatches"] == []


def test_a_secret_of_the_profile_is_on_no_command_line_of_any_host(watched: tuple[Ended, set[str]]) -> None:
    _, seen = watched
    for program in ("loadgen", "ssh", "node index.js", "haproxy"):
        assert any(program in line for line in seen), f"{program} was not seen at all"
    assert [line for line in seen if SECRET in line] == []


def test_a_secret_of_the_profile_is_nowhere_in_what_a_run_prints_and_leaves(identical: Ended) -> None:
    path = Path(identical.json["run"]["directory"])
    texts = {"stdout": identical.out.encode(), "stderr": identical.err.encode()}
    for file in (file for file in path.rglob("*") if file.is_file()):
        raw = file.read_bytes()
        texts[file.name] = gzip.decompress(raw) if file.suffix == ".gz" else raw
    assert {"run.json", "report.html", "verdict.json", "requests.csv.gz"} <= texts.keys()
    assert [name for name, text in texts.items() if SECRET.encode() in text] == []


def test_the_histogram_log_counts_the_same_requests(identical: Ended) -> None:
    path = Path(identical.json["run"]["directory"])
    counted = 0
    with closing(HistogramLogReader(str(path / "latency.hlog"), HdrHistogram(1, 60_000_000, 3))) as reader:
        while (interval := reader.get_next_interval_histogram()) is not None:
            counted += interval.get_total_count()
    with gzip.open(path / "requests.csv.gz", "rt") as file:
        assert counted == sum(1 for row in csv.DictReader(file) if row["latency_us"])


def test_health_of_both_hosts_was_sampled_about_once_a_second(identical: Ended) -> None:
    path = Path(identical.json["run"]["directory"])
    seconds = json.loads((path / "run.json").read_text())["phases"][-1]["end"]
    with gzip.open(path / "series.csv.gz", "rt") as file:
        counts = Counter((row["arm"], row["metric"]) for row in csv.DictReader(file))
    for arm in ("baseline", "canary"):
        for metric in ("host_cpu", "host_memory", "host_load1", "service_cpu", "service_memory", "service_threads",
                       "service_fds", "service_restarts", "up"):  # fmt: skip
            assert counts[arm, metric] >= 0.8 * seconds, (arm, metric)


def test_judging_a_run_again_gives_the_same_verdict(identical: Ended, pipeline: Command) -> None:
    path = Path(identical.json["run"]["directory"])
    before = json.loads((path / "verdict.json").read_text())
    again = pipeline("judge", str(path))
    assert again.code == Exit.OK
    assert json.loads((path / "verdict.json").read_text()) == before


def test_rollback_and_promote_switch_a_kept_lab(identical: Ended, pipeline: Command) -> None:  # noqa: ARG001 - it must have run
    for action, colour in (("rollback", "blue"), ("promote", "green"), ("rollback", "blue")):
        done = pipeline("canary", action)
        assert done.code == Exit.OK, explain(done)
        assert pipeline("lab", "ssh", "proxy", "cat", "/etc/haproxy/active.map").out.split() == [
            "active",
            colour,
        ]


@pytest.mark.parametrize(
    ("fault", "metric", "given"),
    [
        ("wrong", "wrong_body_rate", AT_ONCE),
        # it crashes after some requests, so with half of them half as often
        ("crash", "service_restarts", QUICK),
        ("flaky", "error_rate", (*AT_ONCE, "--duration", "25s")),
    ],
    ids=["wrong", "crash", "flaky"],
)
def test_a_fault_that_a_critical_metric_shows_fails_soon(
    fault: str, metric: str, given: tuple[str, ...], pipeline: Command, samples: Path, critical_profile: Path
) -> None:
    arguments = ("--repo", str(samples), "--profile", str(critical_profile), *given)
    ended = pipeline("canary", "master", fault, *arguments)
    assert ended.code == Exit.FAILED, explain(ended)
    assert metric in {row["name"] for row in ended.json["metrics"] if row["decision"] == "fail"}, explain(
        ended
    )


@pytest.fixture(scope="module")
def at_once(pipeline: Command, samples: Path) -> Ended:
    return pipeline("canary", "master", "broken", "--repo", str(samples), *AT_ONCE)


def test_both_at_once_a_canary_that_answers_500_fails_within_seconds(at_once: Ended) -> None:
    assert at_once.code == Exit.FAILED, explain(at_once)
    assert "error_rate" in {row["name"] for row in at_once.json["metrics"] if row["decision"] == "fail"}
    assert at_once.json["run"]["stopped_early"]["decided_after"] <= 10
    spans = [(phase["arm"], phase["start"], phase["end"]) for phase in at_once.json["run"]["phases"][2:]]
    assert [arm for arm, *_ in spans] == ["baseline", "canary"]
    assert spans[0][1:] == spans[1][1:]


def test_both_at_once_each_request_goes_to_a_colour_by_chance_and_then_all_to_blue_again(
    at_once: Ended, lab: Lab
) -> None:
    path = Path(at_once.json["run"]["directory"])
    with gzip.open(path / "requests.csv.gz", "rt") as file:
        served = [row["served_by"] for row in sorted(csv.DictReader(file), key=lambda row: float(row["t"]))]
    assert set(served) == {"blue", "green"}
    assert split_chance(served.count("green"), len(served), 0.5) > 1e-6
    # in turns they would nearly always change, by chance half of the time
    changes = sum(one != other for one, other in pairwise(served))
    assert split_chance(changes, len(served) - 1, 0.5) > 1e-6
    assert load(path).record.to_dict()["reconciliation"]["mismatches"] == []
    assert active_colour(lab) == "blue"


def test_a_canary_that_does_not_start_has_failed_and_says_why(pipeline: Command, samples: Path) -> None:
    ended = pipeline("canary", "master", "nostart", "--repo", str(samples), *QUICK)
    assert ended.code == Exit.FAILED, explain(ended)
    assert any("the canary did not come up" in reason for reason in ended.json["reasons"]), explain(ended)


def test_a_baseline_that_does_not_start_makes_the_run_invalid(pipeline: Command, samples: Path) -> None:
    ended = pipeline("canary", "nostart", "master", "--repo", str(samples), *QUICK)
    assert ended.code == Exit.INVALID, explain(ended)


def test_a_baseline_that_answers_500_is_invalid_and_never_a_pass(pipeline: Command, samples: Path) -> None:
    ended = pipeline("canary", "broken", "broken", "--repo", str(samples), *AT_ONCE)
    assert ended.code == Exit.INVALID, explain(ended)
    assert "promoted: the proxy stays on green" not in ended.err


def test_another_service_in_another_language_needs_only_its_profile(
    pipeline: Command, tmp_path: Path
) -> None:
    repository = make_sample_repository(tmp_path / "slug", "slug")
    ended = pipeline(
        "canary",
        "master",
        "broken",
        "--repo",
        str(repository),
        "--profile",
        "slug",
        "--schedule",
        "interleaved",
        *QUICK,
    )
    assert ended.code == Exit.FAILED, explain(ended)
    assert ended.json["run"]["promoted"] is False


def test_hosts_that_the_user_has_serve_as_well_as_a_lab(
    pipeline: Command, samples: Path, inventory: Inventory, tmp_path: Path
) -> None:
    file = tmp_path / "inventory.ini"
    write_inventory(inventory, file)
    # A Node that has just been installed answers 50 a second late on half a core: that is not this test's question.
    arguments = ("--repo", str(samples), "-i", str(file), "--rate", "20", *AT_ONCE)
    ended = pipeline("canary", "master", "broken", *arguments)
    assert ended.code == Exit.FAILED, explain(ended)
    assert ended.json["run"]["provider"] == "inventory"


def test_a_host_that_refuses_ssh_is_one_clear_error(
    pipeline: Command, samples: Path, inventory: Inventory, tmp_path: Path
) -> None:
    wrong = {name: (replace(host, user="nobody-we-know"),) for name, (host,) in inventory.groups.items()}
    write_inventory(Inventory(wrong), tmp_path / "inventory.ini")
    ended = pipeline(
        "canary", "master", "broken", "--repo", str(samples), "-i", str(tmp_path / "inventory.ini"), *QUICK
    )
    assert ended.code == Exit.ENVIRONMENT, explain(ended)
    assert ended.json["error"]["message"].count("\n") == 0


def test_a_registry_that_nobody_answers_for_is_named_and_no_version_is_blamed(
    pipeline: Command, samples: Path, tmp_path: Path
) -> None:
    profile = (PROFILES / "preview.yml").read_text()
    profile = profile.replace("environment:\n", "environment:\n  npm_config_registry: http://127.0.0.1:9\n")
    (tmp_path / "unreachable.yml").write_text(profile)
    arguments = ("--repo", str(samples), "--profile", str(tmp_path / "unreachable.yml"), *QUICK)
    ended = pipeline("canary", "master", "slow", *arguments)
    assert ended.code == Exit.ENVIRONMENT, explain(ended)
    message = ended.json["error"]["message"]
    # What a profile's environment holds may be a secret: the address is masked.
    assert message.startswith("blue and green: its registry for npm, "), message
    assert "cannot be reached: Failed to connect to 127.0.0.1 port 9" in message


def test_a_version_with_a_virtual_environment_of_its_own_runs_from_a_tree_that_it_can_only_read(
    pipeline: Command, tmp_path: Path
) -> None:
    repository = make_sample_repository(tmp_path / "slug", "slug")
    profile = (PROFILES / "slug.yml").read_text()
    for old, new in (
        ("packages: [python3]", "packages: [python3, python3-venv]"),
        ("install: null", "install: [[python3, -m, venv, .venv], [.venv/bin/pip, install, idna==3.10]]"),
        (
            "start: [python3, server.py]",
            'start: [.venv/bin/python, -c, \'import idna, runpy; runpy.run_path("server.py", run_name="__main__")\']',
        ),
    ):
        assert old in profile
        profile = profile.replace(old, new)
    (tmp_path / "venv.yml").write_text(profile)
    arguments = ("--repo", str(repository), "--profile", str(tmp_path / "venv.yml"), *AT_ONCE)
    ended = pipeline("canary", "master", "broken", *arguments)
    assert ended.code == Exit.FAILED, explain(ended)
    assert "error_rate" in {row["name"] for row in ended.json["metrics"] if row["decision"] == "fail"}
