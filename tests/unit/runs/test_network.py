"""The network of one host is told from its service: by what the service does on its own host at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.judge import judge
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.runs.directory import Run
from tests.support.run_files import row, write

_COLOURS = {"baseline": "blue", "canary": "green"}
_MEASURED = {"baseline": (2, 62), "canary": (64, 124)}
_RATE = 10


class Host:
    """What one version does, and the way to it: each gives seconds, from the second of the run and a random source.

    A service that gives None has no answer.
    """

    def __init__(
        self,
        service: Callable[[float, np.random.Generator], float] | None = None,
        way: Callable[[float, np.random.Generator], float] | None = None,
        *,
        connect: Callable[[float, np.random.Generator], float] | None = None,
        size: int = 5475,
    ) -> None:
        self.service = service or (lambda _, rng: 0.02 * rng.lognormal(0, 0.3))
        self.way = way or (lambda _, rng: 0.001 * rng.lognormal(0, 0.3))
        self.connect = connect or (lambda _, rng: 0.0002 * rng.lognormal(0, 0.3))
        self.size = size


def judged(path: Path, *, probes: bool = True, **hosts: Host) -> Verdict:
    """The verdict on a run with such hosts, asked on themselves once a second where there are `probes`."""
    rng = np.random.default_rng(7)
    rows, network, series = [], ["t,arm,metric,value"], []
    for arm, (begin, end) in _MEASURED.items():
        host = hosts.get(arm, Host())
        for t in np.arange(begin * _RATE, end * _RATE) / _RATE:
            took = host.service(t, rng) + host.way(t, rng)
            row_ = row(t, _COLOURS[arm], latency_us=f"{took * 1e6:.0f}").replace("5475", str(host.size))
            rows.append(
                row_ if took < 4 else row(t, _COLOURS[arm], latency_us="4000000", status=504, body_ok="")
            )
        for second in range(begin, end):
            took = host.service(second + 0.4, rng)
            network.append(f"{second}.400,{arm},request_begun,1")
            network.append(f"{second}.400,{arm},request_on_host,{took if took < 5 else 'inf'}")
            network.append(f"{second}.100,{arm},connect_begun,1")
            network.append(f"{second}.100,{arm},connect_from_proxy,{host.connect(second, rng):.6f}")
            series += [f"{second}.5,{arm},{m},{v}" for m, v in (("up", 1), ("service_restarts", 0))]
    run: Run = write(path, rows, series)
    if probes:
        (path / "network.csv").write_text("\n".join([*network, ""]))
    return judge(run.evidence, run.rules, run.policy)


def decisions(verdict: Verdict) -> dict[str, Decision]:
    return {metric.name: metric.decision for metric in verdict.metrics}


SLOW_LINK = Host(way=lambda _, rng: 0.201 + 0.001 * rng.random(), connect=lambda *_: 0.1)


def test_identical_code_behind_a_slow_link_is_not_failed(tmp_path: Path) -> None:
    verdict = judged(tmp_path, canary=SLOW_LINK)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert not [name for name, decision in decisions(verdict).items() if decision is Decision.FAIL]
    assert (
        "the network between the proxy and green delays requests: the canary's take 22" in verdict.reasons[0]
    )
    assert "on its own host" in verdict.reasons[0]
    assert "connecting takes 100 ms against 0.2" in verdict.reasons[0]


def test_without_probes_the_same_run_fails_as_nothing_tells_the_two_apart(tmp_path: Path) -> None:
    assert judged(tmp_path, probes=False, canary=SLOW_LINK).outcome is Outcome.FAILED


def test_a_link_that_slows_the_baseline_lets_no_canary_pass(tmp_path: Path) -> None:
    """A canary that is 100 ms slower looks as good as a baseline whose link is."""
    slower = Host(lambda _, rng: 0.22 * rng.lognormal(0, 0.1))
    verdict = judged(tmp_path, baseline=SLOW_LINK, canary=slower)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "between the proxy and blue" in verdict.reasons[0]


def test_a_delay_before_the_service_s_port_is_seen_though_connecting_is_quick(tmp_path: Path) -> None:
    verdict = judged(tmp_path, canary=Host(way=lambda _, rng: 0.1 + 0.001 * rng.random()))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "between the proxy and green" in verdict.reasons[0]
    assert "connecting" not in verdict.reasons[0]


@pytest.mark.parametrize(
    "canary",
    [
        Host(lambda _, rng: 0.12 * rng.lognormal(0, 0.3)),
        Host(lambda _, rng: 0.02 if rng.random() < 0.5 else 0.4),  # half of the requests
        Host(lambda t, _: 2 - t % 2 if t % 4 >= 2 else 0.02),  # it stops for two seconds, again and again
        Host(lambda _, rng: 9.0 if rng.random() < 0.6 else 0.02),  # most hang
        # its queue of connections is full: on its own host as well as for the proxy
        Host(lambda _, rng: 1.0 + 0.02 * rng.random(), connect=lambda _, rng: float(rng.choice([1.0, 3.0]))),
        # its answers fill the network
        Host(way=lambda *_: 0.2, connect=lambda *_: 0.02, size=40_000_000),
    ],
    ids=["slow", "half", "stops", "hangs", "full-queue", "large"],
)  # fmt: skip
def test_the_network_excuses_no_service(tmp_path: Path, canary: Host) -> None:
    verdict = judged(tmp_path, canary=canary)
    assert verdict.outcome is Outcome.FAILED, verdict.reasons
    assert not [reason for reason in (*verdict.reasons, *verdict.notes) if "the network" in reason]


def test_a_service_that_is_slow_behind_a_slow_link_fails_and_both_are_told(tmp_path: Path) -> None:
    slow = Host(lambda _, rng: 1.5 * rng.lognormal(0, 0.2), SLOW_LINK.way, connect=SLOW_LINK.connect)
    verdict = judged(tmp_path, canary=slow)
    assert verdict.outcome is Outcome.FAILED
    (said,) = [note for note in verdict.notes if "the network" in note]
    assert said.endswith("But nearly all of the difference is there on its own host, too")


def test_a_network_that_loses_packets_is_not_the_canary_s_fault(tmp_path: Path) -> None:
    """Requests that fail and slow ones, both: the proxy's connections need a second attempt, those on the host none."""

    def lossy(_: float, rng: np.random.Generator) -> float:
        return float(rng.choice([0.001, 0.2, 1.0, 9.0], p=[0.7, 0.1, 0.1, 0.1]))

    host = Host(way=lossy, connect=lambda _, rng: 1.01 if rng.random() < 0.2 else 0.0002)
    verdict = judged(tmp_path, canary=host)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the network between the proxy and green loses packets" in verdict.reasons[0]


