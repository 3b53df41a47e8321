"""Which units enter a metric: those whose window has closed, of the group that it is about."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Entry:
    """Names of Boolean columns of the table of units; None where all units enter.

    Attributes
    ----------
    ready
        Units whose window has closed, and that belong to the group.
    outside
        Units that are known not to belong to it; None where the metric is about all.
    """

    ready: str | None = None
    outside: str | None = None

    def condition(self, table: ir.Table) -> ir.BooleanValue | None:
        """Return whether a unit enters; None for every one."""
        return None if self.ready is None else table[self.ready]

    def counts(self, table: ir.Table) -> dict[str, ir.Value]:
        """Return how many units wait for their window to close, and how many are outside."""
        if self.ready is None:
            return {}
        out = (~table[self.ready]).sum().fill_null(0)
        if self.outside is None:
            return {"immature": out}
        outside = table[self.outside].sum().fill_null(0)
        return {"immature": out - outside, "outside": outside}


EVERY_UNIT = Entry()
