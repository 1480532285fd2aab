"""What is hidden, and what stays readable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.mask import forget, hide, mask_query, mask_urls, masked_words, remember


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://app:pw@db/app", "postgres://***@db/app"),
        ("postgres://app:p/w@db/app", "postgres://***@db/app"),
        ("https:/app:pw@db/app", "https:/***@db/app"),  # as a path has it
        ("https://token@git.example/x", "https://***@git.example/x"),
        ("'https://me:a-long-passw'", "'https://***'"),  # cut off in a message
        ("app:pw@tcp(db:3306)/x", "***@tcp(db:3306)/x"),
        ("x?api_key=s&page=2&access%5Ftoken=t", "x?api_key=***&page=2&access%5Ftoken=***"),
        ("ssh://git@example.org/x.git", "ssh://git@example.org/x.git"),
        ("git@example.org:me/x.git", "git@example.org:me/x.git"),
        ("http://[2001:db8::7]:8080/users/@me", "http://[2001:db8::7]:8080/users/@me"),
        ("at 10:20:30 it ended: nobody@home", "at 10:20:30 it ended: nobody@home"),
    ],
)
def test_user_information_and_secret_queries_are_masked_wherever_they_stand(text: str, shown: str) -> None:
    assert mask_urls(text) == shown
    assert mask_urls(shown) == shown


def test_a_query_is_masked_by_its_keys() -> None:
    assert mask_query("page=1&sig=abc;token=d&x=y") == "page=1&sig=***;token=***&x=y"


def test_a_commands_options_and_variables_are_masked_by_their_names() -> None:
    words = ["app", "--password=a", "--token", "b", "--port", "80", "DB_PASSWORD=c"]
    line = ["sh", "-c", "exec app --token abc --port 80 KEY=d"]
    assert masked_words(line) == ["sh", "-c", "exec app --token *** --port 80 KEY=***"]
    assert masked_words(words) == [
        "app",
        "--password=***",
        "--token",
        "***",
        "--port",
        "80",
        "DB_PASSWORD=***",
    ]


def test_a_value_that_is_known_is_hidden_in_each_of_its_spellings() -> None:
    remember('a/b"c d', sure=True)
    assert hide('a/b"c d, a%2Fb%22c%20d and "a/b\\"c d"') == '***, *** and "***"'


@pytest.mark.parametrize(
    "value", ["production", "20000", "/var/lib/app", "localhost:3000", "0.0.0.0:80", "abc"]
)
def test_what_settings_mostly_are_is_not_looked_for(value: str) -> None:
    remember(value, sure=False)
    assert hide(f"it said {value}") == f"it said {value}"


def test_the_password_of_an_address_is_hidden_alone_as_well() -> None:
    remember("postgres://app:correct-horse@db/app", sure=False)
    assert hide("password correct-horse is wrong") == "password *** is wrong"


@given(st.text(max_size=200))
def test_masking_ends_and_done_twice_changes_nothing(text: str) -> None:
    once = hide(text)
    assert hide(once) == once
