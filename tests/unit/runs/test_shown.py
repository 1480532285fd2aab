"""What of a profile is kept: no value that may be a secret, whatever it is called."""

from __future__ import annotations

from typing import Any

from pipeline.runs.shown import without_secrets

PROFILE: dict[str, Any] = {
    "name": "x",
    "start": ["app", "--password=pw1", "--db", "postgres://app:pw2@db/app"],
    "install": [["fetch", "--token", "pw3"]],
    "environment": {
        "DATABASE_URL": "postgres://app:pw4@db/app",
        "NODE_ENV": "production",
        "MODE": "x://u:pw5@h",
    },
    "request": {
        "path": "/users/@me",
        "query": "api_key=pw6&page=2",
        "headers": {"X-Auth": "pw7", "Accept": "text/html"},
        "body": '{"user": "me", "password": "pw8"}',
        "json": {"user": "me", "auth": {"any": ["pw9", 1, None]}, "page": 2},
    },
    "policy": {"pass_score": 75},
}


def test_only_what_is_known_to_be_harmless_stays_readable() -> None:
    assert without_secrets(PROFILE) == {
        "name": "x",
        "start": ["app", "--password=***", "--db", "postgres://***@db/app"],
        "install": [["fetch", "--token", "***"]],
        "environment": {"DATABASE_URL": "***", "NODE_ENV": "production", "MODE": "x://***@h"},
        "request": {
            "path": "/users/@me",
            "query": "api_key=***&page=2",
            "headers": {"X-Auth": "***", "Accept": "text/html"},
            "body": '{"user": "me", "password": "***"}',
            "json": {"user": "me", "auth": {"any": ["***", "***", None]}, "page": 2},
        },
        "policy": {"pass_score": 75},
    }


def test_done_twice_it_changes_nothing() -> None:
    once = without_secrets(PROFILE)
    assert without_secrets(once) == once


def test_what_is_no_profile_at_all_breaks_nothing() -> None:
    assert without_secrets({}) == {}
    odd = {"environment": 3, "request": 4, "start": "x", "install": None}
    assert without_secrets(odd) == {**odd, "environment": "***"}
    assert without_secrets({"request": {"headers": ["a"]}}) == {"request": {"headers": "***"}}
