"""Comparison of two arms by ranks: Brunner-Munzel, Mann-Whitney, and the Hodges-Lehmann shift."""

from __future__ import annotations

import math
from typing import Literal, get_args

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.columns import arm_counts
from abtest.stats.floats import Values
from abtest.stats.not_estimable import NotEstimable, constant_arms, too_few_units
from abtest.stats.ranks.mann_whitney import exact_test, is_small, normal_test, rejected_below
from abtest.stats.ranks.placements import Placements, placements
from abtest.stats.ranks.result import RankComparison
from abtest.stats.ranks.shift import Differences
from abtest.stats.results import Alternative, Interval, Method, Test, WarningCode
from abtest.stats.tails import critical_value, tail_test
from abtest.stats.value_counts import ValueCounts

RanksMethod = Literal["brunner_munzel", "mann_whitney"]
"""How two arms are compared by ranks."""
_METHODS = frozenset(get_args(RanksMethod))


def compare_ranks(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    method: RanksMethod = "brunner_munzel",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    exact: bool = True,
    continuity: bool = False,
) -> RankComparison:
    """Return how often treatment exceeds control, and by what shift.

    The answer is about the order of values, P(T > C) + P(T = C) / 2 (the probabilistic index),
    not about means or medians: a treatment may raise the index and lower the mean. It needs the
    distinct values, not the units: ten million units with a thousand distinct values take
    milliseconds.

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same. Nulls are left out and
        counted.
    method
        ``brunner_munzel`` (default): tests whether the index is 1/2, whatever the spread and the
        shape of the arms; t with Satterthwaite's degrees of freedom (Brunner & Munzel 2000,
        Biometrical Journal 42, 17). ``mann_whitney``: tests whether both arms have the same
        distribution, with the variance that ties leave (Lehmann 1975, Nonparametrics, section 1.4).
        As a test of the index it errs where the arms differ in spread.
    alternative
        ``two-sided``, ``greater`` (treatment tends to be larger) or ``less``; the intervals are
        of the same kind.
    confidence_level
        Of both intervals.
    exact
        Whether Mann-Whitney (test and interval of the shift) uses the exact distribution where
        both arms have fewer than 50 units; the test's is conditional on the ties. The result's
        method is then ``mann_whitney_exact``.
    continuity
        Whether Mann-Whitney's normal approximation (test and interval of the shift) is corrected
        for continuity, by half a pair.

    Raises
    ------
    UsageError
        If the samples come as `Moments`, or an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``constant`` (all units have one value),
        ``not_finite`` (also values too far apart to subtract).

    Notes
    -----
    *Index.* Its interval is estimate ± t * error by Brunner & Munzel, for either method, cut at 0
    and 1: it leaves 1/2 out exactly when their p-value is below 1 - confidence level. The variance
    of Mann-Whitney holds only for equal distributions, so no interval of the index is that
    test's; near the level the two may disagree.

    *Shift.* The median of all pairwise differences with Lehmann's interval, whose limits are
    order statistics of those differences: the shifts that Mann-Whitney does not reject. It means
    "every value moves by this" and assumes that the arms differ in location alone. Without ties
    it leaves 0 out exactly when Mann-Whitney's p-value is below 1 - confidence level. With ties it
    is conservative (Noether 1967, JASA 62, 184): where it leaves 0 out p is below that too, but p
    may be below while the interval still holds 0. Where many units share a value the shift is
    often 0 with both limits 0: then the index is the number to read.

    *Separated arms.* If all values of one arm lie beyond those of the other, the index is 0 or 1
    and its measured error 0. Brunner-Munzel then uses that m = min(n) disjoint pairs all fall on
    one side with probability at most index^m: p = 2 / 2^m, and the limit is (alpha / 2)^(1/m)
    (without the 2s if one-sided). This holds exactly, for any two distributions.

    Brunner-Munzel's t is an approximation: with fewer than about 10 units in an arm, or an index
    near 0 or 1, it rejects somewhat too often.

    Examples
    --------
    Pain on the third day after an operation (the example of Brunner & Munzel 2000):

    >>> control = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
    >>> treatment = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
    >>> result = compare_ranks(control, treatment)
    >>> round(result.p_value, 6), round(result.index.estimate, 4), result.shift.estimate
    (0.005786, 0.211, -2.0)
    >>> compare_ranks([1.1, 2.2, 2.9], [2.1, 3.3, 4.0, 5.7], method="mann_whitney").p_value
    0.22857142857142856
    """
    require_one_of(method, _METHODS, "method")
    require_interval(confidence_level, alternative)
    _require_switches(exact=exact, continuity=continuity)
    arms = arm_counts(control, "control"), arm_counts(treatment, "treatment")
    _require_order(*arms)
    found = placements(*arms)
    exact = exact and is_small(found)
    used: Method = method
    if method == "brunner_munzel":
        test = _brunner_munzel(found, alternative)
    elif exact:
        used, test = "mann_whitney_exact", exact_test(found, alternative)
    else:
        test = normal_test(found, alternative, continuity=continuity)
    rejected = rejected_below(
        found,
        confidence_level,
        two_sided=alternative == "two-sided",
        exact=exact,
        continuity=continuity,
    )
    shift = _shift(Differences(*arms), rejected, alternative)
    return RankComparison(
        index=_index(found, confidence_level, alternative),
        shift=shift,
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=None if math.isinf(test.statistic) else test.statistic,
        df=test.df,
        u=found.u,
        method=used,
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=found.n_control,
        n_treatment=found.n_treatment,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        warnings=_warnings(found, shift),
    )


