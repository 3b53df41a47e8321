"""Choices that cannot be are refused in one way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real

from abtest.errors import UsageError

Choice = tuple[bool, str, object, str]
"""Whether it cannot be, the argument, what was given, what to give instead."""


def refuse(choices: Iterable[Choice]) -> None:
    """Raise a UsageError for the first choice that cannot be.

    Raises
    ------
    UsageError
        ``bad_choice``.
    """
    for bad, name, given, todo in choices:
        if bad:
            raise UsageError(
                "This choice cannot be",
                given=f"{name}={given!r}",
                todo=f"give {todo}",
                code="bad_choice",
            )


def is_above(number: object, least: float = 0.0) -> bool:
    """Return whether something is a number, finite and above `least`.

    Examples
    --------
    >>> is_above(7), is_above("7d"), is_above(0), is_above(float("inf"))
    (True, False, False, False)
    """
    return isinstance(number, Real) and math.isfinite(number) and float(number) > least


def level_choice(confidence_level: float) -> Choice:
    """Return the choice of a confidence level, refused unless between 0 and 1."""
    bad = not (is_above(confidence_level) and confidence_level < 1.0)
    return (bad, "confidence_level", confidence_level, "a number between 0 and 1, such as 0.95")
