"""Scores of answers of two arms as one estimate, over phases of allocation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from abtest.stats.adjustment.missingness import MissingShares
from abtest.stats.answers import require_scale
from abtest.stats.fieller import Contrast
from abtest.stats.means.compare import estimate_means
from abtest.stats.moments import Floats, Moments
from abtest.stats.pairs import ArmPair
from abtest.stats.phased import by_phase, phases_of
from abtest.stats.proportions.estimate import estimate_proportions
from abtest.stats.results import (
    Alternative,
    Interval,
    Method,
    PairEstimate,
    RelativeInterval,
    Test,
    WarningCode,
)
from abtest.stats.value_counts import ValueCounts

ScoreKind = Literal["nps", "top_box", "ordinal"]
"""What is made of the answers."""
NPS_SCALE = (0, 10)
FEW_ANSWERS = 50
"""Below this many answers, or with an empty group, three are added before the NPS is judged."""
ADDED = np.array([0.75, 1.5, 0.75])


@dataclass(frozen=True)
class JudgedPair:
    """Two arms whose estimates are those of the data, judged by a pair with added counts.

    Attributes
    ----------
    judged
        What intervals and tests come from.
    control_value, treatment_value
        Estimates of the data.
    """

    judged: ArmPair
    control_value: float
    treatment_value: float

    @property
    def method(self) -> Method:
        """Name of the method."""
        return self.judged.method

    @property
    def variance_reduction(self) -> float | None:
        """None: answers have no covariates."""
        return self.judged.variance_reduction

    @property
    def n_control(self) -> int:
        """Answers of the control arm."""
        return self.judged.n_control

    @property
    def n_treatment(self) -> int:
        """Answers of the treatment arm."""
        return self.judged.n_treatment

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """Codes of what a reader should know."""
        return self.judged.warnings

    @property
    def contrast(self) -> Contrast:
        """Difference and baseline of the data with the variances of what judges them."""
        own = self.judged.contrast
        return replace(
            own, difference=self.treatment_value - self.control_value, baseline=self.control_value
        )

    def with_warnings(self, *codes: WarningCode) -> JudgedPair:
        """Return the same pair with further warning codes."""
        return replace(self, judged=self.judged.with_warnings(*codes))

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return treatment - control with its interval."""
        found = self.judged.absolute(confidence_level, alternative)
        return replace(found, estimate=self.treatment_value - self.control_value)

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the relative effect with its set; without an estimate where control is 0."""
        found = self.judged.relative(confidence_level, alternative)
        change = self.treatment_value - self.control_value
        relative = change / abs(self.control_value) if self.control_value else None
        return replace(found, estimate=relative)

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound, absolute or relative to control."""
        return self.judged.test(absolute=absolute, relative=relative, alternative=alternative)


def estimate_scores(
    control: Sequence[ValueCounts],
    treatment: Sequence[ValueCounts],
    *,
    kind: ScoreKind,
    scale: tuple[int, int],
    top: int = 2,
) -> PairEstimate:
    """Return a score of two arms, one `ValueCounts` of answers per phase of allocation.

    ``nps`` as `compare_scores`; ``top_box`` by the rule of experiments for shares
    (`estimate_proportions`); ``ordinal``: the mean of the answers, which says that each step of
    the scale is worth the same (Welch). Units without an answer are not in it; where their share
    differs between the arms at p < 0.001 there is the warning ``answers_differ``: then the arms'
    answers come from different kinds of units, and the difference is no effect.

    Parameters
    ----------
    control, treatment
        Answers by phase.
    kind
        What is made of them.
    scale
        Lowest and highest answer; 0 to 10 for ``nps``.
    top
        How many of the highest answers count for ``top_box``.

    Raises
    ------
    NotEstimable
        ``answer_out_of_range``, ``too_few_units``, ``constant``.

    Examples
    --------
    >>> control = ValueCounts.from_table([1, 3, 4, 5], [20, 30, 30, 20])
    >>> treatment = ValueCounts.from_table([1, 3, 4, 5], [10, 30, 30, 30])
    >>> pair = estimate_scores([control], [treatment], kind="top_box", scale=(1, 5))
    >>> pair.control_value, pair.treatment_value
    (0.5, 0.6)
    """
    phases_of(control, treatment)
    require_scale((*control, *treatment), *(NPS_SCALE if kind == "nps" else scale))
    pair: PairEstimate
    if kind == "nps":
        pair = nps_pair(control, treatment)
    elif kind == "ordinal":
        means = [[phase.moments() for phase in arm] for arm in (control, treatment)]
        pair = estimate_means(means[0], means[1], adjusted=False)
    else:
        shares = [
            [share_of_top(phase, scale[1] - top + 1) for phase in arm]
            for arm in (control, treatment)
        ]
        pair = estimate_proportions(shares[0], shares[1], adjusted=False)
    gaps = [[phase.nulls for phase in arm] for arm in (control, treatment)]
    units = [[phase.n + phase.nulls for phase in arm] for arm in (control, treatment)]
    differs = MissingShares.of(gaps, units).differs
    return pair.with_warnings(*(("answers_differ",) if differs else ()))


def share_of_top(answers: ValueCounts, first: int) -> Moments:
    """Return the moments of answers being `first` or higher."""
    satisfied = int(answers.counts[answers.values >= first].sum())
    return Moments.from_counts(answers.n, satisfied, nulls=answers.nulls)


def nps_pair(control: Sequence[ValueCounts], treatment: Sequence[ValueCounts]) -> JudgedPair:
    """Return the net promoter scores of two arms in points, over phases."""
    pairs = [pair for pair in phases_of(control, treatment) if min(pair[0].n, pair[1].n) >= 2]
    added = any(needs_added_counts(answer_groups(arm)) for pair in pairs for arm in pair)
    method: Method = "nps_adjusted_wald" if added else "nps_wald"

    def judged(first: ValueCounts, second: ValueCounts) -> ArmPair:
        return _scored(first, second, method, ADDED if added else np.zeros(3))

    pair = by_phase(control, treatment, judged)
    plain = by_phase(control, treatment, lambda c, t: _scored(c, t, method, np.zeros(3)))
    codes: tuple[WarningCode, ...] = ("counts_added",) if added else ()
    return JudgedPair(pair.with_warnings(*codes), plain.control_value, plain.treatment_value)


def _scored(first: ValueCounts, second: ValueCounts, method: Method, added: Floats) -> ArmPair:
    (control, own), (treatment, other) = (
        net_score(answer_groups(arm) + added) for arm in (first, second)
    )
    covariance = ((own, 0.0), (0.0, other))
    return ArmPair(control, treatment, covariance, None, first.n, second.n, method)


def answer_groups(arm: ValueCounts) -> Floats:
    """Return the numbers of promoters, passives and detractors."""
    promoters = arm.counts[arm.values >= 9].sum()
    detractors = arm.counts[arm.values <= 6].sum()
    return np.array([promoters, arm.n - promoters - detractors, detractors], dtype=np.float64)


def needs_added_counts(groups: Floats) -> bool:
    """Return whether the normal approximation needs added counts."""
    return bool(groups.sum() < FEW_ANSWERS or (groups == 0.0).any())


def net_score(groups: Floats) -> tuple[float, float]:
    """Return the net promoter score in points and its sampling variance."""
    promoters, _, detractors = groups.tolist()
    n = float(groups.sum())
    net = (promoters - detractors) / n
    variance = ((promoters + detractors) / n - net * net) / n
    return 100.0 * (promoters - detractors) / n, 1e4 * variance
