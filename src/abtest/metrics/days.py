"""Windows in words: labels always say which days they cover."""

from __future__ import annotations


def day_range(window: tuple[float, float] | None, *, dates: bool = False) -> str:
    """Return the days of a window in words; days count from 0 and are 24 hours long.

    Parameters
    ----------
    window
        [start, end) in days after exposure, negative before it.
    dates
        Whether calendar dates are counted; day 0 is then that of exposure.

    Examples
    --------
    >>> day_range((0.0, 7.0))
    'days 0 to 6 after exposure'
    >>> day_range((7.0, 8.0))
    'day 7 after exposure'
    >>> day_range((0.0, 1.5))
    'hours 0 to 36 after exposure'
    >>> day_range((-28.0, 0.0))
    'days 28 to 1 before exposure'
    >>> day_range((1.0, 8.0), dates=True)
    'calendar days 1 to 7 after exposure'
    """
    if window is None:
        return ""
    start, end = window
    kind = "calendar " if dates else ""
    if start != int(start) or end != int(end):
        return f"hours {start * 24:g} to {end * 24:g} after exposure"
    if start < 0 and end <= 0:
        if end - start == 1:
            return f"{kind}day {-start:g} before exposure"
        return f"{kind}days {-start:g} to {1 - end:g} before exposure"
    if end - start == 1:
        return f"{kind}day {start:g} after exposure"
    return f"{kind}days {start:g} to {end - 1:g} after exposure"
