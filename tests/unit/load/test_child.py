"""The loader's command, and its own words for arguments that it cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import UsageError
from pipeline.load.child import check, command
from pipeline.load.cluster import Cluster

URL = "http://127.0.0.1:9/"
CLUSTER = Cluster("tls://127.0.0.1:8786", Path("/p/ca.pem"), Path("/p/cert.pem"), Path("/p/key.pem"))


def test_the_loader_gets_the_users_arguments_as_they_are_and_the_paths_of_its_certificates() -> None:
    words = command([URL, "--rate", "200", "--fail-if", "p99>200ms"], CLUSTER)
    assert words[words.index("loadgen") + 1 :] == [
        "--dask=tls://127.0.0.1:8786",
        "--dask-ca=/p/ca.pem",
        "--dask-cert=/p/cert.pem",
        "--dask-key=/p/key.pem",
        URL,
        *("--rate", "200", "--fail-if", "p99>200ms"),
    ]


def test_arguments_that_fit_together_are_no_error_and_send_nothing() -> None:
    check([URL, "--rate", "200", "--connections", "4000", "--require", "p99<200ms"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([URL, "--rate", "many"], "Invalid value for '--rate': 'many' is not a rate"),
        ([], "Missing argument 'URL'"),
        ([URL, "--processes", "2"], "--dask and --processes: each worker is one"),
        ([URL, "--dask=tcp://10.0.0.5:8786"], "--dask names another cluster: leave it out"),
    ],
)
def test_what_the_loader_cannot_use_is_said_in_its_words_before_any_host_is_touched(
    arguments: list[str], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check(arguments)
    assert caught.value.message.startswith(said)
    assert "\n" not in caught.value.message
