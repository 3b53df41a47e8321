"""Adjusted p-values of a family: Bonferroni and its relatives, step-down and step-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of, require_share
from abtest.stats.floats import Values
from abtest.stats.moments import Floats
from abtest.stats.multiplicity.adjusted import AdjustedPValues, AdjustMethod
from abtest.stats.multiplicity.family import p_value_family, weights_of

_METHODS = frozenset(get_args(AdjustMethod))
_WEIGHTED = frozenset({"bonferroni", "holm"})
_FALSE_DISCOVERIES = frozenset({"benjamini_hochberg", "benjamini_yekutieli"})


def adjust(
    p_values: Mapping[str, float] | Values,
    *,
    method: AdjustMethod = "holm",
    weights: Mapping[str, float] | Sequence[float] | None = None,
    alpha: float = 0.05,
    names: Sequence[str] | None = None,
) -> AdjustedPValues:
    """Return the p-values of a family of tests, adjusted for being judged together.

    Parameters
    ----------
    p_values
        One per test of the family, by name or in order. The family is what was planned, not
        what was computed: a test without a p-value keeps its place as 1.0.
    method
        Family-wise error under any dependence: ``bonferroni``, and ``holm`` (Holm 1979, Scand.
        J. Stat. 6, 65), which never rejects less. Under independence or positive dependence
        only: ``sidak`` (1967, JASA 62, 626), ``hochberg`` (1988, Biometrika 75, 800) and
        ``hommel`` (1988, Biometrika 75, 383), which rejects the most of these. False discovery
        rate: ``benjamini_hochberg`` (1995, JRSS B 57, 289) under independence or positive
        dependence, ``benjamini_yekutieli`` (2001, Ann. Stat. 29, 1165) under any.
    weights
        Importance of the tests, in any unit; for ``bonferroni`` (p / w) and ``holm`` (Holm 1979,
        in the order of p / w, times the weights not yet rejected).
    alpha
        Level of the family.
    names
        Names of p-values given in order; 1, 2 ... where left out.

    Raises
    ------
    UsageError
        If a p-value is missing or outside [0, 1], names or weights do not fit, weights come with
        a method that has none, or alpha is not between 0 and 1.

    Notes
    -----
    Equal to R's ``p.adjust`` and statsmodels' ``multipletests``; neither has weights.

    Only ``bonferroni`` and ``sidak`` have simultaneous intervals that say the same as the
    adjusted p-values: see `adjust_comparisons`.

    Examples
    --------
    >>> result = adjust([0.01, 0.02, 0.03, 0.04])
    >>> [round(p, 3) for p in result.adjusted]
    [0.04, 0.06, 0.06, 0.06]
    >>> adjust({"a": 0.03, "b": 0.02}, weights={"a": 3, "b": 1}).rejected
    (True, True)
    """
    require_one_of(method, _METHODS, "method")
    require_share(alpha, "alpha")
    labels, values = p_value_family(p_values, names)
    if weights is not None and method not in _WEIGHTED:
        raise UsageError(
            "This method has no weights",
            given=f"method {method!r} with weights",
            todo='Use method="holm" or method="bonferroni", or leave the weights out.',
        )
    shares = weights_of(weights, labels)
    adjusted = np.minimum(_FORMULAS[method](values, shares), 1.0)
    return AdjustedPValues(
        names=labels,
        p_values=tuple(values.tolist()),
        adjusted=tuple(adjusted.tolist()),
        rejected=tuple((adjusted <= alpha).tolist()),
        weights=tuple(shares.tolist()) if method in _WEIGHTED else None,
        method=method,
        controls="false_discovery_rate" if method in _FALSE_DISCOVERIES else "family_wise_error",
        alpha=float(alpha),
    )


def _bonferroni(p: Floats, weights: Floats) -> Floats:
    with np.errstate(over="ignore"):  # a weight near 0 leaves nothing to reject
        return np.asarray(p / weights)


def _sidak(p: Floats, _: Floats) -> Floats:
    with np.errstate(divide="ignore"):  # p = 1
        return np.asarray(-np.expm1(len(p) * np.log1p(-p)))


def _holm(p: Floats, weights: Floats) -> Floats:
    with np.errstate(over="ignore"):
        order = np.argsort(p / weights, kind="stable")
        left = np.cumsum(weights[order][::-1])[::-1]  # of the tests not yet rejected
        return _back(np.maximum.accumulate(left / weights[order] * p[order]), order)


def _hochberg(p: Floats, _: Floats) -> Floats:
    order, m = np.argsort(p, kind="stable"), len(p)
    steps = p[order] * np.arange(m, 0, -1)
    return _back(np.minimum.accumulate(steps[::-1])[::-1], order)


def _hommel(p: Floats, _: Floats) -> Floats:
    """Return Hommel's values by the algorithm of Wright (1992, Biometrics 48, 1005)."""
    order, n = np.argsort(p, kind="stable"), len(p)
    ordered = p[order]
    ranks = np.arange(1, n + 1)
    simes = float((n * ordered / ranks).min())
    adjusted = np.full(n, simes)
    for m in range(n - 1, 1, -1):
        few, many = ordered[: n - m + 1], ordered[n - m + 1 :]
        smallest = float((m * many / np.arange(2, m + 1)).min())
        level = np.empty(n)
        level[: n - m + 1] = np.minimum(m * few, smallest)
        level[n - m + 1 :] = level[n - m]
        adjusted = np.maximum(adjusted, level)
    return _back(np.maximum(adjusted, ordered), order)


def _benjamini_hochberg(p: Floats, _: Floats) -> Floats:
    order, m = np.argsort(p, kind="stable"), len(p)
    steps = p[order] * (m / np.arange(1, m + 1))
    return _back(np.minimum.accumulate(steps[::-1])[::-1], order)


def _benjamini_yekutieli(p: Floats, weights: Floats) -> Floats:
    return _benjamini_hochberg(p, weights) * float((1.0 / np.arange(1, len(p) + 1)).sum())


def _back(ordered: Floats, order: np.ndarray) -> Floats:
    """Return values in the order in which the tests were given."""
    values = np.empty_like(ordered)
    values[order] = ordered
    return values


_FORMULAS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "benjamini_hochberg": _benjamini_hochberg,
    "benjamini_yekutieli": _benjamini_yekutieli,
    "bonferroni": _bonferroni,
    "hochberg": _hochberg,
    "holm": _holm,
    "hommel": _hommel,
    "sidak": _sidak,
}
