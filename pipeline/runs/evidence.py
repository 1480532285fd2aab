"""From a run directory's tables to evidence: which sample belongs to which version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.base.text import plural
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.words import count_of
from pipeline.runs.dealt import deal_problems
from pipeline.runs.network import network_doubt
from pipeline.runs.phases import ANSWER_SECONDS, COLOURS, Phase
from pipeline.runs.record import Terms
from pipeline.runs.requests_asked import Asked
from pipeline.runs.tables import RequestRows, SeriesRows

__all__ = ["OWN_FAILURES", "build_evidence", "of_phases"]

_Bools = NDArray[np.bool_]
_Floats = NDArray[np.float64]

# Of the requests in an arm's measured phases: a proxy that sent more of them than this to the other version, or let
# them hang or refused them, is broken. A switch itself causes none, because a warm-up follows it.
_MOST_OF_THE_PROXY: Final = 0.01
# The loader's words for why a request has no whole answer (loadgen/result.py). These are its own failure, each with how
# a problem of them begins, and of what.
OWN_FAILURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "protocol": ("the loader could not read", "answer"),
        "exhausted": ("the loader could not send", "request"),
    }
)
_UNSENT: Final = "unsent"
_CUT: Final = "cut"


def build_evidence(
    phases: Sequence[Phase],
    problems: Sequence[Problem],
    requests: RequestRows | None,
    series: SeriesRows | None,
    terms: Terms,
    network: SeriesRows | None = None,
) -> Evidence:
    """Both arms. Rows that cannot be counted for either are left out, counted, and reported as a problem.

    Args:
        phases: The measured phases, in the order of time.
        problems: What is known to be wrong with the run already.
        requests: The rows of requests.csv, None without such a file.
        series: The rows of series.csv, None without such a file.
        terms: How the two versions are compared.
        network: The rows of network.csv, None without such a file.
    """
    arms: dict[str, Arm] = {}
    found = list(problems)
    if requests is not None:
        found += _own_failures(requests, phases, problems)
    if terms.share is not None and requests is not None:
        inside = _within(requests.t, phases)
        waited = inside & _waited_too_long(requests)
        found += _waiting_problem("the requests", waited, inside, "inconclusive")
        known = inside & ~waited & ~_failed_itself(requests)
        found += deal_problems(requests, known, terms.share, _answered_until(phases, terms), inside & ~known)
    for arm in COLOURS:
        own = [phase for phase in phases if phase.arm == arm]
        kept, wrong = _requests(arm, own, requests, terms.mix, at_once=terms.share is not None)
        found += wrong
        arms[arm] = Arm(
            requests=kept,
            series=_series(arm, own, series),
            seconds=sum(phase.seconds for phase in own),
            phase_starts=tuple(phase.start for phase in own),
        )
    doubt = network_doubt(
        {arm: measured.requests for arm, measured in arms.items()}, of_phases(network, phases)
    )
    return Evidence(
        baseline=arms["baseline"],
        canary=arms["canary"],
        problems=(*found, *doubt.problems),
        pairing=terms.pairing,
        drift=terms.drift,
        planned=terms.planned,
        untrusted=doubt.untrusted,
        weights={name: asked.weight for name, asked in terms.mix.items()},
    )


def _requests(
    arm: str, phases: Sequence[Phase], rows: RequestRows | None, mix: Mapping[str, Asked], *, at_once: bool
) -> tuple[Requests, list[Problem]]:
    """One arm's requests, and what the proxy did wrong with them.

    Where both arms are measured at once, the proxy's stamp alone says whose a request is.
    """
    if rows is None:
        nothing = np.zeros(0, dtype=np.int64)
        return Requests(np.zeros(0), np.zeros(0), nothing, nothing, nothing), []
    # What the loader could not read or send is nobody's error: those rows are left out.
    inside = _within(rows.t, phases) & ~_failed_itself(rows)
    stamped = rows.served_by == COLOURS[arm]
    # No header: nobody answered, or the proxy itself did. That counts against the version whose phase it was.
    own = inside & (stamped if at_once else (stamped | (rows.served_by == "")) & ~_waited_too_long(rows))
    own = _without_cut(rows, own)
    request = rows.request[own] if mix else np.zeros(0, dtype=np.str_)
    kept = Requests(
        rows.t[own],
        rows.latency[own],
        rows.status[own],
        rows.body_ok[own],
        rows.size[own],
        rows.body[own],
        rows.error[own],
        request,
        _expected(rows.status[own], request, mix),
    )
    return kept, [] if at_once else _proxy_problems(arm, rows, inside, own)


def _expected(status: NDArray[np.int64], request: NDArray[np.str_], mix: Mapping[str, Asked]) -> _Bools:
    """Whether each status is right for its request; empty where there is no mix."""
    right = np.zeros(len(request), dtype=np.bool_)
    for name, asked in mix.items():
        right |= (request == name) & np.isin(status, asked.status)
    return right


def _answered_until(phases: Sequence[Phase], terms: Terms) -> float:
    """Up to which second every request has ended: the loader of a run that is ended early waits for no answer."""
    ended = max((phase.end for phase in phases), default=0.0)
    measured = sum(phase.seconds for phase in phases if phase.arm == "canary")
    return ended - ANSWER_SECONDS if measured < terms.planned else math.inf


def _failed_itself(rows: RequestRows) -> _Bools:
    """Which requests the loader itself failed at."""
    return np.asarray(np.isin(rows.error, list(OWN_FAILURES)), dtype=np.bool_)


def _waited_too_long(rows: RequestRows) -> _Bools:
    """Which requests were not sent, or had too little time left when they were for the proxy to answer in any case."""
    late = (rows.error == "timeout") & (rows.served_by == "") & (rows.waited > 0)
    return np.asarray((rows.error == _UNSENT) | late, dtype=np.bool_)


def _without_cut(rows: RequestRows, own: _Bools) -> _Bools:
    """`own` without the answers that were still coming when the other version's turn began.

    How long they would have taken is not known, of either version. But one that leaves most of its answers unended for
    so long must not be judged by the few that ended: then they count, as errors.
    """
    cut = own & (rows.error == _CUT)
    mostly = 2 * np.count_nonzero(cut) > np.count_nonzero(own)
    return own if mostly else own & ~cut


def _own_failures(rows: RequestRows, phases: Sequence[Phase], known: Sequence[Problem]) -> list[Problem]:
    """What the loader could not read, although HAProxy had read it before, and what it could not send."""
    problems = []
    for error, (begins, what) in OWN_FAILURES.items():
        count = int(np.count_nonzero(_within(rows.t, phases) & (rows.error == error)))
        if count and not any(problem.message.startswith(begins) for problem in known):
            said = f"{begins} {plural(count, what)} (error {error} in requests.csv)"
            problems.append(Problem("invalid", f"{said}: nothing is known about them"))
    return problems


def _waiting_problem(whose: str, waited: _Bools, inside: _Bools, effect: str) -> list[Problem]:
    """What waited in the loader for too long; above a small share it has `effect`."""
    count, sent = int(np.count_nonzero(waited)), int(np.count_nonzero(inside))
    if not count:
        return []
    said = f"{count_of(count, sent)} of {whose} waited in the loader until it was too late, and are left out"
    if count <= _MOST_OF_THE_PROXY * sent:
        return [Problem("note", said)]
    return [Problem(effect, f"{said}: lower --rate, or raise the number of open files (ulimit -Hn)")]


def _proxy_problems(arm: str, rows: RequestRows, inside: _Bools, own: _Bools) -> list[Problem]:
    """What the proxy did wrong in an arm's phases; above a small share it makes the run invalid."""
    sent = int(np.count_nonzero(inside))
    waited = inside & _waited_too_long(rows)
    effect = (
        "invalid" if arm == "baseline" else "inconclusive"
    )  # a slow canary itself keeps its connections taken
    problems = _waiting_problem(f"the requests in the {arm}'s phases", waited, inside, effect)
    elsewhere = (rows.served_by != "") & (rows.served_by != COLOURS[arm])
    if strays := int(np.count_nonzero(inside & elsewhere)):
        said = (
            f"{count_of(strays, sent)} requests in the {arm}'s phases were served elsewhere and are left out"
        )
        if strays > _MOST_OF_THE_PROXY * sent:
            problems.append(Problem("invalid", f"{said}: the proxy did not route as it was told"))
        else:
            problems.append(Problem("note", said))
    # A version that hangs or dies is answered for by the proxy, with its colour, sooner than the loader gives up; but
    # a connection that the proxy closes after such an answer can reset the request that came next on it.
    silent = (rows.error[own] != "") & (rows.error[own] != "reset") & (rows.served_by[own] == "")
    unanswered = int(np.count_nonzero(silent))
    if unanswered > _MOST_OF_THE_PROXY * sent:
        said = f"the proxy answered none of {count_of(unanswered, sent)} requests in the {arm}'s phases"
        problems.append(Problem("invalid", said))
    return problems


def _series(arm: str, phases: Sequence[Phase], rows: SeriesRows | None) -> dict[str, Series]:
    if rows is None:
        return {}
    inside = _within(rows.t, phases) & (rows.arm == arm)
    t, metric, value = rows.t[inside], rows.metric[inside], rows.value[inside]
    return {str(name): Series(t[metric == name], value[metric == name]) for name in np.unique(metric)}


def of_phases(rows: SeriesRows | None, phases: Sequence[Phase]) -> SeriesRows | None:
    """The rows of each arm within its own phases."""
    if rows is None:
        return None
    kept = np.zeros(len(rows.t), dtype=np.bool_)
    for arm in COLOURS:
        kept |= (rows.arm == arm) & _within(rows.t, [phase for phase in phases if phase.arm == arm])
    return SeriesRows(rows.t[kept], rows.arm[kept], rows.metric[kept], rows.value[kept])


def _within(t: _Floats, phases: Sequence[Phase]) -> _Bools:
    inside = np.zeros(len(t), dtype=np.bool_)
    for phase in phases:
        inside |= (t >= phase.start) & (t < phase.end)
    return inside
