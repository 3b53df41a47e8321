"""A first experiment file from the columns of a table: guesses that say that they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from abtest.data import ColumnPreview, preview
from abtest.errors import UsageError
from abtest.experiment.guess import (
    Kept,
    control_first,
    direction_of,
    guess_unit,
    guess_variant,
    metric_kind,
    primary_of,
)
from abtest.experiment.project import nearest
from abtest.experiment.spec import title_of
from abtest.experiment.toml_text import quoted, shown, toml_value

MOST_SEGMENT_VALUES = 20


@dataclass(frozen=True)
class Wishes:
    """What the user already knows: the table of a DuckDB file, and columns."""

    table: str | None = None
    variant: str | None = None
    unit: str | None = None


def propose(name: str, file: Path, root: Path, wishes: Wishes) -> str:
    """Return the text of an experiment file over a table with one row per unit.

    Parameters
    ----------
    name
        Name of the experiment.
    file
        The table: CSV, Parquet or DuckDB, relative to the working folder.
    root
        Folder of the project; the path is written relative to it where that is possible.
    wishes
        What need not be guessed.

    Raises
    ------
    DataError
        The file cannot be read.
    UsageError
        There is no column of the variant, or nothing that could be a metric.
    """
    source = _source(file, root)
    seen = preview(source, root=root, table=wishes.table)
    columns = {column.name: column for column in seen.columns}
    variant = _column(columns, wishes.variant, "--variant") or guess_variant(seen.columns)
    if variant is None:
        raise _no_variant(seen.columns)
    _refuse_many(variant)
    rest = [column for column in seen.columns if column.name != variant.name]
    unit = _column(columns, wishes.unit, "--unit") or guess_unit(rest, seen.rows)
    kept = Kept.of([column for column in rest if column != unit])
    if not kept.metrics:
        raise UsageError(
            "No column could be a metric: none holds numbers or true and false.",
            given=f"columns {shown(list(columns), 200)}",
            todo="Name a table with one row per unit and its outcomes.",
            code="no_metric",
        )
    parts = [
        _head(name, source, seen.rows),
        _variants(variant),
        _data(source, wishes.table, variant, unit, kept),
        *_metrics(kept),
    ]
    return "\n".join(parts)


def _source(file: Path, root: Path) -> str:
    path = Path(os.path.normpath(Path.cwd() / file))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _column(
    columns: dict[str, ColumnPreview], name: str | None, option: str
) -> ColumnPreview | None:
    if name is None:
        return None
    if name not in columns:
        near = nearest(name, tuple(columns))
        raise UsageError(
            "The file has no such column.",
            given=f"{option} {shown(name)}",
            todo=f"Did you mean {near}?" if near else f"Columns: {shown(list(columns), 200)}",
            code="missing_column",
        )
    return columns[name]


def _no_variant(columns: tuple[ColumnPreview, ...]) -> UsageError:
    return UsageError(
        "No column looks like the variant.",
        given=f"columns {shown([column.name for column in columns], 200)}",
        todo="Name it: --variant COLUMN",
        code="no_variant",
    )


def _refuse_many(variant: ColumnPreview) -> None:
    if not 2 <= variant.distinct <= len(variant.examples):
        raise UsageError(
            "A column of the variant has two to five values for a proposal.",
            given=f"{shown(variant.name)} with {variant.distinct}: {shown(list(variant.examples))}",
            todo="Name another column with --variant, or write the file with: abtest new NAME",
            code="bad_variant",
        )


def _head(name: str, source: str, rows: int) -> str:
    return f"""\
# Proposed from the columns of {quoted(source)}, {rows:,} rows. What is marked TODO is a guess
# or yours to decide. Every key: abtest explain      In order? abtest check {name} --data

[experiment]
name = {quoted(name)}
title = {quoted(title_of(name))}
hypothesis = "TODO: what is expected, and why."
owner = "TODO"
# start = 2026-01-05T00:00:00Z          # first moment of enrolment, if you know it
# end = 2026-02-02T00:00:00Z
"""


def _variants(variant: ColumnPreview) -> str:
    control, *treatments = control_first(variant.examples)
    names = f"values of {quoted(variant.name)}"
    return f"""\
[variants]
control = {quoted(control)}      # TODO: is this the control? {names}
treatments = {toml_value(treatments)}
# allocation left out: equal shares. Otherwise: abtest explain variants.allocation
"""


def _data(
    source: str,
    table: str | None,
    variant: ColumnPreview,
    unit: ColumnPreview | None,
    kept: Kept,
) -> str:
    lines = ["[data]", 'kind = "units"', f"source = {quoted(source)}"]
    if table is not None:
        lines.append(f"table = {quoted(table)}")
    if unit is not None:
        lines.append(f"unit = {quoted(unit.name)}      # one row per unit")
    else:
        lines.append('# unit = "..."      # no column looks like an id: every row is a unit')
    lines.append(f"variant = {quoted(variant.name)}")
    lines += [f"# time = {quoted(name)}      # the time of exposure?" for name in kept.times]
    lines.append("# covariates = []      # TODO: columns of numbers known before exposure")
    if kept.segments:
        lines += [
            "",
            "# [analysis]",
            f"# segments = {toml_value(kept.segments)}      # those known before exposure",
        ]
    lines += [f"# not used: {quoted(name)} ({why})" for name, why in kept.unused]
    return "\n".join([*lines, ""])


def _metrics(kept: Kept) -> Iterator[str]:
    yield """\
# A metric decides as primary (must improve) or guardrail (must not get worse than its margin);
# secondary and diagnostic metrics are reported. What was known before exposure is no metric:
# move it to covariates or segments.
"""
    primary = primary_of(kept.metrics)
    ordered = sorted(kept.metrics, key=lambda column: column is not primary)
    ids: set[str] = set()
    for column in ordered:
        yield _metric(column, metric_id(column.name, ids), primary=column is primary)


def _metric(column: ColumnPreview, identity: str, *, primary: bool) -> str:
    kind = metric_kind(column)
    values = f"{kind_words(column)}{f', {column.nulls:,} empty' if column.nulls else ''}"
    lines = [
        "[[metrics]]",
        f"id = {quoted(identity)}",
        f"kind = {quoted(kind or '')}      # {values}",
        f"value = {quoted(column.name)}",
        f"direction = {quoted(direction_of(column.name))}      # TODO: which way is good?",
    ]
    if primary:
        lines += [
            'role = "primary"      # TODO: is this the metric that decides?',
            "# mde = 0.05      # TODO: the relative effect that matters",
        ]
    else:
        lines.append('role = "secondary"      # TODO: "guardrail" needs a margin')
    return "\n".join([*lines, ""])


def kind_words(column: ColumnPreview) -> str:
    """Return what the values are, for a comment."""
    if metric_kind(column) == "proportion":
        return f"values {shown(list(column.examples))}"
    return "numbers"


def metric_id(column: str, taken: set[str]) -> str:
    """Return a valid id made from a column's name, not in `taken`, and add it there.

    Examples
    --------
    >>> metric_id("Sum of Rounds (14d)", {"sum_of_rounds_14d"})
    'sum_of_rounds_14d_2'
    """
    base = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_") or "metric"
    identity, number = base, 2
    while identity in taken:
        identity, number = f"{base}_{number}", number + 1
    taken.add(identity)
    return identity
