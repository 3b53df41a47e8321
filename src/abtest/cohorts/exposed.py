"""Arms of an experiment: who met which variant when, one row per unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from abtest.cohorts.columns import find_column
from abtest.data import reading
from abtest.data.source import Source, Sources, nearest_of
from abtest.errors import DataError

_CONTROL = ("control", "ctrl", "baseline", "base", "off", "none", "original", "default", "a")


@dataclass(frozen=True, eq=False)
class Arms:
    """Units of an experiment.

    Attributes
    ----------
    units
        One row per unit: unit, arm, start (first exposure, UTC wall clock). Units that met two
        variants are left out.
    names
        Arms, control first.
    crossover
        Units that met two variants.
    """

    units: ir.Table
    names: tuple[str, ...]
    crossover: int

    @property
    def control(self) -> str:
        """The arm that others are compared with."""
        return self.names[0]

    @property
    def treatments(self) -> tuple[str, ...]:
        """The other arms."""
        return self.names[1:]


def open_arms(
    source: Source,
    sources: Sources,
    options: Mapping[str, Any],
    zone: str,
    clock: datetime,
    events: ir.Table,
) -> Arms:
    """Return the arms of a table of exposures.

    Parameters
    ----------
    source, sources
        The exposures and their connection.
    options
        `unit`, `variant`, `exposed`, `first_event` and `control` as `LogOptions` has them.
    zone
        Of times without one.
    clock
        Exposures at or after it are not read.
    events
        The events of the log.

    Raises
    ------
    DataError
        ``missing_column``, ``no_exposures``, ``one_arm``, ``unknown_control``, or
        ``no_common_units`` where no unit of the exposures has an event.
    """
    unit = find_column(source, "unit", options.get("unit"))
    variant = find_column(source, "variant", options.get("variant"))
    raw = find_column(source, "exposed", options.get("exposed"))
    assert unit is not None
    assert variant is not None
    key, kind = reading.keys([unit])[0], events["unit"].type()
    if key.type() != kind:  # numbers of one table and texts of the other
        key = reading.text(unit) if kind.is_string() else key.try_cast(kind)
    chosen: dict[str, ir.Value] = {"unit": key, "arm": reading.text(variant)}
    if raw is not None:
        label = f"{source.label}, column {raw.get_name()!r}"
        chosen["time"] = reading.moment(raw, zone, label)
    rows = source.table.select(**chosen)
    if raw is None:
        rows = _with_first_events(rows, events, source, options.get("first_event"))
    complete = rows["unit"].notnull() & rows["arm"].notnull()
    rows = rows.filter(complete & (rows["time"] < ibis.literal(clock, "timestamp(6)")))
    units = rows.group_by("unit").aggregate(
        arm=rows["arm"].min(), other=rows["arm"].max(), start=rows["time"].min()
    )
    kept = sources.keep(units, source.label)
    _refuse_strangers(kept, events, source, sources)
    crossed = kept["arm"] != kept["other"]
    counted = kept.group_by("arm").aggregate(n=(~crossed).sum(), crossover=crossed.sum())
    found = sources.run(counted.order_by("arm"), source.label).to_pylist()
    names = [str(row["arm"]) for row in found if row["n"]]
    if len(names) < 2:
        raise DataError(
            "Exposures of at least two arms are compared",
            given=f"{source.label}: {', '.join(map(repr, names)) or 'no row before as_of'}",
            todo="check the columns of unit, variant and time, and as_of",
            code="one_arm" if names else "no_exposures",
        )
    control = _control(names, options.get("control"))
    return Arms(
        kept.filter(~crossed).select("unit", "arm", "start"),
        (control, *(name for name in names if name != control)),
        sum(int(row["crossover"]) for row in found),
    )


def _refuse_strangers(units: ir.Table, events: ir.Table, source: Source, sources: Sources) -> None:
    """Refuse exposures of which no unit has an event: every arm would look idle."""
    both = events.semi_join(units, "unit").select("unit").limit(1)
    if (
        sources.run(both, source.label).num_rows
        or not sources.run(units.limit(1), source.label).num_rows
    ):
        return
    examples = [
        sources.run(table.select("unit").limit(1), source.label)["unit"][0].as_py()
        for table in (units, events)
    ]
    raise DataError(
        "No event belongs to a unit of the exposures",
        given=f"{source.label}: units such as {examples[0]!r}; the log has {examples[1]!r}",
        todo="check the unit columns: leading zeros, prefixes, another kind of id",
        code="no_common_units",
    )


def _with_first_events(
    rows: ir.Table, events: ir.Table, source: Source, first_event: str | None
) -> ir.Table:
    if first_event is None:
        raise DataError(
            "No column is known to be the time of exposure",
            given=f"{source.label} with columns {', '.join(source.table.columns)}",
            todo='say which one is: exposed="...", or which event starts the clock: '
            'first_event="..."',
            code="missing_column",
        )
    if first_event != "*":
        events = events.filter(events["event"] == first_event)
    first = events.group_by("unit").aggregate(time=events["time"].min())
    return rows.join(first, "unit").select(rows["unit"], rows["arm"], first["time"])


def _control(names: Sequence[str], given: str | None) -> str:
    if given is not None and given not in names:
        raise DataError(
            "No unit met the arm that is named as control",
            given=f"control={given!r}",
            todo=nearest_of(given, names, "arms"),
            code="unknown_control",
        )
    called = [name for name in names if name.strip().lower() in _CONTROL]
    return given or next(iter(called), names[0])
