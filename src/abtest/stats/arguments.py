"""What every function asks of its arguments, refused in the same words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, get_args

from abtest.errors import UsageError
from abtest.stats.results import Alternative

_ALTERNATIVES = frozenset(get_args(Alternative))


def require_alternative(alternative: str) -> None:
    """Refuse an alternative of another name.

    Raises
    ------
    UsageError
        If it is not ``two-sided``, ``greater`` or ``less``.
    """
    require_one_of(alternative, _ALTERNATIVES, "alternative")


def require_one_of(value: object, allowed: Iterable[str], what: str) -> None:
    """Refuse a word that is not one of those allowed.

    Raises
    ------
    UsageError
        If it is not.
    """
    words = allowed if isinstance(allowed, frozenset) else frozenset(allowed)
    if not (isinstance(value, str) and value in words):
        raise UsageError(
            f"There is no such {what}",
            given=repr(value),
            todo=f"Use one of {', '.join(sorted(words))}.",
        )


def require_level(confidence_level: float) -> None:
    """Refuse a confidence level that is not between 0 and 1.

    Raises
    ------
    UsageError
        If it is not, or no number.
    """
    if not (_is_number(confidence_level) and 0.0 < confidence_level < 1.0):
        raise UsageError(
            "A confidence level lies between 0 and 1",
            given=repr(confidence_level),
            todo="Give it as 0.95, not 95.",
        )


def require_interval(confidence_level: float, alternative: str) -> None:
    """Refuse a level or alternative that no interval has.

    Raises
    ------
    UsageError
        If the level is not between 0 and 1, or below 0.5 for one side: such an interval would
        leave out its own estimate.
    """
    require_alternative(alternative)
    require_level(confidence_level)
    if alternative != "two-sided" and confidence_level < 0.5:
        raise UsageError(
            "A one-sided confidence level is at least 0.5",
            given=repr(confidence_level),
            todo="Give the level that the limit is to hold with, such as 0.95.",
        )


def require_share(value: float, name: str, example: str = "0.05") -> None:
    """Refuse an error probability or other share that is not strictly between 0 and 1.

    Raises
    ------
    UsageError
        If it is not, or no number.
    """
    if not (_is_number(value) and 0.0 < value < 1.0):
        raise UsageError(
            f"{name} must lie between 0 and 1",
            given=repr(value),
            todo=f"Give it as {example}, not in per cent.",
        )


def require_positive(value: float, name: str) -> None:
    """Refuse what is not a finite number above 0.

    Raises
    ------
    UsageError
        If it is not.
    """
    if not (_is_number(value) and 0.0 < value < math.inf):
        raise UsageError(
            f"{name} must be a number above 0", given=repr(value), todo="Give a finite one."
        )


def require_count(value: int, name: str, smallest: int = 0) -> int:
    """Return a whole number of at least `smallest` as an int.

    Raises
    ------
    UsageError
        If it is not.
    """
    if not (_is_number(value) and math.isfinite(value) and value % 1 == 0 and value >= smallest):
        raise UsageError(
            f"{name} must be a whole number of at least {smallest}",
            given=repr(value),
            todo="Give a number of units, not a share.",
        )
    return int(value)


def _is_number(value: Any) -> bool:
    """Return whether a value is one real number; truth values and text are not."""
    if isinstance(value, bool | str | bytes):
        return False
    try:
        return not isinstance(value, complex) and not math.isnan(float(value))
    except (TypeError, ValueError, OverflowError):
        return False
