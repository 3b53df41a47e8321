"""Limits of the slope of shares over doses: all slopes that the test for trend does not reject."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from abtest.stats.moments import Floats

_STEPS = 200
"""More than bisection needs where Newton's steps do not help."""
_CLOSE = 1e-11
"""Newton's steps double the digits, so that one of this size leaves rounding alone."""
_SCAN = tuple(1.0 / (1.0 + 10.0 ** (-0.125 * step)) for step in range(-12, 17))
"""Where limits and gaps are looked for; see `_distance`."""


@dataclass(frozen=True)
class ShareLine:
    """Arms of successes over doses that span one unit.

    A slope b is tested by z(b) = (estimate - b) / error(b). The error is that of the shares most
    likely on lines of slope b (Mee 1984, Biometrics 40, 1175, and Miettinen & Nurminen 1985,
    Stat. Med. 4, 213, for two arms): at 0 all shares are equal and z is the statistic of Cochran
    and Armitage.

    Attributes
    ----------
    successes, n
        Of the arms.
    line
        Doses around their mean weighted by units, in units of their range.
    pulls
        Weights of the shares in the slope.
    estimate
        The weighted slope per range of the doses.
    """

    successes: tuple[float, ...]
    n: tuple[float, ...]
    line: tuple[float, ...]
    pulls: tuple[float, ...]
    estimate: float

    @classmethod
    def of(cls, successes: Floats, n: Floats, doses: Floats) -> ShareLine:
        """Return the line of arms whose doses differ."""
        line = (doses - doses[0]) / float(np.ptp(doses))
        line = line - float(n @ line) / float(n.sum())
        pulls = n * line / float(n @ line**2)
        estimate = float(pulls @ (successes / n - successes.sum() / n.sum()))
        return cls(
            successes=tuple(successes.tolist()),
            n=tuple(n.tolist()),
            line=tuple(line.tolist()),
            pulls=tuple(pulls.tolist()),
            estimate=estimate,
        )

    def limits(self, critical: float) -> tuple[float, float, bool]:
        """Return the lowest and the highest slope with |z| at most `critical`.

        And whether slopes between them are rejected, which happens with three arms or more where
        few succeed or fail in arms of very different sizes.
        """
        if critical <= 0.0:
            return self.estimate, self.estimate, False
        upper, above = self._upper(critical)
        lower, below = self._turned()._upper(critical)
        return -lower, upper, above or below

    def _upper(self, critical: float) -> tuple[float, bool]:
        """Return the highest slope with z of at least -`critical`, and whether one below is not."""
        from scipy import optimize

        far = sum(max(pull, 0.0) for pull in self.pulls) - self.estimate  # shares are 0 and 1
        if far <= 0.0:
            return self.estimate, False
        guess = min(critical * self.error(self.estimate), far) or far / 2.0

        def excess(place: float) -> float:
            distance = _distance(place, guess, far)
            if distance <= 0.0:
                return -1.0
            error = critical * self.error(self.estimate + distance)
            return min(distance / error - 1.0, 1.0) if error > 0.0 else 1.0

        places = _SCAN if len(self.n) > 2 else ()
        if 0.0 < -self.estimate < far:
            places = tuple(sorted((*places, _place(-self.estimate, guess, far))))
        found = [(place, excess(place)) for place in (0.0, *places, 1.0)]
        last = max(i for i, (_, over) in enumerate(found) if over <= 0.0)
        gap = any(over > 0.0 for _, over in found[:last])
        if last == len(found) - 1:
            return self.estimate + far, gap
        ends = found[last][0], found[last + 1][0]
        place = optimize.brentq(excess, *ends, xtol=1e-16, rtol=1e-14, maxiter=_STEPS)
        return self.estimate + _distance(place, guess, far), gap

    def error(self, slope: float) -> float:
        """Return the standard error of the estimate if shares lie on a line of this slope.

        No line is steeper than from 0 to 1 over the doses: a slope of that size counts for all
        beyond, which estimates reach where shares bend.
        """
        slope = min(max(slope, -1.0), 1.0)
        return math.sqrt(
            sum(
                pull * pull * p * q / n
                for pull, (p, q), n in zip(self.pulls, self.shares(slope), self.n, strict=True)
            )
        )

    def shares(self, slope: float) -> list[tuple[float, float]]:
        """Return the most likely shares of successes and of failures on a line of this slope."""
        if slope == 0.0:
            share = sum(self.successes) / sum(self.n)
            return [(share, 1.0 - share)] * len(self.n)
        rise = [slope * place for place in self.line]
        low, high = min(rise), max(rise)
        room = max(1.0 - (high - low), 0.0)
        above, below = [r - low for r in rise], [high - r for r in rise]
        failures = [n - x for x, n in zip(self.successes, self.n, strict=True)]
        up = _most_likely(self.successes, failures, above, below, room)
        return [(up[0] + more, up[1] + less) for more, less in zip(above, below, strict=True)]

    def _turned(self) -> ShareLine:
        """Return the same with doses the other way round."""
        return replace(
            self,
            line=tuple(-place for place in self.line),
            pulls=tuple(-pull for pull in self.pulls),
            estimate=-self.estimate,
        )


def _distance(place: float, guess: float, far: float) -> float:
    """Return distances from 0 to `far` for places from 0 to 1, the guess next to one half."""
    return place * guess / (1.0 - place + place * guess / far)


def _place(distance: float, guess: float, far: float) -> float:
    """Return the place of a distance; see `_distance`."""
    return distance / (guess + distance * (1.0 - guess / far))


def _most_likely(
    successes: Sequence[float],
    failures: Sequence[float],
    above: Sequence[float],
    below: Sequence[float],
    room: float,
) -> tuple[float, float]:
    """Return how far a line of given slope lies above its lowest place, and below its highest.

    The likelihood is concave, so that its derivative has one root. It is looked for on the
    logit of the height within `room`, so that rare successes and rare failures keep their digits.
    """
    arms = list(zip(successes, failures, above, below, strict=True))

    def slopes(up: float, down: float) -> tuple[float, float]:
        first = second = 0.0
        for x, y, more, less in arms:
            if x > 0.0:
                part = x / (up + more) if up + more > 0.0 else math.inf
                first, second = first + part, second + part * (part / x)
            if y > 0.0:
                part = y / (down + less) if down + less > 0.0 else math.inf
                first, second = first - part, second + part * (part / y)
        return first, second

    if room <= 0.0:
        return 0.0, 0.0
    if slopes(0.0, room)[0] <= 0.0:
        return 0.0, room
    if slopes(room, 0.0)[0] >= 0.0:
        return room, 0.0
    lowest, highest = -700.0, 700.0
    total = math.fsum(successes) + math.fsum(failures)
    share = min(max(math.fsum(successes) / total, 1e-12), 1.0 - 1e-12)
    place = math.log(share / (1.0 - share))
    for _ in range(_STEPS):
        up, down = room / (1.0 + math.exp(-place)), room / (1.0 + math.exp(place))
        first, second = slopes(up, down)
        if first > 0.0:
            lowest = place
        else:
            highest = place
        # Newton's step for the score times up * down / room, nearly a straight line in the logit
        step = first * room / max(second * up * down - first * (down - up), 1e-300)
        if abs(step) <= _CLOSE * max(abs(place), 1.0):
            break
        place += step
        if not lowest < place < highest:
            place = (lowest + highest) / 2.0
    return up, down
