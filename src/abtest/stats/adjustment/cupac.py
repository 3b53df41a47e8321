"""CUPAC: a prediction of the outcome from the past, made on other units, as the covariate."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.adjustment.ridge import Ridge
from abtest.stats.arguments import require_count
from abtest.stats.columns import filled
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values, as_floats
from abtest.stats.means.compare import estimate_means
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import not_finite, too_few_units
from abtest.stats.results import Alternative, WarningCode
from abtest.stats.value_counts import ValueCounts

Folds: TypeAlias = int | tuple[Sequence[Any], Sequence[Any]]
"""A number of folds, or the fold of every unit as (control, treatment)."""

_FLAT = 1e-13
"""Spread of a fold's predictions, per size of the outcomes, that is only their rounding."""
_FEW_FOLDS, _FULL_FOLD = 10, 10
"""Number of folds that never are too many, and units in a fold of more of them."""


class PredictionModel(Protocol):
    """What predicts an outcome: the two methods that scikit-learn's regressors have."""

    def fit(self, features: Floats, outcome: Floats) -> Any:
        """Learn from features, shape (n, p), and outcomes, shape (n,)."""

    def predict(self, features: Floats) -> Any:
        """Return one prediction per row of features, shape (n,)."""


def compare_cupac_means(
    control: Values,
    treatment: Values,
    *,
    features: tuple[Values, Values],
    model: PredictionModel | None = None,
    folds: Folds = 5,
    seed: int = 20,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two means, adjusted for predictions from pre-exposure features.

    CUPAC (Tang et al. 2020, "Control Using Predictions as Covariates in Switchback
    Experiments"): outcomes are predicted from features, and the prediction is the
    covariate of `compare_means`. Predictions are cross-fitted over both arms together, so that
    no unit's outcome enters its own prediction and the adjustment stays right however the model
    overfits (Guo et al. 2021, NeurIPS, "Machine learning for variance reduction in online
    experiments"); the slope on the prediction makes up for a model that shrinks.

    A model also predicts the level of what it learned from, and that of the other folds is low
    where a fold's own is high. With one unit per fold it would be the outcome itself with another
    sign; with two, half of the variance would seem gone that is still in the estimate. So each
    fold's predictions are taken about their mean over all units, and differ by features alone
    (Wager et al. 2016, PNAS 113, 12673, compare arms within folds, where levels cancel). Features
    that say nothing then save nothing on average. More than ten folds gain little: false alarms
    stay where they should, but with folds of a few units `variance_reduction` overstates (in
    simulations of one useless feature and 100 units, by 3% on average and by half at worst with
    one unit per fold), and the warning ``many_folds`` says so.

    Parameters
    ----------
    control, treatment
        One value per unit. Nulls (NaN) are left out and counted.
    features
        Pre-exposure features of the same units, as covariates in `compare_means`; a missing value
        becomes the mean, with an indicator as a further feature.
    model
        Anything with ``fit(features, outcome)`` and ``predict(features)``; a copy is fitted for
        each fold. Left out: `Ridge`, which learns within arms (from values about the means of their
        arms), so that an effect on all units alike does not reach its slopes. Other models get
        values as they are: an effect of several standard deviations makes them predict worse.
    folds
        Number of folds, dealt at random and evenly within arms; or the fold of every unit, such
        as one per cluster of units that belong together.
    seed
        Of the draw of the folds; the answer depends on it, and on the order of the units, by a
        fraction of its standard error.
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `details` has the number of folds and features, and ``prediction_r2``, the share of the
        variance within arms that predictions explain by themselves (negative where they are
        worse than the mean). Where the predictions cannot be used it is Welch's comparison with a
        warning that says why, such as ``covariate_constant``.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If the arguments do not fit together, or the model does not predict one finite number per
        unit.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> past = rng.normal(size=(2, 200, 3))
    >>> now = past @ [1.0, 0.5, 0.0] + rng.normal(size=(2, 200))
    >>> result = compare_cupac_means(now[0], now[1], features=(past[0], past[1]))
    >>> result.method, round(result.variance_reduction, 2)
    ('cupac', 0.48)
    """
    outcomes = [_values(control, "control"), _values(treatment, "treatment")]
    designs, codes = _designs(features, outcomes)
    groups = _fold_of(folds, outcomes, seed)
    predicted, _ = _cross_fit(outcomes, designs, groups, Ridge() if model is None else model)
    arms = [Moments.from_columns([y, x]) for y, x in zip(outcomes, predicted, strict=True)]
    pair = estimate_means([arms[0]], [arms[1]], adjusted=True).with_warnings(*codes)
    count = len(set(np.concatenate(groups).tolist()))
    if pair.method == "welch_cuped":
        pair = replace(pair, method="cupac")
        if count > max(_FEW_FOLDS, (arms[0].n + arms[1].n) / _FULL_FOLD):
            pair = pair.with_warnings("many_folds")
    answer = Comparison.of(pair, arms, alternative, confidence_level, measure="mean")
    squares = arms[0].m2 + arms[1].m2
    residual = float(squares[0, 0] - 2.0 * squares[0, 1] + squares[1, 1])
    details = {
        "features": float(designs[0].shape[1]),
        "folds": float(count),
        "prediction_r2": 1.0 - residual / float(squares[0, 0]),
    }
    return replace(answer, details=details)


def cupac_predictions(
    control: Values,
    treatment: Values,
    *,
    features: tuple[Values, Values],
    model: PredictionModel | None = None,
    folds: Folds = 5,
    seed: int = 20,
) -> tuple[Floats, Floats]:
    """Return the cross-fitted predictions of (control, treatment), one per unit.

    They can be the covariate of anything that takes one, such as `compare_adjusted_means`, or one
    of several. Those of every fold have the same mean over all units, as in
    `compare_cupac_means`. Units without an outcome get a prediction too.

    Parameters
    ----------
    control, treatment, features, model, folds, seed
        As in `compare_cupac_means`.

    Raises
    ------
    NotEstimable
        ``not_finite`` or ``too_few_units``.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> past = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]
    >>> one, other = cupac_predictions(past[0], past[1], features=(past[0], past[1]), folds=3)
    >>> bool(abs(one - past[0]).max() < 0.1)
    True
    """
    outcomes = [_values(control, "control"), _values(treatment, "treatment")]
    designs, _ = _designs(features, outcomes)
    groups = _fold_of(folds, outcomes, seed)
    found, level = _cross_fit(outcomes, designs, groups, Ridge() if model is None else model)
    return level + found[0], level + found[1]


def _designs(
    features: tuple[Values, Values], outcomes: list[Floats]
) -> tuple[list[Floats], tuple[WarningCode, ...]]:
    """Return the features of both arms, shape (n, p) each, and a code if some were missing.

    Features that one arm misses more often are left out; where that is all, one that does not
    vary stands in for them.
    """
    columns, codes = filled(features, with_mean=True)
    if not columns and codes:
        columns = ((np.zeros(len(outcomes[0])), np.zeros(len(outcomes[1]))),)
    lengths = [[len(pair[side]) for pair in columns] for side in (0, 1)]
    for side, outcome in enumerate(outcomes):
        if not columns or set(lengths[side]) != {len(outcome)}:
            raise UsageError(
                "An arm needs one row of features per unit",
                given=f"{len(outcome)} values, features of lengths {lengths[side]}",
                todo="Give features=(control_features, treatment_features), as long as the values.",
            )
    return [np.column_stack([pair[side] for pair in columns]) for side in (0, 1)], codes


def _cross_fit(
    outcomes: list[Floats],
    designs: list[Floats],
    groups: list[NDArray[np.int64]],
    model: PredictionModel,
) -> tuple[list[Floats], float]:
    """Return predictions of both arms from models of the other folds, and their mean level.

    Each model's are about its own mean over all units.
    """
    outcome, group = np.concatenate(outcomes), np.concatenate(groups)
    design: Floats = np.concatenate(designs)
    treated = np.arange(len(outcome)) >= len(outcomes[0])
    known = ~np.isnan(outcome)
    with np.errstate(over="ignore", invalid="ignore"):  # refused in the next lines
        finite = np.isfinite((design**2).sum()) and np.isfinite((outcome[known] ** 2).sum())
    if not finite:
        raise not_finite()
    reach = np.abs(outcome[known]).max(initial=0.0)
    predicted, levels = np.zeros(len(outcome)), np.zeros(len(outcome))
    for fold in np.unique(group):
        here = group == fold
        learning = known & ~here
        if learning.sum() < 2:
            raise too_few_units(*(int((~np.isnan(y)).sum()) for y in outcomes))
        lesson = design[learning], outcome[learning]
        if isinstance(model, Ridge):  # others may need values as they are, such as counts
            arm = treated[learning]
            lesson = _within_arms(lesson[0], arm), _within_arms(lesson[1], arm)
        fitted = copy.deepcopy(model)
        fitted.fit(*lesson)
        deviations, level = _about_mean(_checked(fitted.predict(design), len(outcome)), reach)
        predicted[here], levels[here] = deviations[here], level
    count = len(outcomes[0])
    return [predicted[:count], predicted[count:]], float(levels.mean())


def _within_arms(values: Floats, treated: NDArray[np.bool_]) -> Floats:
    """Return values, a column or several, with the mean of each arm moved to that of both."""
    moved = values.copy()
    for arm in (treated, ~treated):
        if arm.any():
            moved[arm] += values.mean(axis=0) - values[arm].mean(axis=0)
    return moved


def _about_mean(predictions: Floats, reach: float) -> tuple[Floats, float]:
    """Return predictions about their mean, zeros if they differ by rounding alone, and the mean."""
    first = float(predictions[0])
    with np.errstate(over="ignore", invalid="ignore"):  # refused in the next lines
        deviations = predictions - first
        mean = float(deviations.mean())
        spread = float(np.abs(deviations).max())
    if not math.isfinite(mean + spread):
        raise not_finite()
    if spread <= _FLAT * reach:
        return np.zeros(len(predictions)), first
    return deviations - mean, first + mean


def _checked(predictions: Any, units: int) -> Floats:
    try:
        values = np.asarray(predictions, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (units,) or not np.isfinite(values).all():
        raise UsageError(
            "A model must predict one finite number per unit",
            given=f"predictions of shape {values.shape} for {units} units",
            todo="Look at what its predict method returns.",
        )
    return values


def _fold_of(folds: Folds, outcomes: list[Floats], seed: int) -> list[NDArray[np.int64]]:
    """Return the fold of every unit, by arm."""
    if isinstance(folds, tuple):
        if len(folds) != 2 or [len(part) for part in folds] != [len(y) for y in outcomes]:
            raise UsageError(
                "Folds are one per unit, of (control, treatment)",
                given=f"{[len(part) for part in folds]} folds",
                todo="Give as many as there are units in each arm.",
            )
        labels = [part.tolist() if hasattr(part, "tolist") else list(part) for part in folds]
        names = {name: place for place, name in enumerate(dict.fromkeys([*labels[0], *labels[1]]))}
        return [np.array([names[name] for name in part], dtype=np.int64) for part in labels]
    count = require_count(folds, "The number of folds", 2)
    random = np.random.default_rng(require_count(seed, "A seed"))
    drawn = []
    for outcome in outcomes:
        place = np.empty(len(outcome), dtype=np.int64)
        place[random.permutation(len(outcome))] = np.arange(len(outcome)) % count
        drawn.append(place)
    return drawn


def _values(values: Values, name: str) -> Floats:
    if isinstance(values, Moments | ValueCounts):
        raise UsageError(
            "Predictions need the values of units",
            given=f"{type(values).__name__} of {name}",
            todo="Give arrays.",
        )
    floats = as_floats(values, name)
    if np.isinf(floats).any():
        raise not_finite()
    return floats
