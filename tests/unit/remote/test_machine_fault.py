"""What tools say when their machine, not their input, is at fault; and what only looks like it."""

from __future__ import annotations

import pytest

from pipeline.remote.machine_fault import machine_fault

MACHINE = [
    "npm ERR! code ECONNREFUSED",
    "npm ERR! network request to https://registry.example/marked failed, reason: getaddrinfo EAI_AGAIN registry",
    "npm ERR! code E503",
    "npm error 502 Bad Gateway - GET https://registry.example/marked",
    "npm ERR! nospc ENOSPC: no space left on device, write",
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    "HTTPSConnection object: Failed to establish a new connection: [Errno -2] Name or service not known",
    "pip._vendor.requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: https://r.example/x/",
    "ReadTimeoutError: HTTPSConnectionPool(host='registry.example', port=443): Read timed out.",
    "curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server",
    "tar: ./index.js: Cannot write: No space left on device",
    "no room for the release: / has 12 MB free, it needs 70 MB",
    "fatal: unable to access 'https://git.example/x': Could not resolve host: git.example",
    "go: example.org/x: dial tcp: lookup example.org on 10.0.0.2:53: no such host",
    "[ERROR] Could not transfer artifact x from/to central: status code: 503, reason phrase: Service Unavailable (503)",
]
CODE = [
    "npm ERR! code E404",
    "npm ERR! 404 Not Found - GET https://registry.example/no-such-package-5034",
    "npm ERR! code ERESOLVE",
    "npm ERR! code ETARGET",
    "npm ERR! notarget No matching version found for marked@503.0.0",
    "SyntaxError: Unexpected token '}' in index.js:503",
    "ERROR: No matching distribution found for flask==99",
    "error: command 'gcc' failed with exit code 1",
]


@pytest.mark.parametrize("line", MACHINE)
def test_the_machines_faults_are_known_by_their_words(line: str) -> None:
    assert machine_fault(["+ install", line, "and no more"]) == line


@pytest.mark.parametrize("line", CODE)
def test_what_the_code_itself_does_wrong_is_none(line: str) -> None:
    assert machine_fault([line]) == ""
