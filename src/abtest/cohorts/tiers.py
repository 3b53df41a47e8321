"""Loyalty tiers: what units did in a period against thresholds, and who rises and falls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, get_args

import numpy as np

from abtest.cohorts.calendar_span import complete_span
from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import PERIODS, Period, period_name
from abtest.cohorts.result import CohortResult
from abtest.cohorts.shares import share_limits
from abtest.cohorts.tiers_levels import (
    Measure,
    PeriodCounts,
    Question,
    named_level,
    period_counts,
    starting_periods,
    unit_levels,
)
from abtest.errors import DataError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from abtest.show.drawing import Chart

THRESHOLDS: Mapping[str, float] = {"silver": 5, "gold": 20}
"""Least amount of each tier."""
NEW = "new"
"""Where units come from that were not there before."""
MOST_TIERS = 6
_DAYS = 28.0


@dataclass(frozen=True, eq=False, repr=False)
class Tiers(CohortResult):
    """Tiers of units, as `tiers` returns them.

    Attributes
    ----------
    table
        One row per period (per arm, where arms are given) and tier, the lowest first: period or
        arm, tier, threshold (null for the base), units, share, lower, upper (Wilson).
    differences
        None: with arms, tiers are of before exposure.
    movements
        One row per period, tier in the period before and tier in it: period, from_tier, to_tier,
        units, share (of the units in from_tier before). Units that were not there before come from
        ``new``. None with arms.
    units
        One row per unit, in the engine: unit, amount and tier in the last complete period; with
        arms also arm, and amount and tier in the last days before exposure, so that tiers can be
        segments of an experiment.
    """

    movements: pd.DataFrame | None
    units: ir.Table
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" of {', '.join(self.asked.active)}" if self.asked.active else ""
        what = {"count": "events", "value": "value", "active_days": "active days"}
        when = f"by {self.asked.period}" if self.movements is not None else "at exposure"
        return f"Tiers by {what[self.asked.measure]}{of}, {when}"

    def plot(self, *, movements: bool = False) -> Chart:
        """Return units by tier as bars, one for each period or arm.

        Parameters
        ----------
        movements
            Return the table of movements instead, over all periods together.
        """
        from abtest.cohorts.tiers_picture import moved, stacked

        return moved(self) if movements else stacked(self)


def tiers(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    measure: Measure = "count",
    thresholds: Mapping[str, float] = THRESHOLDS,
    hysteresis: float = 0.0,
    period: Period = "month",
    days: float | None = None,
    base: str = "base",
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Tiers:
    """Return which tier units are in, period by period, and who moved.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that count; left out: any event.
    measure
        What a unit has in a period: the ``count`` of its events, the sum of their ``value``, or
        its ``active_days``.
    thresholds
        Least amount of each tier, above 0.
    hysteresis
        A unit falls from a tier only when its amount is below threshold x (1 - hysteresis). It
        rises with the threshold itself.
    period
        ``month``, ``week`` (from Monday) or ``day`` of the calendar; not used with exposures.
    days
        With exposures: length of a period before exposure; left out: 28.
    base
        Name of the tier of units below all thresholds.
    confidence_level
        Of the intervals of shares.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that do not go together.
    DataError
        ``unknown_event``, ``missing_column`` if the log has no values and is asked for them,
        ``no_complete_period``, and what `open_log` raises.

    Notes
    -----
    Of a unit with tier s before, the tier is the larger of the highest whose threshold its amount
    reaches and the highest up to s that it keeps. Units count from the period of their first event
    of any name on; in a period without events their amount is 0, and they fall to the base.

    With exposures, periods are stretches of `days` counted back from the exposure of each unit as
    far as the log goes; the tier at exposure is that of the last one, with the same rule.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 1, 1, 2],
    ...         "event": "buy",
    ...         "time": ["2026-01-05", "2026-01-06", "2026-01-07", "2026-02-05", "2026-02-06",
    ...                  "2026-02-20"],
    ...     }
    ... )
    >>> asked = {"thresholds": {"gold": 3}, "as_of": "2026-03-01"}
    >>> tiers(log, **asked).table[["period", "tier", "units"]].values.tolist()
    [['2026-01', 'base', 0], ['2026-01', 'gold', 1], ['2026-02', 'base', 2], ['2026-02', 'gold', 0]]
    >>> tiers(log, hysteresis=0.4, **asked).table["units"].tolist()
    [0, 1, 1, 1]
    """
    named = isinstance(thresholds, Mapping)
    refuse([(not named, "thresholds", thresholds, 'amounts by name: {"silver": 3, "gold": 10}')])
    log = open_log(events, **options)
    asked = Question(
        active=None if active is None else names_of(active),
        measure=measure,
        ladder=tuple(sorted(thresholds.items(), key=lambda item: item[1])),
        hysteresis=hysteresis,
        period=period,
        days=_DAYS if days is None else days,
        base=base,
    )
    refuse([*_choices(asked, days, arms=log.arms is not None), level_choice(confidence_level)])
    log.require(active)
    if measure == "value" and "value" not in log.events.columns:
        raise DataError(
            "The log has no column of values",
            given=f"measure='value' with {log.label}",
            todo='say which one it is: value="...", or take measure="count"',
            code="missing_column",
        )
    if log.arms is not None:
        table, units = _at_exposure(log, asked, confidence_level)
        movements = None
    else:
        table, movements, units = _by_period(log, asked, confidence_level)
    return Tiers(
        table=table,
        differences=None,
        notes=_notes(log, asked),
        movements=movements,
        units=units,
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, days: float | None, *, arms: bool) -> Iterator[Choice]:
    measure = asked.measure
    yield measure not in get_args(Measure), "measure", measure, "count, value or active_days"
    yield asked.period not in PERIODS, "period", asked.period, "day, week or month"
    given = dict(asked.ladder)
    few = 1 <= len(given) <= MOST_TIERS
    yield not few, "thresholds", given, f"one tier or more, and at most {MOST_TIERS}"
    amounts = list(given.values())
    todo = "amounts above 0, a different one for each tier"
    odd = not all(map(is_above, amounts)) or len({*amounts}) < len(amounts)
    yield odd, "thresholds", given, todo
    todo = "a name that no tier has"
    yield asked.base in given or asked.base == NEW, "base", asked.base, todo
    yield NEW in given, "thresholds", given, "other names: new are units that were not there before"
    share = asked.hysteresis
    yield not 0.0 <= share < 1.0, "hysteresis", share, "a share from 0 to below 1, such as 0.2"
    yield days is not None and not arms, "days", days, "it with exposures only"
    yield not is_above(asked.days), "days", days, "more than 0 days"


def _by_period(
    log: EventLog, asked: Question, confidence_level: float
) -> tuple[pd.DataFrame, pd.DataFrame, ir.Table]:
    import pandas as pd

    first, end = complete_span(log, asked.period)
    rows = unit_levels(log, asked, end)
    starts = starting_periods(log, asked, end)
    counts = period_counts(log, rows, starts, asked, (first, end))
    table: list[dict[str, Any]] = []
    for number, members in counts.members.items():
        name = {"period": period_name(number, asked.period)}
        table += [name | row for row in _tier_rows(members, asked, confidence_level)]
    last = rows.filter(rows["number"] == end - 1)
    whole = starts.left_join(last, "unit")
    units = whole.select(
        starts["unit"],
        amount=last["amount"].fill_null(0),
        tier=named_level(last["level"].fill_null(0), asked.names),
    )
    return pd.DataFrame(table), _movements(counts, asked), log.keep(units)


def _at_exposure(
    log: EventLog, asked: Question, confidence_level: float
) -> tuple[pd.DataFrame, ir.Table]:
    import pandas as pd

    assert log.arms is not None
    rows = unit_levels(log, asked, 0)
    last = rows.filter(rows["number"] == -1)
    of_arms = log.arms.units
    level = last["level"].fill_null(0)
    whole = of_arms.left_join(last, "unit").select(
        of_arms["unit"], of_arms["arm"],
        amount=last["amount"].fill_null(0), tier=named_level(level, asked.names), level=level,
    )  # fmt: skip
    units = log.keep(whole)
    found = log.run(units.group_by("arm", "level").aggregate(n=units.count())).to_pylist()
    counts = {(row["arm"], row["level"]): int(row["n"]) for row in found}
    table: list[dict[str, Any]] = []
    for arm in log.arms.names:
        members = [counts.get((arm, level), 0) for level in range(len(asked.names))]
        table += [{"arm": arm} | row for row in _tier_rows(members, asked, confidence_level)]
    return pd.DataFrame(table), units.drop("level")


def _tier_rows(
    members: Sequence[int], asked: Question, confidence_level: float
) -> Iterator[dict[str, Any]]:
    limits = [np.nan, *(threshold for _, threshold in asked.ladder)]
    for name, threshold, units in zip(asked.names, limits, members, strict=True):
        share, lower, upper = share_limits(units, sum(members), confidence_level)
        yield {"tier": name, "threshold": threshold, "units": units, "share": share,
               "lower": lower, "upper": upper}  # fmt: skip


def _movements(counts: PeriodCounts, asked: Question) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number, moves in counts.moves.items():
        before = counts.members.get(number - 1)
        for (a, b), n in moves.items():
            size = before[a] if before is not None and a is not None else 0
            rows.append(
                {"period": period_name(number, asked.period),
                 "from_tier": NEW if a is None else asked.names[a], "to_tier": asked.names[b],
                 "units": n, "share": n / size if size else np.nan}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _notes(log: EventLog, asked: Question) -> tuple[str, ...]:
    what = {"count": "number of events", "value": "sum of values", "active_days": "active days"}
    steps = ", ".join(
        f"{name} from {threshold:g}"
        + (f" (kept from {asked.kept_from(threshold):g})" if asked.hysteresis else "")
        for name, threshold in asked.ladder
    )
    if log.arms is None:
        found = [
            f"Tiers by the {what[asked.measure]} of each calendar {asked.period} in "
            f"{log.timezone}: {steps}, else {asked.base}.",
            f"Complete {asked.period}s up to {log.until}. Units count from their first "
            f"event on; in a {asked.period} without events they are in {asked.base}.",
            f"The log begins on {log.facts.first:%Y-%m-%d}: its first {asked.period} may be "
            "cut off, and nothing is known of tiers before.",
        ]
    else:
        found = [
            f"Tiers by the {what[asked.measure]} in the {asked.days:g} days before each unit's "
            f"exposure: {steps}, else {asked.base}. Nothing from exposure on counts.",
            "Arms differ here by chance alone: a difference is no effect.",
        ]
        if asked.hysteresis:
            found.append(
                f"Earlier stretches of {asked.days:g} days say which tier a unit had before."
            )
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    found.append("Who is in a high tier did much in it: to do much is what puts units there.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
