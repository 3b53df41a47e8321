"""Where a rising function of a row of numbers crosses zero, all rows at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.sizing.numbers import Truths

_ROUNDS = 200


def rising_root(
    excess: Callable[[Floats], Floats], low: Floats, guess: Floats, highest: Floats
) -> Floats:
    """Return x in [low, highest] with excess(x) = 0, by regula falsi with the Illinois step.

    SciPy has a public root finder for arrays since 1.15 only, and older ones are supported; the
    functions here are nearly straight, so that a handful of rounds is enough (Dowell & Jarratt
    1971, BIT 11, 168).

    Parameters
    ----------
    excess
        Function of an array of shape (r,), rising in each row.
    low, guess, highest
        Shape (r,), low <= guess; `highest` may be infinite.

    Returns
    -------
    ndarray
        `low` where the function is not negative there; NaN where it never is up to `highest`.
    """
    low = low.copy()
    high = np.minimum(np.maximum(guess, low), highest)
    f_low, f_high = excess(low), excess(high)
    at_once = f_low >= 0.0
    start = low.copy()
    for _ in range(_ROUNDS):
        short = (f_high < 0.0) & (high < highest) & ~at_once
        if not short.any():
            break
        low, f_low = np.where(short, high, low), np.where(short, f_high, f_low)
        step = np.maximum(high - start, np.abs(high) * 1e-3)
        high = np.where(short, np.minimum(high + step, highest), high)
        f_high = np.where(short, excess(high), f_high)
    never = ~(f_high >= 0.0) & ~at_once
    root = _illinois(excess, (low, high), (f_low, f_high), at_once | never)
    return np.where(at_once, start, np.where(never, np.nan, root))


def _illinois(
    excess: Callable[[Floats], Floats],
    ends: tuple[Floats, Floats],
    values: tuple[Floats, Floats],
    done: Truths,
) -> Floats:
    """Return the root between ends of opposite sign, to 13 digits."""
    (a, b), (f_a, f_b) = ends, values
    best = b.copy()
    side = np.zeros(a.shape)
    for count in range(_ROUNDS):
        with np.errstate(divide="ignore", invalid="ignore"):
            x = b - f_b * (b - a) / (f_b - f_a)
        middle = 0.5 * (a + b)
        x = np.where((x > a) & (x < b) & (count % 12 != 11), x, middle)
        f = excess(x)
        best = np.where(done, best, x)
        tight = np.abs(b - a) <= 1e-13 * np.maximum(np.abs(a), np.abs(b))
        done = done | (np.abs(f) <= 1e-13) | tight
        if done.all():
            break
        up = f >= 0.0
        # the end that stays for the second time counts half, so that it moves at last
        f_a, f_b = (
            np.where(up, np.where(side == 1.0, 0.5 * f_a, f_a), f),
            np.where(up, f, np.where(side == -1.0, 0.5 * f_b, f_b)),
        )
        a, b = np.where(up, a, x), np.where(up, x, b)
        side = np.where(up, 1.0, -1.0)
    return best