def test_a_canary_that_the_proxy_cannot_reach_at_all_is_not_failed(tmp_path: Path) -> None:
    verdict = judged(tmp_path, canary=Host(way=lambda *_: 9.0, connect=lambda *_: float("inf")))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "60 of 60 needed a second attempt or failed" in verdict.reasons[0]


def test_answers_that_the_proxy_refuses_are_the_canary_s_fault_though_its_host_reads_them(
    tmp_path: Path,
) -> None:
    verdict = judged(tmp_path, canary=Host(way=lambda *_: 9.0))
    assert verdict.outcome is Outcome.FAILED


def test_a_probe_that_has_no_answer_yet_counts_with_the_time_that_it_has_lasted(tmp_path: Path) -> None:
    """Else those that are quick would be the only ones while the others hang."""
    run = write(
        tmp_path,
        [
            *(row(2 + i / 10, "blue", latency_us="20000") for i in range(600)),
            *(row(64 + i / 10, "green", latency_us="3000000") for i in range(100)),
        ],
    )
    network = ["t,arm,metric,value"]
    for second in range(2, 62):
        network += [f"{second}.1,baseline,request_begun,1", f"{second}.1,baseline,request_on_host,0.02"]
    network += [f"{64 + n / 10},canary,request_begun,1" for n in range(20)]
    network += [f"{64 + n / 10},canary,request_on_host,0.02" for n in range(6)]
    network += ["73.9,canary,connect_from_proxy,0.0002", ""]
    (tmp_path / "network.csv").write_text("\n".join(network))
    assert not run.evidence.untrusted


def test_connections_that_last_are_lost_before_they_are_given_up(tmp_path: Path) -> None:
    """In the first seconds of a network that is cut nothing has ended yet."""
    refused = {"latency_us": "2000000", "status": 503, "body_ok": ""}
    run = write(
        tmp_path,
        [
            *(row(2 + i / 10, "blue", latency_us="20000") for i in range(600)),
            *(row(64 + i / 10, "green", **refused) for i in range(600)),  # type: ignore[arg-type]
        ],
    )
    network = ["t,arm,metric,value"]
    for second in [*range(2, 62), *range(64, 70)]:
        arm = "baseline" if second < 62 else "canary"
        network += [f"{second}.1,{arm},request_begun,1", f"{second}.1,{arm},request_on_host,0.02"]
        network += [f"{second}.2,{arm},connect_begun,1"]
        network += [f"{second}.2,{arm},connect_from_proxy,0.0002"] if second < 62 else []
    (tmp_path / "network.csv").write_text("\n".join([*network, ""]))
    assert "green loses packets" in run.evidence.untrusted["error_rate"]
