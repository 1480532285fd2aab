"""Random profiles and URLs with secrets in them, whole and broken: no traceback, no hang, no secret anywhere.

`python -m bench.inputs.fuzz_profiles --count 10000 --seed 0`. Each profile holds secrets where people put them; some
are then broken. What is searched: every message, the record, the page, the loader's command line, a log's line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import string
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import yaml

from bench.inputs.run import at_most, options, show
from pipeline.base.errors import PipelineError
from pipeline.base.mask import forget, hide
from pipeline.canary.loader_arguments import loader_arguments, private_files
from pipeline.canary.plan import Settings
from pipeline.canary.profile import Profile
from pipeline.canary.profile_file import load_profile
from pipeline.cli.root import run
from pipeline.judge import judge
from pipeline.report import html, jsonout
from pipeline.runs.directory import Run
from pipeline.runs.record import FORMAT, Record

__all__ = ["fuzz"]

_SECONDS = 20
_PAGES = 50  # a page is rendered for one profile in so many
_PLACES = (
    "url",
    "header",
    "variable",
    "query",
    "password",
    "option",
    "json",
    "form",
    "reference",
    "env_file",
)
_SCHEMES = ("postgres", "https", "mongodb+srv", "redis", "amqp", "HTTP")


def _secret(rng: random.Random) -> str:
    signs = rng.choice(["", "", "-._~", "!$&'()*+,;=", "%:"])
    return (
        "S3" + "".join(rng.choices(string.ascii_letters + string.digits + signs, k=rng.randint(8, 40))) + "z9"
    )


def _url(rng: random.Random, secret: str) -> str:
    plain = "".join(char for char in secret if char not in "%")
    user = rng.choice(["", "app", "a.b", "me%40x"])
    path = rng.choice(["", "/", "/db", "/db?ssl=1", "/@me", ":5432/x#y"])
    scheme, host = rng.choice(_SCHEMES), rng.choice(["db", "db.example.org", "[2001:db8::7]"])
    if rng.random() < 0.2:
        return (
            f"{scheme}://{host}/x?{rng.choice(['api_key', 'access_token', 'X-Amz-Signature'])}={_word(plain)}"
        )
    return f"{scheme}://{user}:{plain}@{host}{path}"


def _word(secret: str) -> str:
    """A secret that stands in a query, where some characters end it."""
    return "".join(char for char in secret if char not in "&;=+%#'")


def _document(rng: random.Random, secrets: list[str]) -> dict[str, object]:
    """A profile with a secret in some of the places; the secrets are put into `secrets`."""
    environment: dict[str, object] = {"NODE_ENV": "production", "MODE": "fast"}
    headers: dict[str, object] = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
    request: dict[str, object] = {"path": "/x", "headers": headers}
    start = ["node", "index.js"]
    document: dict[str, object] = {"name": "x", "start": start, "environment": environment, "port": 8000}
    document["request"] = request
    for place in rng.sample(_PLACES, rng.randint(1, 4)):
        secret = _secret(rng)
        if place == "url":
            secret = _word(secret)
            environment[rng.choice(["DATABASE_URL", "MODE", "UPSTREAM"])] = _url(rng, secret)
        elif place == "header":
            headers[rng.choice(["X-Auth", "Authorization", "Cookie", "X-Tenant"])] = secret
        elif place == "variable":
            environment[rng.choice(["STRIPE", "DB_PASSWORD", "WEBHOOK", "A"])] = secret
        elif place == "query":
            secret = _word(secret)
            request["query"] = f"page=2&{rng.choice(['api_key', 'sig', 'access%5Ftoken'])}={secret}&x=1"
        elif place == "password":
            environment["JAVA_OPTS"] = f"-Xmx1g -Dpassword={secret}"
        elif place == "option":
            start += rng.choice([[f"--password={secret}"], ["--token", secret], [f"DB_PASSWORD={secret}"]])
        elif place == "json" and "body" not in request:
            request["json"] = {"user": "me", "auth": [{"password": secret}, 3]}
        elif place == "form" and "json" not in request:
            secret = _word(secret)
            request["body"] = rng.choice(
                [f"user=me&password={secret}", json.dumps({"a": {"client_secret": secret}})]
            )
        elif place == "reference":
            os.environ["PIPELINE_FUZZ_VALUE"] = secret
            rng.choice([environment, headers])["LANG"] = "pre-${PIPELINE_FUZZ_VALUE}"
            request["query"] = "q=${PIPELINE_FUZZ_VALUE}"
        elif place == "env_file":
            document["env_file"] = "secrets.env"
            environment["TZ"] = "${FROM_FILE}"
        else:
            continue
        secrets.append(secret)
    return document


def _break(rng: random.Random, text: str) -> str:
    """A small mistake; no secret leaves its value."""
    lines = text.splitlines()
    number = rng.randrange(len(lines))
    kind = rng.randrange(9)
    if kind == 0 and "--token" not in lines[number]:
        del lines[number]
    elif kind == 1:
        lines.insert(number, lines[number])
    elif kind == 2:
        lines[number] = " " + lines[number]
    elif kind == 3:
        lines[number] = "\t" + lines[number]
    elif kind == 4 and "--token" not in lines[number - 1]:
        lines.insert(
            number, rng.choice(["{{ x }}", "a: {{ x }}", "a: ${NOT_SET}", "- a", "port: [1]", "%x", "\x00"])
        )
    elif kind == 5:
        lines[number] += rng.choice([" #", "'", '"', "\\", ": x", " ${NOT_SET}", " {{ x }}", "\\u0000", " |"])
    elif kind == 6:
        return text[: rng.randrange(len(text))]
    elif kind == 7:
        lines[number] = (
            lines[number].replace(":", "", 1) if "S3" not in lines[number] else lines[number] + ","
        )
    else:
        lines[number] = lines[number].replace(": ", ": !x ", 1)
    return "\n".join(lines) + "\n"


def _shown(profile: Profile, secrets: list[str], *, page: bool) -> Iterator[tuple[str, str]]:
    """Each place where a profile could be seen, with what is seen there."""
    record = Record.from_dict({"format": FORMAT, "profile": profile.to_dict(), "problems": [], "phases": []})
    yield "record", json.dumps(record.to_dict(), ensure_ascii=False)
    older = Record.from_dict({"profile": profile.model_dump(mode="json", by_alias=True)})
    if not profile.to_dict()["request"]["query"].startswith("q=") and profile.env_file is None:
        yield "older record", json.dumps(older.to_dict(), ensure_ascii=False)
    settings = Settings("a", "b")
    with private_files(profile, None) as files:
        yield "argv", " ".join([*loader_arguments("10.0.0.1", profile, settings, Path("x")), *files])
    for secret in secrets:
        values = [*profile.environment.values(), *profile.request.headers.values()]
        if secret in values:
            yield "log", hide(f'Error: cannot log in with "{secret}": refused')
    for value in profile.environment.values():
        if "://" in value:
            yield "log", hide(f"Error: connect {value} failed")
    yield "log", hide(f"GET {profile.request.target()} HTTP/1.1")
    if page:
        evidence = Run(Path("x"), record).evidence
        verdict = judge(evidence, profile.metrics, profile.policy)
        yield "page", html.render(verdict, record, evidence)
        yield "json", jsonout.render(verdict, record)


def _try(directory: Path, rng: random.Random, tally: Counter[str], *, page: bool) -> str | None:
    secrets: list[str] = []
    forget()
    document = _document(rng, secrets)
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=rng.random() < 0.5, width=10_000)
    broken = rng.random() < 0.6
    if broken:
        text = _break(rng, text)
    path, env_file = directory / "profile.yml", directory / "secrets.env"
    path.write_text(text)
    quote = rng.choice(["'", '"', ""])
    from_file = "".join(char for char in _secret(rng) if char not in "'#$`\"")
    secrets.append(from_file)
    env_file.write_text(f"# by hand\nexport FROM_FILE={quote}{from_file}{quote}\n")
    env_file.chmod(0o600)
    try:
        profile = load_profile(path)
    except PipelineError as error:
        tally["refused"] += 1
        if not broken:
            return f"refused a whole profile: {getattr(error, 'problems', error.message)}"
        said = "\n".join([error.message, error.hint or "", *getattr(error, "problems", ())])
        return next((f"in a message: {said}" for secret in secrets if secret in said), None)
    tally["read, broken" if broken else "read"] += 1
    for place, seen in _shown(profile, secrets, page=page):
        for secret in secrets:
            if any(spelt in seen for spelt in (secret, json.dumps(secret)[1:-1], escape(secret))):
                return f"in the {place}: {secret}"
    return None


def _try_url(rng: random.Random, tally: Counter[str]) -> str | None:
    """A URL with a secret on the command line, in a place where it is refused."""
    forget()
    secret = _word(_secret(rng))
    url = _url(rng, secret)
    asked: Callable[[], list[str]] = rng.choice(
        [
            lambda: ["canary", url],
            lambda: ["canary", "a", "b", "--repo", "x" + url.replace("://", "x://", 1)],
            lambda: ["canary", "a", "b", "--rate", url],
            lambda: ["canary", "a", "b", "c", url, "--json"],
            lambda: ["judge", url],
            lambda: ["report", url],
            lambda: ["calibrate", "--show", url],
            lambda: ["canary", "a", "b", "--profile", url],
            lambda: [url],
            lambda: ["lab", "up", url],
        ]
    )
    output = io.StringIO()
    with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
        code = run(asked())
    tally[f"URL: exit {code}"] += 1
    said = output.getvalue()
    if code != 2:
        return f"exit {code}: {said}"
    return f"in a message: {said}" if secret in said else None


def fuzz(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many inputs ended how, and each wrong ending with its seed. One input in five is a URL."""
    tally: Counter[str] = Counter()
    wrong = []
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory() as name:
        for number in range(seed, seed + count):
            rng = random.Random(number)  # noqa: S311 (test data)
            try:
                with at_most(_SECONDS):
                    if number % 5 == 4:
                        found = _try_url(rng, tally)
                    else:
                        found = _try(Path(name), rng, tally, page=number % _PAGES == 0)
            except TimeoutError:
                found = "hangs"
            except Exception as error:  # every other error is a traceback that somebody would see
                found = f"traceback: {error!r}"
            if found:
                wrong.append(f"seed {number}: {found}")
    os.environ.pop("PIPELINE_FUZZ_VALUE", None)
    os.environ.update(kept)
    forget()
    return tally, wrong


def main() -> int:
    asked = options(__doc__, 1000)
    return show(asked, *fuzz(asked.count, asked.seed))


if __name__ == "__main__":
    raise SystemExit(main())
