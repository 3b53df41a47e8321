"""Choices that cannot be are refused in one way."""

from __future__ import annotations

from collections.abc import Iterable

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


def level_choice(confidence_level: float) -> Choice:
    """Return the choice of a confidence level, refused unless between 0 and 1."""
    bad = not 0.0 < confidence_level < 1.0
    return (bad, "confidence_level", confidence_level, "a number between 0 and 1, such as 0.95")
