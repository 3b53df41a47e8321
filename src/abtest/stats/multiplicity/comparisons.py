"""A family of comparisons with adjusted p-values, and intervals that say the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_alternative, require_one_of, require_share
from abtest.stats.fieller import relative_interval
from abtest.stats.moments import Floats
from abtest.stats.multiplicity.adjust import adjust
from abtest.stats.multiplicity.adjusted import AdjustedPValues, AdjustMethod
from abtest.stats.multiplicity.comparison_family import AdjustedComparison, ComparisonFamily
from abtest.stats.multiplicity.dunnett_distribution import critical_of, exceedance
from abtest.stats.multiplicity.family import named
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative, Interval, PairEstimate, Test
from abtest.stats.tails import upper_tail

FamilyMethod = AdjustMethod | Literal["dunnett"]
"""How a family of comparisons is adjusted."""
_METHODS = frozenset({*get_args(AdjustMethod), "dunnett"})
_TINY, _READABLE = 1e-280, -200.0
"""An adjusted p-value below the first is made from p-values near 10 to the second."""
_SAME = 1e-6
"""Part by which values of one control may differ, as single precision rounds."""


def adjust_comparisons(
    pairs: Mapping[str, PairEstimate] | Sequence[PairEstimate],
    *,
    method: FamilyMethod = "bonferroni",
    weights: Mapping[str, float] | Sequence[float] | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> ComparisonFamily:
    """Return a family of comparisons with adjusted p-values and, where they exist, intervals.

    ``bonferroni`` (with weights), ``sidak`` and ``dunnett`` have simultaneous intervals from the
    same test as their p-values: an adjusted p is below alpha exactly when the interval leaves 0
    out. The others (Holm, Hochberg, Hommel, Benjamini's) have none of a simple form: intervals
    at the levels of Holm's steps cover all values together in 93% of cases with two tests and
    86% with five, not 95%. Their rows carry the ordinary interval, labelled ``individual``.

    Parameters
    ----------
    pairs
        Estimated pairs by name, such as `estimate_means` returns; of ``dunnett`` treatments
        against one and the same control.
    method
        As in `adjust`, or ``dunnett`` (see Notes).
    weights
        As in `adjust`.
    alpha
        Level of the family.
    alternative
        Of every test; one-sided tests come with one-sided intervals.

    Raises
    ------
    UsageError
        If the arguments do not fit, or Dunnett's method meets a pair without a variance of its
        control or pairs with different controls.
    NotEstimable
        If a pair has no number.

    Notes
    -----
    Dunnett (1955, JASA 50, 1096): the statistics of treatments that share a control correlate by
    b_i b_j, where b_i^2 is the part of the control in the variance of difference i (1/2 with
    equal arms). The joint distribution is a one-dimensional integral (two with degrees of
    freedom), the same digits each time; SciPy's ``stats.dunnett`` and R's ``multcomp`` draw
    points at random and differ from run to run in the third to fifth digit. With unequal
    variances b is estimated and every comparison has its own Welch-Satterthwaite degrees of
    freedom (Hasler & Hothorn 2008, Biometrical J. 50, 793), which is approximate in small
    samples; with one pooled variance (`compare_arms` with ``variance="pooled"``) it is exact for
    normal data. With covariates the control's part is that of its adjusted value, as if both
    arms had one slope; where slopes differ much the level is approximate.

    Relative intervals are Fieller's with the quantile of the absolute one.

    Examples
    --------
    >>> from abtest.stats import Moments, estimate_means
    >>> control = Moments.from_columns([[7.4, 8.5, 7.2, 8.24, 9.84, 8.32]])
    >>> drug = Moments.from_columns([[12.8, 9.68, 12.16, 9.2, 10.55]])
    >>> family = adjust_comparisons([estimate_means([control], [drug], adjusted=False)])
    >>> family.rows[0].interval
    'simultaneous'
    """
    require_one_of(method, _METHODS, "method")
    require_alternative(alternative)
    require_share(alpha, "alpha")
    members = named(pairs, "comparisons")
    if method == "dunnett":
        if weights is not None:
            raise UsageError(
                "Dunnett's method has no weights",
                given="weights",
                todo='Use method="bonferroni" for unequal shares of alpha.',
            )
        rows = _dunnett(members, alpha, alternative)
    else:
        rows = _marginal(members, method, weights, alpha, alternative)
    return ComparisonFamily(tuple(rows), method, alternative, float(alpha))


def _marginal(
    members: Mapping[str, PairEstimate],
    method: AdjustMethod,
    weights: Mapping[str, float] | Sequence[float] | None,
    alpha: float,
    alternative: Alternative,
) -> list[AdjustedComparison]:
    """Return rows of a method that knows the p-values alone."""
    tests = {name: pair.test(alternative=alternative) for name, pair in members.items()}
    judged = adjust(
        {name: test.p_value for name, test in tests.items()},
        method=method,
        weights=weights,
        alpha=alpha,
    )
    m = len(members)
    simultaneous = method in ("bonferroni", "sidak")
    rows = []
    for place, (name, pair) in enumerate(members.items()):
        own = alpha
        if method == "bonferroni" and judged.weights is not None:
            own = alpha * judged.weights[place]
        elif method == "sidak":
            own = -math.expm1(math.log1p(-alpha) / m)
        level = 1.0 - own
        log10_p = _adjusted_log10_p(place, judged, list(tests.values()), method, weights)
        rows.append(
            AdjustedComparison(
                name=name,
                absolute=pair.absolute(level, alternative),
                relative=pair.relative(level, alternative),
                interval="simultaneous" if simultaneous else "individual",
                confidence_level=level,
                p_value=tests[name].p_value,
                log10_p=tests[name].log10_p,
                adjusted_p_value=judged.adjusted[place],
                adjusted_log10_p=log10_p,
                rejected=judged.rejected[place],
                statistic=tests[name].statistic,
                df=tests[name].df,
                pair_method=pair.method,
                warnings=pair.warnings,
            )
        )
    return rows


def _dunnett(
    members: Mapping[str, PairEstimate], alpha: float, alternative: Alternative
) -> list[AdjustedComparison]:
    """Return rows with single-step adjusted p-values and simultaneous intervals."""
    _require_one_control(members)
    loadings = np.array([_loading(name, pair) for name, pair in members.items()])
    two_sided = alternative == "two-sided"
    quantiles: dict[float | None, float] = {}
    rows = []
    for name, pair in members.items():
        assert isinstance(pair, ArmPair)  # for mypy; `_loading` has refused others
        if pair.df not in quantiles:
            quantiles[pair.df] = critical_of(alpha, loadings, pair.df, two_sided=two_sided)
        critical = quantiles[pair.df]
        test = pair.test(alternative=alternative)
        adjusted, log10_p = _single_step(test, loadings, alternative)
        contrast = pair.contrast
        width = critical * math.sqrt(contrast.difference_variance)
        estimate = contrast.difference
        rows.append(
            AdjustedComparison(
                name=name,
                absolute=Interval(
                    estimate,
                    None if alternative == "less" else estimate - width,
                    None if alternative == "greater" else estimate + width,
                ),
                relative=relative_interval(contrast, critical, alternative),
                interval="simultaneous",
                confidence_level=1.0 - (1 + two_sided) * upper_tail(critical, pair.df),
                p_value=test.p_value,
                log10_p=test.log10_p,
                adjusted_p_value=adjusted,
                adjusted_log10_p=log10_p,
                rejected=adjusted <= alpha,
                statistic=test.statistic,
                df=test.df,
                pair_method=pair.method,
                warnings=pair.warnings,
            )
        )
    return rows


def _single_step(test: Test, loadings: Floats, alternative: Alternative) -> tuple[float, float]:
    """Return the adjusted p-value and its logarithm; Bonferroni's where both underflow."""
    two_sided = alternative == "two-sided"
    bound = abs(test.statistic) if two_sided else test.statistic
    bound = -bound if alternative == "less" else bound
    adjusted = exceedance(bound, loadings, test.df, two_sided=two_sided)
    if adjusted > 1e-280:
        # never below the single test, never above Bonferroni: rounding must not say otherwise
        adjusted = min(max(adjusted, test.p_value), len(loadings) * test.p_value, 1.0)
        return adjusted, math.log10(adjusted)
    return adjusted, test.log10_p + math.log10(len(loadings))


def _adjusted_log10_p(
    place: int,
    judged: AdjustedPValues,
    tests: Sequence[Test],
    method: AdjustMethod,
    weights: Mapping[str, float] | Sequence[float] | None,
) -> float:
    """Return log10 of one adjusted p-value, also where it underflows.

    Far below 1 every method is proportional: all p-values times one factor give adjusted ones
    times that factor. So the family is judged again with p-values that are not too small.
    """
    adjusted = judged.adjusted[place]
    if adjusted > _TINY:
        return math.log10(adjusted)
    shift = _READABLE - tests[place].log10_p
    scaled = [10.0 ** max(min(test.log10_p + shift, 0.0), -320.0) for test in tests]
    again = adjust(
        dict(zip(judged.names, scaled, strict=True)),
        method=method,
        weights=weights,
        alpha=judged.alpha,
    )
    return math.log10(again.adjusted[place]) - shift


def _require_one_control(members: Mapping[str, PairEstimate]) -> None:
    """Refuse pairs whose controls cannot be one arm.

    Covariates, strata and phases move the value of a control, by what each treatment's units
    are like; its units stay.
    """
    known = {name: pair for name, pair in members.items() if isinstance(pair, ArmPair)}
    plain = [
        pair.control_value
        for pair in known.values()
        if pair.variance_reduction is None and pair.covariance[0][1] == 0.0
    ]
    sizes = {pair.n_control for pair in known.values()}
    if len(sizes) > 1 or any(
        not math.isclose(value, plain[0], rel_tol=_SAME, abs_tol=_SAME * _spread(known))
        for value in plain
    ):
        raise UsageError(
            "Dunnett's method compares treatments with one and the same control",
            given=", ".join(
                f"{name}: {pair.control_value:g} of {pair.n_control} control units"
                for name, pair in known.items()
            ),
            todo='Use method="bonferroni" or "holm" for comparisons with different controls.',
        )


def _spread(pairs: Mapping[str, ArmPair]) -> float:
    """Return the largest standard error of a control, below which rounding does not matter."""
    return math.sqrt(max(pair.contrast.baseline_variance for pair in pairs.values()))


def _loading(name: str, pair: PairEstimate) -> float:
    """Return the correlation of a difference with its control, with the sign turned."""
    if not isinstance(pair, ArmPair):
        raise UsageError(
            "Dunnett's method needs the variance of the control in every comparison",
            given=f"{name}: {pair.method}",
            todo='Use method="bonferroni"; with few successes its loss is small.',
        )
    contrast = pair.contrast
    share = -contrast.covariance / contrast.difference_variance
    return math.sqrt(min(max(share, 0.0), 1.0))
