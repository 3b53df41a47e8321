"""Which column of a log is which: as it was said, or by the names that logs commonly use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import ibis.expr.types as ir

from abtest.data.source import Source, nearest_of
from abtest.errors import DataError

COMMON_NAMES: Mapping[str, tuple[str, ...]] = {
    "unit": (
        "unit", "unit_id", "user_id", "userid", "user", "client_id", "clientid", "customer_id",
        "customerid", "customer", "player_id", "visitor_id", "visitorid", "device_id",
        "account_id", "person_id",
    ),
    "time": (
        "time", "occurred_at", "event_time", "timestamp", "ts", "datetime", "date_time",
        "event_timestamp", "created_at", "invoicedate", "date",
    ),
    "event": ("event", "event_name", "name", "event_type", "action", "process_step"),
    "value": ("value", "amount", "revenue"),
    "session": ("session", "session_id", "visit_id"),
    "variant": ("variant", "variation", "arm", "group", "version"),
    "exposed": ("exposed_at", "exposure_time", "first_exposed_at", "time", "timestamp", "ts"),
}  # fmt: skip
"""Names by what they mean, in small letters with _ for spaces; the first that is there is taken."""
OPTIONAL = frozenset({"event", "exposed", "session", "value"})


def _plain(name: str) -> str:
    return re.sub(r"[\s.-]+", "_", name.strip().casefold())


def find_column(source: Source, role: str, given: str | None) -> ir.Column | None:
    """Return the column of a role: the one given, or the first with a common name.

    None for what a table may lack: a value, a session id, the event's name, a time of exposure.

    Raises
    ------
    DataError
        ``missing_column``: no such column, or none with a common name.
    """
    names: Sequence[str] = source.table.columns
    if given is not None:
        if given in names:
            return source.table[given]
        raise DataError(
            f"There is no column {given!r}",
            given=f"{role}={given!r} in {source.label}",
            todo=nearest_of(given, names, "columns"),
            code="missing_column",
        )
    folded = {_plain(name): name for name in reversed(names)}
    for name in COMMON_NAMES[role]:
        if name in folded:
            return source.table[folded[name]]
    if role in OPTIONAL:
        return None
    raise DataError(
        f"No column is known to be the {role}",
        given=f"{source.label} with columns {', '.join(names)}",
        todo=f'say which one is: {role}="..."',
        code="missing_column",
    )
