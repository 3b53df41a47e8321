"""What users do in every arm: one log of possible events, and which arms each happens in.

Every possible event is drawn once, together with the random number that decides whether it
happens; an arm keeps the events whose number lies below that arm's rate (thinning). So both
potential outcomes of a user come from the same random numbers, and an arm that changes
nothing keeps exactly the events of control.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from abtest.simulate.activity import daily_rate, retention_curve
from abtest.simulate.rhythm import (
    DAY,
    SECOND,
    Floats,
    Ints,
    microseconds,
    moment_in_day_after,
    times_of_day,
    weekday,
)
from abtest.simulate.users import Flags, Users, stream
from abtest.simulate.world import (
    Amount,
    Occurrence,
    SessionEvent,
    Survey,
    World,
    arm_factors,
)

OPEN = "open"
"""The event that begins every session; being active means at least one."""

MEAN_SECONDS_IN_SESSION = 240.0

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Log:
    """Possible events of one kind or several, one entry each.

    `kept` has shape (arms, events): in which arms the event happens. `value` is NaN and
    `session` 0 where there is none. `event` is an index into the world's event names.
    """

    user: Index
    time: Ints
    event: NDArray[np.int8]
    value: Floats
    session: Ints
    kept: Flags

    def before(self, moment: int) -> Log:
        """Return the events before `moment`."""
        chosen = np.flatnonzero(self.time < moment)
        return Log(
            self.user[chosen],
            self.time[chosen],
            self.event[chosen],
            self.value[chosen],
            self.session[chosen],
            self.kept[:, chosen],
        )


def event_names(world: World) -> tuple[str, ...]:
    """Return the names of all events of a world in the order of `Log.event`."""
    return (OPEN, *(part.event for part in world.parts))


def draw_log(world: World, users: Users, seed: int) -> Log:
    """Return everything that could happen before the world's `until`."""
    sessions = _sessions(world, users, stream(world, seed, "sessions"))
    logs = [sessions]
    for code, part in enumerate(world.parts, start=1):
        rng = stream(world, seed, f"event {part.event}")
        if isinstance(part, SessionEvent):
            logs.append(_in_sessions(users, sessions, part, code, rng))
        elif isinstance(part, Survey):
            logs.append(_answers(users, part, code, rng))
        else:
            logs += _occurrences(world, users, part, code, rng)
    return _joined(logs).before(microseconds(world.until))


def _joined(logs: list[Log]) -> Log:
    """Return all events of several logs in one."""
    return Log(
        user=np.concatenate([log.user for log in logs]),
        time=np.concatenate([log.time for log in logs]),
        event=np.concatenate([log.event for log in logs]),
        value=np.concatenate([log.value for log in logs]),
        session=np.concatenate([log.session for log in logs]),
        kept=np.concatenate([log.kept for log in logs], axis=1),
    )


def _sessions(world: World, users: Users, rng: np.random.Generator) -> Log:
    """Return the sessions of all active days: the first at exposure, the others by rhythm."""
    user, begins, time, kept = _active_days(world, users, rng)
    extra = rng.integers(user.size, size=rng.poisson(world.activity.more_sessions * user.size))
    hours = times_of_day(rng, world.activity.hours, extra.size)
    user = np.concatenate([user, user[extra]])
    time = np.concatenate([time, moment_in_day_after(begins[extra], hours)])
    return Log(
        user=user,
        time=time,
        event=np.zeros(user.size, dtype=np.int8),
        value=np.full(user.size, np.nan),
        session=np.arange(1, user.size + 1),
        kept=np.concatenate([kept, kept[:, extra]], axis=1),
    )


def _active_days(
    world: World, users: Users, rng: np.random.Generator
) -> tuple[Index, Ints, Ints, Flags]:
    """Return user, begin, time of the first session and arms of each day that may be active.

    A day is a stretch of 24 hours counted from exposure. The user is active if an
    exponential number is below g h w, which has probability 1 - exp(-g h w).
    """
    activity = world.activity
    factors = arm_factors(activity.effects, len(world.arms))
    weights = np.array(activity.weekdays)
    before, rate = _rates(world)
    number = rng.standard_exponential((len(users), rate.shape[1]))
    number[:, before] = 0.0  # the day of exposure: using the app is what exposed them
    most = users.activity * weights.max() * factors.max()
    possible = number < most[:, None] * rate[users.is_new.astype(np.int8)]
    possible[:, before] = True
    user, column = np.nonzero(possible)
    day = column - before
    begins = users.exposed_at[user] + day * DAY
    hours = times_of_day(rng, activity.hours, user.size)
    time = np.where(day == 0, begins, moment_in_day_after(begins, hours))
    intensity = users.activity[user] * rate[users.is_new[user].astype(np.int8), column]
    intensity *= weights[weekday(time)]
    factor = np.where(day < 0, 1.0, factors[:, None])
    kept = (number[user, column] < intensity * factor) | (day == 0)
    return user, begins, time, kept


