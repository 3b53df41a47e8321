"""Churn: how long units stay before they leave, with those who have not left yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.churn_numbers import times_differences, times_summary, times_table
from abtest.cohorts.churn_times import Question, arm_times
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.stats import CompetingTimes
from abtest.stats.survival.restricted import known_up_to

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

_WHOLE = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class Churn(CohortResult):
    """Times to leaving, as `churn` returns them.

    Attributes
    ----------
    table
        One row per arm and time in days: time, arm, at_risk, events (units that left there),
        censored (last seen there without having left), survival, lower, upper. With `competing`
        also competing, and incidence in place of survival.
    differences
        Treatment minus control up to `tau`, one row per treatment: the restricted mean time in
        days with the p-value of the log-rank test (`test_p`); with `competing` the share that
        left, with that of Gray's test. None without arms.
    summary
        One row per arm: units, events, competing, censored, tau, the share at tau with limits,
        the restricted mean days up to tau and the median with limits.
    tau
        Days up to which arms are compared: the horizon, or how far all arms rest on enough units.
    times
        Per arm what the curves are made of.
    """

    summary: pd.DataFrame
    tau: float
    times: Mapping[str, CompetingTimes]
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        if self.asked.leave:
            return f"Time until {' or '.join(self.asked.leave)}"
        return f"Time until a pause of more than {self.asked.inactive_days:g} days"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the curve; with arms those of control and one treatment.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.churn_picture import picture

        return picture(self, arm)


def churn(
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    inactive_days: float = 28.0,
    horizon: float = 90.0,
    leave: str | Sequence[str] | None = None,
    competing: str | Sequence[str] | None = None,
    start: str | Sequence[str] | None = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Churn:
    """Return how long units stay: until they fall silent, or until an event such as a cancellation.

    The clock of a unit starts with its first event; with `exposures` at its exposure.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that are activity; left out: any event.
    inactive_days
        A unit has left with its last activity before the first pause longer than this. A pause of
        exactly so many days is none. Who does nothing for so long after the start left at once.
    horizon
        Days up to which times are compared. Time is counted in days; in hours up to 15 days, in
        minutes up to 6 hours.
    leave
        Instead: events that end a unit's stay, such as ``"cancel"``; the first one counts.
    competing
        With `leave`: events after which it cannot happen any more, such as ``"upgrade"``. The
        share that left is then the cumulative incidence. Of both at one moment `leave` counts.
    start
        Events that start a unit's clock; left out: the active ones. Not with exposures.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that do not go together.
    DataError
        ``unknown_event`` and what `open_log` raises.

    Notes
    -----
    That a unit fell silent is known only `inactive_days` later, so that units count as watched
    until `as_of` less these days; with `leave` until `as_of`. An event stands in the middle of its
    day and counts if that day was watched to its end, as in metrics of kind ``time_to_event``.

    Curves are those of Kaplan & Meier with log-log limits, or of Aalen & Johansen with
    `competing`. Arms are compared up to tau by the mean of min(time, tau), the area under the
    curve (Royston & Parmar 2013), or by the share that left. Tau is the horizon or, if that comes
    first, the last time at which every arm has 30 units or a tenth of its own at risk. The
    log-rank test (Gray's with `competing`) asks another question, of all times: whether the arms
    leave at the same rate.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 3, 3],
    ...         "event": "open",
    ...         "time": pd.to_datetime(
    ...             ["2026-01-01", "2026-01-03", "2026-01-20", "2026-01-01", "2026-01-01",
    ...              "2026-01-08"]
    ...         ),
    ...     }
    ... )
    >>> found = churn(log, inactive_days=7, horizon=30, as_of="2026-01-21")
    >>> found.table[["time", "at_risk", "events", "censored"]].values.tolist()
    [[0.5, 3.0, 1.0, 0.0], [2.5, 2.0, 1.0, 0.0], [7.5, 1.0, 1.0, 0.0]]
    """
    log = open_log(events, **options)
    asked = Question(
        start=None if start is None else names_of(start),
        active=None if active is None else names_of(active),
        inactive_days=inactive_days,
        horizon=horizon,
        leave=names_of(leave),
        competing=names_of(competing),
    )
    refuse([*_choices(asked, arms=log.arms is not None), level_choice(confidence_level)])
    log.require(start, active, leave, competing)
    times = arm_times(log, asked)
    reached = [asked.until, *(known_up_to(arm.any_event) for arm in times.values())]
    tau = float(min(reached))
    return Churn(
        table=times_table(times, asked, confidence_level),
        differences=None
        if log.arms is None
        else times_differences(times, asked, tau, confidence_level),
        notes=_notes(log, asked, tau),
        summary=times_summary(times, asked, tau, confidence_level),
        tau=tau,
        times=times,
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool) -> Iterator[Choice]:
    for name, days in (("inactive_days", asked.inactive_days), ("horizon", asked.horizon)):
        yield not is_above(days), name, days, "more than 0 days"
    whole = abs(asked.horizon / asked.step - asked.steps) <= _WHOLE
    unit = {1.0: "days", 1.0 / 24.0: "hours"}.get(asked.step, "minutes")
    yield not whole, "horizon", asked.horizon, f"whole {unit}"
    todo = "the events that start the clock as start; activity has no part in leaving by an event"
    yield bool(asked.leave) and asked.active is not None, "active", asked.active, todo
    todo = "none with exposures: the clock starts at exposure"
    yield arms and asked.start is not None, "start", asked.start, todo
    competing = asked.competing
    yield bool(competing) and not asked.leave, "competing", competing, "leave together with it"
    todo = "events that are not in leave"
    yield bool({*competing} & {*asked.leave}), "competing", competing, todo


def _notes(log: EventLog, asked: Question, tau: float) -> tuple[str, ...]:
    clock = "exposure" if log.arms is not None else f"its first {_any(asked.start or asked.active)}"
    as_of = log.until
    if asked.leave:
        found = [
            f"A unit leaves with its first {_any(asked.leave)} from {clock} on. Units without one "
            f"count as long as they were watched, up to {as_of}."
        ]
    else:
        days = f"{asked.inactive_days:g} days"
        found = [
            f"A unit leaves with its last {_any(asked.active)} before the first pause of more than "
            f"{days}, counted from {clock}; who is silent for so long from there on left at once.",
            f"A pause is known when it has passed: units count as watched up to {days} before "
            f"{as_of}. Who left may come back later.",
        ]
    if asked.competing:
        found.append(
            f"Units with {_any(asked.competing)} first cannot leave any more: shown is the share "
            "that left (cumulative incidence), not what would be without these."
        )
    unit = {1.0: "day", 1.0 / 24.0: "hour"}.get(asked.step, "minute")
    found.append(f"Time is counted in {unit}s; an event stands in the middle of its {unit}.")
    if tau < asked.until:
        found.append(
            f"Seen up to day {tau:g} of {asked.until:g}: beyond, units were lost and an arm has "
            "fewer than 30 units and less than a tenth of its own at risk."
        )
    if log.arms is None:
        found.append("Units of before the log look as if they started with it.")
    else:
        test = "Gray's test" if asked.competing else "the log-rank test"
        found.append(
            f"test_p is that of {test} of all times, another question than the difference up to "
            "tau; p_adjusted is Holm's over the treatments."
        )
    if log.arms is not None and log.arms.crossover:
        found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)


def _any(names: tuple[str, ...] | None) -> str:
    return "event" if not names else " or ".join(names)
