"""Two samples of any measure, estimated as one pair: the door of what judges pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from abtest.stats.arguments import require_one_of
from abtest.stats.columns import arm_moments, filled
from abtest.stats.means.compare import estimate_means
from abtest.stats.moments import Floats, Moments
from abtest.stats.pairs import ArmPair
from abtest.stats.proportions.estimate import estimate_proportions
from abtest.stats.proportions.score import ScorePair
from abtest.stats.proportions.two_by_two import counts_of
from abtest.stats.ratios import estimate_ratios, filled_past, ratio_columns
from abtest.stats.results import WarningCode

PairMeasure = Literal["mean", "proportion", "ratio"]
"""What two samples are compared by."""
Sample: TypeAlias = Any
"""Values, `Moments` or `ValueCounts`; of a ratio (numerators, denominators) or `Moments`."""

_MEASURES = frozenset(get_args(PairMeasure))
_VARIABLES = {"mean": 1, "proportion": 1, "ratio": 2}
_ESTIMATES: Mapping[str, Callable[..., ArmPair | ScorePair]] = {
    "mean": estimate_means,
    "proportion": estimate_proportions,
    "ratio": estimate_ratios,
}


def estimate_samples(
    control: Sample,
    treatment: Sample,
    *,
    measure: PairMeasure,
    covariates: tuple[Any, Any] | None = None,
    score: bool = False,
) -> ArmPair | ScorePair:
    """Return two samples as an estimated pair.

    Parameters
    ----------
    control, treatment
        Values, `Moments` or `ValueCounts`; of a ratio (numerators, denominators) or `Moments`.
        Moments that carry covariates are adjusted for them.
    measure
        ``mean``, ``proportion`` or ``ratio``.
    covariates
        Pre-exposure values of (control, treatment); of a ratio a pair for each.
    score
        Whether proportions without covariates are always judged by the score statistic, not
        only where successes or failures are few.

    Raises
    ------
    NotEstimable
        If there is no number.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> pair = estimate_samples([1.0, 2.0, 3.0], [2.0, 3.0, 5.0], measure="mean")
    >>> round(pair.absolute(0.95).estimate, 4)
    1.3333
    """
    return estimate_arms(control, treatment, measure=measure, covariates=covariates, score=score)[0]


def estimate_arms(
    control: Sample,
    treatment: Sample,
    *,
    measure: PairMeasure,
    covariates: tuple[Any, Any] | None = None,
    score: bool = False,
) -> tuple[ArmPair | ScorePair, tuple[Moments, Moments]]:
    """Return what `estimate_samples` does, and the moments of both arms, which know their nulls.

    Raises
    ------
    UsageError, NotEstimable
        As `estimate_samples`.
    """
    require_one_of(measure, _MEASURES, "measure")
    before, codes = _before(covariates, measure)
    first, second = (
        arm_moments(
            ratio_columns(sample, name) if measure == "ratio" else (sample,),
            [part[side] for part in before],
            name,
        )
        for side, (sample, name) in enumerate(((control, "control"), (treatment, "treatment")))
    )
    adjusted = len(first.mean) > _VARIABLES[measure]
    pair: ArmPair | ScorePair
    if measure == "proportion" and score and not adjusted:
        pair = ScorePair(*counts_of(first, second)).with_warnings(*codes)
    else:
        estimate = _ESTIMATES[measure]
        pair = estimate([first], [second], adjusted=adjusted).with_warnings(*codes)
    return pair, (first, second)


def _before(
    covariates: tuple[Any, Any] | None, measure: PairMeasure
) -> tuple[list[tuple[Floats, Floats]], tuple[WarningCode, ...]]:
    """Return pre-exposure columns of (control, treatment), and a code if some were missing."""
    if covariates is None or measure != "ratio":
        columns, codes = filled(covariates, with_mean=True)
        return list(columns), codes
    return filled_past(covariates)
