"""The `[data]` table of an experiment file: where rows come from and what columns mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Names = Annotated[tuple[str, ...], Field(strict=False)]
Name = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table of an experiment file: unknown keys are refused, types are not coerced."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class Exposures(Table):
    """Who met which variant when."""

    source: Name | None = None
    """File of its own; left out: the source of `[data]`."""
    table: Name | None = None
    """Table in a DuckDB file; left out for CSV and Parquet."""
    unit: Name
    """Column of what was randomised."""
    variant: Name
    """Column of the variant."""
    time: Name | None = None
    """Column of the exposure time; left out: the unit's first event named by `first_event`."""
    first_event: Name | None = None
    """Event that starts a unit's clock where there is no exposure time; "*" is any event."""
    ignore_variants: Names = ()
    """Values of the variant column that are not part of the experiment; "" also means null."""


class Events(Table):
    """The event log."""

    source: Name | None = None
    """File of its own; left out: the source of `[data]`."""
    table: Name | None = None
    """Table in a DuckDB file; left out for CSV and Parquet."""
    unit: Name
    """Column of the unit."""
    time: Name
    """Column of the time; without a zone it is read in the experiment's timezone."""
    name: Name
    """Column of the event's name."""
    value: Name | None = None
    """Column of a number, for the aggregates sum and max."""
    session: Name | None = None
    """Column of a session id."""
    id: Name | None = None
    """Column of an id of the event: of rows of one unit and id the earliest counts. Left out: rows
    that repeat another exactly count once."""


class Sessions(Table):
    """How events become sessions."""

    by: Literal["gap", "column", "events"] | None = None
    """gap: after a pause. column: by data.events.session. events: from start to end events. Left
    out: by column where data.events.session is given, by gap elsewhere."""
    gap_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    """A session ends with a pause longer than this; midnight does not end it."""
    ignore: Names = ()
    """Events that neither open nor extend a session, such as messages sent to the unit."""
    start: Names = ()
    """Events that open a session if none is open (by = "events")."""
    end: Names = ()
    """Events that end the session (by = "events")."""


class UnitAttributes(Table):
    """Attributes known before exposure, one row per unit."""

    source: Name | None = None
    """File of its own; left out: the source of `[data]`."""
    table: Name | None = None
    """Table in a DuckDB file; left out for CSV and Parquet."""
    unit: Name
    """Column of the unit."""


class EventsData(Table):
    """An event log with exposures."""

    kind: Literal["events"]
    """Shape of the data."""
    source: Name | None = None
    """DuckDB file, CSV (.gz), Parquet or glob, relative to the project root."""
    exposures: Exposures
    """Who met which variant when."""
    events: Events
    """The event log."""
    units: UnitAttributes | None = None
    """Attributes known before exposure, for segments."""
    sessions: Sessions = Sessions()
    """How events become sessions, for metrics of sessions."""


class UnitsData(Table):
    """One row per unit with finished columns."""

    kind: Literal["units"]
    """Shape of the data."""
    source: Name | None = None
    """DuckDB file, CSV (.gz), Parquet or glob, relative to the project root."""
    table: Name | None = None
    """Table in a DuckDB file; left out for CSV and Parquet."""
    unit: Name | None = None
    """Column of the unit; without it every row is a unit."""
    variant: Name
    """Column of the variant."""
    time: Name | None = None
    """Column of the exposure time, if there is one."""
    ignore_variants: Names = ()
    """Values of the variant column that are not part of the experiment; "" also means null."""
    covariates: Names = ()
    """Pre-exposure columns for CUPED."""


class DateColumn(Table):
    """How the day of a row of totals is written."""

    column: Name
    """Column of the date."""
    format: Name = "%Y-%m-%d"
    """Format in the notation of `strptime`."""
    year: Annotated[int, Field(ge=1900, le=2999)] | None = None
    """Year, where the format has none."""


class Totals(Table):
    """Totals per variant and, if given, day."""

    files: dict[str, Name] | None = None
    """One file per variant."""
    source: Name | None = None
    """One file or table for all variants; needs `variant`."""
    table: Name | None = None
    """Table in a DuckDB file."""
    variant: Name | None = None
    """Column of the variant, with `source`."""
    date: DateColumn | None = None
    """Column of the day."""
    units: Name | None = None
    """Column that counts the randomised units, for the sample ratio; left out: the trials (or n)
    of the first primary metric."""
    missing: Literal["skip_day", "refuse"] = "refuse"
    """Days with an empty outcome: leave that metric in every arm and are named, or are refused."""


class TotalsData(Table):
    """Rows of totals."""

    kind: Literal["totals"]
    """Shape of the data."""
    totals: Totals
    """Where the totals are and what their columns mean."""


DataSettings = Annotated[EventsData | UnitsData | TotalsData, Field(discriminator="kind")]
