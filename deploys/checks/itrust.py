"""The proof that iTrust works, database and all. Runs on the host: `python3 -`, parameters as JSON on standard input.

`origin`: nginx as this host reaches it (http://127.0.0.1:8080); `database`; `user` and `password` of an
administrator; `url` (as others reach it), `release`, `listen`: repeated in the result.

Through nginx the log-in page, which reads the database, has its form, and that user logs in, sees the page behind it,
and logs out. No wrong password is tried: iTrust2 counts those, and locks and bans. For the same reason no log-in is
tried that is known to fail: a password that was changed since, an account or an address that somebody locked.
Prints a JSON object as its last line; ends with 1 and one line that says what is wrong otherwise.
"""

import html
import http.client
import http.cookiejar
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

WAIT = 30  # seconds for one answer
LOCKED = ("locked", "banned", "iplocked", "ipbanned")


class Browser:
    """Follows redirects and keeps cookies."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies, urllib.request.ProxyHandler({}))

    def open(self, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Where it led to (path and query) and the page."""
        what = f"{'POST' if form else 'GET'} {path}"
        data = urlencode(form).encode() if form else None
        try:
            with self.opener.open(self.origin + path, data, timeout=WAIT) as response:
                address = urlsplit(response.url)
                return f"{address.path}?{address.query}", response.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            sys.exit(f"{what}: answered {error.code}")
        except (OSError, http.client.HTTPException) as error:
            sys.exit(f"{what}: no answer through nginx: {getattr(error, 'reason', error)}")


def token_of(page: str, what: str) -> str:
    """The CSRF token of a page with a form."""
    fields = re.findall(r"<input\b[^>]*>", page)
    token = next((f for f in fields if re.search(r"""name=["']_csrf["']""", f)), "")
    value = re.search(r"""value=["']([^"']+)["']""", token)
    for name in ("username", "password"):
        if not any(re.search(rf"""name=["']{name}["']""", field) for field in fields):
            sys.exit(f"{what}: its form has no field {name}")
    if not value:
        sys.exit(f"{what}: its form has no CSRF token")
    return html.unescape(value[1])


def query(statement: str) -> list[list[str]]:
    """What MariaDB answers root, over its socket; row by row."""
    asked = subprocess.run(
        ["mariadb", "--no-defaults", "--batch", "--skip-column-names"],
        input=statement,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
    )
    if asked.returncode != 0:
        sys.exit(f"MariaDB: {(asked.stderr.splitlines() or ['ended without a word'])[-1]}")
    return [line.split("\t") for line in asked.stdout.splitlines()]


def matches(password: str, hashed: str) -> bool:
    """Whether `hashed` is the BCrypt of `password`, by the host's libcrypt: Python has no way to it after 3.12."""
    program = "chomp(my ($p, $h) = <STDIN>); exit(crypt($p, $h) eq $h ? 0 : 1)"
    given = f"{password}\n{hashed}\n"
    return subprocess.run(["perl", "-e", program], input=given, text=True, check=False).returncode == 0


def log_in(browser: Browser, page: str, user: str, password: str) -> str:
    """Log in and out again; what is to be told of it."""
    token = token_of(page, "GET /iTrust2/login")
    where, shown = browser.open("/iTrust2/login", {"username": user, "password": password, "_csrf": token})
    path, _, asked = where.partition("?")
    because = next((word for word in LOCKED if word in parse_qs(asked, keep_blank_values=True)), "")
    if because:
        return f"not possible now: iTrust2 says that {user} or this address is {because}"
    if path != "/iTrust2/admin/index":
        sys.exit(f"POST /iTrust2/login: {user} is not let in, but led to {where}")
    if not re.search(r"<html\b", shown):
        sys.exit(f"GET {path}: is no page")
    out = re.search(r"""name=["']_csrf["'][^>]*value=["']([^"']+)["']""", shown)
    browser.open("/iTrust2/logout", {"_csrf": html.unescape(out[1]) if out else token})
    return user


def main(parameters: dict[str, Any]) -> dict[str, object]:
    began = time.monotonic()
    browser, user, password = Browser(parameters["origin"]), parameters["user"], parameters["password"]
    where, page = browser.open("/iTrust2/login")
    rows = query(f"SELECT username, password FROM {parameters['database']}.Users;")  # noqa: S608 a name of ours
    kept = dict(rows).get(user)
    if "locked" in where or "banned" in where:
        login = "not possible now: iTrust2 keeps this host's own address out"
    elif kept is None:
        login = f"not tried: there is no user {user} any more"
    elif not matches(password, kept):
        login = f"not tried: {user} has changed the password since"
    else:
        login = log_in(browser, page, user, password)
    words = "the log-in page reads its database"
    if login == user:
        words = (
            f"the log-in page reads its database, {user} logged in, saw the page behind it, and logged out"
        )
    return {
        "proof": words,
        **{name: parameters[name] for name in ("url", "release", "listen")},
        "login": login,
        "users": len(rows),
        "seconds": round(time.monotonic() - began, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
