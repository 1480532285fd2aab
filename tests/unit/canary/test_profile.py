"""A profile is right as a whole, or every problem of it is one line with the file and the line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loadgen.mixfile import mix_of
from pipeline.base.errors import ConfigError, UsageError
from pipeline.base.mask import hide
from pipeline.canary.profile import Profile
from pipeline.canary.profile_file import load_profile
from pipeline.judge.rules import default_rules
from pipeline.runs.record import Record
from tests.support.steps_profile import WITH_STEPS

MIXED = """\
name: x
start: [run]
port: 8000
expect: {status: [200, 204]}
values:
  user: {csv: users.csv}
  n: {numbers: [1, 9]}
requests:
  - name: read
    weight: 3
    path: /r/{{n}}
    query: who={{user.name}}&token=${TOKEN}
  - name: write
    method: POST
    path: /w
    json: {name: "{{user.name}}"}
    headers: {Authorization: "Bearer ${TOKEN}"}
    expect: {status: 201, body_regex: ok}
"""
LEAST = "name: x\nstart: [run]\nport: 8000\nrequest: {path: /}\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "x.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(tmp_path: Path, text: str | bytes) -> list[str]:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_profile(path)
    assert all(re.match(rf"{re.escape(str(path))}:\d+: [^\n]+$", line) for line in caught.value.problems)
    return [line.removeprefix(f"{path}:") for line in caught.value.problems]


@pytest.mark.parametrize("name", ["preview", "slug"])
def test_each_shipped_profile_loads_and_comes_back_from_what_run_json_keeps(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert Profile.model_validate(profile.to_dict()) == profile


def test_what_a_profile_leaves_out_has_its_default(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, LEAST + "install: null\nroutes:\n"))
    assert profile.install == ()
    assert [(route.path, route.method) for route in profile.routes] == [("/", None)]
    assert profile.request.method == "GET"
    assert profile.request.content() == b""
    assert profile.metrics == default_rules()
    assert profile.policy.expected_status == (200,)


def test_what_undecided_metrics_do_is_the_profile_s_to_say(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, LEAST + "policy: {undecided: pass}\n"))
    assert profile.policy.undecided == "pass"
    assert profile.to_dict()["policy"]["undecided"] == "pass"
    assert load_profile(written(tmp_path, LEAST)).policy.undecided == "inconclusive"


def test_json_is_sent_as_json_and_a_query_follows_every_path(tmp_path: Path) -> None:
    text = LEAST.replace("{path: /}", '{method: POST, path: /a, query: "q=1", json: {é: [1, null]}}')
    request = load_profile(written(tmp_path, text)).request
    assert request.content() == '{"é": [1, null]}'.encode()
    assert request.headers == {"Content-Type": "application/json"}
    assert (request.target(), request.target("/b")) == ("/a?q=1", "/b?q=1")


def test_all_problems_of_a_file_are_reported_together_each_with_its_line(tmp_path: Path) -> None:
    text = """\
name: My Service
start: []
prot: 8000
start_timeout: 5 parsecs
environment:
  A: 1
  A: "2"
request:
  path: preview
  body: x
  json: {}
expect: {status: 99, body_regex: "("}
metrics:
  - {name: latency_p50, threshold: 10 furlongs}
  - {name: nothing}
  - {name: error_rate, weight: -1}
