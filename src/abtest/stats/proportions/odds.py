"""The odds ratio of two proportions: by score statistics, and exactly by Fisher's test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.columns import arm_moments
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.moments import Moments
from abtest.stats.proportions.fisher import FisherMethod, FisherPair
from abtest.stats.proportions.score import ScorePair
from abtest.stats.proportions.two_by_two import counts_of
from abtest.stats.results import Alternative, Interval, WarningCode
from abtest.stats.value_counts import ValueCounts

OddsMethod = Literal["score", "pooled_z"] | FisherMethod
"""How two odds are compared."""
_METHODS = frozenset(word for part in get_args(OddsMethod) for word in get_args(part))


def compare_odds(
    control: Values | Moments | ValueCounts,
    treatment: Values | Moments | ValueCounts,
    *,
    method: OddsMethod = "score",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the odds ratio of two proportions with its interval and test.

    The result is on the ratio scale: `relative` is the odds ratio minus 1, and there is no
    difference. The values of the arms are shares of successes. An odds ratio is further from 1
    than the ratio of the shares; for readers `compare_proportions` is the plainer answer.

    Parameters
    ----------
    control, treatment
        One 0 or 1 (or truth value) per unit, `ValueCounts`, or `Moments`, such as
        ``Moments.from_counts(n, successes)``; nulls are left out and counted.
    method
        ``score``: Miettinen & Nurminen (1985), p and interval from one statistic; its p-value is
        that of `compare_proportions`. ``pooled_z``: the same without the factor N / (N - 1)
        (Cornfield 1956). ``fisher``, ``fisher_midp``, ``fisher_central``: exact, with the
        conditional maximum likelihood estimate; see `FisherPair`.
    alternative
        ``two-sided``, ``greater`` (odds of treatment above those of control) or ``less``;
        one-sided tests come with one-sided intervals.
    confidence_level
        Of the interval.

    Raises
    ------
    NotEstimable
        If there is no number: values other than 0 and 1, fewer than two units.
    UsageError
        If the arguments do not fit together.

    Notes
    -----
    R's fisher.test prints the p-value of ``fisher`` with the interval of ``fisher_central``,
    which belong to different tests; SciPy prints the odds ratio of the sample with it. Where
    ``fisher`` or ``fisher_midp`` reject an odds ratio of 1 that lies in a gap of their set, the
    interval holds 1 and the result carries the warning ``set_has_gaps``.

    Examples
    --------
    >>> arms = Moments.from_counts(17, 12), Moments.from_counts(18, 6)
    >>> result = compare_odds(*arms, method="fisher")
    >>> round(result.details["odds_ratio"], 4), round(result.p_value, 5)
    (0.2189, 0.04371)
    >>> [round(1 + limit, 4) for limit in result.interval]
    [0.0436, 0.917]
    """
    require_one_of(method, _METHODS, "method")
    require_interval(confidence_level, alternative)
    arms = arm_moments((control,), (), "control"), arm_moments((treatment,), (), "treatment")
    return odds_comparison(arms, method, alternative, confidence_level)


def odds_comparison(
    arms: Sequence[Moments],
    method: OddsMethod,
    alternative: Alternative,
    confidence_level: float,
) -> Comparison:
    """Return the comparison of two odds from moments of values of 0 and 1."""
    counts = counts_of(arms[0], arms[1])
    pair: ScorePair | FisherPair
    warnings: tuple[WarningCode, ...] = ()
    if method == "score":
        pair = ScorePair(*counts)
    elif method == "pooled_z":
        pair = ScorePair(*counts, method="pooled_z")
    else:
        pair = FisherPair(*counts, method=method)
        if alternative == "two-sided" and pair.has_gap(confidence_level):
            warnings = ("set_has_gaps",)
    test = pair.odds_test(alternative=alternative)
    found = pair.odds(confidence_level, alternative)
    exact = isinstance(pair, FisherPair)
    return Comparison(
        measure="odds",
        scale="ratio",
        absolute=Interval(None, None, None),
        relative=found,
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=None if exact else test.statistic,
        df=None,
        method=pair.method,
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=pair.n_control,
        n_treatment=pair.n_treatment,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        control_value=pair.control_value,
        treatment_value=pair.treatment_value,
        warnings=warnings,
        details={} if found.estimate is None else {"odds_ratio": 1.0 + found.estimate},
    )
