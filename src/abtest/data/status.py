"""What becomes of each row: the index of its variant, or why it does not enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from abtest.data.clock import utc_clock
from abtest.data.request import Design
from abtest.data.source import Source, Sources, nearest_of, plainly
from abtest.errors import DataError

IGNORED, NULL_UNIT, NULL_VARIANT, UNKNOWN, NULL_TIME, FUTURE, LATE, BEFORE, AFTER = range(
    -1, -10, -1
)
"""Why a row does not enter; the first that applies. Variants are 0 and up."""

SHOWN_VARIANTS = 20
"""Names of unknown variants that are kept in the tally."""


def status_of_variant(
    variant: ir.Value, ignored: Sequence[str], design: Design, unit: ir.Value | None
) -> ir.Value:
    """Return the status of a row as far as its unit and variant tell."""
    branches: list[tuple[ir.Value, ir.Value | int]] = []
    named = [name for name in ignored if name]
    if named:
        branches.append((variant.isin(named), IGNORED))
    if "" in ignored:
        branches.append((variant.isnull(), IGNORED))
    if unit is not None:
        branches.append((unit.isnull(), NULL_UNIT))
    branches.append((variant.isnull(), NULL_VARIANT))
    branches.extend((variant == name, index) for index, name in enumerate(design.variants))
    return ibis.cases(*branches, else_=UNKNOWN).cast("int64")


def status_of_time(
    status: ir.Value, time: ir.Value, *, as_of: datetime, now: datetime, design: Design
) -> ir.Value:
    """Return the status with what the time of the row adds to it."""
    branches: list[tuple[ir.Value, ir.Value | int]] = [
        ((status < 0) & (status != UNKNOWN), status),
        (time.isnull(), (status < 0).ifelse(status, NULL_TIME)),
        ((time > clock(now)) & (time >= clock(as_of)), FUTURE),
        (time >= clock(as_of), LATE),
        (status < 0, status),  # unknown variants of later rows are not known yet
    ]
    if design.start is not None:
        branches.append((time < clock(design.start), BEFORE))
    if design.end is not None:
        branches.append((time >= clock(design.end), AFTER))
    return ibis.cases(*branches, else_=status).cast("int64")


def clock(moment: datetime) -> ir.Value:
    """Return a moment as a literal UTC wall clock."""
    return ibis.literal(utc_clock(moment), "timestamp(6)")


def phase_of(time: ir.Value | None, design: Design) -> ir.Value:
    """Return the 0-based phase of allocation in which a time falls.

    Raises
    ------
    DataError
        ``phases_need_times`` when there are several phases and no times.
    """
    starts = [phase.start for phase in design.phases[1:] if phase.start is not None]
    if not starts:
        return ibis.literal(0, "int64")
    if time is None:
        raise DataError(
            "Phases of allocation need exposure times",
            given=f"{len(design.phases)} phases, data without times",
            todo="name the column of the exposure time in [data], or remove variants.phases",
            code="phases_need_times",
        )
    total = ibis.literal(0, "int64")
    for start in starts:
        total = total + (time >= clock(start)).fill_null(False).cast("int64")
    return total


def refuse_missing_variants(
    met: Mapping[str, int], design: Design, others: Sequence[str], label: str
) -> None:
    """Raise a DataError for a variant of the experiment without any row.

    `met` are rows by declared variant, `others` the names in the data that are not declared.
    """
    missing = [name for name in design.variants if not met.get(name)]
    if not missing:
        return
    known = [*others, *(name for name in design.variants if met.get(name))]
    shown = ", ".join(map(plainly, known[:12])) or "none"
    near = nearest_of(missing[0], known, "variants in the data")
    raise DataError(
        f"No row has the variant {missing[0]!r}",
        given=f"variants {', '.join(design.variants)}; {label} has {shown}",
        todo=f"check the names in [variants]; {near}",
        code="variant_missing",
    )


def unknown_variants(
    sources: Sources, source: Source, variant: ir.Value, status: ir.Value, unit: ir.Value | None
) -> dict[str, int]:
    """Return units by undeclared variant: the names with most units, at most twenty."""
    rows = source.table.select(
        variant=variant, status=status, unit=ibis.literal(1) if unit is None else unit
    ).filter(lambda t: t["status"] == UNKNOWN)
    counted = rows["unit"].count() if unit is None else rows["unit"].nunique()
    top = (
        rows.group_by("variant")
        .aggregate(units=counted)
        .order_by([ibis.desc("units"), "variant"])
        .limit(SHOWN_VARIANTS)
    )
    found = sources.run(top, source.label).to_pylist()
    return {row["variant"]: int(row["units"]) for row in found}


def rows_by_variant(
    sources: Sources, source: Source, variant: ir.Value, design: Design
) -> dict[str, int]:
    """Return rows by declared variant, whatever else is the matter with them."""
    rows = source.table.select(variant=variant)
    rows = rows.filter(rows["variant"].isin(design.variants))
    found = sources.run(rows.group_by("variant").aggregate(n=rows.count()), source.label)
    return {row["variant"]: int(row["n"]) for row in found.to_pylist()}


def latest_time(
    sources: Sources, table: ir.Table, time: ir.Value, now: datetime, label: str
) -> datetime | None:
    """Return the latest time that is not after `now`, as a UTC wall clock."""
    found = sources.run(table.aggregate(latest=time.max(where=time <= clock(now))), label)
    value: datetime | None = found["latest"][0].as_py()
    return value


def only_future(label: str) -> DataError:
    """Return the error for data of which no time has passed."""
    return DataError(
        "No time in the data has passed yet",
        given=label,
        todo="check the time column and the clock of this computer, or give as_of",
        code="no_past_times",
    )