policy: {pass_score: 101, undecided: maybe}
"""
    found = problems(tmp_path, text)
    assert [line.partition(":")[0] for line in found] == sorted(
        (line.partition(":")[0] for line in found), key=int
    )
    for said in (
        "1: name: 'My Service' is not a name",
        "2: start: ",
        "3: unknown key 'prot': did you mean 'port'?",
        "1: port: is missing",
        "4: start_timeout: '5 parsecs' is not a duration",
        "6: environment.A: must be text: write it in quotes",
        "7: 'A' is given twice, first in line 6",
        "9: request.path: 'preview' is not a path",
        "12: expect.status: ",
        "12: expect.body_regex: not a regular expression",
        "14: metrics.0: ",
        "15: metrics.1: there is no metric 'nothing'",
        "16: metrics.2.weight: ",
        "17: policy.pass_score: ",
        "17: policy.undecided: ",
    ):
        assert any(line.startswith(said) for line in found), (said, found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: the file is empty"),
        ("# nothing\n", "1: the file is empty"),
        ("- a\n- b\n", "1: expected a mapping"),
        ("just words\n", "1: expected a mapping"),
        ("name: x\nstart:\n\t- run\n", "3: a tab cannot indent"),
        ("name: x\nstart: [run\n", "3: "),
        ("name: x\n---\nname: y\n", "2: but found another document"),
        ("a: &a [1, 1]\nb: &b [*a, *a]\n", "2: aliases"),
        (f"name: {'[' * 5000}", "1: nested too deeply"),
        ("name: !!python/object/apply:os.system [id]\n", "1: the tag"),
        ("name: !evil x\n", "1: not text, a number"),
        ("name: 2024-13-45\n", "1: not text, a number"),
        (f"port: {'9' * 5000}\n", "1: not text, a number"),
        ("port: .nan\n", "1: not text, a number"),
        ("name: x\n1: x\n", "2: a key must be text"),
        ("name: x\n? [a]\n: b\n", "2: a key must be text"),
        (b"name: \xff\xfe\x00", "1: not a text file in UTF-8"),
        (b"name: x\n\x00\x01\x02", "1: not YAML"),
        (b"x" * 1_000_001, "1: larger than"),
    ],
)  # fmt: skip
def test_what_is_no_profile_at_all_is_one_line_and_no_traceback(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    assert any(line.startswith(said) for line in problems(tmp_path, text))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("install: [npm, install]", "install.0: "),
        ('start: ["a\\nb"]', "start.0: "),
        ("port: 80", "port: "),
        ("packages: [-o, Nodejs]", "packages.0: "),
        ('environment: {"A B": x}', "environment.A...: not a variable's name"),
        ('environment: {A: "x\\ny"}', "environment.A: "),
        ('request: {path: "/a b"}', "request.path: "),
        ('request: {path: "/a?b=c"}', "request.path: "),
        ('request: {path: "/a%2"}', "request.path: "),
        ('request: {path: "/\u00e4"}', "request.path: "),
        ("expect: {status: []}", "expect.status: "),
        ("expect: {status: [200, 99]}", "expect.status.1: "),
        ("health: {path: ready}", "health.path: "),
        ("request: {path: /, method: get it}", "request.method: "),
        ("request: {path: /, method: CONNECT}", "request.method: "),
        ("request: {path: /, headers: {Content-Length: '3'}}", "request: the header Content-Length"),
        ('request: {path: /, headers: {A: "x\\r\\nB: y"}}', "request.headers.A: "),
        ("request: {path: /, body: a, json: 1}", "request: give body or json"),
        ("metrics: []", "metrics: "),
        ("metrics: [{name: host_cpu}, {name: host_cpu}]", "metrics: host_cpu is given twice"),
        ("start_timeout: 0s", "start_timeout: "),
        ("start_timeout: -5s", "start_timeout: "),
        ("start_timeout: 2h", "start_timeout: "),
    ],
)
def test_a_value_that_could_not_work_is_found_before_anything_boots(
    tmp_path: Path, line: str, said: str
) -> None:
    key = line.partition(":")[0]
    kept = [old for old in LEAST.splitlines() if not old.startswith(f"{key}:")]
    found = problems(tmp_path, "\n".join([*kept, line]))
    assert any(said in text for text in found), found


SECRETS = """\
name: x
start: [run]
port: 8000
environment: {DATABASE_URL: "postgres://app:pw@db/app", TZ: "${ZONE}", MODE: fast, A: "$${B}"}
request: {path: /, query: "q=${WORD}&api_key=s", headers: {X-Auth: s, Accept: x}, json: {a: ["${WORD}"]}}
"""


def test_secrets_are_sent_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONE", "z")
    monkeypatch.setenv("WORD", "w%20x")
    profile = load_profile(written(tmp_path, SECRETS))
    assert dict(profile.environment) == {
        "DATABASE_URL": "postgres://app:pw@db/app",
        "TZ": "z",
        "MODE": "fast",
        "A": "${B}",
    }
    assert profile.request.query == "q=w%20x&api_key=s"
    assert profile.request.content() == b'{"a": ["w%20x"]}'
    kept = profile.to_dict()
    assert kept["environment"] == {"DATABASE_URL": "***", "TZ": "***", "MODE": "fast", "A": "***"}
    assert kept["request"]["query"] == "***"
    assert kept["request"]["headers"] == {"X-Auth": "***", "Accept": "x", "Content-Type": "application/json"}
    assert kept["request"]["json"] == {"a": ["***"]}
    assert hide("no login with postgres://app:pw@db/app, w%20x") == "no login with ***, ***"


def test_a_value_may_come_from_a_private_file_beside_the_profile(tmp_path: Path) -> None:
    env_file = tmp_path / "x.env"
    env_file.write_text("PIPELINE_TEST_WORD='a b'\n")
    env_file.chmod(0o600)
    text = LEAST + "env_file: x.env\nenvironment: {A: '${PIPELINE_TEST_WORD}'}\n"
    assert load_profile(written(tmp_path, text)).environment["A"] == "a b"
    env_file.chmod(0o644)
    assert problems(tmp_path, text) == [f"5: {env_file}:1: others can read this file: chmod 600 {env_file}"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('environment: {A: "${PIPELINE_NOT_SET}"}', "5: environment.A: ${PIPELINE_NOT_SET} is not set"),
        ('environment: {A: "{{ s3cret }}"}', "5: environment.A: an unfilled {{ ... }}"),
        ("environment: {A: {{ s3cret }}}", "5: an unfilled {{ ... }}"),
        ("environment:\n  A: {{ s3cret }}-x", "6: an unfilled {{ ... }}"),
        (
            'install: [[run, "${PIPELINE_NOT_SET}"]]',
            "5: install.0.1: ${NAME} is filled in only under environment",
        ),
        ('environment: {A: "s3cret\\nx"}', "5: environment.A: not one line of text"),
        ('environment: {"A: s3cret": x}', "5: environment.A...: not a variable's name"),
    ],
)
def test_what_cannot_be_filled_is_refused_with_its_line_and_no_value(
    tmp_path: Path, line: str, said: str
) -> None:
    found = problems(tmp_path, LEAST + line + "\n")
    assert len(found) == 1
    assert found[0].startswith(said)
    assert "s3cret" not in found[0]


def test_a_shell_has_names_of_its_own(tmp_path: Path) -> None:
    text = LEAST.replace("[run]", '[sh, -c, "exec run ${PORT}"]')
    assert load_profile(written(tmp_path, text)).start[2] == "exec run ${PORT}"


@pytest.mark.parametrize("name", ["nothing", "no/such.yml", "../pyproject.toml/x", "/", "", "a" * 5000])
def test_a_profile_that_is_not_there_lists_those_that_are(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_profile(name)
    assert "preview, shop, slug" in str(caught.value.hint)


@pytest.mark.parametrize(
    "path", ["/v1/models/half:predict", "/users/@me", "/files/a%20b.txt", "/a;b=c,d/(e)'f'/$g&h*i+j!k~"]
)
def test_a_path_is_all_that_rfc_3986_allows(tmp_path: Path, path: str) -> None:
    text = LEAST.replace("{path: /}", f'{{path: "{path}"}}') + f'health: {{path: "{path}"}}\n'
    profile = load_profile(written(tmp_path, text))
    assert (profile.request.path, profile.routes[0].path) == (path, path)
    assert profile.health is not None
    assert (profile.health.path, profile.health.status) == (path, (200,))


def test_several_statuses_are_right_for_the_judge_as_well(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, LEAST + "expect: {status: [200, 201]}\n"))
    assert profile.expect.status == profile.policy.expected_status == (200, 201)
    assert Profile.model_validate(profile.to_dict()) == profile


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file that MIXED names, and its secret in the environment."""
    monkeypatch.setenv("TOKEN", "s3cret-token")
    (tmp_path / "users.csv").write_text("name\nada\nbob\n")
    return tmp_path


