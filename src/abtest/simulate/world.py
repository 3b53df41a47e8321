"""A simulated world as data: who comes, what they do, and what each arm changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError

WEEKDAY_WEIGHTS = (1.06, 1.08, 1.07, 1.04, 0.97, 0.85, 0.93)
"""Monday to Sunday, mean 1: an app that is used a little less at the weekend."""

HOUR_WEIGHTS = (
    *(0.35, 0.20, 0.12, 0.10, 0.12, 0.25, 0.60, 1.00, 1.20, 1.20, 1.15, 1.20),
    *(1.35, 1.25, 1.10, 1.05, 1.10, 1.25, 1.45, 1.70, 1.90, 1.80, 1.40, 0.80),
)
"""Midnight to 23:00; only their proportions matter. Quiet nights, a peak in the evening."""

RETENTION = ((1.0, 0.91), (7.0, 0.31), (30.0, 0.075))
"""(n, share of new users active in [n, n + 1) days of 24 hours after signing up).

The retention chart of the source documents: 91% on day 1, 31% on day 7, 7.5% after a
month. Between these days the curve is a straight line in log share over log day.
"""


@dataclass(frozen=True)
class Attribute:
    """Something known about a user before exposure, such as the platform.

    `tilt` says how much more often very active users have the first value: their share of
    it is ``shares[0] + tilt / 2``, that of the least active users ``shares[0] - tilt / 2``.
    """

    name: str
    values: tuple[str, ...]
    shares: tuple[float, ...]
    tilt: float = 0.0


@dataclass(frozen=True)
class Amount:
    """A log-normal number that an event carries, rounded to two decimals."""

    median: float
    sigma: float


@dataclass(frozen=True)
class Activity:
    """On which days users are active.

    A user of activity g (gamma, mean 1, `shape`) is active on a day of rate h and weekday
    weight w with probability 1 - exp(-g h w). The rates of new users follow `retention`,
    averaged over weekdays; existing users are active on the share `existing` of their days.
    `effects` change g h w relatively after exposure, one number per treatment.
    """

    existing: float = 0.10
    retention: tuple[tuple[float, float], ...] = RETENTION
    shape: float = 1.0
    effects: tuple[float, ...] = ()
    more_sessions: float = 0.15
    """Mean number of sessions beyond the first on an active day."""
    weekdays: tuple[float, ...] = WEEKDAY_WEIGHTS
    hours: tuple[float, ...] = HOUR_WEIGHTS
    before_days: int = 28
    """Days of history of existing users before exposure."""


@dataclass(frozen=True)
class SessionEvent:
    """An event that happens `rate` times per session on average, in the control arm.

    Users differ: the rate of a user is ``rate * (1 + tilt * (2 p - 1))`` with p uniform,
    the same p for all kinds of events. `effects` are relative, one per treatment, and begin
    at exposure.
    """

    event: str
    rate: float
    effects: tuple[float, ...] = ()
    tilt: float = 0.0
    amount: Amount | None = None


@dataclass(frozen=True)
class Occurrence:
    """An event that a user has at most once in the `within_days` days after exposure.

    Its probability in the control arm is `probability` on average; a user whose activity
    has rank q (0 to 1) has ``probability * (1 + tilt * (2 q - 1))``. `effects` are relative,
    one per treatment. With `before`, existing users have had it with the control's
    probability in as many days before exposure, too.
    """

    event: str
    probability: float
    within_days: float
    effects: tuple[float, ...] = ()
    tilt: float = 0.0
    amount: Amount | None = None
    before: bool = False

    @property
    def highest(self) -> float:
        """Probability of the most inclined users in the arm that has it most."""
        return self.probability * (1 + abs(self.tilt)) * (1 + max((0.0, *self.effects)))


@dataclass(frozen=True)
class Survey:
    """A question that the share `answered` of users answers once, within `within_days` days.

    The days are counted from exposure. Who answers, and when, does not depend on the arm.
    `shares` has a row per arm: the shares of the answers `lowest`, `lowest` + 1 and so on among
    those who answer. One number per user decides in every arm, so that an arm with the shares
    of control has its very answers.
    """

    event: str
    answered: float
    within_days: float
    lowest: int
    shares: tuple[tuple[float, ...], ...]

    @property
    def answers(self) -> range:
        """The possible answers, lowest first."""
        return range(self.lowest, self.lowest + len(self.shares[0]))

    def problems(self, arms: int) -> list[tuple[bool, str]]:
        """Return what could be wrong in a world of so many arms, and whether it is."""
        rows, given = self.shares, f"{self.event}: shares = {self.shares}"
        whole = all(math.isclose(sum(row), 1.0) and min(row) >= 0 for row in rows)
        return [
            (len(rows) != arms, f"{given}: not a row per arm"),
            (len({len(row) for row in rows}) > 1, f"{given}: rows of different lengths"),
            (not whole, f"{given}: a row that is no distribution"),
            (not 0 <= self.answered <= 1, f"answered = {self.answered}: not in 0 to 1"),
        ]


@dataclass(frozen=True)
class World:
    """An experiment whose truth is known because we made it.

    `arms` starts with the control; `shares` are the shares of users that really reach each
    arm, which is not what was planned where the assignment is broken. Users are exposed in
    [start, min(end, until)); the log ends at `until`.
    """

    name: str
    arms: tuple[str, ...]
    shares: tuple[float, ...]
    start: datetime
    end: datetime
    until: datetime
    users: int = 50_000
    new_users: float = 0.0
    """Share of users who sign up at exposure; the others have been here before."""
    activity: Activity = Activity()
    session_events: tuple[SessionEvent, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    surveys: tuple[Survey, ...] = ()
    attributes: tuple[Attribute, ...] = (
        Attribute("platform", ("ios", "android", "web"), (0.40, 0.45, 0.15), tilt=0.3),
        Attribute("country", ("IR", "VN", "TR", "DE"), (0.35, 0.30, 0.25, 0.10), tilt=-0.1),
    )

    def __post_init__(self) -> None:
        for wrong in self._problems():
            raise UsageError(
                f"The simulated world {self.name!r} is impossible",
                given=wrong,
                todo="Correct the World that was passed",
                code="impossible_world",
            )

    def _problems(self) -> list[str]:
        treatments = len(self.arms) - 1
        changing: tuple[SessionEvent | Occurrence, ...]
        changing = (*self.session_events, *self.occurrences)
        effects = [self.activity.effects, *(part.effects for part in changing)]
        found = [
            (treatments < 1, f"arms = {self.arms}: fewer than two"),
            (len(self.shares) != len(self.arms), f"shares = {self.shares}: not one per arm"),
            (not math.isclose(sum(self.shares), 1.0), f"shares = {self.shares}: sum is not 1"),
            (self.users < 1, f"users = {self.users}: fewer than one"),
            (not 0 <= self.new_users <= 1, f"new_users = {self.new_users}: not in 0 to 1"),
            (not self.start < self.end, f"end = {self.end}: not after start"),
            (self.until - self.start < timedelta(days=1), f"until = {self.until}: too early"),
        ]
        found += [
            (bool(given) and len(given) != treatments, f"effects = {given}: not one per treatment")
            for given in effects
        ]
        found += [
            (rare.highest > 1, f"{rare.event}: a probability of {rare.highest}, which is above 1")
            for rare in self.occurrences
        ]
        found += [problem for survey in self.surveys for problem in survey.problems(len(self.arms))]
        return [text for wrong, text in found if wrong]

    @property
    def parts(self) -> tuple[SessionEvent | Occurrence | Survey, ...]:
        """Session events, occurrences and surveys together."""
        return (*self.session_events, *self.occurrences, *self.surveys)

    @property
    def enrolment_end(self) -> datetime:
        """When the last user is exposed, or the log ends."""
        return min(self.end, self.until)

    def probabilities(self, event: str) -> tuple[float, ...]:
        """Return the probability of an occurrence in each arm, over all conceivable users.

        Nobody has to count for this one: it is what the world says. The truth over the
        users who happened to come differs from it by chance (`Simulated.truth`).
        """
        found = {part.event: part for part in self.occurrences}[event]
        factors = arm_factors(found.effects, len(self.arms))
        return tuple(float(found.probability * factor) for factor in factors)


def arm_factors(effects: tuple[float, ...], arms: int) -> NDArray[np.float64]:
    """Return what each arm multiplies by: 1 for control, 1 + effect for a treatment."""
    return np.array([1.0, *(1.0 + effect for effect in effects or (0.0,) * (arms - 1))])
