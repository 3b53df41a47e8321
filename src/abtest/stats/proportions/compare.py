"""Differences of two proportions, by the method that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal, get_args, overload

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.columns import arm_moments, filled, moments_by_phase
from abtest.stats.comparison import Comparison
from abtest.stats.comparison_table import ComparisonTable
from abtest.stats.floats import Values
from abtest.stats.means.compare import estimate_means, plain_means
from abtest.stats.moments import Moments
from abtest.stats.moments_table import MomentsTable, mixed_tables
from abtest.stats.pairs import ArmPair
from abtest.stats.proportions.barnard import BarnardPair
from abtest.stats.proportions.boschloo import BoschlooPair
from abtest.stats.proportions.estimate import has_few_events
from abtest.stats.proportions.fisher import FisherMethod
from abtest.stats.proportions.hybrid import HybridPair
from abtest.stats.proportions.odds import odds_comparison
from abtest.stats.proportions.rows import (
    RowsMethod,
    compare_rows_of_proportions,
    require_adjustable,
)
from abtest.stats.proportions.score import ScorePair
from abtest.stats.proportions.two_by_two import (
    TwoByTwo,
    counts_of,
    require_binary,
)
from abtest.stats.proportions.wald import AddedPair, wald_pair
from abtest.stats.results import Alternative, PairEstimate
from abtest.stats.value_counts import ValueCounts

ProportionsMethod = (
    Literal[
        "agresti_caffo",
        "barnard",
        "boschloo",
        "newcombe",
        "pooled_z",
        "score",
        "wald",
        "welch",
    ]
    | FisherMethod
)
"""How two proportions are compared."""
_METHODS = frozenset(word for part in get_args(ProportionsMethod) for word in get_args(part))

_PAIRS: Mapping[str, Callable[[int, int, int, int], PairEstimate]] = {
    "score": ScorePair,
    "pooled_z": partial(ScorePair, method="pooled_z"),
    "newcombe": HybridPair,
    "agresti_caffo": AddedPair,
    "barnard": BarnardPair,
    "boschloo": BoschlooPair,
    "wald": lambda *counts: wald_pair(TwoByTwo(*counts)),
}


@overload
def compare_proportions(
    control: MomentsTable,
    treatment: MomentsTable,
    *,
    method: RowsMethod = ...,
    alternative: Alternative = ...,
    confidence_level: float = ...,
) -> ComparisonTable: ...


@overload
def compare_proportions(
    control: Values | Moments | ValueCounts,
    treatment: Values | Moments | ValueCounts,
    *,
    method: ProportionsMethod = ...,
    alternative: Alternative = ...,
    confidence_level: float = ...,
    covariates: tuple[Values, Values] | None = ...,
) -> Comparison: ...


def compare_proportions(
    control: Values | Moments | ValueCounts | MomentsTable,
    treatment: Values | Moments | ValueCounts | MomentsTable,
    *,
    method: ProportionsMethod = "score",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    covariates: tuple[Values, Values] | None = None,
) -> Comparison | ComparisonTable:
    """Return the difference of two proportions with its intervals and test.

    Parameters
    ----------
    control, treatment
        One 0 or 1 (or truth value) per unit, `ValueCounts`, or `Moments`, such as
        ``Moments.from_counts(n, successes)``: the answer is the same. Nulls are left out and
        counted. Two `MomentsTable` are compared row by row in one pass.
    method
        Every one has a p-value, an interval of the difference and a set of the relative effect
        that agree: p < 1 - level exactly where the interval leaves out 0. The sets of
        ``barnard``, and the two-sided ones of ``fisher`` and ``fisher_midp``, can have gaps;
        where 0 lies in one, p decides and the warning ``set_has_gaps`` says so.

        ``score``
            Miettinen & Nurminen (1985): difference and risk ratio from score statistics; good
            from the smallest to the largest samples. The result calls it
            ``miettinen_nurminen``.
        ``pooled_z``
            The same without the factor N / (N - 1): p is that of the pooled z test, which is
            chi-square without correction; the intervals are Mee's and Koopman's.
        ``newcombe``
            Hybrid score: Wilson intervals of the arms, recovered into one of the effect; p is
            made by inverting the interval.
        ``agresti_caffo``
            Wald after adding one success and one failure to each arm; relative by Fieller, cut
            off at -1. The estimates are those of the data: an interval of few units, and the
            relative set of rare successes, may leave its own estimate out.
        ``wald``
            Unpooled normal approximation; relative by Fieller. For large counts alone: limits
            may lie beyond -1 and 1, and collapse at 0 and 100 percent.
        ``welch``
            A difference of means with t quantiles, as experiments judge; relative by Fieller.
            With covariates it is ``welch_cuped``.
        ``barnard``
            Exact and unconditional: tables ordered by the score statistic, the worst common
            share; the intervals invert the same test. See `BarnardPair`.
        ``boschloo``
            Exact and unconditional: tables ordered by Fisher's one-sided p-value, never less
            powerful than Fisher's test; intervals by the same order. See `BoschlooPair`.
        ``fisher``, ``fisher_midp``, ``fisher_central``
            Fisher's exact test. It is a test of the odds ratio, so that the result is on the
            ratio scale, as `compare_odds` gives it, and has no difference.
    alternative
        ``two-sided``, ``greater`` (treatment above control) or ``less``; one-sided tests come
        with one-sided intervals.
    confidence_level
        Of both intervals.
    covariates
        Pre-exposure values of the same units, (control, treatment): CUPED. They ask for the
        adjusted difference of means (``welch_cuped``), whose normal approximation the warning
        ``few_events`` doubts below 10 successes or failures. A missing one becomes the mean of
        the others.

    Raises
    ------
    NotEstimable
        If there is no number: values other than 0 and 1, fewer than two units, for ``wald`` and
        ``welch`` no variation. In tables such a row has a status instead.
    UsageError
        If the arguments do not fit together.

    Notes
    -----
    `estimate_proportions` is what experiments use: Welch, and the score method for rare events.

    Examples
    --------
    >>> result = compare_proportions(
    ...     Moments.from_counts(44700, 8502), Moments.from_counts(45489, 8279)
    ... )
    >>> result.method, round(result.p_value, 5)
    ('miettinen_nurminen', 0.00155)
    """
    require_one_of(method, _METHODS, "method")
    require_interval(confidence_level, alternative)
    if isinstance(control, MomentsTable) and isinstance(treatment, MomentsTable):
        if covariates is not None:
            raise mixed_tables("covariates")
        if method not in ("agresti_caffo", "newcombe", "pooled_z", "score", "wald", "welch"):
            raise UsageError(
                "This method compares one pair at a time",
                given=f"method {method!r} with tables of moments",
                todo=f"Use one of {', '.join(get_args(RowsMethod))}.",
            )
        return compare_rows_of_proportions(
            control, treatment, method, alternative, confidence_level
        )
    if isinstance(control, MomentsTable) or isinstance(treatment, MomentsTable):
        raise mixed_tables("one sample")
    if moments_by_phase(control) is not None or moments_by_phase(treatment) is not None:
        raise UsageError(
            "Proportions by phase are not compared here",
            given="lists of Moments",
            todo="Use compare_means, which takes moments by phase, or estimate_proportions.",
        )
    if covariates is not None:
        require_adjustable(method)
    extra, codes = filled(covariates, with_mean=True)
    arms = [
        arm_moments((values,), tuple(pair[i] for pair in extra), name)
        for i, (values, name) in enumerate(((control, "control"), (treatment, "treatment")))
    ]
    if method in ("fisher", "fisher_central", "fisher_midp") and len(arms[0].mean) == 1:
        return odds_comparison(arms, method, alternative, confidence_level)
    pair = _pair(arms[0], arms[1], method)
    found = Comparison.of(pair, arms, alternative, confidence_level, measure="proportion")
    if isinstance(pair, BoschlooPair):  # Fisher's p-value orders tables, it is no statistic
        return replace(found, statistic=None)
    if isinstance(pair, BarnardPair):
        gap = partial(pair.has_gap, confidence_level, alternative)
        codes = ("set_has_gaps",) if gap(found.absolute) or gap(found.relative) else ()
    return replace(found, warnings=(*found.warnings, *codes)) if codes else found


def _pair(control: Moments, treatment: Moments, method: ProportionsMethod) -> PairEstimate:
    """Return the estimate that judges two arms; with covariates the adjusted means."""
    if len(control.mean) > 1:
        return _adjusted(control, treatment, method)
    counts = counts_of(control, treatment)
    return plain_means(control, treatment) if method == "welch" else _PAIRS[method](*counts)


def _adjusted(control: Moments, treatment: Moments, method: ProportionsMethod) -> ArmPair:
    require_adjustable(method)
    for arm in (control, treatment):
        require_binary(arm)
    pair = estimate_means([control], [treatment], adjusted=True)
    return pair.with_warnings("few_events") if has_few_events((control, treatment)) else pair
