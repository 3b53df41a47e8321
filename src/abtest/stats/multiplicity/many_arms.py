"""Many arms against one control, from samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.columns import arm_moments
from abtest.stats.moments import SMALLEST_SQUARES, Moments
from abtest.stats.multiplicity.comparison_family import ComparisonFamily
from abtest.stats.multiplicity.comparisons import FamilyMethod, adjust_comparisons
from abtest.stats.multiplicity.family import named
from abtest.stats.not_estimable import constant_arms, not_finite, too_few_units, too_small
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative
from abtest.stats.samples import PairMeasure, Sample, estimate_samples

ArmVariance = Literal["by_arm", "pooled"]
"""Whether every arm has a variance of its own, or all have one together."""
_VARIANCES = frozenset(get_args(ArmVariance))


def compare_arms(
    control: Sample,
    treatments: Mapping[str, Sample],
    *,
    measure: PairMeasure = "mean",
    method: FamilyMethod = "dunnett",
    variance: ArmVariance = "by_arm",
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
) -> ComparisonFamily:
    """Return every treatment against one control, with adjusted p-values and intervals.

    Parameters
    ----------
    control
        Values, `Moments` or `ValueCounts`; of a ratio (numerators, denominators) or `Moments`.
    treatments
        The same for every treatment, by name.
    measure
        ``mean``, ``proportion`` or ``ratio``.
    method
        As in `adjust_comparisons`, which says how ``dunnett`` works.
    variance
        ``by_arm`` (Welch's), or ``pooled`` over all arms of a mean: Dunnett's own, exact for
        normal data of one variance and wrong for others.
    alternative
        Of every test.
    alpha
        Level of the family: all intervals hold together with probability 1 - alpha.

    Raises
    ------
    NotEstimable
        If an arm has no number.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    Blood counts of Dunnett (1955):

    >>> family = compare_arms(
    ...     [7.40, 8.50, 7.20, 8.24, 9.84, 8.32],
    ...     {"A": [9.76, 8.80, 7.68, 9.36], "B": [12.80, 9.68, 12.16, 9.20, 10.55]},
    ...     variance="pooled",
    ... )
    >>> [round(row.adjusted_p_value, 4) for row in family.rows]
    [0.6201, 0.0058]
    """
    require_one_of(variance, _VARIANCES, "variance")
    if not isinstance(treatments, Mapping):
        raise UsageError(
            "Treatments are given by name",
            given=type(treatments).__name__,
            todo='Give {"name": values, ...}.',
        )
    arms = named(treatments, "treatments")
    if variance == "pooled":
        if measure != "mean":
            raise UsageError(
                "Only means have one variance for all arms",
                given=f"measure {measure!r} with a pooled variance",
                todo='Use variance="by_arm".',
            )
        pairs = _pooled(control, arms)
    else:
        pairs = {}
        for name, sample in arms.items():
            pairs[name] = estimate_samples(control, sample, measure=measure)  # type: ignore[assignment]  # a score pair is refused further on where it must be
    return adjust_comparisons(pairs, method=method, alpha=alpha, alternative=alternative)


def _pooled(control: Sample, treatments: Mapping[str, Sample]) -> dict[str, ArmPair]:
    """Return pairs with the variance within all arms (Dunnett 1955)."""
    first = arm_moments((control,), (), "control")
    others = {name: arm_moments((sample,), (), name) for name, sample in treatments.items()}
    everyone = [first, *others.values()]
    df = float(sum(arm.n - 1 for arm in everyone))
    if min(arm.n for arm in everyone) < 1 or df < 1.0:
        raise too_few_units(first.n, min(arm.n for arm in others.values()))
    squares = math.fsum(float(arm.m2[0, 0]) for arm in everyone)
    if not math.isfinite(squares + math.fsum(float(arm.mean[0]) for arm in everyone)):
        raise not_finite()
    if 0.0 < squares < SMALLEST_SQUARES:
        raise too_small()
    if not squares > 0.0:
        raise constant_arms(float(first.mean[0]), float(everyone[1].mean[0]))
    return {name: _pair(first, arm, squares / df, df) for name, arm in others.items()}


def _pair(control: Moments, treatment: Moments, variance: float, df: float) -> ArmPair:
    return ArmPair(
        float(control.mean[0]),
        float(treatment.mean[0]),
        ((variance / control.n, 0.0), (0.0, variance / treatment.n)),
        df,
        control.n,
        treatment.n,
        method="student",
    )
