"""Do effects differ between segments?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_level, require_one_of, require_share
from abtest.stats.floats import Values
from abtest.stats.moments import Floats
from abtest.stats.multiplicity.adjust import adjust
from abtest.stats.multiplicity.adjusted import AdjustMethod
from abtest.stats.multiplicity.family import named
from abtest.stats.not_estimable import not_finite
from abtest.stats.results import Interval, PairEstimate
from abtest.stats.segments.door import EffectScale, SegmentInputs, read_segments
from abtest.stats.segments.result import (
    Heterogeneity,
    HeterogeneityFamily,
    InteractionTest,
    SegmentEffect,
)
from abtest.stats.segments.shrinkage import shrink
from abtest.stats.segments.spread import (
    SpreadMethod,
    between_interval,
    between_variance,
    cochran_q,
    inconsistency,
    weighted_mean,
)
from abtest.stats.tails import chi_square_test, critical_value, f_tail

_METHODS = frozenset(get_args(SpreadMethod))
_SCALES = frozenset(get_args(EffectScale))


def heterogeneity(
    estimates: Mapping[str, PairEstimate] | Sequence[PairEstimate] | Values,
    variances: Values | None = None,
    *,
    names: Sequence[str] | None = None,
    scale: EffectScale = "absolute",
    method: SpreadMethod = "paule_mandel",
    confidence_level: float = 0.95,
) -> Heterogeneity:
    """Return whether effects differ between segments, how much, and what each is worth.

    One test says whether effects differ: that a segment is significant and another is not says
    nothing of it. Segments that stand out are drawn back to what is likely (`shrunken`).

    Parameters
    ----------
    estimates
        Estimated pairs by segment (or in order), such as `estimate_means` returns; or numbers.
    variances
        Sampling variances (squared standard errors) where estimates are numbers.
    names
        Names of segments given in order; 1, 2 ... where left out.
    scale
        Of pairs: ``absolute`` differences, or ``relative`` ones (over |control|, with the
        variance of the delta method), for segments whose controls differ much.
    method
        How the variance of true effects is estimated; see `between_variance`.
    confidence_level
        Of all intervals.

    Raises
    ------
    UsageError
        If the arguments do not fit together.
    NotEstimable
        ``too_few_units`` below two segments, ``constant`` if an effect has no variance,
        ``zero_denominator``, ``not_finite``.

    Notes
    -----
    Cochran's Q (1954, Biometrics 10, 101) is the Wald test of the interaction. It takes variances
    as known; where pairs have degrees of freedom it becomes Welch's F (1951, Biometrika 38, 330),
    with those of the pairs in place of n - 1. The average has the interval of Hartung and Knapp
    (2001, Stat. Med. 20, 1771), never narrower than the ordinary one. Intervals of tau squared
    and I squared (`between_interval`, `inconsistency`) rest on Q: tau squared is above 0 with
    confidence exactly when Q alone has a p-value below (1 - confidence_level) / 2, and they are
    ``empty`` where it is above (1 + confidence_level) / 2.

    Examples
    --------
    >>> result = heterogeneity(
    ...     [0.1, 0.4, 0.3, 1.1], [0.01, 0.02, 0.01, 0.04], names=["a", "b", "c", "d"]
    ... )
    >>> round(result.q, 3), round(result.p_value, 5)
    (20.409, 0.00014)
    >>> shrunken = result["d"].shrunken
    >>> result["d"].effect.estimate > shrunken.estimate > result.average.estimate
    True
    """
    require_one_of(method, _METHODS, "method")
    require_one_of(scale, _SCALES, "scale")
    require_level(confidence_level)
    inputs = read_segments(estimates, variances, names, scale)
    # a unit in which neither squares nor their sums overflow
    unit = math.sqrt(float(inputs.variances.max()))
    with np.errstate(over="ignore"):
        effects, spread = inputs.effects / unit, inputs.variances / unit / unit
        q = cochran_q(effects, spread) if (spread > 0.0).all() else math.inf
    if not math.isfinite(q):
        raise not_finite()
    tau2 = between_variance(effects, spread, method)
    if not math.isfinite(tau2 * unit * unit):
        raise not_finite()
    profile = between_interval(effects, spread, confidence_level)
    square = unit * unit
    df = len(effects) - 1
    test, statistic, denominator, p_value, log10_p = _interaction(q, spread, inputs.df)
    common, average = _means(effects, spread, tau2, confidence_level)
    return Heterogeneity(
        segments=_segments(inputs, effects, spread, tau2, unit, confidence_level),
        q=q,
        test=test,
        statistic=statistic,
        df=df,
        df_denominator=denominator,
        p_value=p_value,
        log10_p=log10_p,
        i_squared=inconsistency(q, df, confidence_level),
        tau2=Interval(tau2 * square, None, None)
        if profile is None
        else _scaled((tau2, *profile), square),
        spread_set="empty" if profile is None else "bounded",
        tau2_method=method,
        common=_scaled(common, unit),
        average=_scaled(average, unit),
        confidence_level=confidence_level,
        scale=scale,
    )


def heterogeneity_by_dimension(
    dimensions: Mapping[str, Mapping[str, PairEstimate]],
    *,
    scale: EffectScale = "absolute",
    method: SpreadMethod = "paule_mandel",
    correction: AdjustMethod = "holm",
    alpha: float = 0.05,
) -> HeterogeneityFamily:
    """Return the heterogeneity of every dimension, with p-values adjusted over dimensions.

    Parameters
    ----------
    dimensions
        Pairs by segment, by dimension: {"platform": {"web": pair, ...}, "country": {...}}.
    scale, method
        As in `heterogeneity`.
    correction
        As `method` of `adjust`.
    alpha
        Level of the family; intervals are of 1 - alpha each.

    Raises
    ------
    UsageError, NotEstimable
        As `heterogeneity`.

    Examples
    --------
    >>> from abtest.stats import ArmPair
    >>> def pair(effect):
    ...     return ArmPair(1.0, 1.0 + effect, ((0.01, 0.0), (0.0, 0.01)), None, 99, 99, "z")
    >>> family = heterogeneity_by_dimension(
    ...     {"platform": {"web": pair(0.1), "app": pair(0.9)},
    ...      "plan": {"free": pair(0.3), "paid": pair(0.2)}}
    ... )
    >>> family.differs
    (True, False)
    """
    require_share(alpha, "alpha")
    if not isinstance(dimensions, Mapping):
        raise UsageError(
            "Dimensions are given by name",
            given=type(dimensions).__name__,
            todo='Give {"platform": {"web": pair, ...}, ...}.',
        )
    members = named(dimensions, "dimensions")
    results = {
        name: heterogeneity(segments, scale=scale, method=method, confidence_level=1.0 - alpha)
        for name, segments in members.items()
    }
    judged = adjust(
        {name: result.p_value for name, result in results.items()}, method=correction, alpha=alpha
    )
    return HeterogeneityFamily(
        tuple(results),
        tuple(results.values()),
        judged.adjusted,
        judged.rejected,
        correction,
        float(alpha),
    )


def _interaction(
    q: float, variances: Floats, df: Floats
) -> tuple[InteractionTest, float, float | None, float, float]:
    """Return name, statistic, denominator's df, p and log10 p of the test of equal effects."""
    k = len(variances)
    shares = variances.min() / variances
    shares = shares / shares.sum()
    lost = float(((1.0 - shares) ** 2 / df).sum())
    if lost == 0.0:
        plain = chi_square_test(q, k - 1)
        return "cochran_q", q, None, plain.p_value, plain.log10_p
    f = q / (k - 1.0) / (1.0 + 2.0 * (k - 2.0) / (k * k - 1.0) * lost)
    denominator = (k * k - 1.0) / (3.0 * lost)
    p_value, log10_p = f_tail(f, k - 1.0, denominator)
    return "welch_f", f, denominator, p_value, log10_p