def _rates(world: World) -> tuple[int, Floats]:
    """Return the days of history and the daily rates, shape (existing or new, days)."""
    activity = world.activity
    before = activity.before_days
    follow = -(-(world.until - world.start) // timedelta(days=1))
    ages = np.arange(1.0, follow)
    new = retention_curve(activity.retention, ages)
    both = daily_rate(np.append(new, activity.existing), activity.shape, activity.weekdays)
    rate = np.zeros((2, before + follow))
    rate[0] = both[-1]
    rate[1, before + 1 :] = both[:-1]
    return before, rate


def _in_sessions(
    users: Users, sessions: Log, part: SessionEvent, code: int, rng: np.random.Generator
) -> Log:
    """Return the events of one kind within sessions: a Poisson number each, thinned by arm."""
    factors = arm_factors(part.effects, len(sessions.kept))
    most = (1 + abs(part.tilt)) * factors.max()
    count = rng.poisson(part.rate * most * sessions.user.size)
    session = rng.integers(sessions.user.size, size=count)
    user = sessions.user[session]
    number = rng.random(count) * most
    inclined = 1 + part.tilt * (2 * users.inclination[user] - 1)
    later = (rng.exponential(MEAN_SECONDS_IN_SESSION, count) * SECOND).astype(np.int64)
    exposed = sessions.time[session] >= users.exposed_at[user]
    limit = inclined * np.where(exposed, factors[:, None], 1.0)
    return Log(
        user=user,
        time=sessions.time[session] + SECOND + later,
        event=np.full(count, code, dtype=np.int8),
        value=_amounts(part.amount, count, rng),
        session=sessions.session[session],
        kept=sessions.kept[:, session] & (number < limit),
    )


def _occurrences(
    world: World, users: Users, part: Occurrence, code: int, rng: np.random.Generator
) -> list[Log]:
    """Return the events that happen at most once: after exposure and, if asked, before."""
    chance = part.probability * (1 + part.tilt * (2 * users.activity_rank - 1))
    factors = arm_factors(part.effects, len(world.arms))[:, None]
    after = _once(chance * factors, part, code, users.exposed_at, rng)
    if not part.before:
        return [after]
    earlier = np.where(users.is_new, 0.0, chance) * np.ones_like(factors)
    begins = users.exposed_at - int(part.within_days * DAY)
    return [after, _once(earlier, part, code, begins, rng)]


def _once(
    chance: Floats, part: Occurrence, code: int, begins: Ints, rng: np.random.Generator
) -> Log:
    """Return one event per user at most; half of them in the first quarter of the days."""
    number = rng.random(begins.size)
    user = np.flatnonzero(number < np.max(chance, axis=0))
    delay = rng.random(user.size) ** 2 * part.within_days * DAY
    return Log(
        user=user,
        time=begins[user] + delay.astype(np.int64),
        event=np.full(user.size, code, dtype=np.int8),
        value=_amounts(part.amount, user.size, rng),
        session=np.zeros(user.size, dtype=np.int64),
        kept=number[user] < chance[:, user],
    )


def _answers(users: Users, part: Survey, code: int, rng: np.random.Generator) -> Log:
    """Return the answers to a survey: one entry for each that a user gives in some arm.

    Arms in which a user answers alike share an entry; elsewhere each has its own.
    """
    who = np.flatnonzero(rng.random(len(users)) < part.answered)
    number = rng.random(who.size)
    asked = users.exposed_at[who] + (rng.random(who.size) * part.within_days * DAY).astype(np.int64)
    steps = [np.searchsorted(np.cumsum(row)[:-1], number, side="right") for row in part.shares]
    given = np.array(steps) + part.lowest
    alike = given == np.array(part.answers)[:, None, None]  # (answers, arms, users who answer)
    answer, index = np.nonzero(alike.any(axis=1))
    return Log(
        user=who[index],
        time=asked[index],
        event=np.full(index.size, code, dtype=np.int8),
        value=(answer + part.lowest).astype(np.float64),
        session=np.zeros(index.size, dtype=np.int64),
        kept=alike[answer, :, index].T,
    )


def _amounts(amount: Amount | None, count: int, rng: np.random.Generator) -> Floats:
    if amount is None:
        return np.full(count, np.nan)
    return np.round(amount.median * rng.lognormal(sigma=amount.sigma, size=count), 2)
