"""Answers in every shape that services give, raw, and what the loader makes of each: mostly what curl does."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["SHAPES", "Shape"]

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_HI: Final = b"Content-Length: 2\r\n\r\nhi"


class Shape(NamedTuple):
    """One answer.

    Attributes:
        packets: Its bytes, as they are sent; the connection is closed after them.
        status: The loader's status of a whole answer.
        body: Its body.
        error: The loader's word for it where it is none.
        method: How it is asked for.
        as_curl: Whether curl says the same; where not, docs/loadgen.md names it.
    """

    packets: list[bytes]
    status: int = 200
    body: bytes = b"hi"
    error: str = ""
    method: str = "GET"
    as_curl: bool = True


SHAPES: Final = {
    "plain": Shape([_OK + _HI]),
    "in single bytes": Shape([bytes([byte]) for byte in _OK + _HI]),
    "no reason": Shape([b"HTTP/1.1 200\r\n" + _HI]),
    "an empty reason": Shape([b"HTTP/1.1 200 \r\n" + _HI]),
    "a reason beyond ASCII": Shape([b"HTTP/1.1 200 d\xe9j\xe0\r\n" + _HI]),
    "a long reason": Shape([b"HTTP/1.1 200 " + b"r" * 10_000 + b"\r\n" + _HI]),
    "an unknown status": Shape([b"HTTP/1.1 599 Own\r\n" + _HI], status=599),
    "HTTP/1.0 with a length": Shape([b"HTTP/1.0 200 OK\r\n" + _HI]),
    "HTTP/1.0 to its end": Shape([b"HTTP/1.0 200 OK\r\n\r\n", b"hi"]),
    "HTTP/1.0 kept alive": Shape([b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + _HI]),
    "to its end": Shape([_OK + b"\r\nh", b"i"]),
    "to its end, empty": Shape([_OK + b"\r\n"], body=b""),
    "close": Shape([_OK + b"Connection: close\r\n" + _HI]),
    "close, and more": Shape([_OK + b"Connection: close\r\n" + _HI + b" and more"]),
    "more after the answer": Shape([_OK + _HI + b" and more\r\n\r\n"]),
    "another answer after the answer": Shape([_OK + _HI + _OK + _HI]),
    "line ends after the answer": Shape([_OK + _HI + b"\r\n\r\n"]),
    "an empty body": Shape([_OK + b"Content-Length: 0\r\n\r\n"], body=b""),
    "204 with a length": Shape([b"HTTP/1.1 204 No\r\n" + _HI], status=204, body=b""),
    "304 with a length": Shape([b"HTTP/1.1 304 No\r\nContent-Length: 20\r\n\r\n"], status=304, body=b""),
    "304 in chunks": Shape([b"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n"], status=304, body=b""),
    "100 before": Shape([b"HTTP/1.1 100 Continue\r\n\r\n" + _OK + _HI]),
    "103 twice before": Shape([b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" * 2, _OK + _HI]),
    "102 with a server's name before": Shape([b"HTTP/1.1 102 P\r\nX-Served-By: no\r\n\r\n", _OK + _HI]),
    "HEAD with a length": Shape([_OK + b"Content-Length: 20\r\n\r\n"], body=b"", method="HEAD"),
    "HEAD in chunks": Shape([_CHUNKED], body=b"", method="HEAD"),
    "HEAD without a length": Shape([_OK + b"\r\n"], body=b"", method="HEAD"),
    "chunks": Shape([_CHUNKED + b"1\r\nh\r\n", b"1\r\ni\r\n0\r\n\r\n"]),
    "chunks in single bytes": Shape(
        [_CHUNKED, *(bytes([byte]) for byte in b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n")]
    ),
    "chunks with extensions": Shape([_CHUNKED, b'2;a=1;b="c;d"\r\nhi\r\n', b"0;e\r\n\r\n"]),
    "chunks with spaces": Shape([_CHUNKED, b"2 ; a\r\nhi\r\n0\r\n\r\n"]),
    "chunks with leading zeros": Shape([_CHUNKED, b"0002\r\nhi\r\n000\r\n\r\n"]),
    "chunks with trailers": Shape([_CHUNKED, b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Served-By: no\r\n\r\n"]),
    "chunks and a length": Shape(
        [_OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]
    ),
    "chunks, in capitals": Shape([_OK + b"TRANSFER-ENCODING: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]),
    "gzip": Shape([_OK + b"Content-Encoding: gzip\r\n" + _HI]),
    "gzip, in capitals": Shape([_OK + b"CONTENT-ENCODING: GZIP\r\n" + _HI]),
    "an unknown coding": Shape([_OK + b"Content-Encoding: x-own\xe9\r\n" + _HI]),
    "a folded header": Shape([_OK + b"X-A: a\r\n  b\r\n" + _HI]),
    "line feeds only": Shape([(_OK + b"X-A: a\r\n" + _HI).replace(b"\r\n", b"\n")]),
    "line feeds in part": Shape([_OK + b"X-A: a\n" + _HI]),
    "30 kB of headers": Shape([_OK + (b"X-A: " + b"a" * 1_000 + b"\r\n") * 30 + _HI]),
    "one header of 30 kB": Shape([_OK + b"X-A: " + b"a" * 30_000 + b"\r\n" + _HI]),
    "500 headers": Shape([_OK + b"X-A: a\r\n" * 500 + _HI]),
    "Latin-1 in a value": Shape([_OK + b"X-A: caf\xe9\r\n" + _HI]),
    "Latin-1 in a name": Shape([_OK + b"X-\xe9: a\r\n" + _HI], error="protocol", as_curl=False),
    "a tab in a value": Shape([_OK + b"X-A:\ta\tb\t\r\n" + _HI]),
    "a control character in a value": Shape([_OK + b"X-A: a\x01b\r\n" + _HI]),
    "an empty value": Shape([_OK + b"X-A:\r\nX-B: \r\n" + _HI]),
    "an empty name": Shape([_OK + b": a\r\n" + _HI], error="protocol", as_curl=False),
    "a name with a space": Shape([_OK + b"X A: a\r\n" + _HI], error="protocol", as_curl=False),
    "a space before the colon": Shape([_OK + b"X-A : a\r\n" + _HI], error="protocol", as_curl=False),
    "a line without a colon": Shape([_OK + b"none\r\n" + _HI], error="protocol"),
    "a length twice": Shape([_OK + b"Content-Length: 2\r\n" + _HI]),
    "a length in a list": Shape([_OK + b"Content-Length: 2, 2\r\n\r\nhi"]),
    "two lengths": Shape([_OK + b"Content-Length: 3\r\n" + _HI], error="protocol", as_curl=False),
    "a length with a sign": Shape([_OK + b"Content-Length: +2\r\n\r\nhi"], error="protocol", as_curl=False),
    "a length below zero": Shape([_OK + b"Content-Length: -2\r\n\r\nhi"], error="protocol"),
    "101": Shape(
        [b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"],
        status=101,
        body=b"",
        as_curl=False,
    ),
    "less than its length": Shape([_OK + b"Content-Length: 9\r\n\r\nhi"], error="reset"),
    "chunks without an end": Shape([_CHUNKED + b"2\r\nhi\r\n"], error="reset"),
    "nothing": Shape([b""], error="reset"),
    "half a head": Shape([_OK + b"X-A"], error="reset", as_curl=False),
    "no HTTP": Shape([b"SSH-2.0-dropbear\r\n"], error="protocol"),
    "another protocol's version": Shape([b"HTTP/9.9 200 OK\r\n" + _HI], as_curl=False),
    "a status of two digits": Shape([b"HTTP/1.1 20 OK\r\n" + _HI], error="protocol"),
}
