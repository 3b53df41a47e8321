"""Ridge regression with its penalty from the data: the default prediction model."""

from __future__ import annotations

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_positive
from abtest.stats.moments import Floats

_PENALTIES = np.logspace(-6.0, 0.0, 25)
"""Penalties tried, per unit: from least squares to half of its slopes.

No larger ones: the covariate's slope makes up for what a penalty shrinks, but not for folds that
are shrunk differently. Useless features would have slopes of 1e-4 in one fold and of 0.1 in
another, whose few units would then be the whole covariate.
"""


class Ridge:
    """Least squares with penalised slopes of standardised features (Hoerl & Kennard 1970).

    Minimises the sum of squared residuals plus penalty times the sum of squared slopes, features
    being divided by their standard deviations (with n); the intercept is free. Equal to R's
    ``MASS::lm.ridge`` for a given penalty.

    Parameters
    ----------
    penalty
        Above 0; left out, that of 25 values from 1e-6 n to n with the smallest generalised
        cross-validation score RSS / (n - 1 - df)^2 (Golub, Heath & Wahba 1979, Technometrics 21,
        215), the mean counting for one degree of freedom.

    Attributes
    ----------
    penalty
        As given; None for one from the data.
    chosen
        The penalty of the last fit.
    intercept
        Mean outcome of the last fit: the prediction at `centre`.
    centre, units
        Means and standard deviations of the features; those that are constant have an infinite
        one and say nothing.
    slopes
        Of the last fit, per standard deviation.

    Raises
    ------
    UsageError
        If the penalty is not above 0.

    Examples
    --------
    >>> model = Ridge(penalty=1e-9).fit(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> model.predict(np.array([[3.0]])).round(6).tolist()
    [7.0]
    """

    def __init__(self, penalty: float | None = None) -> None:
        if penalty is not None:
            require_positive(penalty, "A penalty")
        self.penalty = penalty
        self.chosen = 0.0
        self.intercept = 0.0
        self.centre: Floats = np.zeros(0)
        self.units: Floats = np.zeros(0)
        self.slopes: Floats = np.zeros(0)

    def fit(self, features: Floats, outcome: Floats) -> Ridge:
        """Fit to features, shape (n, p), and outcome, shape (n,); return itself.

        Raises
        ------
        UsageError
            If there are fewer than two units.
        """
        n = len(outcome)
        if n < 2:
            raise UsageError(
                "A prediction needs two units to learn from",
                given=f"{n} units",
                todo="Use fewer folds, or more units.",
            )
        centre, level = features.mean(axis=0), float(outcome.mean())
        deviations = features - centre
        reach = np.abs(deviations).max(axis=0)
        flat = reach <= 1e-13 * np.abs(centre)
        reach[flat] = 1.0
        units = reach * np.sqrt(((deviations / reach) ** 2).mean(axis=0))
        units[flat] = np.inf  # constant features say nothing
        left, values, right = np.linalg.svd(deviations / units, full_matrices=False)
        shadow = left.T @ (outcome - level)
        self.chosen = self.penalty if self.penalty is not None else _best(values, shadow, outcome)
        self.slopes = right.T @ (values * shadow / (values**2 + self.chosen))
        self.intercept, self.centre, self.units = level, centre, units
        return self

    def predict(self, features: Floats) -> Floats:
        """Return predictions for features, shape (n, p)."""
        # in units of their spread: slopes of features near 1e-300 would overflow
        return np.asarray(self.intercept + (features - self.centre) / self.units @ self.slopes)


def _best(values: Floats, shadow: Floats, outcome: Floats) -> float:
    """Return the penalty with the smallest score; the largest where several are as good."""
    n = len(outcome)
    total = float(((outcome - outcome.mean()) ** 2).sum())
    penalties = n * _PENALTIES[::-1]
    shrunk = values**2 / (values**2 + penalties[:, None])
    residual = total - (shadow**2 * shrunk * (2.0 - shrunk)).sum(axis=1)
    free = n - 1.0 - shrunk.sum(axis=1)
    scores = np.maximum(residual, 0.0) / np.maximum(free, 1e-9) ** 2
    # where features are more than units, no freedom is left near 0 and the score means nothing
    scores[free < 0.05 * n] = np.inf
    return float(penalties[int(np.argmin(scores))])
