"""The proof that checkbox.io works, database and all. Runs on the host: `python3 -`, parameters as JSON on
standard input.

`origin`: nginx as this host reaches it (http://127.0.0.1:80); `files`: the directory that nginx serves; `mongo`:
`host`, `port`, `user`, `password` of the application, the latter two as in a URI; `url`, `release`, `listen`: repeated
in the result.

Through nginx a study is created, listed, loaded and answered, its vote counted; then both are removed again and the
listing no longer has it. A made-up page is a 200 here too, so static files are compared byte by byte.
Prints a JSON object as its last line; ends with 1 and one line that says what is wrong otherwise.
"""

import datetime
import http.client
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pymongo import MongoClient  # type: ignore[import-not-found] # a package of the host, not of this project
from pymongo.errors import PyMongoError  # type: ignore[import-not-found]

PROBE = "pipeline probe "
MARKDOWN = "Does it work?\n\n1. Yes\n2. No\n"
ANSWERS = [{"question": 0, "kind": "singlechoice", "answer": "Yes"}]
WAIT = 15  # seconds for one answer
LEFT = datetime.timedelta(minutes=10)  # what is older was left by a proof that was cut short


class Site:
    """checkbox.io behind its nginx."""

    def __init__(self, origin: str) -> None:
        self.address = urlsplit(origin).netloc

    def get(self, path: str) -> bytes:
        return self.ask("GET", path, None)

    def ask(self, method: str, path: str, document: dict[str, Any] | None) -> bytes:
        connection = http.client.HTTPConnection(self.address, timeout=WAIT)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            sys.exit(f"{method} {path}: no answer through nginx: {error}")
        finally:
            connection.close()
        if response.status != 200:
            sys.exit(f"{method} {path}: answered {response.status}")
        return content

    def api(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        content = self.ask(method, f"/api/study/{path}", document)
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("error"):
            sys.exit(f"{method} /api/study/{path}: answered {content[:120]!r}")
        return answer

    def listed(self, name: str) -> list[dict[str, Any]]:
        return [study for study in self.api("GET", "listing")["studies"] if study.get("name") == name]


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        sys.exit(f"{what}: {found!r} instead of {wanted!r}"[:300])


def study(site: Site, database: Any, name: str) -> None:
    """The life of a study, up to its one vote."""
    # No contact: where mail is set up, no mail server takes a message for nobody.
    wanted = {
        "invitecode": "RESEARCH",
        "studyKind": "survey",
        "name": name,
        "description": "Removed at once.",
        "markdown": MARKDOWN,
        "researcherName": "",
        "contact": "",
    }
    site.api("POST", "create", wanted)
    listed = site.listed(name)
    expect("the new study in the listing", [found["votes"] for found in listed], [0])
    identifier = listed[0]["id"]
    loaded = site.api("GET", f"load/{identifier}")
    expect("the study as loaded", [loaded.get("name"), loaded.get("markdown")], [name, MARKDOWN])
    expect("the study's secret token as loaded", loaded.get("token"), None)
    expect("votes before the first", site.api("GET", f"status/{identifier}"), {"votes": 0})
    vote = {
        "studyId": identifier,
        "fingerprint": name,
        "answers": json.dumps(ANSWERS),
        "email": "",
        "contact": "",
    }
    expect("the answer to a vote", site.api("POST", "vote/submit/", vote), {"done": True})
    expect("votes after the first", site.api("GET", f"status/{identifier}"), {"votes": 1})
    # The very server that was meant, not another that happens to answer.
    kept = list(database.votes.find({"fingerprint": name}))
    expect(
        "the vote in MongoDB",
        [[str(one["studyId"]), one["answers"]] for one in kept],
        [[identifier, ANSWERS]],
    )


def remove(database: Any, name: str) -> None:
    """This probe, and those that a proof that was cut short has left."""
    before = datetime.datetime.now(datetime.UTC) - LEFT
    for found in database.studies.find({"name": {"$regex": f"^{PROBE}[0-9a-f]{{16}}$"}, "contact": ""}):
        if found["name"] == name or found["_id"].generation_time < before:
            database.votes.delete_many({"studyId": found["_id"]})
            database.studies.delete_one({"_id": found["_id"]})


def static(site: Site, files: str) -> str:
    """The start page and one more file are what nginx serves. Gives that file's path."""
    paths = ["/index.html"]
    # The largest that is no page: no fallback could pass for it.
    others = [
        (entry.stat().st_size, f"/{os.path.relpath(entry.path, files)}")
        for directory, folders, _ in os.walk(files)
        for entry in os.scandir(directory)
        if entry.is_file() and entry.name.endswith((".js", ".css")) and "/." not in entry.path
    ]
    paths += [path for _, path in sorted(others)[-1:]]
    for path in paths:
        try:
            content = Path(files + path).read_bytes()
        except OSError as error:
            sys.exit(f"{files}{path}: {error.strerror}")
        if site.get(path) != content:
            sys.exit(f"GET {path}: not the bytes of {files}{path}")
    return paths[-1]


def main(parameters: dict[str, Any]) -> dict[str, object]:
    began = time.monotonic()
    site, mongo = Site(parameters["origin"]), parameters["mongo"]
    name = PROBE + secrets.token_hex(8)
    file = static(site, parameters["files"])
    try:
        client = MongoClient(
            mongo["host"],
            mongo["port"],
            username=unquote(mongo["user"]),
            password=unquote(mongo["password"]),
            authSource="admin",
            directConnection=True,
            serverSelectionTimeoutMS=WAIT * 1000,
        )
        try:
            study(site, client.site, name)
        finally:
            remove(client.site, name)
    except PyMongoError as error:
        sys.exit(f"MongoDB on {mongo['host']}:{mongo['port']}: {str(error).partition(', Timeout:')[0][:200]}")
    expect("the removed study in the listing", site.listed(name), [])
    return {
        "proof": "a study was created, listed, loaded, answered, counted and removed",
        **{name: parameters[name] for name in ("url", "release", "listen")},
        "file": file,
        "seconds": round(time.monotonic() - began, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))), flush=True)
    # At once: the driver's threads look only every half second whether they are to end.
    os._exit(0)
