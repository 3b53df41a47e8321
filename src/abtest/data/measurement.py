"""From settings, requests and a design to everything measured: the entrance of the data layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from abtest.data.clock import aware, utc_clock
from abtest.data.contents import fingerprint
from abtest.data.measured import Measured
from abtest.data.request import Design, MetricRequest, TotalsRequest, UnitRequest
from abtest.data.settings import DataSettings, EventsData, TotalsData, UnitsData
from abtest.data.source import open_sources
from abtest.errors import DataError, UsageError

Request = TypeVar("Request", UnitRequest, TotalsRequest)

SINGLE_FRAME = {"units": "units", "totals": "totals", "events": ""}
"""What a frame passed without a role is."""


def measure(
    settings: DataSettings,
    requests: Sequence[MetricRequest],
    design: Design,
    *,
    root: Path,
    frames: Mapping[str, object] | object | None = None,
    as_of: datetime | None = None,
    now: datetime | None = None,
) -> Measured:
    """Return the moments and counts of one experiment's data.

    Parameters
    ----------
    settings
        The `[data]` table.
    requests
        What each metric needs.
    design
        Variants, phases, enrolment, timezone and segments.
    root
        Project root, to which sources are relative.
    frames
        DataFrames that stand in for sources, by role: "exposures", "events", "units" (its
        attributes, or the table of units data), "totals". Units and totals data also take
        one frame.
    as_of
        Moment up to which data are believed, exclusive; left out: the midnight after the
        latest time in the data if that has passed, else the midnight before.
    now
        The clock; left out: that of the computer. Later times are in the future.

    Raises
    ------
    DataError
        When a source, or a column that every metric needs, is missing or cannot be read.
        What concerns one metric becomes an entry of `Measured.failures`.
    """
    clock = datetime.now(UTC) if now is None else aware(now, design.timezone)
    believed = None if as_of is None else aware(as_of, design.timezone)
    if believed is not None and believed > clock:
        raise DataError(
            "as_of is in the future: windows that are still open would count as closed",
            given=f"as_of {utc_clock(believed).isoformat()}Z; "
            f"now {utc_clock(clock).isoformat(timespec='minutes')}Z",
            todo="give a moment that has passed, or leave as_of out",
            code="future_as_of",
        )
    design = _with_zones(design)
    with open_sources(root, frames, SINGLE_FRAME[settings.kind]) as sources:
        if isinstance(settings, TotalsData):
            from abtest.data.totals import measure_totals

            measured = measure_totals(settings, _of(requests, TotalsRequest), design, sources)
        elif isinstance(settings, UnitsData):
            from abtest.data.units import measure_units

            measured = measure_units(
                settings, _of(requests, UnitRequest), design, sources, as_of=believed, now=clock
            )
        else:
            assert isinstance(settings, EventsData)
            from abtest.data.events import measure_events

            measured = measure_events(
                settings, _of(requests, UnitRequest), design, sources, as_of=believed, now=clock
            )
        frames_by_role = dict(sources.frames)
    return replace(measured, fingerprint=fingerprint(settings, root, frames_by_role))


def _with_zones(design: Design) -> Design:
    """Return the design with moments that carry a zone."""
    zone = design.timezone
    return replace(
        design,
        start=None if design.start is None else aware(design.start, zone),
        end=None if design.end is None else aware(design.end, zone),
        phases=tuple(
            replace(phase, start=None if phase.start is None else aware(phase.start, zone))
            for phase in design.phases
        ),
    )


def _of(requests: Sequence[MetricRequest], kind: type[Request]) -> list[Request]:
    found = [request for request in requests if isinstance(request, kind)]
    if len(found) != len(requests):
        wrong = next(request for request in requests if not isinstance(request, kind))
        raise UsageError(
            "A metric asks for what this kind of data does not have",
            given=f"metric {wrong.metric!r}",
            todo="give the metric the keys that this kind of data needs",
            code="wrong_request",
        )
    return found
