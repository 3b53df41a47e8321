"""Numbers as documents and people need them: one function rounds, one formats each kind."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Literal

MINUS = "\N{MINUS SIGN}"
MISSING = "–"

Scale = Literal["points", "percent", "plain"]
"""How a number is shown: shares as percentage points or per cent, others as they are."""

SMALLEST_P = 1e-4
LARGEST_P = 0.9995
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def json_number(value: float | None) -> float | None:
    """Return `value` with 9 significant digits, or None if it is not finite.

    Examples
    --------
    >>> json_number(0.1234567894321)
    0.123456789
    >>> json_number(float("nan")) is None
    True
    """
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.9g}")
    return rounded + 0.0  # -0.0 becomes 0.0


def decimals_for(spread: float | None, value: float | None = None) -> int:
    """Return how many decimals show two digits of `spread`, the half-width of an interval.

    More would be noise. Without a spread, three significant digits of `value` are shown.
    The answer lies between 0 and 6.

    Examples
    --------
    >>> decimals_for(0.51), decimals_for(5.1), decimals_for(None, 0.0123)
    (2, 1, 4)
    """
    size, digits = (spread, 2) if spread else (value, 3)
    if not size or not math.isfinite(size):
        return 2
    return max(0, min(6, digits - 1 - math.floor(math.log10(abs(size)))))


def round_step(rough: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `rough`.

    Examples
    --------
    >>> round_step(0.3), round_step(7.0)
    (0.5, 10.0)
    """
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough)


def number(
    value: float | None, decimals: int | None = None, *, sign: bool = False, minus: str = MINUS
) -> str:
    """Return a plain number with thousands separated, a dash if there is none.

    Examples
    --------
    >>> number(-1234.567, 1), number(0.5, 2, sign=True), number(None)
    ('−1,234.6', '+0.50', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    places = decimals_for(None, value) if decimals is None else decimals
    text = f"{abs(value):,.{places}f}"
    if not text.strip("0,."):
        return text  # neither +0 nor -0
    return (minus if value < 0 else "+" if sign else "") + text


def percent(
    value: float | None, decimals: int | None = None, *, sign: bool = False, minus: str = MINUS
) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.1902, 2), percent(-0.0431, 1, sign=True)
    ('19.02%', '−4.3%')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return number(value * 100, decimals, sign=sign, minus=minus) + "%"


def count(value: float | None) -> str:
    """Return a count with thousands separated.

    Examples
    --------
    >>> count(45489)
    '45,489'
    """
    return number(value, 0)


def p_value(value: float | None) -> str:
    """Return a p-value with three significant digits, never as 0 or 1.

    Examples
    --------
    >>> p_value(0.00156), p_value(3e-9), p_value(1.0)
    ('0.00156', '< 0.0001', '> 0.999')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value < SMALLEST_P:
        return "< 0.0001"
    if value > LARGEST_P:
        return "> 0.999"
    return f"{value:.{max(3, 2 - math.floor(math.log10(value)))}f}"


def p_phrase(value: float | None) -> str:
    """Return ``p = 0.00156`` or ``p < 0.0001``; "" where there is no p-value."""
    text = p_value(value)
    if text == MISSING:
        return ""
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def moment(value: str | None) -> str:
    """Return an ISO date or time as people write it; what is not one is returned as it is.

    Examples
    --------
    >>> moment("2026-02-02T00:00:00+00:00"), moment("2026-02-02")
    ('2 Feb 2026, 00:00 UTC', '2 Feb 2026')
    """
    if not value:
        return MISSING
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return value
    day = f"{when.day} {MONTHS[when.month - 1]} {when.year}"
    if len(value) <= len("2026-02-02"):
        return day
    offset = when.strftime("%z")
    zone = "" if not offset else " UTC" if offset == "+0000" else f" UTC{offset[:3]}:{offset[3:5]}"
    return f"{day}, {when:%H:%M}{zone}"


def days(window: tuple[float, float] | list[float] | None) -> str:
    """Return a window of days after exposure in words.

    Examples
    --------
    >>> days([0, 7]), days([7, 14]), days(None)
    ('days 0 to 7 after exposure', 'days 7 to 14 after exposure', 'no window')
    """
    if not window:
        return "no window"
    return f"days {window[0]:g} to {window[1]:g} after exposure"