def test_of_several_requests_the_first_with_its_first_values_is_asked_beside_the_load(mixed: Path) -> None:
    profile = load_profile(written(mixed, MIXED))
    assert profile.request.target() == "/r/1?who=ada&token=s3cret-token"
    assert [(route.path, route.method) for route in profile.routes] == [("/r/1", None)]
    assert profile.right_statuses == (200, 204, 201)
    assert profile.asked_for == "2 requests (read; write)"


def test_the_loader_reads_the_requests_as_the_profile_has_them(mixed: Path) -> None:
    profile = load_profile(written(mixed, MIXED))
    read, write = mix_of(profile.mix, Path("/nowhere"), "http://proxy").first_of_each()
    assert (read.kind.expect_status, write.kind.expect_status) == ((200, 204), (201,))
    assert (write.method, write.body) == ("POST", b'{"name": "ada"}')
    assert dict(write.headers)["Authorization"] == "Bearer s3cret-token"


def test_what_run_json_keeps_of_several_requests_has_no_secret_and_names_what_is_judged(mixed: Path) -> None:
    kept = load_profile(written(mixed, MIXED)).to_dict()
    assert "s3cret" not in str(kept)
    assert "request" not in kept
    terms = Record.from_dict({"profile": kept}).terms
    assert {name: (one.weight, one.status) for name, one in terms.mix.items()} == {
        "read": (0.75, (200, 204)),
        "write": (0.25, (201,)),
    }


