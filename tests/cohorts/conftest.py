"""A log as people have it: repeats, ties, disorder, events before exposure, units in two arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest


@dataclass(frozen=True)
class Dirty:
    events: pd.DataFrame
    exposures: pd.DataFrame
    as_of: str = "2026-03-30T00:00:00Z"


@pytest.fixture(scope="session")
def dirty() -> Dirty:
    """Return 300 units over twelve weeks; the last 20 have no events, five met both arms."""
    random = np.random.default_rng(20260105)
    begin = pd.Timestamp("2026-01-05", tz="UTC")
    rows = []
    for unit in range(280):
        many = int(random.geometric(0.06))
        starts = random.uniform(0, 50)
        # whole quarters of an hour, so that moments are shared
        at = np.floor((starts + random.exponential(12.0, many)) * 96) / 96
        for days in at[at < 90]:
            name = random.choice(["open", "view", "cart", "buy"], p=[0.4, 0.35, 0.15, 0.1])
            value = round(float(random.lognormal(3, 1)), 2) if name == "buy" else None
            rows.append((f"u{unit}", begin + pd.Timedelta(days=float(days)), name, value))
    events = pd.DataFrame(rows, columns=["user_id", "occurred_at", "event", "value"])
    events["value"] = events["value"].astype("float64")
    repeats = events.sample(60, random_state=3)
    holes = events.sample(3, random_state=4).assign(user_id=None)
    events = pd.concat([events, repeats, holes]).sample(frac=1, random_state=5)
    units = [f"u{unit}" for unit in range(300)]
    exposures = pd.DataFrame(
        {
            "user_id": units,
            "variant": random.choice(["control", "b", "c"], 300),
            "exposed_at": [begin + pd.Timedelta(days=float(d)) for d in random.uniform(5, 60, 300)],
        }
    )
    again = exposures.head(5).assign(
        variant=["b" if v == "control" else "control" for v in exposures["variant"].head(5)],
        exposed_at=exposures["exposed_at"].head(5) + pd.Timedelta(days=1),
    )
    later = exposures.tail(40)
    later = later.assign(exposed_at=later["exposed_at"] + pd.Timedelta(days=2))
    exposures = pd.concat([exposures, again, later]).sample(frac=1, random_state=6)
    return Dirty(events.reset_index(drop=True), exposures.reset_index(drop=True))
