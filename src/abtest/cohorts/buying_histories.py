"""Histories of buying: units with equal ones are counted together, in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import number_of_date, period_number
from abtest.data.clock import local_date
from abtest.errors import DataError, UsageError

Floats = NDArray[np.float64]
CLASSES = 1_000.0
"""Classes of mean values in a factor of e: a mean is off by at most 0.05%."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log.

    Attributes
    ----------
    purchase
        Names of events; None for any.
    period
        Days of the unit of time.
    horizon
        Days to look ahead.
    calibration_end
        First day of the hold-out; None for the middle.
    """

    purchase: tuple[str, ...] | None
    period: float
    horizon: float
    calibration_end: date | None


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories in days.

    Attributes
    ----------
    first, calibration, end
        Numbers of the first day with a purchase, of the first day of the hold-out, and of the
        first that is not over.
    known
        Units first seen before the hold-out, by what is known there: columns x (purchase days
        after the first), last (from the first to the last), age, units, ahead and ahead_squared
        (purchase days in the hold-out and their squares), total (value of the x days).
    whole
        All units by what is known at the end: x, last, age, units, total.
    values
        Units of `known` with x and a total above 0: x, units, total, by classes of total / x.
    worthless
        Units of `known` with x above 0 and a total of 0 or below.
    days
        Purchase days after the first of units of `known`: day, n.
    later
        Units first seen in the hold-out.
    has_values
        Whether the log has values.
    """

    first: int
    calibration: int
    end: int
    known: dict[str, Floats]
    whole: dict[str, Floats]
    values: dict[str, Floats]
    worthless: int
    days: dict[str, Floats]
    later: int
    has_values: bool


def histories_of(log: EventLog, asked: Question) -> Histories:
    """Return histories of the units of a log.

    Raises
    ------
    DataError
        ``no_events``: no purchase on a day that is over.
    UsageError
        ``bad_choice``: the calibration ends before the first purchase, or after the log.
    """
    end = number_of_date(local_date(log.as_of, log.timezone), "day")
    days = _purchase_days(log, asked, end)
    first_day = log.run(days.aggregate(first=days["day"].min()))["first"][0].as_py()
    if first_day is None:
        raise DataError(
            "There is no purchase on a day that is over",
            given=f"{log.label}, believed up to {log.until}",
            todo="check which events are purchases, and as_of",
            code="no_events",
        )
    calibration = _calibration(asked, int(first_day), end)
    firsts = days.group_by("unit").aggregate(first=days["day"].min())
    rows = log.keep(
        days.join(firsts, "unit").select(days["unit"], days["day"], days["value"], firsts["first"])
    )
    units = log.keep(_units(rows, calibration))
    known = units.filter(units["first"] < calibration)
    again = known.filter(known["x"] > 0)
    worth = again["total"] > 0.0
    positive = again.filter(worth)
    later_days = rows.filter((rows["day"] > rows["first"]) & (rows["first"] < calibration))
    counted = log.run(
        units.aggregate(
            later=(units["first"] >= calibration).sum(),
            worthless=(
                (units["first"] < calibration) & (units["x"] > 0) & ~(units["total"] > 0.0)
            ).sum(),
        )
    ).to_pylist()[0]
    return Histories(
        first=int(first_day),
        calibration=calibration,
        end=end,
        known=_columns(
            log,
            known.group_by(
                x=known["x"], last=known["last"] - known["first"],
                age=calibration - 1 - known["first"],
            ).aggregate(
                units=known.count(),
                ahead=known["ahead"].sum(),
                ahead_squared=(known["ahead"] * known["ahead"]).sum(),
                total=known["total"].sum(),
            ),
        ),
        whole=_columns(
            log,
            units.group_by(
                x=units["whole_x"], last=units["whole_last"] - units["first"],
                age=end - 1 - units["first"],
            ).aggregate(units=units.count(), total=units["whole_total"].sum()),
        ),
        values=_columns(
            log,
            positive.group_by(
                x=positive["x"],
                place=((positive["total"] / positive["x"]).ln() * CLASSES).round().cast("int64"),
            ).aggregate(units=positive.count(), total=positive["total"].sum()),
        ),
        worthless=int(counted["worthless"] or 0),
        days=_columns(log, later_days.group_by("day").aggregate(n=later_days.count())),
        later=int(counted["later"] or 0),
        has_values="value" in log.events.columns,
    )  # fmt: skip


def _purchase_days(log: EventLog, asked: Question, end: int) -> ir.Table:
    """Return one row per unit and day with a purchase, and the value of the day."""
    events = log.named(asked.purchase, log.once)
    value = events["value"] if "value" in events.columns else ibis.literal(0.0, "float64")
    events = events.select(
        "unit",
        day=period_number(log.event_day(events["time"]), "day"),
        value=value.cast("float64").fill_null(0.0),
    )
    events = events.filter(events["day"] < end)
    return log.keep(events.group_by("unit", "day").aggregate(value=events["value"].sum()))


def _units(rows: ir.Table, calibration: int) -> ir.Table:
    again, known = rows["day"] > rows["first"], rows["day"] < calibration

    def sum_of(where: ir.BooleanValue) -> ir.Value:
        return rows["value"].sum(where=where).fill_null(0.0)

    return rows.group_by("unit", "first").aggregate(
        x=(again & known).cast("int64").sum(),
        last=rows["day"].max(where=known),
        total=sum_of(again & known),
        ahead=(~known).cast("int64").sum(),
        whole_x=again.cast("int64").sum(),
        whole_last=rows["day"].max(),
        whole_total=sum_of(again),
    )


def _calibration(asked: Question, first: int, end: int) -> int:
    given = asked.calibration_end
    found = (first + end + 1) // 2 if given is None else number_of_date(given, "day")
    if not first < found < end:
        raise UsageError(
            "The hold-out must begin after the first purchase and before the log ends",
            given=f"calibration_end={given!r}; "
            f"{end - first} days from the first purchase to the end of the log",
            todo="give a date between, such as after half of the time",
            code="bad_choice",
        )
    return found


def _columns(log: EventLog, table: ir.Table) -> dict[str, Floats]:
    """Return columns as floats, rows in an order that does not hang on the engine."""
    keys = [name for name in ("x", "last", "age", "place", "day") if name in table.columns]
    found = log.run(table.order_by(keys))
    return {
        name: found[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in found.column_names
    }


def calibration_date(given: str | date | datetime | None) -> date | None:
    """Return the first day of the hold-out.

    Raises
    ------
    UsageError
        ``bad_time`` for what is no ISO date.
    """
    if given is None:
        return None
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return datetime.fromisoformat(given).date()
    except (TypeError, ValueError) as error:
        raise UsageError(
            "This is not a date",
            given=f"calibration_end={given!r}",
            todo="write it as 2026-01-05",
            code="bad_time",
        ) from error