def _require_switches(**switches: bool) -> None:
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise UsageError(
                f"{name} is either True or False", given=repr(value), todo="Give one of them."
            )


def _require_order(control: ValueCounts, treatment: ValueCounts) -> None:
    """Refuse samples that have no order to compare, or no differences.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    """
    if min(control.n, treatment.n) < 2:
        raise too_few_units(control.n, treatment.n)
    smallest = min(float(control.values[0]), float(treatment.values[0]))
    largest = max(float(control.values[-1]), float(treatment.values[-1]))
    if smallest == largest:
        raise constant_arms(smallest, largest)
    if math.isinf(largest - smallest):
        raise NotEstimable(
            "not_finite",
            "Values are too far apart to be subtracted",
            given=f"{smallest:g} and {largest:g}",
            todo="Give them in another unit.",
        )


def _brunner_munzel(found: Placements, alternative: Alternative) -> Test:
    if not found.separated:
        return tail_test((found.index - 0.5) / found.standard_error, found.df, alternative)
    m = min(found.n_control, found.n_treatment)
    towards = {"two-sided": True, "greater": found.index == 1.0, "less": found.index == 0.0}
    if not towards[alternative]:
        return Test(1.0, 0.0, -math.inf, None, alternative)
    halvings = m - 1 if alternative == "two-sided" else m
    p_value = math.ldexp(1.0, -halvings)
    return Test(p_value, -halvings * math.log10(2.0), math.inf, None, alternative)


def _index(found: Placements, confidence_level: float, alternative: Alternative) -> Interval:
    """Return the index with the interval that inverts Brunner & Munzel's test."""
    two_sided = alternative == "two-sided"
    index = found.index
    if found.separated:
        outside = (1.0 - confidence_level) / (2.0 if two_sided else 1.0)
        reach = outside ** (1.0 / min(found.n_control, found.n_treatment))
        lower, upper = (reach, 1.0) if index == 1.0 else (0.0, 1.0 - reach)
    else:
        width = critical_value(confidence_level, found.df, two_sided=two_sided)
        width *= found.standard_error
        lower, upper = max(index - width, 0.0), min(index + width, 1.0)
    return Interval(
        index,
        None if alternative == "less" else lower,
        None if alternative == "greater" else upper,
    )


def _shift(differences: Differences, rejected: int, alternative: Alternative) -> Interval:
    """Return the Hodges-Lehmann shift between the differences that the test just keeps."""
    lower = upper = None
    if rejected and alternative != "less":
        lower = differences.ranked(rejected)
    if rejected and alternative != "greater":
        upper = differences.ranked(differences.pairs + 1 - rejected)
    return Interval(differences.median, lower, upper)


def _warnings(found: Placements, shift: Interval) -> tuple[WarningCode, ...]:
    codes: list[WarningCode] = []
    if found.separated:
        codes.append("separated_arms")
    if shift.lower is not None and shift.lower == shift.upper:
        codes.append("tied_shift")
    return tuple(codes)
