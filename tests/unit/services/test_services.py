"""The bundled services: repositories with a branch for each fault, and what each branch then answers."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from loadgen.mixfile import mix_of
from pipeline.base.errors import SourceError
from pipeline.base.places import SERVICES
from pipeline.canary.profile import Profile
from pipeline.canary.profile_file import load_profile
from pipeline.source.sample import faults, make_sample_repository, services
from tests.support.git_samples import git
from tests.support.node import node_modules
from tests.support.ports import free_port
from tests.support.shop_steps import shop_with_steps

FAULTS = {
    "preview": {"broken", "slow", "tail", "flaky", "leak", "hog", "wrong", "crash", "nostart"},
    "shop": {"slow", "refused"},
    "slug": {"broken", "slow"},
}


@pytest.fixture(scope="module", params=sorted(FAULTS))
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("samples")
    for name in services():
        make_sample_repository(directory / name, name)
    return directory


def test_every_fault_is_a_branch_one_commit_away_from_master(samples: Path, service: str) -> None:
    branches = set(git(samples / service, "for-each-ref", "--format=%(refname:short)", "refs/heads").split())
    assert branches == {"master", *FAULTS[service]}
    for branch in FAULTS[service]:
        assert git(samples / service, "rev-list", f"master..{branch}").count("\n") == 0
        assert git(samples / service, "diff", "--name-only", "master", branch)


def test_every_fault_says_in_one_line_what_is_wrong(service: str) -> None:
    assert set(faults(service)) == FAULTS[service]
    assert all(10 < len(line) < 110 and not line.startswith("diff") for line in faults(service).values())


def test_the_commits_are_the_same_for_every_user_and_need_nothing_of_the_users_git(
    samples: Path, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text(
        "[user]\nname = Someone\nemail = s@example.org\n[commit]\ngpgSign = true\n[core]\nautocrlf = true\n"
        "[init]\ntemplateDir = /nowhere\ndefaultBranch = trunk\n[gpg]\nprogram = false\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Someone")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    other = make_sample_repository(tmp_path / "other", service)
    monkeypatch.undo()
    assert git(other, "show-ref", "--heads") == git(samples / service, "show-ref", "--heads")


def test_a_repository_that_is_current_is_left_as_it_is(samples: Path, service: str) -> None:
    before = (samples / service / ".git" / "HEAD").stat().st_mtime_ns
    assert make_sample_repository(samples / service, service) == samples / service
    assert (samples / service / ".git" / "HEAD").stat().st_mtime_ns == before


def test_what_is_not_a_sample_repository_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    with pytest.raises(SourceError, match="is not a sample repository"):
        make_sample_repository(tmp_path / "mine")
    assert (tmp_path / "mine" / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["other", "../services/preview", ""])
def test_a_service_that_is_not_bundled_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="there is preview, shop, slug"):
        make_sample_repository(tmp_path / "x", name)


def test_the_lock_file_of_the_preview_sample_pins_everything_and_names_no_host() -> None:
    text = (SERVICES / "preview" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert all(entry["integrity"] for path, entry in packages.items() if path)
    assert "resolved" not in text
    assert "http" not in text


@contextmanager
def running(
    samples: Path, service: str, branch: str, directory: Path
) -> Iterator[tuple[Profile, http.client.HTTPConnection, subprocess.Popen[bytes]]]:
    """A branch of a sample, started as its profile says on a port that is free; stopped by SIGTERM."""
    profile = load_profile(service)
    git(samples / service, "worktree", "add", "--force", "--detach", str(directory / branch), branch)
    if service == "preview":
        (directory / branch / "node_modules").symlink_to(node_modules("preview"))
    port = free_port()
    environment = {**os.environ, **profile.environment, "PORT": str(port)}
    with subprocess.Popen(
        profile.start,
        cwd=directory / branch,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            deadline = time.monotonic() + 10
            while process.poll() is None:
                try:
                    connection.connect()
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            yield profile, connection, process
            connection.close()
            process.terminate()
            process.wait(10)
        finally:
            process.kill()


def ask(profile: Profile, connection: http.client.HTTPConnection) -> str:
    """What one request of the profile gives: right, wrong, a status that is not the expected one, or gone."""
    request = profile.request
    try:
        connection.request(request.method, request.target(), request.content() or None, dict(request.headers))
        response = connection.getresponse()
        body = response.read()
    except (ConnectionError, http.client.BadStatusLine):
        connection.close()
        return "gone"
    if response.status not in profile.expect.status:
        return str(response.status)
    return "right" if re.search((profile.expect.body_regex or "").encode(), body, re.DOTALL) else "wrong"


@pytest.mark.parametrize(
    ("service", "branch", "requests", "answers"),
    [
        ("preview", "master", 50, {"right": 50}),
        ("preview", "broken", 10, {"500": 10}),
        ("preview", "flaky", 100, {"right": 98, "500": 2}),
        ("preview", "wrong", 100, {"right": 95, "wrong": 5}),
        ("preview", "crash", 301, {"right": 299, "gone": 2}),
        ("preview", "slow", 10, {"right": 10}),
        ("preview", "tail", 50, {"right": 50}),
        ("preview", "leak", 10, {"right": 10}),
        ("preview", "hog", 10, {"right": 10}),
        ("slug", "master", 20, {"right": 20}),
        ("slug", "broken", 10, {"500": 10}),
        ("slug", "slow", 10, {"right": 10}),
    ],
)
def test_a_branch_answers_the_request_of_its_profile_as_its_fault_says(
    samples: Path, tmp_path: Path, service: str, branch: str, requests: int, answers: dict[str, int]
) -> None:
    with running(samples, service, branch, tmp_path) as (profile, connection, process):
        assert Counter(ask(profile, connection) for _ in range(requests)) == answers
    assert process.returncode == (1 if branch == "crash" else 0)


@pytest.mark.parametrize("branch", ["master", "slow"])
def test_every_request_of_the_shop_is_answered_as_its_profile_expects(
    samples: Path, tmp_path: Path, branch: str
) -> None:
    with running(samples, "shop", branch, tmp_path) as (profile, connection, _):
        sent = Counter[str]()
        for request in islice(mix_of(profile.mix, Path(), "").requests(), 100):
            connection.request(request.method, request.url, request.body, dict(request.headers))
            response = connection.getresponse()
            body, kind = response.read(), request.kind
            assert response.status in kind.expect_status, (kind.name, response.status, body)
            assert kind.body_regex is not None
            assert kind.body_regex.search(body), (kind.name, body)
            sent[kind.name] += 1
    assert len(sent) == len(profile.requests) == 8


@pytest.mark.parametrize(
    ("branch", "answers"), [("master", {"200": 50}), ("refused", {"200": 40, "401": 10})]
)
def test_who_logs_in_to_the_shop_reads_the_own_account(
    samples: Path, tmp_path: Path, branch: str, answers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the steps that stand in the profile's comments, sent by the loader."""
    monkeypatch.setenv("SHOP_PASSWORD", "lovelace")
    mix = load_profile(shop_with_steps(tmp_path)).mix
    steps = [entry for entry in mix["requests"] if "steps" in entry]
    requests, out = tmp_path / "requests.json", tmp_path / "out.json"
    requests.write_text(json.dumps({**mix, "requests": steps}))
    with running(samples, "shop", branch, tmp_path) as (_, connection, _):
        words = [f"http://127.0.0.1:{connection.port}", "--rate=50", "--duration=1s", "--max-lateness=60s"]
        words += [f"--requests-file={requests}", f"--json-out={out}", "--quiet"]
        subprocess.run([sys.executable, "-m", "loadgen", *words], check=True, stdout=subprocess.DEVNULL)
    found = json.loads(out.read_text())["by_request"]
    assert {name: each["status"] for name, each in found.items()} == {
        "log in": {"201": 50},
        "account": answers,
    }


def test_a_service_that_does_not_start_ends_at_once(samples: Path, tmp_path: Path) -> None:
    with running(samples, "preview", "nostart", tmp_path) as (_, _, process):
        assert process.returncode == 1


def test_a_malformed_request_is_refused_and_the_service_lives_on(samples: Path, tmp_path: Path) -> None:
    with running(samples, "preview", "master", tmp_path) as (profile, connection, _):
        for body in (b"{", b"null", b'{"markdown": 1}', b"\xff"):
            connection.request("POST", "/preview", body)
            response = connection.getresponse()
            assert (response.status, set(json.loads(response.read()))) == (400, {"error"})
        assert ask(profile, connection) == "right"


def test_a_survey_cannot_bring_its_own_script_into_the_preview(samples: Path, tmp_path: Path) -> None:
    with running(samples, "preview", "master", tmp_path) as (_, connection, _):
        markdown = "<script>x</script>\n\n### <img src=x>\n\n[a](javascript:x) <b onclick=x>\n\n* ![x](x)"
        connection.request("POST", "/preview", json.dumps({"markdown": markdown}))
        html = json.loads(connection.getresponse().read())["preview"]
        assert not re.search(r"<(script|img|b\b)|href=\"javascript", html)
