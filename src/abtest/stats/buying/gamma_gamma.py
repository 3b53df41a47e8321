"""The Gamma-Gamma model: what units spend per purchase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from abtest.errors import UsageError
from abtest.stats.buying.fit import Fit
from abtest.stats.buying.histories import histories, require_counts
from abtest.stats.buying.maximum import maximum
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.survival.event_times import require_same_length

_STARTS = ((1.0, 3.0, 2.0), (5.0, 4.0, 0.5), (0.5, 10.0, 10.0), (20.0, 2.0, 0.1))
"""p, q, v in means."""


@dataclass(frozen=True, eq=False)
class GammaGammaFit(Fit):
    """A fitted Gamma-Gamma model.

    Attributes
    ----------
    p
        Shape of the gamma distribution of a unit's values.
    q, v
        Shape and rate of the gamma distribution, over units, of the rates of these.
    log_likelihood
        At the maximum.
    covariance
        Of (p, q, v), shape (3, 3); None where the likelihood has no maximum inside the range that
        is searched: then predictions hold, and single parameters do not.
    n
        Units.
    nulls
        Units left out because something about them was null.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("p", "q", "v")
    p: float
    q: float
    v: float
    log_likelihood: float
    covariance: Floats | None
    n: int
    nulls: int = 0

    @property
    def mean_value(self) -> float:
        """Mean value of a purchase over units, p v / (q - 1).

        Raises
        ------
        UsageError
            ``infinite_mean``: q is 1 or less, and means have no mean.
        """
        if self.q <= 1.0:
            raise UsageError(
                "The fitted distribution of mean values has no mean",
                given=f"q = {self.q:.4g}, which is not above 1",
                todo="Look for values that are far above the others.",
                code="infinite_mean",
            )
        return self.p * self.v / (self.q - 1.0)

    def expected_mean_value(self, frequency: Values, mean_value: Values) -> Floats:
        """Return the mean value of a purchase of units with these histories, in the long run.

        Equation 5 of Fader & Hardie (2013): a mean of the unit's own and of all units, the former
        weighing the more the more purchases it is from. Units with frequency 0 have the latter.

        Raises
        ------
        UsageError
            If they are no columns of numbers of one length; ``infinite_mean`` as `mean_value`.
        NotEstimable
            ``not_a_count`` (frequency).
        """
        x, mean = as_floats(frequency, "frequency"), as_floats(mean_value, "mean_value")
        require_same_length([x, mean])
        require_counts(x, "frequency")
        own = np.where(x > 0.0, x * mean, 0.0)
        everybody = self.mean_value  # refuses q <= 1
        share = (self.q - 1.0) / (self.p * x + self.q - 1.0)
        weighed = self.p * own / (self.p * x + self.q - 1.0)
        return np.asarray(share * everybody + weighed)


def fit_gamma_gamma(
    frequency: Values, mean_value: Values, weights: Values | None = None
) -> GammaGammaFit:
    """Return the Gamma-Gamma model that fits mean values best, by maximum likelihood.

    Values of a unit's purchases vary around a mean of its own, which varies between units and
    does not hang on how often it buys (Fader & Hardie 2013, "The Gamma-Gamma model of monetary
    value", brucehardie.com/notes/025).

    Parameters
    ----------
    frequency
        Purchases that the mean is of; rows with 0 are left out, for they have no mean.
    mean_value
        Mean value of these, above 0.
    weights
        Units of each row, 1 each unless given.

    Raises
    ------
    UsageError
        If the columns are no numbers of one length.
    NotEstimable
        ``too_few_units`` (fewer than two with a purchase), ``not_a_count`` (frequency or weights),
        ``not_positive`` (a mean of 0 or below), ``not_finite``, or ``constant`` (all means are
        equal).

    Notes
    -----
    With x and z for frequency and mean value, the log likelihood of a unit is (eq. 1a)
    log G(p x + q) - log G(p x) - log G(q) + q log v + (p x - 1) log z + p x log x -
    (p x + q) log(v + x z). Errors are from the observed information.

    Examples
    --------
    >>> x, z = [1, 1, 1, 1, 4, 4, 4], [8.0, 15.0, 30.0, 90.0, 20.0, 28.0, 40.0]
    >>> fit = fit_gamma_gamma(x, z, [20, 40, 30, 10, 9, 12, 9])
    >>> fit.expected_mean_value([0, 1, 4], [0.0, 60.0, 60.0]).round(1).tolist()
    [26.9, 37.4, 48.4]
    """
    columns = as_floats(frequency, "frequency"), as_floats(mean_value, "mean_value")
    units = np.ones(columns[0].shape) if weights is None else as_floats(weights, "weights")
    require_same_length([*columns, units])
    some = ~(columns[0] == 0.0)
    (x, z, units), nulls = histories(
        {"frequency": columns[0][some], "mean_value": columns[1][some]}, units[some]
    )
    require_counts(x, "frequency")
    if (z <= 0.0).any():
        raise NotEstimable(
            "not_positive",
            "The model holds for mean values above 0",
            given=f"{int(units[z <= 0.0].sum()):,} units with a mean of 0 or below",
            todo="Leave these units out, and say so.",
        )
    if float(np.ptp(z)) == 0.0:
        raise NotEstimable(
            "constant",
            "All mean values are equal, so that there is nothing to fit",
            given=f"{z[0]:g}",
            todo="Multiply purchases with this value instead.",
        )
    scale = float((units * z).sum() / units.sum())

    def likelihood(parameters: Floats) -> tuple[float, Floats]:
        return _log_likelihood(x, z / scale, units, parameters)

    found = maximum(likelihood, _STARTS)
    stretch = np.array([1.0, 1.0, scale])
    p, q, v = (float(value) for value in found.parameters * stretch)
    covariance = found.covariance
    if covariance is not None:
        covariance = covariance * np.outer(stretch, stretch)
    value = found.log_likelihood - float(units.sum()) * float(np.log(scale))
    return GammaGammaFit(p, q, v, value, covariance, int(units.sum()), nulls)


def _log_likelihood(
    x: Floats, z: Floats, units: Floats, parameters: Floats
) -> tuple[float, Floats]:
    """Return the log likelihood and its derivatives by p, q and v."""
    p, q, v = parameters
    shape, total = p * x, v + x * z
    gammaln, digamma = special.gammaln, special.digamma
    logs = np.log(total)
    own = np.log(x) + np.log(z)
    value = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(v)
        + shape * own
        - np.log(z)
        - (shape + q) * logs
    )
    slopes = (
        x * (digamma(shape + q) - digamma(shape) + own - logs),
        digamma(shape + q) - digamma(q) + np.log(v) - logs,
        q / v - (shape + q) / total,
    )
    return float((units * value).sum()), np.array([float((units * part).sum()) for part in slopes])
