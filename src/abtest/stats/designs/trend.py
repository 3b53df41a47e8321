"""Shares of ordered arms: the Cochran-Armitage test for trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval
from abtest.stats.columns import arm_moments
from abtest.stats.designs.contrast import (
    ContrastEstimate,
    no_variation,
    require_doses,
)
from abtest.stats.designs.ordered import contrast_words, require_samples, sided
from abtest.stats.designs.trend_limits import ShareLine
from abtest.stats.display import left_out, p_value, warned
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Moments
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.proportions.two_by_two import require_binary, successes_of
from abtest.stats.results import Alternative, Interval, Test, WarningCode
from abtest.stats.tails import chi_square_test, critical_value, tail_test
from abtest.stats.value_counts import ValueCounts

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

FEW = 5.0
"""Expected successes or failures of an arm below which the normal approximation is rough."""


@dataclass(frozen=True)
class ProportionTrend(Answer):
    """Shares of ordered arms and their trend.

    Attributes
    ----------
    linear
        Slope of the shares per unit of dose (weighted by units) with the Cochran-Armitage test.
    departure
        Chi-square test of what the line leaves: whether shares differ in another way than along
        it, with k - 2 degrees of freedom. None for two arms.
    doses, shares, n, successes
        Of the arms, in the order given.
    nulls
        Units left out because a value was null.
    confidence_level
        Of the interval of the slope.
    warnings
        ``few_events`` where an arm expects fewer than five successes or failures;
        ``set_has_gaps`` where the slopes that fit do not form one interval.
    """

    linear: ContrastEstimate
    departure: Test | None
    doses: tuple[float, ...]
    shares: tuple[float, ...]
    n: tuple[int, ...]
    successes: tuple[int, ...]
    nulls: int
    confidence_level: float
    warnings: tuple[WarningCode, ...] = ()

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        words = f"The share changes by {contrast_words(self.linear, self.confidence_level)} per"
        words += f" unit of dose{sided(self.linear.alternative, 'the share')}"
        if self.departure is not None:
            words += f"; departure from a line: p = {p_value(self.departure)}"
        return f"{words}.{left_out(self.nulls)}{warned(self.warnings)}"

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the arms, for notebooks."""
        rows = [
            (f"{dose:g}", f"{n:,}", f"{x:,}", f"{share:.3%}")
            for dose, n, x, share in zip(
                self.doses, self.n, self.successes, self.shares, strict=True
            )
        ]
        heading = ("dose", "units", "successes", "share")
        return listing(str(self), heading, rows)


def compare_ordered_proportions(
    arms: Sequence[Values | Moments | ValueCounts],
    doses: Values,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> ProportionTrend:
    """Return the trend of shares in arms that are ordered by a dose.

    The score test of Cochran (1954, Biometrics 10, 417) and Armitage (1955, Biometrics 11, 375):
    z = sum n_i (p_i - p)(d_i - dbar) / sqrt(p (1 - p) sum n_i (d_i - dbar)^2), dbar weighted by
    units. Its square is the statistic of R's ``prop.trend.test``; with two arms it is the pooled
    z test. What is left of the chi-square of all arms tests the departure from a line.

    The interval holds the slopes that the same test does not reject: slope b with the variance
    of the shares most likely on lines of slope b (Mee 1984, Biometrics 40, 1175). With two arms
    it is that of `compare_proportions` with ``pooled_z``. It leaves 0 out exactly when p is below
    1 - confidence_level, unless ``set_has_gaps`` warns. Test and interval take shares to lie
    on a line: look at the departure first, and where it is clear compare arms one by one.

    Parameters
    ----------
    arms
        One sample of 0 and 1 per arm: values, ``Moments.from_counts(n, successes)`` or
        `ValueCounts`.
    doses
        The dose of each arm; all different.
    alternative
        ``two-sided``, ``greater`` (the share rises) or ``less``.
    confidence_level
        Of the interval of the slope.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant``, ``not_binary`` or ``not_finite``.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    Malformations by drinks per day (Graubard & Korn 1987, Biometrics 43, 471):

    >>> counts = [(17114, 48), (14502, 38), (793, 5), (127, 1), (38, 1)]
    >>> arms = [Moments.from_counts(n, cases) for n, cases in counts]
    >>> result = compare_ordered_proportions(arms, doses=[0, 0.5, 1.5, 4, 7])
    >>> round(result.linear.statistic ** 2, 2), round(result.linear.p_value, 4)
    (6.57, 0.0104)
    """
    require_interval(confidence_level, alternative)
    samples = require_samples(arms)
    scores = require_doses(doses, len(samples))
    moments = [
        arm_moments((values,), (), f"the arm of dose {dose:g}")
        for values, dose in zip(samples, scores, strict=True)
    ]
    for arm in moments:
        require_binary(arm)
    n = np.array([arm.n for arm in moments], dtype=np.float64)
    if n.min() < 1:
        raise NotEstimable(
            "too_few_units",
            "An arm has no units with a value",
            given=f"units {n.astype(int).tolist()}",
            todo="Wait for more units, or leave the arm out.",
        )
    successes = np.array([successes_of(arm) for arm in moments], dtype=np.float64)
    shares, whole = successes / n, float(successes.sum() / n.sum())
    if not 0.0 < whole < 1.0:
        raise no_variation(shares)
    line, unit = ShareLine.of(successes, n, scores), float(np.ptp(scores))
    test = tail_test(line.estimate / line.error(0.0), None, alternative)
    critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
    lower, upper, gaps = line.limits(critical)
    departure = None
    if len(samples) > 2:
        spread = float((n * (shares - whole) ** 2).sum()) / (whole * (1.0 - whole))
        departure = chi_square_test(max(spread - test.statistic**2, 0.0), len(samples) - 2)
    rough = float((n * min(whole, 1.0 - whole)).min()) < FEW
    return ProportionTrend(
        linear=ContrastEstimate.of(
            "linear",
            Interval(
                line.estimate / unit,
                None if alternative == "less" else lower / unit,
                None if alternative == "greater" else upper / unit,
            ),
            test,
        ),
        departure=departure,
        doses=tuple(scores.tolist()),
        shares=tuple(shares.tolist()),
        n=tuple(int(units) for units in n),
        successes=tuple(int(count) for count in successes),
        nulls=sum(arm.nulls for arm in moments),
        confidence_level=confidence_level,
        warnings=(*(("few_events",) if rough else ()), *(("set_has_gaps",) if gaps else ())),
    )
