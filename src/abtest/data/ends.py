"""Ends of a log whose file knows them: no row is read to tell what its columns hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

import ibis.expr.types as ir

from abtest.data.source import Source, Sources


@dataclass(frozen=True)
class Ends:
    """Rows of a log, all of them complete, with the first and the last of their times."""

    rows: int
    first: datetime
    last: datetime


def ends_of_complete(
    sources: Sources, source: Source, table: ir.Table, columns: Sequence[str]
) -> Ends | None:
    """Return the ends of a log in which no row lacks a column, the last of `columns` its time.

    A Parquet file keeps the ends and the nulls of its columns by parts. Two short questions are
    answered from there; one that asks for all in one look reads every row.

    Returns
    -------
    None where all rows have to be looked over: of other sources, where rows lack something, and
    for times that no calendar has.
    """
    if not source.parts_are_known:
        return None
    lacking = table.filter(reduce(or_, [table[name].isnull() for name in columns]))
    if sources.run(lacking.aggregate(n=lacking.count()), source.label)["n"][0].as_py():
        return None
    time = table[columns[-1]]
    asked = table.aggregate(rows=table.count(), first=time.min(), last=time.max())
    try:
        found = sources.run(asked, source.label).to_pylist()[0]
    except OverflowError:
        return None
    return Ends(**found) if found["rows"] else None
