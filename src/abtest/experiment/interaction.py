"""Whether effects differ between segments: one test per dimension, corrected over dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from abtest.experiment.document import AbsoluteEffect, NotComputedReason, SegmentDifference
from abtest.experiment.effects import Row
from abtest.show.numbers import json_number
from abtest.stats import NotEstimable, adjust, heterogeneity


def segment_differences(
    rows: Sequence[Row], columns: Sequence[str], alpha: float
) -> list[SegmentDifference]:
    """Return the test of every segment column, by metric and arm.

    Segments that are significant beside segments that are not say nothing of a difference: the
    interaction is tested by itself. The family of the correction (Holm) is what was asked of one
    metric: all of its columns and arms.

    Parameters
    ----------
    rows
        Rows of the verdict, those of segments among them.
    columns
        Segment columns of the experiment.
    alpha
        Intervals are of 1 - alpha.
    """
    found: list[SegmentDifference] = []
    for metric in dict.fromkeys(row.metric.id for row in rows):
        found += _adjusted(list(_of_metric(metric, rows, columns, alpha)))
    return found


def _of_metric(
    metric: str, rows: Sequence[Row], columns: Sequence[str], alpha: float
) -> Iterator[SegmentDifference]:
    own = [row for row in rows if row.metric.id == metric]
    for variant in dict.fromkeys(row.variant for row in own):
        for column in columns:
            yield _test(
                [
                    row
                    for row in own
                    if row.variant == variant
                    and row.effect.segment is not None
                    and row.effect.segment.column == column
                ],
                (metric, variant, column),
                alpha,
            )


def _test(rows: Sequence[Row], what: tuple[str, str, str], alpha: float) -> SegmentDifference:
    metric, variant, column = what
    pairs = {
        row.effect.segment.value: row.pair
        for row in rows
        if row.pair is not None and row.effect.segment is not None
    }
    if len(pairs) < 2:
        return _not_tested(what, len(pairs), "too_few_units")
    try:
        result = heterogeneity(pairs, confidence_level=1.0 - alpha)
    except NotEstimable as error:
        return _not_tested(what, len(pairs), cast("NotComputedReason", error.code))
    i_squared = result.i_squared
    return SegmentDifference(
        metric=metric,
        variant=variant,
        column=column,
        segments=len(pairs),
        status="ok",
        reason=None,
        test=result.test,
        statistic=json_number(result.statistic),
        p_value=json_number(result.p_value),
        p_adjusted=None,
        i_squared=AbsoluteEffect(
            estimate=json_number(i_squared.estimate),
            lower=json_number(i_squared.lower),
            upper=json_number(i_squared.upper),
        ),
    )


def _not_tested(
    what: tuple[str, str, str], segments: int, reason: NotComputedReason
) -> SegmentDifference:
    metric, variant, column = what
    return SegmentDifference(
        metric=metric,
        variant=variant,
        column=column,
        segments=segments,
        status="not_computed",
        reason=reason,
        test=None,
        statistic=None,
        p_value=None,
        p_adjusted=None,
        i_squared=AbsoluteEffect(estimate=None, lower=None, upper=None),
    )


def _adjusted(family: list[SegmentDifference]) -> list[SegmentDifference]:
    """Return the family with adjusted p-values; a test without one keeps its place."""
    if not family:
        return family
    p_values = [1.0 if one.p_value is None else one.p_value for one in family]
    judged = adjust(p_values, method="holm")
    return [
        one
        if one.p_value is None
        else one.model_copy(update={"p_adjusted": json_number(p_adjusted)})
        for one, p_adjusted in zip(family, judged.adjusted, strict=True)
    ]
