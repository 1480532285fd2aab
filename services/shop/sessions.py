"""Who is logged in: a cookie names the user, and a token shows that the log-in's answer was read."""

import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

_PASSWORDS = {"ada": "lovelace", "barbara": "liskov", "grace": "hopper", "hedy": "lamarr"}
_KEY = secrets.token_bytes(32)  # of this process: another one does not know its users


def _signed(text: str) -> str:
    return hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest()


def log_in(given: dict[str, object]) -> tuple[int, dict[str, object], dict[str, str]]:
    """A token, and a cookie in the headers, for a user's password."""
    user = str(given.get("user", ""))
    if user not in _PASSWORDS or _PASSWORDS[user] != given.get("password"):
        return 403, {"error": "no such user, or another password"}, {}
    cookie = f"session={user}.{_signed(user)}; Path=/; HttpOnly; Secure; SameSite=Lax"
    return 201, {"token": _signed(f"token of {user}")}, {"Set-Cookie": cookie}


def account(cookie: str, authorization: str) -> tuple[int, dict[str, object]]:
    """What only its user may read."""
    try:
        session = SimpleCookie(cookie)["session"].value
    except (CookieError, KeyError):
        session = ""
    user, _, signature = session.partition(".")
    known = hmac.compare_digest(signature, _signed(user))
    if known and hmac.compare_digest(authorization, f"Bearer {_signed(f'token of {user}')}"):
        return 200, {"user": user, "orders": len(user)}
    return 401, {"error": "log in first"}
