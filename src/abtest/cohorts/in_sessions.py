"""Events with the session each is in: the log's own ids, or runs without a longer pause."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from abtest.data.sessions import SessionRule, numbered


def in_sessions(events: ir.Table, gap_minutes: float) -> ir.Table:
    """Return the events with ``session``, a text; those without an id are left out.

    Parameters
    ----------
    events
        Columns unit, event, us (microseconds), others, and session where the log has ids.
    gap_minutes
        A longer pause ends a session, where the log has no ids.
    """
    own = "session" in events.columns
    # all of these events are on one side of the clock's start: it cuts no session here
    passed = events["us"] + ibis.literal(2**61, "int64")
    named = events.mutate(uid=events["unit"], name=events["event"], passed=passed)
    rule = SessionRule("column") if own else SessionRule("gap", gap_minutes)
    found = numbered(named, rule)
    kept = [name for name in events.columns if name != "session"]
    session = found["session"] if own else found["session"].cast("string")
    return found.select(*kept, session=session)
