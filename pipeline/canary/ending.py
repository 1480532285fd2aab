"""How a run ends: the proxy on the version that the verdict calls for, and what is written and said about that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, Interrupted, PipelineError
from pipeline.base.step_hook import begins
from pipeline.base.text import reason_of
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.plan import Plan
from pipeline.canary.settle import settle
from pipeline.inventory.hosts import Inventory
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.runs.phases import COLOURS
from pipeline.runs.settled import Settled
from pipeline.runs.tables import find_table

__all__ = ["Ending"]

_BASELINE: Final = COLOURS["baseline"]
_CANARY: Final = COLOURS["canary"]

_Error = TypeVar("_Error", bound=PipelineError)


class Ending:
    """The end of one run, whatever brings it about; `verdict` is there as soon as the run has been judged.

    `settled` says where the proxy is, once that was done. `untouched`: the proxy's host could not be reached as the run
    began, and nothing was done on it since, so that this run leaves nothing there to be put right. `gone` asks whether
    the hosts have been removed since.
    """

    def __init__(self, plan: Plan, run: RunInProgress, progress: Progress) -> None:
        self._plan = plan
        self._run = run
        self._progress = progress
        self.verdict: Verdict | None = None
        self.settled: Settled | None = None
        self.untouched = False
        self.gone: Callable[[], bool] = lambda: False
        self._not_promoted = ""
        self._unwritten = ""

    def settle(self, inventory: Inventory, known_hosts: Path) -> None:
        """Put the proxy on green after a pass, else on blue; tell and write down where it then is. Raises nothing."""
        passed = self.verdict is not None and self.verdict.outcome is Outcome.PASSED
        promote = passed and self._plan.settings.promote
        begins("promote" if promote else "rollback")
        settled = settle(inventory, known_hosts, _CANARY if promote else _BASELINE)
        if promote and settled.problem:
            self._not_promoted = settled.problem
            settled = settle(inventory, known_hosts, _BASELINE)
        if self.untouched and settled.colour is None:
            settled = Settled(settled.wanted, None)
        self.settled = settled
        done = bool(settled.colour) and not settled.problem
        self._run.add(promoted=settled.wanted == _CANARY if done else None, proxy=settled.to_dict())
        self._save()
        asked = "not promoted, as asked: " if passed and not self._plan.settings.promote else ""
        if settled.wanted == _CANARY:
            self._progress.say("promoted: the proxy stays on green")
        elif settled.colour or settled.problem:
            self._progress.say(f"{asked}{settled}")

    def close(self) -> None:
        """The run is over, and its hosts are gone where it is for them to go: write the record as it now is."""
        if self.settled is not None and self.gone():
            self.settled = replace(self.settled, gone=True)
            self._run.add(proxy=self.settled.to_dict())
        self._run.add(under_way=False)
        self._save()

    @property
    def trouble(self) -> str:
        """What is wrong with the proxy, in a line; empty where it is as it should be."""
        return self.settled.trouble if self.settled is not None else ""

    @property
    def cure(self) -> str:
        """The command that puts the proxy back."""
        return self._run.record.rollback

    def told(self, error: _Error) -> _Error:
        """`error`, which ends the run; what is wrong with the proxy comes first, with the command that mends it."""
        if self.settled is not None and self.trouble:
            what, _, _ = error.message.rpartition(": ")  # the reason may be another one at each attempt
            same = ": " in what and self.settled.problem.startswith(what)
            error.message = self.trouble if same else f"{self.trouble}; {error.message}"
            error.hint = self.cure
        return error

    def interrupted(self) -> Interrupted:
        """How a signal ended the run: where the proxy is, where the run is, and what to type."""
        known = (
            self.settled is not None and self.settled.colour and not self.settled.gone and not self.trouble
        )
        where = f"; {self.settled}" if known else ""
        if find_table(self._run.path, "requests.csv") is None:
            return self.told(Interrupted(f"interrupted before anything was measured{where}"))
        said = f"interrupted{where}; what was measured is in {self._run.path}"
        return self.told(Interrupted(said, hint=f"pipeline judge {self._run.path}"))

    def not_promoted(self) -> EnvironmentError_ | None:
        """The error of a canary that passed and could not be promoted."""
        if not self._not_promoted:
            return None
        where = "" if self.trouble else f"; {self.settled}"
        said = f"the canary passed, but the proxy could not be put on {_CANARY}: {self._not_promoted}{where}"
        return self.told(EnvironmentError_(said, hint=self.cure.replace("rollback", "promote")))

    def _save(self) -> None:
        """A disk that is full is told, and hides nothing that is worse."""
        try:
            self._run.save()
        except OSError as error:
            said = f"{self._run.path / 'run.json'} could not be written: {reason_of(error)}"
            if said != self._unwritten:
                self._progress.say(said)
            self._unwritten = said
