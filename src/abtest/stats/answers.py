"""Answers of surveys: what is a scale, and answers that are off it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from abtest.errors import UsageError
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.value_counts import ValueCounts


def scored_answers(
    arms: tuple[ValueCounts, ValueCounts], scores: Mapping[float, float]
) -> list[ValueCounts]:
    """Return the answers as their scores, with equal scores merged.

    Raises
    ------
    UsageError
        If the scores are not numbers.
    NotEstimable
        ``answer_out_of_range`` if an answer has no score.
    """
    if not scores or not all(
        isinstance(number, int | float | np.number)
        and not isinstance(number, bool)
        and math.isfinite(number)
        for pair in scores.items()
        for number in pair
    ):
        raise UsageError(
            "Ordinal scores are a finite number for each answer",
            given=repr(dict(scores)),
            todo="Give scores={answer: score}, such as {1: 0, 2: 50, 3: 100}.",
        )
    table = {float(answer): float(score) for answer, score in scores.items()}
    _require_answers(arms, lambda value: value in table, f"the {len(table)} answers with a score")
    scored = []
    for arm in arms:
        values = np.array([table[float(value)] for value in arm.values])
        merged = ValueCounts.from_table(values, arm.counts)
        scored.append(ValueCounts(merged.values, merged.counts, arm.nulls))
    return scored


def scale_ends(scale: tuple[int, int] | None) -> tuple[int, int]:
    """Return the lowest and highest answer, 1 and 5 unless given.

    Raises
    ------
    UsageError
        If they are not two whole numbers, the lower one first.
    """
    if scale is None:
        return 1, 5
    whole = isinstance(scale, tuple | list) and len(scale) == 2
    if not (whole and all(_is_whole(end) for end in scale) and scale[0] < scale[1]):
        raise UsageError(
            "A scale is its lowest and its highest answer",
            given=repr(scale),
            todo="Give scale=(1, 5).",
        )
    return int(scale[0]), int(scale[1])


def _is_whole(value: object) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and float(value) % 1.0 == 0.0  # type: ignore[arg-type]  # it is a number


def require_scale(arms: tuple[ValueCounts, ...], low: int, high: int) -> None:
    """Refuse answers that are not whole numbers of a scale.

    Raises
    ------
    NotEstimable
        ``answer_out_of_range``, with the answers and how often they occur.
    """
    _require_answers(
        arms,
        lambda value: low <= value <= high and value % 1.0 == 0.0,
        f"the whole numbers from {low} to {high}",
    )


def _require_answers(
    arms: tuple[ValueCounts, ...], allowed: Callable[[float], bool], scale: str
) -> None:
    """Refuse answers that are not allowed, and name them."""
    odd: dict[float, int] = {}
    for arm in arms:
        for value, count in zip(arm.values.tolist(), arm.counts.tolist(), strict=True):
            if not allowed(value):
                odd[value] = odd.get(value, 0) + count
    if odd:
        named = ", ".join(f"{value:g} ({odd[value]} times)" for value in sorted(odd)[:5])
        more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        raise NotEstimable(
            "answer_out_of_range",
            f"There are answers other than {scale}",
            given=named + more,
            todo="Clean the answers: a code for no answer must be a null.",
        )
