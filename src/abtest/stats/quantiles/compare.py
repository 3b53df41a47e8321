"""Difference and ratio of a quantile of units."""

from __future__ import annotations

import math
from typing import Literal

from abtest.stats.arguments import require_interval, require_share
from abtest.stats.columns import arm_counts
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.means.ranks import inverse_quantile
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.quantiles.melding import Melded
from abtest.stats.quantiles.order import log_chance_of_order, unit_limits
from abtest.stats.results import Alternative, Test, WarningCode
from abtest.stats.value_counts import ValueCounts

_UNDERFLOWS = 1e-280


def compare_quantiles(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    quantile: float = 0.5,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of a quantile of units, with intervals and a test.

    Needs no density and no resampling: each arm's quantile has exact limits from ranks, and the
    two are joined. Intervals are those of the test, hold with any number of ties, and cost what
    the distinct values cost.

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same. Nulls are left out and
        counted. For values of events, several per unit, use `compare_event_quantiles`.
    quantile
        Which one, as a share of units: 0.5 is the median, 0.9 the value that one unit in ten
        exceeds.
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `measure` is ``quantile``, `method` ``melded``, `details` has the ``quantile``. A limit is
        None where the arms have too few units to give one. ``tied_quantile`` in `warnings`:
        one value alone fills an arm's interval, because so many units share it; a mean or a
        proportion then shows what the quantile cannot.

    Raises
    ------
    UsageError
        If the samples come as `Moments`, or an argument is out of range.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``not_finite`` (also values too far apart
        to subtract).

    Notes
    -----
    *Estimates* are the smallest value that at least this share of the units does not exceed
    (Hyndman & Fan 1996, Am. Stat. 50, 361, type 1): always a value that some unit has.

    *One arm.* With R binomial(n, quantile) the R-th and (R + 1)-th smallest values are its lower
    and upper limit at a random level (the sign test, inverted). *Both* are melded: the lower
    limit of the difference is the alpha quantile of treatment's lower limit less control's upper
    one (Fay, Proschan & Brittain 2015, Biometrics 71, 146). The p-value is the smallest level at
    which that leaves 0 out. Where the arms are equal in size and shape this is Efron's bootstrap
    of the quantile without its Monte Carlo error, moved outwards by one rank at each end, so
    that it is on the safe side with few units and with ties.

    *Relative* effects meld (T - C) / |C|. The set leaves 0 out exactly when the p-value does,
    as long as no values are below 0; without limits (``unbounded``) where control's
    interval reaches below 0, without a lower one where treatment's does, and without an upper one
    where control's reaches 0.

    A two-sided level below 0.5 (one-sided: 0.75) widens the interval to hold its estimate.

    Examples
    --------
    >>> control = ValueCounts.from_table([1, 2, 3, 4, 9], [20, 40, 60, 50, 30])
    >>> treatment = ValueCounts.from_table([1, 2, 3, 4, 9], [20, 20, 40, 80, 50])
    >>> result = compare_quantiles(control, treatment)
    >>> result.absolute.estimate, result.interval, round(result.p_value, 4)
    (1.0, (1.0, 1.0), 0.0064)
    >>> result.warnings
    ('tied_quantile',)
    """
    require_interval(confidence_level, alternative)
    require_share(quantile, "quantile", "0.5")
    arms = quantile_arms(control, treatment)
    return compared(arms, float(quantile), alternative, confidence_level)


def quantile_arms(
    control: Values | ValueCounts, treatment: Values | ValueCounts
) -> tuple[ValueCounts, ValueCounts]:
    """Return the value counts of both arms, fit for a difference of quantiles.

    Raises
    ------
    UsageError, NotEstimable
        If they are not.
    """
    arms = arm_counts(control, "control"), arm_counts(treatment, "treatment")
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    require_subtractable(*arms)
    return arms


def require_subtractable(*arms: ValueCounts) -> None:
    """Refuse values so far apart that their difference overflows.

    Raises
    ------
    NotEstimable
        ``not_finite``.
    """
    smallest = min(float(arm.values[0]) for arm in arms)
    largest = max(float(arm.values[-1]) for arm in arms)
    if math.isinf(largest - smallest):
        raise NotEstimable(
            "not_finite",
            "Values are too far apart to be subtracted",
            given=f"{smallest:g} and {largest:g}",
            todo="Give them in another unit.",
        )


def compared(
    arms: tuple[ValueCounts, ValueCounts],
    quantile: float,
    alternative: Alternative,
    confidence_level: float,
) -> Comparison:
    """Return the comparison of one quantile of units, of arms fit for it."""
    melded = Melded(unit_limits(arms[0], quantile), unit_limits(arms[1], quantile))
    test = _test(arms, quantile, melded, alternative)
    values = inverse_quantile(arms[0], quantile), inverse_quantile(arms[1], quantile)
    return melded_comparison(
        arms, values, melded, test, confidence_level, method="melded", quantile=quantile
    )


def melded_comparison(
    arms: tuple[ValueCounts, ValueCounts],
    values: tuple[float, float],
    melded: Melded,
    test: Test,
    confidence_level: float,
    *,
    method: Literal["melded", "melded_clustered"],
    quantile: float,
) -> Comparison:
    """Return the comparison of two quantiles from what is known of each.

    Parameters
    ----------
    arms
        Units or events of each.
    values
        Estimates of control and treatment.
    melded, test
        Their limits and the test of no difference.
    confidence_level
        Of both intervals.
    method, quantile
        What the answer says.
    """
    alternative = test.alternative
    outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
    limits = melded.control, melded.treatment
    tied = any(arm.lower.single(confidence_level) for arm in limits)
    warnings: tuple[WarningCode, ...] = ("tied_quantile",) if tied else ()
    return Comparison(
        measure="quantile",
        scale="difference",
        absolute=melded.difference(values[1] - values[0], outside, alternative),
        relative=melded.relative(values, outside, alternative),
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=None,
        df=None,
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        control_value=values[0],
        treatment_value=values[1],
        warnings=warnings,
        details={"quantile": quantile},
    )


def _test(
    arms: tuple[ValueCounts, ValueCounts],
    quantile: float,
    melded: Melded,
    alternative: Alternative,
) -> Test:
    """Return the test of no difference: two-sided twice the smaller tail."""
    greater, less = melded.p_greater, melded.p_less
    if alternative == "two-sided":
        p_value, factor = min(2.0 * min(greater, less), 1.0), 2.0
        upwards = greater <= less
    else:
        upwards = alternative == "greater"
        p_value, factor = (greater if upwards else less), 1.0
    if p_value > _UNDERFLOWS:
        log10_p = math.log10(min(p_value, 1.0))
    else:
        if upwards:
            log_p = log_chance_of_order(arms[0], arms[1], quantile)
        else:
            turned = [ValueCounts(-arm.values[::-1], arm.counts[::-1], arm.nulls) for arm in arms]
            log_p = log_chance_of_order(turned[0], turned[1], 1.0 - quantile)
        log10_p = (log_p + math.log(factor)) / math.log(10.0)
    return Test(min(p_value, 1.0), min(log10_p, 0.0), 0.0, None, alternative)
