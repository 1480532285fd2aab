"""Is the canary's quantile beyond the baseline's by more than a margin? Told by the share of slower requests.

The canary's q-quantile is at most 1 + margin times the baseline's exactly where no more than a share of 1 - q of its
requests is slower than 1 + margin times that quantile. A share shows it after a second or two where the quantiles of
blocks take half a minute; and of a pause every request counts that waited for its end. The mathematics, and why the
baseline's own quantile may stand for the true one, is in docs/judge.md ("Quantiles by shares").
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.dispersion import ASSUMED, difference_dispersion, pooled_dispersion
from pipeline.judge.stats.evalues import Mixture, Prior, Tail
from pipeline.judge.stats.final import FINAL_MIN_BLOCKS, final_bounds
from pipeline.judge.stats.quantile_arms import Arms, looks_of
from pipeline.judge.stats.shares import EVEN, KAPPA
from pipeline.judge.stats.worst_case import LogEvidence, least_evidence

__all__ = ["PRIOR_MORE", "Comparison"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# What more slow requests are expected to look like: odds from a fifth more to a thousandfold, small ones likelier.
_RATIOS: Final = np.geomspace(1.2, 1000, 14)
PRIOR_MORE: Final = Prior.of(_RATIOS, _RATIOS**-0.2, even=0.05)
# And fewer of them: from a little fewer down to none.
PRIOR_FEWER: Final = Prior(
    np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 1.0]),
    np.array([0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]),
)
# Harm may begin late: evidence is gathered from the start, and anew from these shares of the planned time on.
_WINDOWS: Final = ((0.0, 0.6), (0.25, 0.1), (0.5, 0.1), (0.75, 0.1), (0.875, 0.1))
_FEWEST_SECONDS: Final = 2  # of a window that begins late
# The bounds as numbers: distances from the estimate that are tried, in logarithms or shares of the quantile.
_DISTANCES: Final = np.geomspace(0.003, 4.0, 20)
_STEPS: Final = 3  # of the search for a final bound: it has settled by then to a hundredth


class Comparison:
    """One quantile of two arms: effects are canary / baseline - 1, or the difference where not `relative`.

    An effect is positive where the canary is worse, which is slower where an `increase` is the harm.
    """

    def __init__(
        self,
        arms: Arms,
        quantile: float,
        references: Floats,
        *,
        increase: bool,
        relative: bool,
        margin: float,
        bar: float,
    ) -> None:
        """Make ready to compare.

        Args:
            arms: both arms, each with at least one value.
            quantile: in (0, 1).
            references: the baseline's quantile at each look, shape (k,): of all that it had measured by then.
            increase: an increase is the harm, otherwise a decrease.
            relative: effects are fractions of the baseline's quantile, otherwise in the values' unit.
            margin: the effect within which is a pass.
            bar: the effect beyond which is a fail.
        """
        self._arms, self._sign, self._relative = arms, 1.0 if increase else -1.0, relative
        self._margin, self._bar = margin, bar
        self._looks, self._references = looks_of(arms), references
        self.baseline = float(references[-1])
        self.canary = arms.canary.quantile(quantile)
        self.effect = self._effect_of(self.canary)
        self._temper = 1 / self._dispersion(0)
        self.effective = len(arms.canary.value) * float(self._temper[-1])

    def _effect_of(self, value: float) -> float:
        moved = value / self.baseline - 1 if self._relative else value - self.baseline
        return self._sign * moved

    def _limit(self, effect: Floats | float, reference: Floats | float) -> Floats:
        """What a canary's value must be beyond to be worse than this effect allows."""
        moved = self._sign * np.asarray(effect, dtype=np.float64)
        return np.asarray(reference * (1 + moved) if self._relative else reference + moved)

    def _beyond(self, value: Floats, limit: Floats | float) -> Bools:
        return value > limit if self._sign > 0 else value < limit

    def _dispersion(self, start: int) -> Floats:
        """At each look from second `start` on, of the hits at the bar since then."""
        b, c = self._arms.baseline, self._arms.canary
        b_hits = b.hits_by_second(self._beyond(b.value, self.baseline))
        c_hits = c.hits_by_second(self._beyond(c.value, float(self._limit(self._bar, self.baseline))))
        looks, pairs = self._looks[self._looks >= start], self._arms.pairs
        if pairs is None:
            return pooled_dispersion((b_hits, b.by_second), (c_hits[start:], c.by_second[start:]))
        known = np.maximum.accumulate(np.maximum(*pairs)) if len(pairs[0]) else np.zeros(0)
        here = np.minimum(*pairs) >= start
        of_b, of_c, known = pairs[0][here], pairs[1][here], known[here]
        found = difference_dispersion(
            (b_hits[of_b], b.by_second[of_b]),
            (c_hits[of_c], c.by_second[of_c]),
            slice_seconds=self._arms.slice_seconds,
        )
        # A pair is known once both of its seconds are.
        count = np.searchsorted(known, looks, side="right")
        return np.where(count > 0, np.append(found, ASSUMED)[np.maximum(count, 1) - 1], ASSUMED)

    def _evidence(
        self, looks: Ints, limits: Floats, temper: Floats, start: int, *, harm: bool
    ) -> tuple[LogEvidence, LogEvidence]:
        """Of the baseline and of the canary, of what was measured from second `start` on.

        Args:
            looks: indices of the looks, shape (k,).
            limits: of each look, beyond what a value of the canary is a hit.
            temper: of each look, the share of the requests that counts as independent.
            start: a baseline that was complete before the canary began counts as a whole.
            harm: for more hits on the canary than on the baseline, otherwise for fewer.
        """
        b, c, at = self._arms.baseline, self._arms.canary, self._looks[looks]
        first, stops = int(np.searchsorted(c.second, start)), np.searchsorted(c.second, at, side="right")
        hits = self._counted(c.value, first, stops, limits)
        canary = Mixture(hits * temper, (stops - first) * temper, PRIOR_MORE if harm else PRIOR_FEWER)
        if self._arms.pairs is None:
            slow = float(np.count_nonzero(self._beyond(b.value, self.baseline)))
            return Tail(slow, float(len(b.value)), temper, upper=harm, kappa=KAPPA, even=EVEN), canary
        first, stops = int(np.searchsorted(b.second, start)), np.searchsorted(b.second, at, side="right")
        hits = self._counted(b.value, first, stops, self._references[looks])
        return Mixture(hits * temper, (stops - first) * temper, PRIOR_FEWER if harm else PRIOR_MORE), canary

    def _counted(self, value: Floats, first: int, stops: Ints, limits: Floats) -> Floats:
        """How many of the values from `first` to each stop are beyond its limit."""
        if len(np.unique(limits)) == 1:
            so_far = np.concatenate([[0.0], np.cumsum(self._beyond(value[first:], float(limits[0])))])
            return so_far[stops - first]
        ends = zip(stops.tolist(), limits.tolist(), strict=True)
        return np.array(
            [np.count_nonzero(self._beyond(value[first:stop], limit)) for stop, limit in ends],
            dtype=np.float64,
        )

    def shown_at_looks(self, alpha: float) -> int | None:
        """The second at which the canary was first shown to be beyond the bar; None where it never was.

        Where it is not beyond the bar, there is such a second with a chance of at most `alpha`.
        """
        seconds = [self._shown_from(start, alpha * share) for start, share in self._windows()]
        return min((second for second in seconds if second is not None), default=None)

    def _windows(self) -> list[tuple[int, float]]:
        """Where each window begins that is under way, and its share of alpha."""
        starts = [(math.ceil(begin * self._arms.planned), share) for begin, share in _WINDOWS]
        latest = self._arms.canary.seconds - _FEWEST_SECONDS
        return [(start, share) for start, share in starts if start <= max(latest, 0)]

    def _shown_from(self, start: int, alpha: float) -> int | None:
        looks = np.flatnonzero(self._looks >= start)
        limits, share = self._limit(self._bar, self._references[looks]), np.full(len(looks), self._share)
        # Evidence is never more than if all requests were independent, nor than at any one share: both are soon known.
        b, c = self._evidence(looks, limits, np.ones(len(looks)), start, harm=True)
        needed = math.log(1 / alpha)
        against_b = b.at(share)[0] if self._arms.pairs is not None else b.at(share[:1])[0]
        possible = np.flatnonzero(against_b + np.maximum(c.at(share)[0], 0) >= needed)
        if len(possible) == 0:
            return None
        temper = self._temper[looks] if start == 0 else self._temper_from(start)
        evidence = self._evidence(looks[possible], limits[possible], temper[possible], start, harm=True)
        shown = np.flatnonzero(_least(evidence, share[possible]) >= needed)
        return int(self._looks[looks[possible[shown[0]]]]) if len(shown) else None

    def _temper_from(self, start: int) -> Floats:
        """Of a window, at each look from its beginning on.

        By the dispersion since then, because harm that began there would be taken for a mood in all; and by that of the
        time before, which has been measured for longer. One after the other, the baseline is in both.
        """
        since = 1 / self._dispersion(start)
        if self._arms.pairs is None:
            return since
        before = max(int(np.searchsorted(self._looks, start)) - 1, 0)
        return np.asarray(np.minimum(since, self._temper[before]), dtype=np.float64)

    @cached_property
    def _share(self) -> float:
        """The baseline's share beyond its quantile, off 0 and 1."""
        arm = self._arms.baseline.value
        return float((np.count_nonzero(self._beyond(arm, self.baseline)) + 0.5) / (len(arm) + 1))

    def low_at_last_look(self, alpha: float) -> float:
        """The largest effect that the last look's evidence refutes as the truth's upper limit; -inf for none."""
        effects = self._moved(-_DISTANCES)
        return float(self._refuted(effects, alpha * _WINDOWS[0][1], harm=True).max(initial=-math.inf))

    def times_as_long(self, alpha: float) -> float | None:
        """How many times as long a canary that goes on like this must be measured to be shown beyond the bar.

        By the evidence of the last look, which grows with the time; None where there is none.
        """
        last = np.array([len(self._looks) - 1])
        limits = self._limit(np.array([self._bar]), self.baseline)
        least = float(
            _least(self._evidence(last, limits, self._temper[last], 0, harm=True), np.full(1, self._share))[0]
        )
        return math.log(1 / (alpha * _WINDOWS[0][1])) / least if least > 0 else None

    def high_at_last_look(self, beta: float) -> float:
        """The least effect that the canary is shown not to reach, at any look; inf for none."""
        effects = np.append(self._moved(_DISTANCES), self._margin)
        return float(self._refuted(effects, beta, harm=False).min(initial=math.inf))

    def _refuted(self, effects: Floats, level: float, *, harm: bool) -> Floats:
        last = np.full(len(effects), len(self._looks) - 1)
        limits, temper = self._limit(effects, self.baseline), self._temper[last]
        evidence = self._evidence(last, limits, temper, 0, harm=harm)
        least = _least(evidence, np.full(len(effects), self._share))
        return effects[least >= math.log(1 / level)]

    def _moved(self, distances: Floats | float) -> Floats:
        """Effects at these distances from the estimate: in logarithms, or in shares of the quantile."""
        steps = np.asarray(distances, dtype=np.float64)
        if not self._relative:
            return self.effect + steps * max(abs(self.baseline), abs(self.canary))
        if self._sign > 0:
            return (1 + self.effect) * np.exp(steps) - 1
        return 1 - (1 - self.effect) * np.exp(-steps)

    def final_low(self, alpha: float) -> float:
        """What the effect is not below, with chance 1 - alpha, at the one look of a run that is complete."""
        return self._final(alpha, high=False)

    def final_high(self, beta: float) -> float:
        """What the effect is not above, with chance 1 - beta, at that look."""
        return self._final(beta, high=True)

    def _final(self, level: float, *, high: bool) -> float:
        """The effect at which the bound of the shares' difference is 0; infinite where there is none.

        Woodruff's way: from the width of the difference's interval at one effect follows the share of the canary's
        values that must lie beyond the bound, from that share the next effect. What is decided about (the bar, or the
        margin) is decided by the interval at that effect itself.
        """
        way, about = (1.0, self._margin) if high else (-1.0, self._bar)
        if self._arms.canary.blocks < FINAL_MIN_BLOCKS:
            return way * math.inf
        share = self._final_share(about, level, way)
        beyond = self._own_share(about) > share
        effect = about
        for step in range(_STEPS):
            if step > 0:
                share = self._final_share(effect, level, way)
            if not 0 < share < 1:
                effect = way * math.inf
                break
            effect = self._effect_of(self._value_beyond(share))
        return max(effect, math.nextafter(about, math.inf)) if beyond else min(effect, about)

    def _final_share(self, effect: float, level: float, way: float) -> float:
        """The share of the canary's values beyond a limit that would just be told from the baseline's share."""
        d = self._differences(effect)
        low, high = final_bounds(d, 0.0 if way > 0 else level, level if way > 0 else 0.0)
        half = high - float(d.mean()) if way > 0 else float(d.mean()) - low
        return self._baseline_share - way * half

    def _own_share(self, effect: float) -> float:
        """The share of the canary's paired values that are beyond that effect."""
        return float(self._differences(effect).mean()) + self._baseline_share

    def _value_beyond(self, share: float) -> float:
        """The value beyond which this share of the canary's lie."""
        return self._arms.canary.quantile(1 - share if self._sign > 0 else share)

    @cached_property
    def _baseline_part(self) -> Floats:
        b = self._arms.baseline
        return b.hits_by_block(self._beyond(b.value, self.baseline))

    @cached_property
    def _baseline_share(self) -> float:
        return float(self._baseline_part.sum()) / max(float(self._arms.baseline.by_block.sum()), 1.0)

    def _differences(self, effect: float, first: int = 0) -> Floats:
        """Of each pair of blocks from `first` on, the canary's share beyond that effect less the baseline's.

        Blocks have more or fewer values by chance; they are weighed so that the mean is the difference of the shares.
        """
        b, c = self._arms.baseline, self._arms.canary
        c_hits = c.hits_by_block(self._beyond(c.value, float(self._limit(effect, self.baseline))))
        canary, share = _weighed(c_hits[first:], c.by_block[first:])
        baseline, b_share = _weighed(self._baseline_part[first:], b.by_block[first:])
        return canary - baseline + (share - b_share)

    def times_to_pass(self, level: float) -> float | None:
        """How many times as long a run of such a canary must be for its end to show it within the margin.

        The width of an interval falls as the root of the length; None where the canary is not within the margin.
        """
        if self._arms.canary.blocks < FINAL_MIN_BLOCKS:
            return None
        d = self._differences(self._margin)
        room, half = -float(d.mean()), final_bounds(d, 0.0, level)[1] - float(d.mean())
        return (half / room) ** 2 if room > 0 else None

    def late(self, margin: float, level: float, part: float) -> bool:
        """Whether the last `part` of the pairs of blocks alone is beyond the margin, at one look of this level."""
        blocks = self._arms.canary.blocks
        first = blocks - math.ceil(part * blocks)
        if blocks - first < FINAL_MIN_BLOCKS:
            return False
        return -final_bounds(-self._differences(margin, first), 0.0, level)[1] > 0


def _weighed(hits: Floats, n: Floats) -> tuple[Floats, float]:
    """Each block's deviation from the share of all, in parts of their mean size; and that share."""
    total = max(float(n.sum()), 1.0)
    share = float(hits.sum()) / total
    return (hits - share * n) * (len(n) / total), share


def _least(evidence: tuple[LogEvidence, LogEvidence], start: Floats) -> Floats:
    return least_evidence(*evidence, np.zeros(len(start)), start)[0]