def _means(
    effects: Floats, variances: Floats, tau2: float, confidence_level: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the common and the average effect with their limits."""
    normal = critical_value(confidence_level, None, two_sided=True)
    common = weighted_mean(effects, variances)
    width = normal / math.sqrt(float((1.0 / variances).sum()))
    total, df = variances + tau2, len(effects) - 1
    average = weighted_mean(effects, total)
    scale = max(1.0, cochran_q(effects, total) / df)
    student = critical_value(confidence_level, float(df), two_sided=True)
    wide = student * math.sqrt(scale / float((1.0 / total).sum()))
    return (common, common - width, common + width), (average, average - wide, average + wide)


def _segments(
    inputs: SegmentInputs,
    effects: Floats,
    variances: Floats,
    tau2: float,
    unit: float,
    confidence_level: float,
) -> tuple[SegmentEffect, ...]:
    normal = critical_value(confidence_level, None, two_sided=True)
    shrunken = shrink(effects, variances, tau2)
    segments = []
    for i, name in enumerate(inputs.names):
        df = None if math.isinf(inputs.df[i]) else float(inputs.df[i])
        effect, error = float(effects[i]), math.sqrt(float(variances[i]))
        width = critical_value(confidence_level, df, two_sided=True) * error
        drawn = None
        if shrunken is not None:
            centre, half = float(shrunken.effects[i]), normal * float(shrunken.errors[i])
            drawn = _scaled((centre, centre - half, centre + half), unit)
        segments.append(
            SegmentEffect(
                name=name,
                effect=_scaled((effect, effect - width, effect + width), unit),
                variance=float(inputs.variances[i]),
                shrunken=drawn,
                shrinkage=None if shrunken is None else float(shrunken.shrinkage[i]),
            )
        )
    return tuple(segments)


def _scaled(values: tuple[float, float, float], unit: float) -> Interval:
    return Interval(*(unit * value for value in values))