def test_a_profile_of_one_request_says_nothing_of_several(tmp_path: Path) -> None:
    kept = load_profile(written(tmp_path, LEAST)).to_dict()
    assert not {"requests", "values", "seed"} & kept.keys()
    assert Record.from_dict({"profile": kept}).terms.mix == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{{n}}", "{{m}}", "9: requests[0]: no value is called 'm': there is n, user.name"),
        ("users.csv", "none.csv", "6: values.user: "),
        ("name: write", "name: read", "13: requests[1].name: 'read' is the name of another one, too"),
        ("csv: users.csv", "csv: 3", "6: values.user.csv: a text"),
        ("weight: 3", "weight: 0", "10: requests.0.weight: must be greater than 0"),
        ("/r/{{n}}", "/r?x", "11: requests.0.path: '/r?x' is not a path"),
        ("    expect:", "    expct:", "18: unknown key 'expct' in requests.1: did you mean 'expect'?"),
        ("port: 8000", "port: 8000\nrequest: {path: /}", "1: give request or requests, not both"),
        ("port: 8000", "port: 8000\nroutes: [{path: /}]", "1: routes go with one request"),
        ("token=${TOKEN}", "token=${NOT_SET}", "is not set in the environment"),
    ],
)
def test_what_is_wrong_with_a_mix_is_told_with_its_line(mixed: Path, old: str, new: str, said: str) -> None:
    assert any(said in line for line in problems(mixed, MIXED.replace(old, new)))


def test_values_without_several_requests_are_refused(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, LEAST + "values: {n: {one_of: [1]}}\n")
    assert "values and seed go with requests" in said


@pytest.fixture
def stepped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, with the secret of WITH_STEPS in the environment."""
    monkeypatch.setenv("PASSWORD", "s3cret-word")
    return tmp_path


def test_the_loader_reads_the_steps_as_the_profile_has_them(stepped: Path) -> None:
    profile = load_profile(written(stepped, WITH_STEPS))
    mix = mix_of(profile.mix, Path("/nowhere"), "http://proxy")
    (steps,) = mix.sequences
    log_in, account = steps.templates
    assert log_in.filled({"user": "ada"}).body == b'{"user": "ada", "password": "s3cret-word"}'
    assert [capture.name for capture in log_in.captures] == ["token", "number"]
    assert (log_in.kind.expect_status, account.kind.expect_status) == ((201,), (200, 204))
    assert profile.asked_for == "3 requests (list; log in; account)"
    assert profile.right_statuses == (200, 204, 201)
    assert profile.request.path == "/items"


def test_of_steps_run_json_keeps_no_secret_and_each_is_judged_by_its_name(stepped: Path) -> None:
    profile = load_profile(written(stepped, WITH_STEPS))
    kept = profile.to_dict()
    assert "s3cret" not in str(kept)
    assert hide("403 for ada, s3cret-word") == "403 for ada, ***", "whoever logs it"
    record = Record.from_dict({"profile": kept})
    assert {name: (one.weight, one.status) for name, one in record.mix.items()} == {
        "list": (0.6, (200, 204)),
        "log in": (0.2, (201,)),
        "account": (0.2, (200, 204)),
    }
    assert record.later_steps == {"account"}
    # three of four that are due are one request, the fourth is two
    assert profile.requests_per_arrival == 1.25


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{{token}}",
            "{{tokn}}",
            "20: requests[1].steps[1]: no value is called 'tokn': there is number, token",
        ),
        (
            "- name: account",
            "- name: list",
            "20: requests[1].steps[1].name: 'list' is the name of another one",
        ),
        (
            "json: $.token",
            "json: token",
            "18: requests[1].steps[0].capture.token.json: a path such as $.user.id",
        ),
        ("path: /login", "path: login", "14: requests.1.steps.0.path: 'login' is not a path"),
        (
            "capture:",
            "capturing:",
            "17: unknown key 'capturing' in requests.1.steps.0: did you mean 'capture'?",
        ),
        ("  - steps:", "  - weight: 0\n    steps:", "11: requests.1.weight: must be greater than 0"),
        (
            "    path: /items",
            "    path: /items\n    capture: {}",
            "11: 'capture' does not belong in requests.0",
        ),
        (
            "        expect: {status: 201}",
            "        steps: []",
            "16: 'steps' does not belong in requests.1.steps.0",
        ),
    ],
)
def test_what_is_wrong_with_steps_is_told_with_its_line(stepped: Path, old: str, new: str, said: str) -> None:
    found = problems(stepped, WITH_STEPS.replace(old, new, 1))
    assert any(said in line for line in found), found
