"""Where are the shares not as planned? The sample ratio by segment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.allocation.ratio import planned_shares, sample_ratio
from abtest.stats.allocation.result import SampleRatio, SegmentRatio, SegmentRatios
from abtest.stats.arguments import require_share
from abtest.stats.counts import homogeneity, whole_counts
from abtest.stats.moments import Floats
from abtest.stats.multiplicity.adjust import adjust
from abtest.stats.multiplicity.adjusted import AdjustMethod
from abtest.stats.multiplicity.family import named
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Test


def sample_ratio_by_segment(
    table: Mapping[str, Sequence[int] | Mapping[str, int]],
    shares: Sequence[float] | Mapping[str, float],
    *,
    arms: Sequence[str] | None = None,
    correction: AdjustMethod = "holm",
    alpha: float = 0.001,
) -> SegmentRatios:
    """Return in which segments units did not arrive in the planned shares, and in which arm.

    Parameters
    ----------
    table
        Units by segment and arm; arms in the order of the shares, or by name.
    shares
        Planned shares by arm, in any unit.
    arms
        Names of arms that come in order; 1, 2 ... where left out.
    correction
        How p-values are adjusted over segments: `method` of `adjust`.
    alpha
        Level of all segments together; 0.001 as for the sample ratio of an experiment, since a
        mismatch makes its effects worthless.

    Raises
    ------
    UsageError
        If counts, shares and names do not fit.
    NotEstimable
        ``too_few_units`` if there are no units at all.

    Examples
    --------
    >>> found = sample_ratio_by_segment(
    ...     {"web": [5020, 4980], "ios": [3010, 2995], "android": [2400, 2900]},
    ...     {"control": 0.5, "treatment": 0.5},
    ... )
    >>> found.culprit, found["web"].mismatch
    (('android', 'control'), False)
    """
    require_share(alpha, "alpha", "0.001")
    if not isinstance(table, Mapping):
        raise UsageError(
            "Segments are given by name",
            given=type(table).__name__,
            todo='Give {"web": [units by arm], ...}.',
        )
    names, plan = _plan(shares, arms)
    rows = {name: _row(row, names) for name, row in named(table, "segments").items()}
    overall = sample_ratio(np.sum(list(rows.values()), axis=0).tolist(), plan.tolist())
    tests = {
        name: sample_ratio(row.tolist(), plan.tolist())
        for name, row in rows.items()
        if row.sum() > 0.0
    }
    judged = adjust(
        {name: test.p_value for name, test in tests.items()}, method=correction, alpha=alpha
    )
    adjusted = dict(zip(judged.names, judged.adjusted, strict=True))
    segments = tuple(
        _segment(name, row, plan, names, (tests.get(name), adjusted.get(name), alpha))
        for name, row in rows.items()
    )
    wrong = [segment for segment in segments if segment.mismatch]
    worst = min(wrong, key=lambda s: (s.p_value or 0.0, -abs(s.residual)), default=None)
    return SegmentRatios(
        arms=names,
        segments=segments,
        overall=overall,
        homogeneity=_homogeneity(rows),
        culprit=None if worst is None else (worst.name, worst.arm),
        correction=correction,
        alpha=float(alpha),
    )


def _segment(
    name: str,
    row: Floats,
    plan: Floats,
    arms: tuple[str, ...],
    judged: tuple[SampleRatio | None, float | None, float],
) -> SegmentRatio:
    test, adjusted, alpha = judged
    expected = row.sum() * plan
    # the standard deviation of a count whose total is given
    error = np.sqrt(np.maximum(expected * (1.0 - plan), 1e-300))
    residuals = (row - expected) / error
    arm = int(np.argmax(np.abs(residuals)))
    return SegmentRatio(
        name=name,
        counts=tuple(int(count) for count in row),
        expected=tuple(expected.tolist()),
        p_value=None if test is None else test.p_value,
        adjusted_p_value=adjusted,
        method=None if test is None else test.method,
        mismatch=adjusted is not None and adjusted <= alpha,
        arm=arms[arm],
        residual=float(residuals[arm]) if math.isfinite(residuals[arm]) else 0.0,
    )


def _homogeneity(rows: Mapping[str, Floats]) -> Test | None:
    """Return the test of equal shares; small segments are pooled with those next in size."""
    by_size = sorted(rows.values(), key=lambda row: (-row.sum(), *row))
    try:
        return homogeneity([[int(count) for count in row] for row in by_size])
    except NotEstimable:
        return None


def _plan(shares: Any, arms: Sequence[str] | None) -> tuple[tuple[str, ...], Floats]:
    """Return names of the arms and their shares, which sum to 1."""
    if isinstance(shares, Mapping):
        names, plan = tuple(map(str, shares)), planned_shares(list(shares.values()))
        if arms is not None:
            raise UsageError(
                "The shares have names already",
                given=f"a mapping and arms {list(arms)}",
                todo="Leave arms out, or give the shares as a list.",
            )
    else:
        plan = planned_shares(shares)
        names = tuple(map(str, range(1, len(plan) + 1) if arms is None else arms))
    if len(names) != len(plan) or len(set(names)) != len(names) or len(names) < 2:
        raise UsageError(
            "A sample ratio needs at least two arms of different names",
            given=f"{len(plan)} shares, arms {list(names)}",
            todo="Give one share and one name per arm.",
        )
    return names, plan


def _row(row: Any, arms: tuple[str, ...]) -> Floats:
    if isinstance(row, Mapping):
        unknown = set(row) - set(arms)
        if unknown:
            raise UsageError(
                "A segment has units in an arm that is not planned",
                given=", ".join(sorted(map(str, unknown))),
                todo=f"The arms are {', '.join(arms)}.",
            )
        row = [row.get(arm, 0) for arm in arms]
    counts = whole_counts(row)
    if len(counts) != len(arms):
        raise UsageError(
            "A segment has other arms than the shares",
            given=f"{len(counts)} counts for {len(arms)} arms",
            todo="Give a 0 where an arm has no units.",
        )
    return counts
