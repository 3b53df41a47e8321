"""Differences of means of values capped at one threshold for both arms."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_share
from abtest.stats.columns import arm_counts
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values, as_floats
from abtest.stats.means.compare import MeansMethod, compare_means
from abtest.stats.means.ranks import inverse_quantile
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.results import Alternative
from abtest.stats.value_counts import ValueCounts

DEFAULT_QUANTILE = 0.99
"""Where values are capped unless a quantile or a threshold is given."""


@dataclass(frozen=True)
class CappedComparison(Comparison):
    """A comparison of capped means, with that of the values as they were beside it.

    Attributes
    ----------
    uncapped
        The same comparison without the cap; None where that has no number (values too large to
        square). The other fields are those of `Comparison`.
    """

    uncapped: Comparison | None = None


def compare_capped_means(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    quantile: float | None = None,
    threshold: float | None = None,
    covariates: tuple[Values, Values] | None = None,
    method: MeansMethod = "welch",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> CappedComparison:
    """Return the difference of two means of values capped at one threshold.

    Values above the threshold count as the threshold. There is one threshold for both arms: with
    one per arm, a treatment that makes the largest values larger would be capped away. Capping
    is how skewed revenue gets a mean that is nearly normal (Kohavi et al. 2014, "Seven rules of
    thumb for web site experimenters", KDD, rule 7).

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same. Nulls are left out and
        counted.
    quantile
        The threshold is this quantile of the units of both arms together: the smallest value that
        at least this share of them does not exceed (see `inverse_quantile`). 0.99 unless given.
    threshold
        The threshold itself, instead of a quantile. One fixed before the data, such as a
        pre-period quantile from the plan, is the better choice: what is estimated then does not
        depend on the data.
    covariates
        Pre-exposure values of the same units, (control, treatment), used as they are: CUPED. They
        need arrays.
    method, alternative, confidence_level
        As in `compare_means`.

    Returns
    -------
    CappedComparison
        `details` has the ``threshold`` and how many units were above it (``capped_control``,
        ``capped_treatment``); `uncapped` is the comparison without the cap.

    Raises
    ------
    NotEstimable
        As `compare_means`; ``constant`` also where nothing varies below the threshold.
    UsageError
        If the arguments do not fit together, or the samples come as `Moments`.

    Notes
    -----
    A quantile of the data is treated as if it had been fixed, as everywhere in practice: its own
    sampling error is of lower order, because few units lie near it. Capping at a quantile per arm
    biases the difference towards 0.

    Examples
    --------
    >>> result = compare_capped_means([0, 1, 2, 900], [1, 2, 3, 5], threshold=10)
    >>> result.details["capped_control"], result.absolute.estimate, result.uncapped.estimate
    (1.0, -0.5, -223.0)
    """
    limit = _limit(control, treatment, quantile, threshold)
    arms = [_capped(values, limit, name) for values, name in _named(control, treatment)]

    def compared(first: Values | ValueCounts, second: Values | ValueCounts) -> Comparison:
        return compare_means(
            first,
            second,
            method=method,
            alternative=alternative,
            confidence_level=confidence_level,
            covariates=covariates,
        )

    try:
        base = compared(arms[0][0], arms[1][0])
    except NotEstimable as error:
        if error.code != "constant":
            raise
        raise NotEstimable(
            "constant",
            "Nothing varies below the threshold",
            given=f"threshold {limit:g}",
            todo="Cap at a higher value.",
        ) from None
    try:
        uncapped = compared(control, treatment)
    except NotEstimable:
        uncapped = None
    result = replace(
        base,
        measure="capped_mean",
        details={
            "threshold": limit,
            "capped_control": float(arms[0][1]),
            "capped_treatment": float(arms[1][1]),
        },
    )
    given = {field.name: getattr(result, field.name) for field in fields(Comparison)}
    return CappedComparison(**given, uncapped=uncapped)


def _named(
    control: Values | ValueCounts, treatment: Values | ValueCounts
) -> tuple[tuple[Values | ValueCounts, str], ...]:
    return (control, "control"), (treatment, "treatment")


def _limit(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    quantile: float | None,
    threshold: float | None,
) -> float:
    """Return the threshold of both arms, from the one of the two that was given."""
    if threshold is None:
        return _pooled(control, treatment, DEFAULT_QUANTILE if quantile is None else quantile)
    if quantile is not None:
        raise UsageError(
            "A cap is a quantile or a threshold, not both",
            given=f"quantile {quantile!r}, threshold {threshold!r}",
            todo="Give one of them.",
        )
    return _threshold(threshold)


def _pooled(
    control: Values | ValueCounts, treatment: Values | ValueCounts, quantile: float
) -> float:
    """Return the quantile of the units of both arms together."""
    require_share(quantile, "quantile", "0.99")
    both = [arm_counts(values, name) for values, name in _named(control, treatment)]
    if min(arm.n for arm in both) < 2:
        raise too_few_units(both[0].n, both[1].n)
    return inverse_quantile(both[0] + both[1], quantile)


def _threshold(threshold: float) -> float:
    number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
    if not (number and math.isfinite(threshold)):
        raise UsageError(
            "A threshold must be a finite number",
            given=repr(threshold),
            todo="Give the largest value that counts in full.",
        )
    return float(threshold)


def _capped(
    values: Values | ValueCounts, limit: float, name: str
) -> tuple[Values | ValueCounts, int]:
    """Return the sample with the cap, of the same kind, and the units above it."""
    if isinstance(values, ValueCounts):
        above = int(values.counts[values.values > limit].sum())
        merged = ValueCounts.from_table(np.minimum(values.values, limit), values.counts)
        return ValueCounts(merged.values, merged.counts, values.nulls), above
    arm_counts(values, name)  # refuses what is no column of finite numbers
    floats = as_floats(values, name)
    return np.minimum(floats, limit), int((floats > limit).sum())
