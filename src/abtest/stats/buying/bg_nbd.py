"""The BG/NBD model: how often units buy, and whether they still do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from abtest.stats.arguments import require_positive
from abtest.stats.buying import bg_nbd_formulas as formulas
from abtest.stats.buying.fit import Fit
from abtest.stats.buying.histories import histories, require_counts, require_history
from abtest.stats.buying.maximum import maximum
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.survival.event_times import require_same_length, require_times

_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.2, 0.8, 2.5), (2.0, 0.5, 0.1, 1.0), (0.5, 3.0, 2.0, 5.0))
"""r, alpha in mean ages, a, b."""


@dataclass(frozen=True, eq=False)
class BgNbdFit(Fit):
    """A fitted BG/NBD model; times are in the unit of the ages it was fitted to.

    Attributes
    ----------
    r, alpha
        Rates of buying are gamma distributed with shape r and rate alpha: their mean is r / alpha.
    a, b
        Chances of leaving after a purchase are beta distributed: their mean is a / (a + b).
    log_likelihood
        At the maximum.
    covariance
        Of (r, alpha, a, b), shape (4, 4); None where the likelihood has no maximum inside the
        range that is searched: then predictions hold, and single parameters do not.
    n
        Units.
    nulls
        Units left out because something about them was null.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    covariance: Floats | None
    n: int
    nulls: int = 0

    def expected_purchases(self, time: Values) -> Floats:
        """Return the purchases after the first that a new unit makes in a time, on average.

        Equation 9 of Fader, Hardie & Lee (2005).

        Raises
        ------
        UsageError
            If times are no numbers.
        NotEstimable
            ``impossible_times`` (below 0) or ``not_finite``.
        """
        times = _times(time, "time")
        many = np.ones(times.shape)
        return formulas.expected(times, self.r * many, self.alpha * many, self.a, self.b * many)

    def probability_alive(self, frequency: Values, recency: Values, age: Values) -> Floats:
        """Return the probability that units with these histories have not left.

        1 for units that bought once: leaving follows a later purchase in this model.

        Raises
        ------
        UsageError
            If they are no columns of numbers of one length.
        NotEstimable
            As `fit_bg_nbd`.
        """
        return formulas.alive(*_history(frequency, recency, age), *self.parameters)

    def conditional_expected_purchases(
        self, time: float, frequency: Values, recency: Values, age: Values
    ) -> Floats:
        """Return the purchases in the next `time` of units with these histories, on average.

        Equation 10 of Fader, Hardie & Lee (2005).

        Raises
        ------
        UsageError
            If they are no columns of numbers of one length, or the time is not above 0.
        NotEstimable
            As `fit_bg_nbd`.
        """
        require_positive(time, "time")
        x, last, whole = _history(frequency, recency, age)
        ahead = formulas.expected(
            np.full(x.shape, time), self.r + x, self.alpha + whole, self.a, self.b + x
        )
        return formulas.alive(x, last, whole, *self.parameters) * ahead

    def probability_of_purchases(self, purchases: Values, time: Values) -> Floats:
        """Return the probability of so many purchases after the first in a time.

        Equation 8 of Fader, Hardie & Lee (2005).

        Raises
        ------
        UsageError
            If they are no columns of numbers of one length.
        NotEstimable
            ``not_a_count``, ``impossible_times`` or ``not_finite``.
        """
        numbers, times = as_floats(purchases, "purchases"), _times(time, "time")
        require_same_length([numbers, times])
        require_counts(numbers, "purchases")
        return formulas.probability(numbers, times, *self.parameters)


def fit_bg_nbd(
    frequency: Values, recency: Values, age: Values, weights: Values | None = None
) -> BgNbdFit:
    """Return the BG/NBD model that fits histories of buying best, by maximum likelihood.

    While a unit is alive it buys at a rate of its own, and after every purchase but the first it
    leaves for good with a chance of its own (Fader, Hardie & Lee 2005, "Counting your customers"
    the easy way, Marketing Science 24, 275).

    Parameters
    ----------
    frequency
        Purchases after the first: periods (such as days) with a purchase, less one, shape (k,).
    recency
        Time from the first purchase to the last; 0 where frequency is 0.
    age
        Time from the first purchase to the end of observation.
    weights
        Units with such a history, 1 each unless given.

    Raises
    ------
    UsageError
        If the columns are no numbers of one length.
    NotEstimable
        ``too_few_units`` (fewer than two), ``not_a_count`` (frequency or weights),
        ``impossible_times`` (last purchases outside the time of observation, or recency 0 with
        more than one purchase), ``not_finite``, or ``no_events``: nobody bought again, which
        every chance of leaving explains equally well.

    Notes
    -----
    With x, t and T for frequency, recency and age, the log likelihood of a unit is (eq. 6)
    log G(r + x) - log G(r) + r log alpha + log B(a, b + x) - log B(a, b) +
    log((alpha + T)^-(r + x) + [x > 0] a / (b + x - 1) (alpha + t)^-(r + x)),
    summed by logarithms. Errors are from the observed information.

    Examples
    --------
    >>> fit = fit_bg_nbd([0, 1, 2, 0, 5], [0, 3, 4, 0, 9], [10, 10, 9, 8, 10], [60, 20, 10, 5, 5])
    >>> round(float(fit.expected_purchases([10])[0]), 2)
    0.64
    >>> fit.probability_alive([0, 2], [0, 4], [10, 9]).round(2).tolist()
    [1.0, 0.57]
    """
    (x, last, whole, units), nulls = histories(
        {"frequency": frequency, "recency": recency, "age": age}, weights
    )
    require_history(x, last, whole)
    if not x.any():
        raise NotEstimable(
            "no_events",
            "Nobody bought again, so the model cannot tell rare buyers from those who left",
            given=f"{units.sum():,.0f} units with frequency 0",
            todo="Wait for purchases after the first, or look at how purchases are counted.",
        )
    scale = float((units * whole).sum() / units.sum())

    def likelihood(parameters: Floats) -> tuple[float, Floats]:
        return formulas.log_likelihood(x, last / scale, whole / scale, units, parameters)

    found = maximum(likelihood, _STARTS)
    stretch = np.array([1.0, scale, 1.0, 1.0])
    r, alpha, a, b = (float(value) for value in found.parameters * stretch)
    covariance = found.covariance
    if covariance is not None:
        covariance = covariance * np.outer(stretch, stretch)
    # densities of times scale with the times, one factor per purchase
    value = found.log_likelihood - float((units * x).sum()) * np.log(scale)
    return BgNbdFit(r, alpha, a, b, value, covariance, int(units.sum()), nulls)


def _times(time: Values, name: str) -> Floats:
    times = as_floats(np.atleast_1d(time) if np.isscalar(time) else time, name)
    require_times(times, times)
    return times


def _history(frequency: Values, recency: Values, age: Values) -> tuple[Floats, Floats, Floats]:
    columns = (as_floats(frequency, "frequency"), _times(recency, "recency"), _times(age, "age"))
    require_same_length(list(columns))
    require_history(*columns)
    return columns
