"""Lifetime value as it was: what units have brought by each age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.differences import holm
from abtest.cohorts.lifetime_amounts import Amounts, Question, amounts_of
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import PERIODS, Period, period_name
from abtest.cohorts.result import CohortResult
from abtest.errors import DataError
from abtest.stats import (
    NotEstimable,
    RepeatedEvents,
    compare_cumulative_means,
    cumulative_mean,
)
from abtest.stats.survival.cumulative import known_up_to

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

_MOST_STEPS = 366
ALL = "All"


@dataclass(frozen=True, eq=False, repr=False)
class LifetimeValue(CohortResult):
    """Value by age, as `lifetime_value` returns it.

    Attributes
    ----------
    table
        One row per cohort (an arm, where arms are given) and age: cohort, age (days), units,
        watched (units watched so long), per_unit (mean cumulative value), lower, upper. Null
        beyond the age up to which 30 units, or a tenth of the cohort, were watched; one unit has
        no limits.
    pooled
        The same over all cohorts; None with arms.
    differences
        Treatment minus control per age, by unit; None without arms.
    """

    pooled: pd.DataFrame | None
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" ({', '.join(self.asked.purchase)})" if self.asked.purchase else ""
        return f"Value per unit by age{of}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the curves of cohorts; with arms those of control and one treatment.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.lifetime_picture import arms, cohorts

        return cohorts(self) if self.differences is None else arms(self, arm)


def lifetime_value(  # every one is a choice of its own, and has a default
    events: LogTable,
    *,
    purchase: str | Sequence[str] | None = None,
    start: str | Sequence[str] | None = None,
    days: float = 84.0,
    step: float = 7.0,
    cohort: Period = "month",
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> LifetimeValue:
    """Return what units have brought by each age, on average.

    Units that were watched for less time count as long as they were: nothing has to wait until
    the last unit is old enough, and nothing is foretold.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    purchase
        Events whose values count; left out: any event with a value. Values below 0, such as
        refunds, are taken off.
    start
        Events of which the first starts a unit's age; left out: its first purchase. Not with
        exposures, which start it themselves.
    days
        The last age, a multiple of `step`.
    step
        Days of 24 hours between ages.
    cohort
        ``day``, ``week`` or ``month`` of the start, without exposures.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        ``missing_column`` for a log without values, ``unknown_event``, ``too_young`` if no unit
        was watched for a step, and what `open_log` raises.

    Notes
    -----
    With whole steps of age a, M(a) = sum over steps up to a of the value in the step over the
    units watched to its end (Nelson 1995, Technometrics 37, 147); the variance is that by unit of
    Lawless & Nadeau (1995, Technometrics 37, 158), as `abtest.stats.cumulative_mean` has it. A
    step counts once it is over: [start + (k - 1) step, start + k step). How long a unit is watched
    may not depend on what it buys. The reading of one age is a test of its own; p_adjusted is
    Holm's over ages.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 2, 2],
    ...         "event": "buy",
    ...         "time": pd.to_datetime(["2026-01-05", "2026-01-13", "2026-01-06", "2026-01-07"]),
    ...         "value": [10.0, 4.0, 20.0, -5.0],
    ...     }
    ... )
    >>> found = lifetime_value(log, days=14, as_of="2026-01-20")
    >>> found.table[["age", "watched", "per_unit"]].values.tolist()
    [[7.0, 2.0, 12.5], [14.0, 2.0, 14.5]]
    """
    log = open_log(events, **options)
    refuse(_choices(log, start, days, step, cohort))
    refuse([level_choice(confidence_level)])
    log.require(purchase, start)
    if "value" not in log.events.columns:
        raise DataError(
            "The log has no column of values",
            given=log.label,
            todo='say which one it is: value="..."',
            code="missing_column",
        )
    asked = Question(
        None if purchase is None else names_of(purchase),
        None if start is None else names_of(start),
        float(step),
        round(days / step),
        cohort,
    )
    found = amounts_of(log, asked)
    known = {name: found.cohorts[name] for name in _order(log, found) if found.cohorts[name].n}
    if not known:
        raise DataError(
            "No unit was watched for a whole step of age",
            given=f"step={step:g} days; {sum(found.waiting.values()):,} units",
            todo="take shorter steps, or wait",
            code="too_young",
        )
    named = known if log.arms else {period_name(int(key), cohort): known[key] for key in known}
    return LifetimeValue(
        table=_table(named, asked, confidence_level),
        differences=None if log.arms is None else _differences(known, asked, confidence_level),
        notes=_notes(log, asked, found),
        pooled=None if log.arms else _table({ALL: _sum(known)}, asked, confidence_level),
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(
    log: EventLog, start: str | Sequence[str] | None, days: float, step: float, cohort: str
) -> Iterator[Choice]:
    yield not is_above(step), "step", step, "more than 0 days"
    yield not is_above(days), "days", days, "more than 0 days"
    steps = days / step
    bad = not np.isfinite(steps) or abs(steps - round(steps)) > 1e-9 or round(steps) < 1
    yield bad, "days", days, f"a multiple of step={step:g}"
    yield steps > _MOST_STEPS, "step", step, f"at most {_MOST_STEPS} steps up to {days:g} days"
    yield cohort not in PERIODS, "cohort", cohort, "day, week or month"
    todo = "none with exposures: the clock starts at exposure"
    yield log.arms is not None and start is not None, "start", start, todo


def _order(log: EventLog, found: Amounts) -> list[Any]:
    if log.arms is None:
        return list(found.cohorts)
    return [name for name in log.arms.names if name in found.cohorts]


def _sum(known: Mapping[Any, RepeatedEvents]) -> RepeatedEvents:
    first, *others = known.values()
    for other in others:
        first = first + other
    return first


def _table(
    known: Mapping[str, RepeatedEvents], asked: Question, confidence_level: float
) -> pd.DataFrame:
    import pandas as pd

    parts = []
    ages = asked.step * np.arange(1, asked.steps + 1)
    for name, arm in known.items():
        curve = cumulative_mean(arm, confidence_level=confidence_level)
        enough = ages <= known_up_to(arm) + 1e-9
        columns = {"watched": arm.at_risk, "per_unit": curve.mean,
                   "lower": curve.lower, "upper": curve.upper}  # fmt: skip
        found: dict[str, Any] = {"cohort": name, "age": ages, "units": arm.n}
        for column, values in columns.items():
            whole = np.full(ages.size, 0.0 if column == "watched" else np.nan)
            whole[: values.size] = values
            if column != "watched":
                whole[~enough] = np.nan
            if column in ("lower", "upper") and arm.n < 2:
                whole[:] = np.nan
            found[column] = whole.astype(np.int64) if column == "watched" else whole
        parts.append(pd.DataFrame(found))
    return pd.concat(parts, ignore_index=True)


def _differences(
    known: Mapping[str, RepeatedEvents], asked: Question, confidence_level: float
) -> pd.DataFrame:
    import pandas as pd

    control, *treatments = known
    parts = []
    for name in treatments:
        rows = []
        for k in range(1, asked.steps + 1):
            age = asked.step * k
            row: dict[str, Any] = {"age": age, "arm": name, "control": control,
                                   "n_control": known[control].n, "n": known[name].n}  # fmt: skip
            rows.append(row | _difference(known[control], known[name], age, confidence_level))
        part = pd.DataFrame(rows)
        part.insert(part.columns.get_loc("status"), "p_adjusted", holm(part["p_value"].to_numpy()))  # type: ignore[arg-type]
        parts.append(part)
    if not parts:
        raise DataError(
            "Only one arm has units that were watched for a whole step of age",
            given=f"{control}",
            todo="take shorter steps, or wait",
            code="too_young",
        )
    return pd.concat(parts, ignore_index=True)


def _difference(
    control: RepeatedEvents, treatment: RepeatedEvents, age: float, confidence_level: float
) -> dict[str, Any]:
    unknown = dict.fromkeys(
        ("control_value", "value", "difference", "lower", "upper", "relative", "p_value"), np.nan
    )
    try:
        found = compare_cumulative_means(
            control, treatment, horizon=age, confidence_level=confidence_level
        )
    except NotEstimable as error:
        return unknown | {"status": error.code}
    relative = found.relative.estimate
    return {
        "control_value": found.control_value,
        "value": found.treatment_value,
        "difference": found.absolute.estimate,
        "lower": found.absolute.lower,
        "upper": found.absolute.upper,
        "relative": np.nan if relative is None else relative,
        "p_value": found.p_value,
        "status": "ok",
    }


def _notes(log: EventLog, asked: Question, found: Amounts) -> tuple[str, ...]:
    what = ", ".join(asked.purchase) if asked.purchase else "any event with a value"
    since = "exposure" if log.arms else (
        ", ".join(asked.start) if asked.start else "the first purchase"
    )  # fmt: skip
    notes = [
        f"What a unit has brought ({what}) by each age since {since}, as if all were watched as "
        "long. Units that bring nothing count with 0; values below 0 are taken off.",
        f"Believed up to {log.until}. A step of {asked.step:g} days counts once it is "
        f"over; {sum(found.waiting.values()):,} units whose first step is not over are left out.",
        "Not known beyond the age up to which 30 units, or a tenth of the cohort, were watched: "
        "there the oldest units would speak for all.",
        "Nothing is foretold: value after the last age is not in it.",
    ]
    if log.arms is None:
        notes.append(
            "Cohorts started at other times and with other people: their differences are no effect."
        )
        if asked.start is None:
            notes.append(
                "Only units that bought are in it. Units count as new from their first purchase in "
                "the log."
            )
    else:
        notes.append(
            "Intervals and p-values are for each age by itself; p_adjusted is for reading all "
            "ages together."
        )
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
