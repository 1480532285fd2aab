"""k6's and vegeta's formats, read by what reads those: our own readers, and vegeta itself where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from loadgen.foreign import K6Csv, VegetaJson
from loadgen.plan import Plan
from loadgen.result import Answer, Result
from pipeline.loadtests.formats import read_load_test
from pipeline.loadtests.recorded import LoadTest

T0_UNIX, T0 = 1_790_000_000.0, 50.0
RESULTS = [
    *(
        Result(i / 10, 100, 20_000 + i * 1000, Answer(T0 + i / 10 + 0.02, status=200, size=100))
        for i in range(20)
    ),
    Result(2.0, 0, 30_000, Answer(T0 + 2.03, status=503, size=5)),
    Result(2.1, 0, 40_000, Answer(T0 + 2.14, status=200, size=100, body_ok=False)),
    Result(2.2, 0, None, Answer(T0 + 7.2, error="timeout", why="no whole header within 5 s")),
    Result(2.3, 0, None, Answer(T0 + 2.301, error="connect", why="Connection refused")),
    Result(2.4, 0, None, Answer(T0 + 7.4, error="unsent", why="it waited")),
]


def written(kind: type[K6Csv] | type[VegetaJson], path: Path) -> LoadTest:
    plan = Plan("http://h/a?key=secret", 10, 2.5)
    record = kind(path, plan)
    record.start(T0_UNIX, T0)
    for result in RESULTS:
        record.add(result)
    record.flush(3.0)
    record.close()
    assert "secret" not in path.read_text()
    return read_load_test(path)


def test_k6_csv_has_each_request_when_it_was_due(tmp_path: Path) -> None:
    test = written(K6Csv, tmp_path / "k6.csv")
    assert (test.tool, test.unsent, len(test.requests.t)) == ("k6", 1, 24)
    assert test.requests.t[:20] == pytest.approx([T0_UNIX + i / 10 for i in range(20)], abs=0.002)
    assert test.requests.latency[:20] == pytest.approx([0.02 + i / 1000 for i in range(20)], abs=1e-6)
    assert sorted(test.requests.status) == sorted([200] * 21 + [503, 0, 0])
    assert np.isnan(test.requests.latency).sum() == 2


def test_vegeta_json_has_each_request_when_it_was_due(tmp_path: Path) -> None:
    test = written(VegetaJson, tmp_path / "vegeta.json")
    assert (test.tool, len(test.requests.t)) == ("vegeta", 25)
    assert test.requests.latency[:20] == pytest.approx([0.02 + i / 1000 for i in range(20)], abs=1e-6)
    assert np.count_nonzero(test.requests.status == 503) == 1
    assert np.isnan(test.requests.latency).sum() == 3


@pytest.mark.skipif(shutil.which("vegeta") is None, reason="vegeta is not installed")
def test_vegeta_itself_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "vegeta.json"
    written(VegetaJson, path)
    told = json.loads(
        subprocess.run(["vegeta", "report", "-type=json", path], capture_output=True, check=True).stdout
    )
    assert told["requests"] == 25
    assert told["status_codes"] == {"200": 21, "503": 1, "0": 3}
    assert told["latencies"]["max"] == pytest.approx(5e9, rel=1e-6)
    assert set(told["errors"]) == {
        *("503", "timeout: no whole header within 5 s", "connect: Connection refused", "unsent: it waited")
    }
