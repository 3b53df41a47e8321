"""How a whole is divided: the shares of categories in two arms or more, judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.balance import wald_f
from abtest.stats.arguments import require_share
from abtest.stats.counts import homogeneity, whole_counts
from abtest.stats.designs.composition_result import (
    CompositionComparison,
    OmnibusTest,
    ShareComparison,
)
from abtest.stats.floats import as_floats
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import NotEstimable, not_finite, too_few_units
from abtest.stats.proportions.score import ScorePair
from abtest.stats.ratios import estimate_ratios
from abtest.stats.results import PairEstimate


def compare_compositions(
    control: Mapping[str, Any],
    treatments: Mapping[str, Mapping[str, Any]],
    *,
    alpha: float = 0.05,
) -> CompositionComparison:
    """Return the shares of all categories in every treatment against control, as one family.

    Shares of a whole sum to 1: where one rises another falls, and some category differs at 5%
    soon enough when each is tested alone. Here all differences hold together.

    Parameters
    ----------
    control
        Mapping from category to the number of units in it (each unit is in one category), or to
        a column of amounts (each unit divides an amount of its own, such as minutes by feature;
        the share is that of the totals over units). A unit with a null is left out and counted.
    treatments
        The same for every treatment, by name.
    alpha
        Error of the family: with probability 1 - alpha all intervals of differences hold (and so
        do all relative ones).

    Returns
    -------
    CompositionComparison
        For counts the score statistic judges each share (Miettinen & Nurminen 1985, Stat. Med. 4,
        213), and the chi-square of `homogeneity` the whole. For amounts each share is a ratio of
        totals (delta method, Fieller for relative effects), and the whole is judged by Wald's
        statistic of all shares but one on F (Krishnamoorthy & Yu 2004). Correction is
        Bonferroni's over categories and treatments: adjusted p-values and intervals say the same.
        Two categories are one comparison. A category that no arm has is left out.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``not_positive`` (amounts below 0), ``zero_denominator`` (nothing to
        divide), ``constant`` (all units divide alike) or ``not_finite``.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> control = {"search": 480, "feed": 390, "message": 130}
    >>> new = {"search": 520, "feed": 310, "message": 170}
    >>> result = compare_compositions(control, {"new": new})
    >>> [(row.category, round(row.adjusted_p_value, 4)) for row in result.rows]
    [('search', 0.2211), ('feed', 0.0005), ('message', 0.0368)]
    """
    require_share(alpha, "alpha")
    arms = _arms(control, treatments)
    amounts = any(hasattr(value, "__len__") for arm in arms.values() for value in arm.values())
    names = list(treatments)
    if amounts:
        pairs, omnibus, categories, units, nulls = _of_amounts(arms)
    else:
        pairs, omnibus, categories, units = _of_counts(arms)
        nulls = dict.fromkeys(units, 0)  # a count cannot be null
    family = len(names) * (1 if len(categories) == 2 else len(categories))
    rows = [
        _row(name, category, pair, alpha / family, family)
        for name, found in zip(names, pairs, strict=True)
        for category, pair in zip(categories, found, strict=True)
    ]
    return CompositionComparison(
        rows=tuple(rows),
        omnibus=dict(zip(names, omnibus, strict=True)),
        family=family,
        alpha=float(alpha),
        n=units,
        nulls=nulls,
    )


def _row(
    name: str, category: str, pair: PairEstimate, alpha: float, family: int
) -> ShareComparison:
    test = pair.test()
    return ShareComparison(
        treatment=name,
        category=category,
        control_share=pair.control_value,
        treatment_share=pair.treatment_value,
        difference=pair.absolute(1.0 - alpha),
        relative=pair.relative(1.0 - alpha),
        p_value=test.p_value,
        adjusted_p_value=min(1.0, family * test.p_value),
        log10_p=test.log10_p,
        method=pair.method,
    )


def _arms(
    control: Mapping[str, Any], treatments: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return all arms by name, control first; each with the same categories."""
    if not isinstance(treatments, Mapping) or not treatments:
        raise UsageError(
            "Treatments are given by name",
            given=type(treatments).__name__ if treatments else "no treatment",
            todo='Give {"name": {"category": count, ...}}.',
        )
    arms = {"": control, **treatments}
    if len(arms) != len(treatments) + 1 or not all(isinstance(a, Mapping) for a in arms.values()):
        raise UsageError(
            "An arm is a mapping from category to count or amounts, and a treatment has a name",
            given=", ".join(type(arm).__name__ for arm in arms.values()),
            todo='Give {"category": count, ...}; collections.Counter makes it from labels.',
        )
    return arms


def _of_counts(
    arms: Mapping[str, Mapping[str, Any]],
) -> tuple[list[list[PairEstimate]], list[OmnibusTest | None], list[str], dict[str, int]]:
    """Return score pairs by treatment and category, from units counted by category."""
    labels = list(dict.fromkeys(label for arm in arms.values() for label in arm))
    rows = np.array(
        [whole_counts([arm.get(label, 0) for label in labels]) for arm in arms.values()]
    )
    kept = rows.sum(axis=0) > 0.0 if rows.size else np.zeros(0, dtype=bool)
    rows, categories = (
        rows[:, kept],
        [label for label, keep in zip(labels, kept, strict=True) if keep],
    )
    _require_categories(categories)
    totals = rows.sum(axis=1)
    if totals.min() < 2:
        raise too_few_units(int(totals[0]), int(totals[1:].min()))
    pairs: list[list[PairEstimate]] = [
        [
            ScorePair(int(c), int(totals[0]), int(t), int(total))
            for c, t in zip(rows[0], row, strict=True)
        ]
        for row, total in zip(rows[1:], totals[1:], strict=True)
    ]
    omnibus = [_chi_square(rows[0], row) for row in rows[1:]]
    return pairs, omnibus, categories, _units(arms, totals)


