"""Which URIs of a MongoDB elsewhere will do for checkbox.io."""

from __future__ import annotations

import pytest

from deploys.software.mongodb_uri import Server, UriError, server_of


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("mongodb://app:s3cret@db.example.org", Server("db.example.org", 27017, "app", "s3cret")),
        ("mongodb://app:s3cret@10.0.0.1:27018/admin", Server("10.0.0.1", 27018, "app", "s3cret")),
        (
            "mongodb://app:s3cret@[2001:db8::1]:1/site?authSource=admin",
            Server("[2001:db8::1]", 1, "app", "s3cret"),
        ),
        ("mongodb://app:s%40cret@db/?authSource=admin", Server("db", 27017, "app", "s%40cret")),
    ],
)
def test_a_uri_that_checkbox_io_can_write_itself_gives_its_parts(uri: str, server: Server) -> None:
    assert server_of(uri) == server


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("mongodb+srv://app:s3cret@db.example.org/", "not of the shape"),
        ("mongodb://db.example.org/site", "not of the shape"),
        ("mongodb://app:s3cret@one,two/", "not of the shape"),
        ("mongodb://app:s3cret@db$(id)/", "not of the shape"),
        ("mongodb://app:s3cret@db:99999/", "port 99999"),
        ("mongodb://app:s3cret@db/other?authSource=admin", "not 'site'"),
        ("mongodb://app:s3cret@db/site", "authSource=admin"),
        ("mongodb://app:s3cret@db/site?authSource=admin&tls=true", "no other"),
    ],
)
def test_a_uri_that_means_more_than_checkbox_io_can_say_is_refused_without_showing_it(
    uri: str, reason: str
) -> None:
    with pytest.raises(UriError, match=reason.replace("'", ".")) as caught:
        server_of(uri)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_password_is_shown_with_a_server() -> None:
    assert "s3cret" not in repr(server_of("mongodb://app:s3cret@db"))
