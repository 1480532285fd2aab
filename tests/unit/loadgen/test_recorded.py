"""Access logs and HAR files: what is read of them, and what never leaves them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from loadgen.recorded import RecordingError, read_recording

COMBINED = r"""10.0.0.5 - ann [30/Nov/2026:10:00:02 +0100] "GET /b?p=2&token=t0p HTTP/1.1" 200 12 "http://x/?sid=9" "-"
203.0.113.5 - - [30/Nov/2026:10:00:01 +0100] "GET /a\x22b HTTP/1.1" 404 12 "-" "say \"hi\""
203.0.113.5 - - [30/Nov/2026:10:00:02 +0100] "POST /c HTTP/1.1" 201 12 "-" "-"
203.0.113.5 - - [30/Nov/2026:10:00:02 +0100] "HEAD http://ann:pw@h.example/d HTTP/2.0" 200 0 "-" "-"
203.0.113.5 - - [30/Nov/2026:10:00:02 +0100] "\x16\x03\x01" 400 0 "-" "-"
"""
# nginx: log_format main escape=json
NGINX = "\n".join(
    json.dumps(line)
    for line in (
        {"msec": "1796000001.500", "request_time": "1.000", "request": "GET /slow HTTP/1.1", "status": "200"},
        {
            "time_iso8601": "2026-11-30T10:00:00+01:00",
            "request_method": "GET",
            "request_uri": "/q?api_key=k",
            "status": 304,
        },
        {"time": 1796000003123, "method": "GET", "path": "/p", "args": "a=1"},
        {"msec": "1796000002.000", "request": "", "status": "400"},
    )
)
HAPROXY = """<134>Nov 30 10:00:00 lb haproxy[7]: 10.0.1.2:33317 [30/Nov/2026:10:00:00.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"
Nov 30 10:00:00 lb haproxy[7]: 10.0.1.2:33318 [30/Nov/2026:10:00:00.155] https-in~ app/b 0/0/1/2/3 200 75 - - ---- 1/1/1/1/0 0/0 "GET https://shop.example/x?password=p HTTP/2.0"
Nov 30 10:00:00 lb haproxy[7]: 10.0.1.2:33319 [30/Nov/2026:10:00:01.155] http-in http-in/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"
"""  # noqa: E501 # as HAProxy writes them
HAR = json.dumps(
    {
        "log": {
            "entries": [
                {
                    "startedDateTime": "2026-11-30T10:00:00.250Z",
                    "request": {
                        "method": "POST",
                        "url": "https://shop.example/login?next=%2F",
                        "headers": [
                            {"name": "Cookie", "value": "sid=s3cret"},
                            {"name": "Authorization", "value": "Bearer s3cret"},
                            {"name": "X-Own", "value": "s3cret"},
                            {"name": "Host", "value": "shop.example"},
                            {"name": "Content-Type", "value": "application/json"},
                        ],
                        "postData": {
                            "mimeType": "application/json",
                            "text": '{"user": "ann", "password": "s3cret", "more": [{"otp": 3}]}',
                        },
                    },
                    "response": {"status": 200},
                },
                {
                    "startedDateTime": "2026-11-30T10:00:00.000Z",
                    "request": {"method": "GET", "url": "https://shop.example", "headers": []},
                    "response": {"status": 0},
                },
            ]
        }
    }
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def test_combined_is_sorted_spread_over_its_seconds_and_stripped(file: Path) -> None:
    file.write_text(COMBINED)
    found = read_recording(file)
    assert (found.form, found.unreadable, found.writes) == ("combined", 1, {"POST": 1})
    assert [(each.method, each.target, each.status) for each in found.asked] == [
        ("GET", "/a%22b", 404),
        ("GET", "/b?p=2&token=", 200),
        ("HEAD", "/d", 200),
    ]
    first = found.asked[0].t
    assert [each.t - first for each in found.asked] == [0, 1, 1.5]
    assert found.whole_seconds
    assert "1 POST left out" in found.notes


def test_nginx_json_counts_from_when_the_request_began(file: Path) -> None:
    file.write_text(NGINX)
    found = read_recording(file)
    assert (found.form, found.unreadable, found.whole_seconds) == ("json", 1, False)
    assert {each.target: each.t for each in found.asked}["/slow"] == 1796000000.5
    assert {each.target: each.t for each in found.asked}["/p?a=1"] == 1796000003.123
    assert {each.target for each in found.asked} == {"/slow", "/q?api_key=", "/p?a=1"}


def test_haproxy_has_milliseconds_and_no_hosts(file: Path) -> None:
    file.write_text(HAPROXY)
    found = read_recording(file)
    assert (found.form, found.unreadable) == ("haproxy", 1)
    assert [each.target for each in found.asked] == ["/x?password=", "/index.html"]
    assert found.asked[1].t - found.asked[0].t == pytest.approx(0.5)


def test_what_cannot_stand_in_a_log_is_sent_as_it_was(file: Path) -> None:
    """As nginx 1.22 and HAProxy 2.6 wrote a quote in a path."""
    logs = (
        r'h - - [30/Nov/2026:17:38:23 +0000] "GET /\x22q\x22 HTTP/1.1" 404 153 "-" "curl/7.88.1"',
        'x: h:1 [30/Nov/2026:17:38:23.203] f b/s 0/0/1/3/4 404 283 - - ---- 1/1/0/0/0 0/0 "GET /#22q#22 HTTP/1.1"',
    )
    for log in logs:
        file.write_text(log)
        assert [each.target for each in read_recording(file).asked] == ["/%22q%22"]


def test_a_har_file_is_sent_without_cookies_credentials_and_headers_of_its_own(file: Path) -> None:
    file.write_text(HAR)
    found = read_recording(file, allow_writes=True)
    assert [each.target for each in found.asked] == ["/", "/login?next=%2F"]
    login = found.asked[1]
    assert login.headers == (("Content-Type", "application/json"),)
    assert json.loads(login.body or b"") == {"user": "ann", "password": "", "more": [{"otp": ""}]}
    assert "s3cret" not in repr(found)
    assert [each.target for each in read_recording(file).asked] == ["/"]


def test_a_gzipped_log_is_read_and_a_cut_one_is_refused(file: Path) -> None:
    data = gzip.compress(HAPROXY.encode())
    file.write_bytes(data)
    assert len(read_recording(file).asked) == 2
    file.write_bytes(data[:-20])
    with pytest.raises(RecordingError, match="not whole"):
        read_recording(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no request in it"),
        ("what\never\n", "no request in it"),
        ("{\n", "not a HAR file"),
        ('{"log": {}}', "not a HAR file"),
        ('{"log": {"entries": [1, {}, {"request": 3}]}}', "no request in it"),
        (COMBINED.splitlines()[2], "1 POST left out"),
        (COMBINED.splitlines()[0] + "\nx\nx\nx\n", "most of its lines"),
        ('{"a": 1}\n[]\nnull\n', "no request in it"),
    ],
)
def test_a_file_without_requests_is_refused_and_not_repeated(text: str, said: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(RecordingError, match=said) as refused:
        read_recording(file)
    assert "t0p" not in str(refused.value)
