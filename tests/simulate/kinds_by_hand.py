"""Quantiles, times, scores and cumulative means of simulated experiments, made by hand.

The truth is NumPy on the outcomes of all users in an arm; what is observed goes to the public
types of `abtest.stats`.
"""

import math

import numpy as np

from abtest.data.request import EventValue
from abtest.simulate import TrueEffect
from abtest.simulate.rhythm import DAY, microseconds
from abtest.stats import EventTimes, RepeatedEvents, ValueCounts

HOUR_OF_DAY = 24.0


def true_effect(simulated, metric):
    """The metric if all users had been in an arm, by (metric, treatment)."""
    control, *treatments = simulated.world.arms
    value = true_value(simulated, metric, control)
    return {
        (metric.id, arm): TrueEffect(value, true_value(simulated, metric, arm))
        for arm in treatments
    }


def judged(simulated, metric):
    """What is estimated from the users of each arm, by treatment."""
    control, *treatments = (observed(simulated, metric, arm) for arm in simulated.world.arms)
    return {
        arm: metric.compared((control,), (side,))
        for arm, side in zip(simulated.world.arms[1:], treatments, strict=True)
    }


def true_value(simulated, metric, arm):
    days = metric.window_days[1]
    if metric.kind == "cumulative":
        watched = watched_days(simulated, days)
        total = 0.0
        for day in range(int(days)):
            of_day = EventValue((metric.event,), metric.aggregate, (day, day + 1))
            total += simulated.outcomes(of_day, arm=arm)[watched > day].mean()
        return total
    assert simulated.mature(days).all()
    if metric.kind == "time_to_event":
        first = simulated.outcomes(EventValue((metric.event,), "first_time", (0, days)), arm=arm)
        return np.fmin(first / DAY, days).mean()
    if metric.kind == "score":
        last = simulated.outcomes(EventValue((metric.event,), "last_value", (0, days)), arm=arm)
        answers = last[~np.isnan(last)]
        if metric.score == "nps":
            return 100.0 * (np.mean(answers >= 9) - np.mean(answers <= 6))
        return answers.mean()
    values = simulated.outcomes(EventValue((metric.event,), metric.aggregate, (0, days)), arm=arm)
    return np.sort(values)[math.ceil(metric.quantile * values.size) - 1]


def observed(simulated, metric, arm):
    days = metric.window_days[1]
    here = simulated.people.variant == simulated.world.arms.index(arm)
    if metric.kind == "cumulative":
        return repeated(simulated, metric, here)
    if metric.kind == "time_to_event":
        first = simulated.outcomes(EventValue((metric.event,), "first_time", (0, days)))[here]
        hour = np.floor(first / DAY * HOUR_OF_DAY)
        seen = ~np.isnan(hour)
        return EventTimes.from_values(np.where(seen, hour + 0.5, days * 24) / HOUR_OF_DAY, seen)
    aggregate = "last_value" if metric.kind == "score" else metric.aggregate
    values = simulated.outcomes(EventValue((metric.event,), aggregate, (0, days)))[here]
    return ValueCounts.from_values(values[~np.isnan(values)])


def repeated(simulated, metric, here):
    """Amounts of an arm by whole days since exposure."""
    days = metric.window_days[1]
    log, people = simulated.log, simulated.people
    code = [part.event for part in simulated.world.parts].index(metric.event) + 1
    watched = watched_days(simulated, days)
    age = (log.time - people.exposed_at[log.user]) // DAY
    inside = simulated.happened & (log.event == code) & here[log.user]
    inside &= (age >= 0) & (age < watched[log.user])
    place = np.cumsum(here) - 1
    amounts = log.value[inside] if metric.aggregate == "sum" else np.ones(inside.sum())
    whose = place[log.user[inside]]
    return RepeatedEvents.from_values(watched[here], whose, age[inside] + 1, amounts)


def watched_days(simulated, days):
    until = microseconds(simulated.world.until)
    return np.minimum((until - simulated.people.exposed_at) // DAY, int(days))