def _chi_square(control: Floats, treatment: Floats) -> OmnibusTest | None:
    try:
        test = homogeneity(np.column_stack([control, treatment]).astype(int).tolist())
    except NotEstimable:  # nothing left to compare once sparse categories are pooled
        return None
    return OmnibusTest(test.p_value, test.log10_p, test.statistic, test.df or 0.0, None)


def _of_amounts(
    arms: Mapping[str, Mapping[str, Any]],
) -> tuple[
    list[list[PairEstimate]], list[OmnibusTest | None], list[str], dict[str, int], dict[str, int]
]:
    """Return ratio pairs by treatment and category, from amounts of units by category."""
    labels = list(dict.fromkeys(label for arm in arms.values() for label in arm))
    if any(set(arm) != set(labels) for arm in arms.values()):
        raise UsageError(
            "Arms divide their amounts over the same categories",
            given="; ".join(", ".join(map(str, arm)) for arm in arms.values()),
            todo="Give a column of zeros for a category that an arm does not have.",
        )
    _require_categories(labels)
    moments = [
        Moments.from_columns([as_floats(arm[label], f"category {label!r}") for label in labels])
        for arm in arms.values()
    ]
    for arm in arms.values():
        if any((as_floats(arm[label], "amounts") < 0.0).any() for label in labels):
            raise NotEstimable(
                "not_positive",
                "Amounts below 0 have no share of a whole",
                given="negative amounts",
                todo="Look at how they come about, or compare means.",
            )
    if min(arm.n for arm in moments) < 2:
        raise too_few_units(moments[0].n, min(arm.n for arm in moments[1:]))
    if not all(np.isfinite(arm.mean).all() and np.isfinite(arm.m2).all() for arm in moments):
        raise not_finite()
    everywhere = np.sum([arm.mean for arm in moments], axis=0) > 0.0
    moments = [
        Moments(a.n, a.mean[everywhere], a.m2[np.ix_(everywhere, everywhere)], a.nulls)
        for a in moments
    ]
    categories = [label for label, keep in zip(labels, everywhere, strict=True) if keep]
    if any(not arm.mean.sum() > 0.0 for arm in moments):
        raise NotEstimable(
            "zero_denominator",
            "An arm has nothing to divide",
            given="amounts that sum to 0",
            todo="Check that the amounts are those of this arm.",
        )
    _require_categories(categories)
    pairs: list[list[PairEstimate]] = [
        [
            estimate_ratios(
                [_part_of_whole(moments[0], place)], [_part_of_whole(arm, place)], adjusted=False
            )
            for place in range(len(categories))
        ]
        for arm in moments[1:]
    ]
    omnibus = [_wald(moments[0], arm) for arm in moments[1:]]
    units, nulls = (
        _units(arms, numbers)
        for numbers in ([arm.n for arm in moments], [arm.nulls for arm in moments])
    )
    return pairs, omnibus, categories, units, nulls


def _part_of_whole(arm: Moments, place: int) -> Moments:
    """Return the moments of (one amount, the sum of all)."""
    parts = np.zeros((2, len(arm.mean)))
    parts[0, place] = 1.0
    parts[1] = 1.0
    return Moments(arm.n, parts @ arm.mean, parts @ arm.m2 @ parts.T, arm.nulls)


def _wald(control: Moments, treatment: Moments) -> OmnibusTest | None:
    """Return the test of all shares but the last; None where their covariance has no inverse."""
    shares, cells = [], []
    for arm in (control, treatment):
        whole = float(arm.mean.sum())
        share = arm.mean / whole
        gradient = (np.eye(len(share)) - share[:, None])[:-1] / whole
        shares.append(share[:-1])
        cells.append(gradient @ arm.covariance @ gradient.T / arm.n)
    both = np.stack(cells)
    scale = np.sqrt(np.einsum("cii->i", both))
    if not (scale > 0.0).all():
        return None
    correlation = both.sum(axis=0) / scale[:, None] / scale[None, :]
    if np.linalg.cond(correlation) > 1e12:
        return None
    found = wald_f(shares[1] - shares[0], both, np.array([control.n - 1.0, treatment.n - 1.0]))
    if found is None:
        return None
    return OmnibusTest(found.p_value, found.log10_p, found.statistic, found.df[0], found.df[1])


def _require_categories(categories: Sequence[str]) -> None:
    if len(categories) < 2:
        raise UsageError(
            "A composition has at least two categories",
            given=f"{len(categories)} with units",
            todo="Give all categories that the whole is divided into.",
        )


def _units(arms: Mapping[str, Any], totals: Any) -> dict[str, int]:
    names = ["control", *list(arms)[1:]]
    return {name: int(total) for name, total in zip(names, totals, strict=True)}
