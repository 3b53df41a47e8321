"""Event logs with known truth: every user's outcome in every arm of a simulated experiment."""

from __future__ import annotations

from abtest.simulate.demo import DEMO_SEED, DEMO_USERS, demo_worlds
from abtest.simulate.simulated import Simulated, TrueEffect, simulate
from abtest.simulate.store import write_duckdb
from abtest.simulate.world import (
    Activity,
    Amount,
    Attribute,
    Occurrence,
    SessionEvent,
    Survey,
    World,
)

__all__ = [
    "DEMO_SEED",
    "DEMO_USERS",
    "Activity",
    "Amount",
    "Attribute",
    "Occurrence",
    "SessionEvent",
    "Simulated",
    "Survey",
    "TrueEffect",
    "World",
    "demo_worlds",
    "simulate",
    "write_duckdb",
]
