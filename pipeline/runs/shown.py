"""What of a profile may be kept in run.json and shown: no value that may be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pipeline.base.mask import MASK, hide, looks_secret, mask_query, masked_words

__all__ = ["without_secrets"]

# Whose values are kept; every other variable and header may be a secret, whatever it is called.
_VARIABLES: Final = frozenset(
    {
        "NODE_ENV",
        "RAILS_ENV",
        "RACK_ENV",
        "FLASK_ENV",
        "DJANGO_ENV",
        "APP_ENV",
        "GO_ENV",
        "MIX_ENV",
        "ENV",
        "ENVIRONMENT",
        "MODE",
        "ASPNETCORE_ENVIRONMENT",
        "HOST",
        "HOSTNAME",
        "PORT",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "LOG_LEVEL",
        "LOGLEVEL",
        "RUST_LOG",
        "DEBUG",
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "GOMAXPROCS",
        "GOGC",
        "GOMEMLIMIT",
        "WORKERS",
        "THREADS",
        "WEB_CONCURRENCY",
        "UV_THREADPOOL_SIZE",
        "NPM_CONFIG_FETCH_RETRIES",
        "NPM_CONFIG_FETCH_TIMEOUT",
    }
)
_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-encoding",
        "content-language",
        "content-type",
        "dnt",
        "expect",
        "host",
        "if-modified-since",
        "keep-alive",
        "pragma",
        "range",
        "te",
        "upgrade-insecure-requests",
        "user-agent",
        "x-requested-with",
    }
)
_LINE: Final = re.compile(r"^([ \t-]*[\w.-]+)(:[ \t]+)(\S.*)$", re.MULTILINE)  # YAML, or a header
_JSON_PAIR: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]\[{"]+)')


def without_secrets(profile: Mapping[str, Any]) -> dict[str, Any]:
    """`profile` (as in run.json) with a mask for what may be a secret.

    These are the values of variables and headers but of a few known names, users and passwords in URLs, the values of
    queries, forms and JSON whose key looks secret, and of a command's options alike. Done twice, it changes nothing.
    """
    shown = dict(profile)
    if "environment" in shown:
        shown["environment"] = _named(shown["environment"], lambda name: name.upper() in _VARIABLES)
    for part in ("install", "start"):
        if part in shown:
            shown[part] = _command(shown[part])
    if "request" in shown:
        shown["request"] = _request(shown["request"])
    if isinstance(shown.get("requests"), list | tuple):
        shown["requests"] = [_request(one) for one in shown["requests"]]
    if isinstance(shown.get("values"), Mapping):
        shown["values"] = _json(shown["values"])
    return shown


def _request(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    request = dict(given)
    if isinstance(request.get("steps"), list | tuple):
        request["steps"] = [_request(step) for step in request["steps"]]
    if "headers" in request:
        request["headers"] = _named(request["headers"], lambda name: name.lower() in _HEADERS)
    if isinstance(request.get("query"), str):
        request["query"] = mask_query(hide(request["query"]))
    if isinstance(request.get("body"), str):
        request["body"] = _text(request["body"])
    if "json" in request:
        request["json"] = _json(request["json"])
    return request


def _named(values: Any, harmless: Any) -> Any:
    if not isinstance(values, Mapping):
        return values if values is None else MASK
    return {
        name: hide(text) if harmless(str(name)) and isinstance(text, str) else MASK
        for name, text in values.items()
    }


def _command(words: Any) -> Any:
    if not isinstance(words, list | tuple):
        return words
    if all(isinstance(word, str) for word in words):
        return masked_words([hide(word) for word in words])
    return [_command(word) for word in words]


def _text(body: str) -> str:
    """A body that is text: a form, JSON, or anything else."""
    form = mask_query(hide(body)) if "=" in body else hide(body)
    form = _JSON_PAIR.sub(lambda m: f'"{m[1]}"{m[2]}"{MASK}"' if looks_secret(m[1]) else m[0], form)
    return _LINE.sub(lambda m: f"{m[1]}{m[2]}{MASK}" if looks_secret(m[1]) else m[0], form)


def _json(value: Any, *, secret: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {key: _json(item, secret=secret or looks_secret(str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, secret=secret) for item in value]
    if secret and value is not None and not isinstance(value, bool):
        return MASK
    return _text(value) if isinstance(value, str) else value
