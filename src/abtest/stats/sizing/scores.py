"""Design for scores of survey answers, which not every unit gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats
from abtest.stats.results import Measure
from abtest.stats.score_pairs import ScoreKind
from abtest.stats.scores import scored_sample
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Judge
from abtest.stats.sizing.numbers import Truths, one_number
from abtest.stats.sizing.past import require_baseline
from abtest.stats.sizing.proportions import shares_at_bound
from abtest.stats.sizing.roots import rising_root
from abtest.stats.value_counts import ValueCounts

_MEASURES: dict[ScoreKind, Measure] = {
    "nps": "nps",
    "top_box": "top_box",
    "ordinal": "ordinal_score",
}
_FARTHEST = 500.0
"""Tilts beyond leave the other scores with less than any number."""


@dataclass(frozen=True)
class ScoreDesign(Design):
    """A comparison of scores of survey answers, as `compare_scores` makes it.

    Units of an answer are units that are asked, and `details` has the answers that they give.

    Attributes
    ----------
    answers
        Of past units: `ValueCounts` of the answers, without those that did not answer.
    response
        Share of the units asked that answer, above 0 and at most 1. Half as many answers need
        twice as many units: sizes for all that are asked, planned as if all answered, are too
        small by this share. Sizes of `clusters` count answers.
    kind, scale, top, scores
        As in `compare_scores`: ``nps`` in points of -100 to 100, ``top_box`` a share,
        ``ordinal`` the mean of the scores.

    Raises
    ------
    UsageError
        If settings contradict each other.
    NotEstimable
        ``answer_out_of_range``, as in `compare_scores`.

    Notes
    -----
    Treatment's answers have the shares p exp(t s) / sum p exp(t s), with s the score of an answer
    and t such that the mean is that of the effect: of all shares with this mean the nearest to
    those of the past (Kullback & Leibler 1951, Ann. Math. Stat. 22, 79). Their variance is
    treatment's; for ``top_box`` it is p (1 - p).

    The tests are those of the analysis: normal for ``nps``, Welch's for ``ordinal``, the score
    test for ``top_box``. Where treatment changes who answers, no number of units makes the scores
    comparable: compare the shares of answers too.

    Examples
    --------
    >>> from abtest.stats import sample_size
    >>> answers = ValueCounts.from_table([3, 6, 7, 8, 9, 10], [40, 60, 80, 70, 50, 30])
    >>> plan = sample_size(ScoreDesign(answers, response=0.2), effect=8)
    >>> plan.units_by_arm, round(plan.details["answers"])
    ((6660, 6660), 2664)
    """

    answers: ValueCounts
    response: float = 1.0
    kind: ScoreKind = "nps"
    scale: tuple[int, int] | None = None
    top: int | None = None
    scores: Mapping[float, float] | None = None
    scored: ValueCounts = field(init=False, repr=False, compare=False)
    """The score of each answer."""

    def __post_init__(self) -> None:
        require_one_of(self.kind, _MEASURES, "kind")
        response = one_number(self.response, "response", 0.0, 1.0 + 1e-12)
        self._set(response=min(response, 1.0))
        given = (self.kind, self.scale, self.top, self.scores)
        self._set(scored=scored_sample(self.answers, *given))
        self._check_kinds()
        if self.relative:
            require_baseline(self.value, "score")
        super().__post_init__()

    @property
    def judge(self) -> Judge:
        """How the estimate is judged."""
        if self.kind == "ordinal" or self.clusters or self.is_adjusted:
            return "welch"
        return "z" if self.kind == "nps" else "score"

    @property
    def measure(self) -> Measure:
        """The kind of score."""
        return _MEASURES[self.kind]

    @property
    def value(self) -> float:
        """The score of control."""
        return float(self._points @ self._shares)

    @property
    def limits(self) -> tuple[float, float]:
        """The differences at which all give the lowest, or the highest, score."""
        return float(self._points[0]) - self.value, float(self._points[-1]) - self.value

    @property
    def unit_size(self) -> float:
        """Units asked per independent answer, or per cluster of answers."""
        return super().unit_size / self.response

    def possible(self, difference: Floats) -> Truths:
        """Return for each difference whether there are such answers."""
        low, high = self.limits
        room = 1e-12 * (high - low)
        return np.asarray((difference >= low - room) & (difference <= high + room))

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the variances per unit asked of (control, treatment)."""
        difference = np.asarray(difference, dtype=np.float64)
        both = [self._variance(gap) for gap in (np.zeros(1), difference.ravel())]
        ones = np.ones(difference.shape)
        return both[0] / self.response * ones, both[1].reshape(difference.shape) / self.response

    def null_variances(
        self, difference: Floats, bound: float, treated: Floats
    ) -> tuple[Floats, Floats] | None:
        """Return those of the score test of shares, per unit asked."""
        if self.judge != "score":
            return None
        p0 = np.full(np.shape(difference), self.value)
        p1 = np.clip(p0 + difference, 0.0, 1.0)
        q0, q1 = shares_at_bound((p0, p1), treated, bound, relative=self.relative)
        return q0 * (1.0 - q0) / self.response, q1 * (1.0 - q1) / self.response

    def rarer(self, difference: Floats) -> tuple[Floats, Floats] | None:
        """Return for a share of top answers the rarer ones, per unit asked."""
        if self.kind != "top_box":
            return None
        p0 = np.full(np.shape(difference), self.value)
        p1 = np.clip(p0 + difference, 0.0, 1.0)
        rarer = (np.minimum(p, 1.0 - p) * self.response for p in (p0, p1))
        return next(rarer), next(rarer)

    def details(self, units_by_arm: Floats, difference: Floats) -> dict[str, Floats]:
        """Return the answers that are expected over all arms."""
        del difference
        return {"answers": units_by_arm.sum(axis=1) * self.response}

    @property
    def _points(self) -> Floats:
        return self.scored.values

    @property
    def _shares(self) -> Floats:
        return np.asarray(self.scored.counts / self.scored.n)

    def _variance(self, difference: Floats) -> Floats:
        """Return the variance of an answer's score where the mean is so much higher."""
        width = float(self._points[-1] - self._points[0])
        scaled = (self._points - self._points[0]) / width
        mean = float(scaled @ self._shares)
        wanted = np.clip(mean + difference / width, 0.0, 1.0)
        ends = (wanted <= 1e-12) | (wanted >= 1.0 - 1e-12)

        def tilted(tilt: Floats) -> Floats:
            weights = self._shares * np.exp(tilt[:, None] * (scaled - (tilt > 0.0)[:, None]))
            return np.asarray(weights / weights.sum(axis=1)[:, None])

        def excess(tilt: Floats) -> Floats:
            return np.where(ends, 0.0, tilted(tilt) @ scaled - wanted)

        low = np.full(wanted.shape, -_FARTHEST)
        tilt = rising_root(excess, low, np.zeros(wanted.shape), -low)
        shares = tilted(np.where(np.isnan(tilt), _FARTHEST, tilt))
        centred = scaled - (shares @ scaled)[:, None]
        variance = width * width * (shares * centred * centred).sum(axis=1)
        return np.where(ends, 0.0, variance)
