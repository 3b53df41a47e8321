"""Post-stratification: arms compared within strata that were known before exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, Literal, get_args

from abtest.stats.adjustment.slopes import variables
from abtest.stats.adjustment.strata_cells import (
    merge_strata,
    require_full,
    strata_cells,
    strata_weights,
)
from abtest.stats.arguments import require_one_of
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.joint import JointMeans
from abtest.stats.means.compare import estimate_means, joint_means_pair
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative, Method, PairEstimate

StrataVariance = Literal["superpopulation", "conditional"]
"""Whether the shares of the strata are a sample's, or taken as they are."""

_WITHIN_STRATA: Mapping[Method, Method] = {
    "welch": "post_stratified",
    "welch_cuped": "post_stratified_cuped",
    "delta": "delta_post_stratified",
    "delta_cuped": "delta_post_stratified_cuped",
}
"""Methods by what they are called where arms are compared within strata."""


def compare_stratified_means(
    control: Mapping[Any, Any] | Values,
    treatment: Mapping[Any, Any] | Values,
    *,
    strata: tuple[Sequence[Any], Sequence[Any]] | None = None,
    covariates: tuple[Values, Values] | None = None,
    weights: Mapping[Any, float] | None = None,
    variance: StrataVariance = "superpopulation",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two means, compared within strata and weighted by their shares.

    sum_k w_k (ybar_tk - ybar_ck) with w_k = n_k / n, the share of the stratum among the units of
    both arms (Miratrix, Sekhon & Yu 2013, JRSS B 75, 369). Strata are attributes known before
    exposure. Weights are these shares or shares known before the outcomes, never what the
    outcomes suggest: inverse variances would estimate the effect of another population.

    Parameters
    ----------
    control, treatment
        One value per unit, with `strata`; or a mapping from stratum to values, `Moments` or
        `ValueCounts`. `Moments` of several variables are (value, covariates...) and are adjusted
        within strata.
    strata
        Strata of the same units, (control, treatment). A missing one is a stratum of its own.
    covariates
        Pre-exposure values of the same units, as in `compare_means`.
    weights
        Shares of the strata in the population that the effect is about, if they are known better
        than from these units; any unit. Each stratum then needs two units in each arm: joined
        with another one, it would count with the effect on that one's units.
    variance
        ``superpopulation``: the shares are those of a sample, which adds
        sum_k w_k (delta_k - delta)^2 / n to the variance (as GrowthBook has it).
        ``conditional``: the shares are taken as they are, sum_k w_k^2 (s2_ck / n_ck +
        s2_tk / n_tk), which is the HC2 variance of the saturated regression. With `weights`
        always conditional: there is no error in shares that are known.
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `details` counts the strata, those left after merging, and the merged ones with their
        units: a stratum with fewer than two units in an arm is merged with the next (in the order
        of the mappings, else sorted), the last with the one before, and the warning
        ``strata_merged`` says so. The warning ``strata_unbalanced`` says that the split between
        the arms differs by stratum more than chance allows (p below 0.001 by a chi-square test),
        which within strata does no harm if it was planned. `variance_reduction` is that against
        no strata and covariates, None where `weights` are given. `method` is ``post_stratified``,
        with covariates ``post_stratified_cuped``.

    Raises
    ------
    NotEstimable
        ``strata_unbalanced`` if strata would have to be merged that lack units of an arm more
        than chance allows: units of one arm would be compared with those of another stratum
        (Simpson's paradox). ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> result = compare_stratified_means(
    ...     [1.0, 2.0, 3.0, 9.0, 10.0, 12.0],
    ...     [2.0, 3.0, 5.0, 10.0, 13.0],
    ...     strata=(["new", "new", "new", "old", "old", "old"], ["new"] * 3 + ["old"] * 2),
    ... )
    >>> round(result.absolute.estimate, 4), result.details["strata"], result.method
    (1.2576, 2.0, 'post_stratified')
    """
    require_one_of(variance, get_args(StrataVariance), "variance of strata")
    cells = strata_cells(control, treatment, strata, covariates)
    known = strata_weights(weights, cells.labels)
    found = merge_strata(cells.arms[0], cells.arms[1], cells.labels)
    if known is not None:
        require_full(cells)
    first, second = found.control, found.treatment
    size = variables(first, second) if len(first[0].mean) > 1 else 1
    random_shares = variance == "superpopulation" and known is None
    plain, joint = (
        replace(
            JointMeans.of(first, second, k),
            known_weights=known,
            random_shares=random_shares,
        )
        for k in (1, size)
    )
    pair = joint_means_pair(plain, joint if size > 1 else None)
    pair = pair.with_warnings(*cells.warnings, *found.warnings)
    totals = [reduce(add, arm) for arm in (first, second)]
    whole = None
    if known is None:
        whole = estimate_means([totals[0]], [totals[1]], adjusted=False)
    named = within_strata(pair, whole)
    answer = Comparison.of(named, totals, alternative, confidence_level, measure="mean")
    details = {"strata": float(len(cells.labels)), "strata_used": float(len(first))}
    if found.sparse:
        details |= {
            "strata_merged": float(found.sparse),
            "units_merged": float(found.sparse_units),
        }
    return replace(answer, details=details)


def within_strata(pair: PairEstimate, whole: PairEstimate | None) -> PairEstimate:
    """Return a pair that was estimated within strata under the name of that, with what it saved.

    Parameters
    ----------
    pair
        Both arms, estimated from moments by stratum, perhaps with covariates.
    whole
        The same arms without strata and covariates, or None where nothing is to be compared.

    Returns
    -------
    PairEstimate
        `method` is the one of the pair with ``post_stratified``. `variance_reduction` is
        1 - variance of the difference over that of `whole`, so strata and covariates together;
        None where one of the two is judged by another test (score method).

    Examples
    --------
    >>> from abtest.stats import Moments
    >>> control = [Moments.from_columns([[1.0, 2.0, 3.0]]), Moments.from_columns([[7.0, 8.0]])]
    >>> treatment = [Moments.from_columns([[2.0, 3.0, 4.0]]), Moments.from_columns([[8.0, 9.0]])]
    >>> whole = estimate_means([reduce(add, control)], [reduce(add, treatment)], adjusted=False)
    >>> pair = within_strata(estimate_means(control, treatment, adjusted=False), whole)
    >>> pair.method, round(pair.variance_reduction, 2)
    ('post_stratified', 0.92)
    """
    if not isinstance(pair, ArmPair):
        return pair
    reduction = None
    if isinstance(whole, ArmPair):
        reduction = 1.0 - pair.contrast.difference_variance / whole.contrast.difference_variance
    method = _WITHIN_STRATA.get(pair.method, pair.method)
    return replace(pair, method=method, variance_reduction=reduction)
