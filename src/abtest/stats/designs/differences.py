"""Difference in differences: two groups before and after a change that one of them had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval
from abtest.stats.columns import arm_moments
from abtest.stats.comparison import Comparison
from abtest.stats.designs.changes import GroupMeans, changes
from abtest.stats.designs.trend_check import PreTrend, pre_trend
from abtest.stats.display import p_value, relative_set, span, warned
from abtest.stats.moments import Floats, Moments, too_small_squares
from abtest.stats.not_estimable import not_finite, too_few_units, too_small
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative

ASSUMPTION = (
    "Without the change both groups would have moved by the same amount, and nothing else hit one "
    "group alone"
)
"""What no data can show, and every such estimate rests on."""


@dataclass(frozen=True)
class DifferenceInDifferences(Comparison):
    """What a change did to the group that had it, given how the other group moved.

    Attributes
    ----------
    means
        Of the cells ``control_before``, ``control_after``, ``treatment_before`` and
        ``treatment_after``.
    pre_trend
        How the groups moved before, where more than one period before the change was given.
    assumption
        What the estimate rests on. Of the fields of `Comparison`, `treatment_value` is the mean
        of the treatment group after the change, and `control_value` what it would have been: its
        mean before, plus what the control group moved by. Relative effects are over that.
    """

    means: dict[str, float] = field(default_factory=dict)
    pre_trend: PreTrend | None = None
    assumption: str = ASSUMPTION

    def __str__(self) -> str:
        """Return what was found and what it rests on."""
        level = f"{100 * self.confidence_level:.6g}% interval"
        side = "" if self.alternative == "two-sided" else f", one-sided: {self.alternative}"
        relative = relative_set(self.relative)
        if self.relative.estimate is not None:
            relative = f"{self.relative.estimate:+.2%} ({relative})"
        trend = "" if self.pre_trend is None else f" Before the change: {self.pre_trend}."
        return (
            f"Treatment group {self.treatment_value:.4g} after the change, against "
            f"{self.control_value:.4g} expected: difference in differences "
            f"{self.absolute.estimate:+.4g} ({level} {span(self.absolute)}), relative {relative}; "
            f"p = {p_value(self)} ({self.method}{side}). Assumed: {self.assumption}."
            f"{trend}{warned(self.warnings)}"
        )


def compare_difference_in_differences(
    control: Any,
    treatment: Any,
    *,
    same_units: bool,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> DifferenceInDifferences:
    """Return how much more the treatment group changed than the control group.

    For changes that could not be randomised: both groups are seen before and after, and the
    treatment group is expected to move as the control group did (Card & Krueger 1994, Am. Econ.
    Rev. 84, 772; Angrist & Pischke 2009, Mostly Harmless Econometrics, section 5.2). That is an
    assumption, about amounts: groups that would have grown by the same per cent from different
    levels break it. A randomised experiment does not need it.

    Parameters
    ----------
    control, treatment
        The periods of each group, oldest first; the last is after the change, the one before it is
        the baseline, and any others are earlier ones, all equally long. With `same_units` columns
        of the same units in the same order, or `Moments` of all periods. Otherwise one sample for
        each period: values, `Moments` or `ValueCounts`.
    same_units
        Whether each group's periods have the same units (a panel): then differences are taken
        within units. If they are said to be other units but are not, the error is wrong.
    alternative
        ``two-sided``, ``greater`` (treatment up) or ``less``.
    confidence_level
        Of all intervals.

    Returns
    -------
    DifferenceInDifferences
        With a check of earlier periods where there are some, and ``trends_differ`` among the
        warnings where it has p below 0.05.

    Raises
    ------
    NotEstimable
        ``too_few_units`` (fewer than two units in a group or sample), ``constant``,
        ``not_finite``, ``too_small``.
    UsageError
        If groups differ in their periods, or an argument is not one of those above.

    Notes
    -----
    *Same units*: Welch's test of units' changes; units need a value in every period. *Other
    units*: the four means with variances of their own, and Satterthwaite's degrees of freedom:
    the interaction of group and period in least squares with HC2. The relative effect is Fieller's
    set, of the difference over the expected mean with their covariance.

    Errors are those of independent units. Where whole groups were chosen (a city, a shop), what
    hits a group as a whole in one period is an error of which two groups tell nothing (Donald &
    Lang 2007, Rev. Econ. Stat. 89, 221): intervals are too short. Give one value for each city or
    shop then, as its units.

    *Trends before*: that no difference is seen does not say that there is none, since such checks
    have little power (Roth 2022, AER: Insights 4, 305); hold the interval of the slope against the
    estimate.

    Examples
    --------
    Weights of young women before and after therapy, against none (Hand et al. 1994, A Handbook of
    Small Data Sets, the first eight of each group):

    >>> control = ([80.7, 89.4, 91.8, 74.0, 78.1, 88.3, 87.3, 75.1],
    ...     [80.2, 80.1, 86.4, 86.3, 76.1, 78.1, 75.1, 86.7])
    >>> treatment = ([83.8, 83.3, 86.0, 82.5, 86.7, 79.6, 76.9, 94.2],
    ...     [95.2, 94.3, 91.5, 91.9, 100.3, 76.7, 76.8, 101.6])
    >>> result = compare_difference_in_differences(control, treatment, same_units=True)
    >>> round(result.estimate, 3), round(result.p_value, 4)
    (8.875, 0.0439)
    """
    require_interval(confidence_level, alternative)
    if not isinstance(same_units, bool):
        raise UsageError(
            "same_units is either True or False", given=repr(same_units), todo="Give one of them."
        )
    periods = _periods(control, treatment, same_units=same_units)
    if same_units:
        cells = _panel(control, treatment, periods)
    else:
        cells = _samples(control, treatment, periods)
    pair = cells.pair
    check = None
    if periods > 2:
        check, differ = pre_trend(cells.means, cells.before, confidence_level)
        pair = pair.with_warnings("trends_differ") if differ else pair
    found = Comparison.of(pair, cells.nulls, alternative, confidence_level, measure="mean")
    return DifferenceInDifferences(
        **{one.name: getattr(found, one.name) for one in fields(Comparison)},
        means=cells.table,
        pre_trend=check,
    )


@dataclass(frozen=True)
class _Nulls:
    """How many units of a group had no value."""

    nulls: int


@dataclass(frozen=True, eq=False)
class _Cells:
    """Both groups in all periods.

    `before` has, for each period before the change, the weights of treatment - control in it, less
    that in the baseline; `table` the four means.
    """

    means: GroupMeans
    pair: ArmPair
    before: tuple[list[Floats], ...]
    table: dict[str, float]
    nulls: tuple[_Nulls, _Nulls]


def _panel(control: Any, treatment: Any, periods: int) -> _Cells:
    """Return groups whose units are seen in every period."""
    groups = [
        changes(group, periods, name, reference=periods - 2)
        for group, name in ((control, "control"), (treatment, "treatment"))
    ]
    means = GroupMeans(tuple(groups))
    level, *others = np.eye(periods)  # the baseline; then changes from it, oldest period first
    after = others[-1]
    pair = means.pair([after, level], [-after, after], (groups[0].n, groups[1].n), "did_panel")
    nothing = np.zeros(periods)
    values = [
        (float(group.mean[0]), float(group.mean[0] + group.mean[-1])) for group in means.groups
    ]
    return _Cells(
        means,
        pair,
        (*([-one, one] for one in others[:-1]), [nothing, nothing]),
        _table(values),
        (_Nulls(groups[0].nulls), _Nulls(groups[1].nulls)),
    )


def _samples(control: Any, treatment: Any, periods: int) -> _Cells:
    """Return groups with other units in each period."""
    cells = [
        _sample(sample, f"{name}, period {place + 1}")
        for group, name in ((control, "control"), (treatment, "treatment"))
        for place, sample in enumerate(group)
    ]
    means = GroupMeans(tuple(cells))
    last = periods - 1
    own, other = np.eye(2 * periods)[:periods], np.eye(2 * periods)[periods:]
    pair = means.pair(
        _column(other[last - 1] + own[last] - own[last - 1]),
        _column(other[last] - other[last - 1] - own[last] + own[last - 1]),
        (cells[last - 1].n + cells[last].n, cells[-2].n + cells[-1].n),
        "did_samples",
    )
    gaps = other - own
    values = [
        (float(group[-2].mean[0]), float(group[-1].mean[0]))
        for group in (cells[:periods], cells[periods:])
    ]
    return _Cells(
        means,
        pair,
        tuple(_column(gap - gaps[last - 1]) for gap in gaps[:last]),
        _table(values),
        (
            _Nulls(sum(cell.nulls for cell in cells[:periods])),
            _Nulls(sum(cell.nulls for cell in cells[periods:])),
        ),
    )


def _column(weights: Floats) -> list[Floats]:
    """Return weights of groups of one variable each."""
    return list(weights[:, None])


def _sample(sample: Any, name: str) -> Moments:
    found = arm_moments((sample,), (), name)
    if len(found.mean) != 1:
        raise UsageError(
            f"The sample of {name} is one variable",
            given=f"moments of {len(found.mean)}",
            todo="Moments of several periods are of the same units: same_units=True.",
        )
    if found.n < 2:
        raise too_few_units(found.n, found.n)
    if not (np.isfinite(found.mean).all() and np.isfinite(found.m2).all()):
        raise not_finite()
    if too_small_squares(found.m2).any():
        raise too_small()
    return found


def _table(values: Sequence[tuple[float, float]]) -> dict[str, float]:
    (control_before, control_after), (treatment_before, treatment_after) = values
    return {
        "control_before": control_before,
        "control_after": control_after,
        "treatment_before": treatment_before,
        "treatment_after": treatment_after,
    }


def _periods(control: Any, treatment: Any, *, same_units: bool) -> int:
    """Return the number of periods of both groups.

    Raises
    ------
    UsageError
        If they have fewer than two, or not as many.
    """
    counts = []
    for group in (control, treatment):
        if isinstance(group, Moments) and same_units:
            counts.append(len(group.mean))
        else:
            counts.append(len(group) if isinstance(group, list | tuple) else 0)
    if counts[0] != counts[1] or counts[0] < 2:
        raise UsageError(
            "Both groups have the same periods: at least one before the change, and one after it",
            given=f"{counts[0]} of control, {counts[1]} of treatment",
            todo="Give a tuple (before, after) for each group, earlier periods first; moments of "
            "all periods are of the same units.",
        )
    return counts[0]
