"""Two conditions on the same units: differences within units."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from abtest.stats.arguments import require_interval
from abtest.stats.comparison import Comparison
from abtest.stats.designs.changes import GroupMeans, changes
from abtest.stats.results import Alternative


def compare_paired_means(
    pairs: Any,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two conditions that the same units were seen in.

    Such as two rankings shown to the same queries, or shops before and after in matched pairs
    (control shop, treated shop). What units differ in falls out of the difference: the test is
    Student's on the differences (Student 1908, Biometrika 6, 1), and the more alike both values
    of a unit are, the shorter the interval. It says nothing about what else changed between the
    conditions: if all units had control first, time is mixed up with treatment. Where the order
    was drawn for each unit, use `compare_crossover_means`.

    Parameters
    ----------
    pairs
        (control, treatment): two columns with one value for each unit, in the same order. Units
        without a value in both are left out and counted. Or `Moments` of both variables, which
        merge: the answer is the same, as far as their digits go.
    alternative
        ``two-sided``, ``greater`` (treatment above control) or ``less``.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        With n - 1 degrees of freedom. The relative effect is that of the means (not the mean of
        units' own ratios), Fieller's set with the covariance of both means, of the same test.
        `details` has the ``correlation`` of both values over units where both vary. Both arms
        have the same units, and the same number of nulls.

    Raises
    ------
    NotEstimable
        ``too_few_units`` (fewer than two units with both values), ``constant`` (all units differ
        by the same), ``not_finite``, ``too_small``.
    UsageError
        If there are not two columns of equal length, or an argument is out of range.

    Notes
    -----
    Fieller's set is {r: |t - (1 + r) c| <= q s(1 + r)}, with s the error of the mean of
    treatment - (1 + r) control over units: the factors that a paired t test does not reject.

    Examples
    --------
    Extra hours of sleep of ten patients under two drugs (Student 1908):

    >>> control = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    >>> treatment = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    >>> result = compare_paired_means((control, treatment))
    >>> round(result.estimate, 2), round(result.statistic, 4), round(result.p_value, 6)
    (1.58, 4.0621, 0.002833)
    """
    require_interval(confidence_level, alternative)
    units = changes(pairs, 2, "the pairs")
    means = GroupMeans((units,))
    pair = means.pair(
        [np.array([1.0, 0.0])], [np.array([0.0, 1.0])], (units.n, units.n), "paired_t"
    )
    found = Comparison.of(pair, (units, units), alternative, confidence_level, measure="mean")
    (control, both), (_, treatment) = pair.covariance
    if control > 0.0 and treatment > 0.0:
        correlation = both / math.sqrt(control) / math.sqrt(treatment)
        found = replace(found, details={"correlation": min(max(correlation, -1.0), 1.0)})
    return found
