"""What the loader is told, so that no version can make the other's requests wait, or hide behind them."""

from __future__ import annotations

import itertools
import re
import resource
from pathlib import Path

import pytest

from loadgen.mixfile import read_mix
from pipeline.base.places import DEPLOYS
from pipeline.canary.loader_arguments import loader_arguments, private_files
from pipeline.canary.plan import Settings
from pipeline.canary.profile_file import load_profile
from tests.support.steps_profile import WITH_STEPS

PROFILE = load_profile("preview")


def told(settings: Settings) -> dict[str, str]:
    url, *words = loader_arguments("10.0.0.1", PROFILE, settings, Path("runs/x"))
    assert url == "http://10.0.0.1:8080/preview"
    return dict(zip(words[::2], words[1::2], strict=True))


def test_the_loader_runs_for_the_whole_schedule() -> None:
    for schedule, seconds in (("phased", "140s"), ("concurrent", "70s")):
        settings = Settings("a", "b", duration=60.0, warmup=10.0, schedule=schedule)
        assert told(settings)["--duration"] == seconds


@pytest.mark.parametrize(
    ("schedule", "rate", "files", "connections"),
    [
        ("phased", 10.0, 1024, 64),
        ("phased", 50.0, 1024, 300),
        ("interleaved", 50.0, 1024, 300),
        ("concurrent", 5.0, 1024, 64),
        ("concurrent", 50.0, 1024, 300),
        ("concurrent", 1000.0, 1024, 960),
        ("phased", 1000.0, 1024, 480),
        ("concurrent", 1000.0, 80, 16),
        ("concurrent", 1000.0, resource.RLIM_INFINITY, 4000),
        ("phased", 1000.0, resource.RLIM_INFINITY, 2000),
    ],
)
def test_there_is_a_connection_for_each_request_that_a_version_may_hold_up(
    monkeypatch: pytest.MonkeyPatch, schedule: str, rate: float, files: int, connections: int
) -> None:
    """As far as this process may open them, and HAProxy takes them; in turns, for two phases at once."""
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, files))
    assert told(Settings("a", "b", rate=rate, schedule=schedule))["--connections"] == str(connections)


def test_haproxy_takes_all_connections_of_the_loader() -> None:
    (most,) = re.findall(r"maxconn (\d+)", (DEPLOYS / "templates" / "haproxy.cfg.j2").read_text())
    settings = Settings("a", "b", rate=100_000, schedule="concurrent")
    assert int(told(settings)["--connections"]) < int(most)


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        ("phased", ["70s"]),
        ("interleaved", ["10s", "20s", "27s", "40s", "53s", "66s"]),
        ("concurrent", []),
    ],
)
def test_the_loader_is_told_when_the_load_goes_from_one_version_to_the_other(
    schedule: str, ends: list[str]
) -> None:
    settings = Settings(
        "a", "b", duration=24.0 if schedule == "interleaved" else 60.0, warmup=10.0, schedule=schedule
    )
    words = loader_arguments("10.0.0.1", PROFILE, settings, Path("runs/x"))
    assert [after for word, after in itertools.pairwise(words) if word == "--phase-end"] == ends


@pytest.mark.parametrize("share", [None, 0.1])
def test_at_once_each_request_has_a_connection_of_its_own(share: float | None) -> None:
    request = PROFILE.request.model_copy(
        update={"headers": {"X-Token": "secret", "connection": "keep-alive"}}
    )
    with private_files(PROFILE.model_copy(update={"request": request}), share) as arguments:
        options = dict(zip(arguments[::2], arguments[1::2], strict=True))
        headers = Path(options["--header-file"]).read_text().splitlines()
        assert Path(options["--header-file"]).parent.stat().st_mode & 0o077 == 0
    assert headers == ["X-Token: secret", "connection: keep-alive" if share is None else "Connection: close"]
    assert not Path(options["--header-file"]).exists()


def test_a_query_stands_in_a_private_file_and_not_among_the_arguments() -> None:
    request = PROFILE.request.model_copy(update={"query": "api_key=secret"})
    profile = PROFILE.model_copy(update={"request": request})
    with private_files(profile, None) as files:
        arguments = [*loader_arguments("10.0.0.1", profile, Settings("a", "b"), Path("runs/x")), *files]
        assert not any("secret" in word for word in arguments)
        assert Path(files[files.index("--query-file") + 1]).read_text() == "api_key=secret"


def test_several_requests_go_to_the_loader_in_a_file_that_it_reads(tmp_path: Path) -> None:
    shop = load_profile("shop")
    url, *words = loader_arguments("10.0.0.1", shop, Settings("a", "b"), tmp_path)
    assert url == "http://10.0.0.1:8080"
    assert not {"--method", "--expect-status", "--expect-body-regex"} & set(words)
    with private_files(shop, None) as arguments:
        option, path = arguments
        assert option == "--requests-file"
        assert Path(path).stat().st_mode & 0o077 == 0 or Path(path).parent.stat().st_mode & 0o077 == 0
        sent = read_mix(Path(path), url).first_of_each()
    assert [one.kind.name for one in sent] == [one.name for one in shop.named_requests]
    assert sent[0].url == "http://10.0.0.1:8080/items"


def test_at_once_each_of_several_requests_has_a_connection_of_its_own() -> None:
    with private_files(load_profile("shop"), 0.5) as (_, path):
        sent = read_mix(Path(path), "http://h").first_of_each()
    assert all(("Connection", "close") in one.headers for one in sent)


def test_there_is_a_connection_for_each_step_that_a_version_may_hold_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers just in time holds up a sequence for as long as all of its steps may take."""
    monkeypatch.setenv("PASSWORD", "s3cret-word")
    (tmp_path / "x.yml").write_text(WITH_STEPS)
    profile = load_profile(tmp_path / "x.yml")
    words = loader_arguments("10.0.0.1", profile, Settings("a", "b"), tmp_path)
    assert words[words.index("--connections") + 1] == str(round(50 * 1.25 * 5 * 1.2))
    with private_files(profile, None) as files:
        assert not any("s3cret" in word for word in (*words, *files))
        (steps,) = read_mix(Path(files[1]), "http://h").sequences
    assert b"s3cret-word" in (steps.templates[0].body or b"")
