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
    """Return x in [low, highest] with excess(x) = 0, by false position.

    SciPy has a public root finder for arrays since 1.15 only, and older ones are supported; the
    functions here are nearly straight, so that a handful of rounds is enough (Anderson & Bjorck
    1973, BIT 13, 253).

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
    f_low = excess(low)
    at_once = f_low >= 0.0
    ends, values = _bracket(excess, (low, f_low), guess, highest)
    never = ~(values[1] >= 0.0) & ~at_once
    root = _false_position(excess, ends, values, at_once | never)
    return np.where(at_once, low, np.where(never, np.nan, root))


def _bracket(
    excess: Callable[[Floats], Floats], start: tuple[Floats, Floats], guess: Floats, highest: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return ends close to the root, and the values there: of opposite sign where there is one."""
    (a, f_a) = start
    b = np.minimum(np.maximum(guess, a), highest)
    f_b = excess(b)
    step = 0.2 * (b - a)
    beyond = f_b >= 0.0
    if beyond.any():  # one look back, so that the far end does not spoil the first chords
        x = np.where(beyond, b - step, b)
        f = excess(x)
        before = beyond & (f < 0.0)
        a, f_a = np.where(before, x, a), np.where(before, f, f_a)
        b, f_b = np.where(before, b, x), np.where(before, f_b, f)
    for _ in range(_ROUNDS):
        short = (f_b < 0.0) & (b < highest) & (f_a < 0.0)
        if not short.any():
            break
        a, f_a = np.where(short, b, a), np.where(short, f_b, f_a)
        b = np.where(short, np.minimum(b + step, highest), b)
        f_b = np.where(short, excess(b), f_b)
        step = 2.0 * np.maximum(step, 1e-3 * np.abs(b))
    return (a, b), (f_a, f_b)


def _false_position(
    excess: Callable[[Floats], Floats],
    ends: tuple[Floats, Floats],
    values: tuple[Floats, Floats],
    done: Truths,
) -> Floats:
    """Return the root between ends of opposite sign, to 10 digits."""
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
        done = done | (np.abs(f) <= 1e-10) | tight
        if done.all():
            break
        up = f >= 0.0
        # the end that stays for the second time counts less, so that it moves at last
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = 1.0 - f / np.where(up, f_b, f_a)
        less = np.where(bend > 0.0, bend, 0.5)
        f_a, f_b = (
            np.where(up, np.where(side == 1.0, less * f_a, f_a), f),
            np.where(up, f, np.where(side == -1.0, less * f_b, f_b)),
        )
        a, b = np.where(up, a, x), np.where(up, x, b)
        side = np.where(up, 1.0, -1.0)
    return best
