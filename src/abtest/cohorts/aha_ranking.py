"""Behaviours ranked in one half of the units, with their measures in the other."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.aha_counts import HALVES, Counted, Half, Question
from abtest.cohorts.aha_measures import MEASURES, Floats, at_least, measures_of, strength
from abtest.cohorts.differences import share_differences
from abtest.cohorts.periods import days_label

if TYPE_CHECKING:
    import pandas as pd

PART_OF_OUTCOME = "part of the outcome"
TOO_GOOD = "too good to be true"
KEY = ["event", "count", "days"]


def candidates_of(found: Counted, asked: Question, confidence_level: float) -> pd.DataFrame:
    """Return every behaviour: ranked first, by the explored half; measures are of the other."""
    import pandas as pd

    events = sorted(set(found.cells["event"]) | set(asked.behaviours or ()))
    places = list(product(events, asked.days))
    keys = [(event, count, days) for event, days in places for count in asked.counts]
    table = pd.DataFrame(keys, columns=KEY)
    explored, held = (_measured(found, asked, half, places, confidence_level) for half in HALVES)
    pairs = zip(keys, explored["phi"], strict=True)
    table["flag"] = [_flag(key[0], phi, asked) for key, phi in pairs]
    table["score"] = _score(explored, asked)
    for name in ("reach", "phi", "difference"):
        table[f"explored_{name}"] = explored[name]
    for name in ("units", "retained", "did", "both", *MEASURES):
        table[name] = held[name]
    table["strength"] = [strength(phi) for phi in table["phi"]]
    ranked = (table["flag"] == "") & (table["explored_phi"] > 0.0) & np.isfinite(table["score"])
    table.insert(0, "rank", np.where(ranked, table["score"], np.nan))
    order = table.assign(behind=~ranked).sort_values(
        ["behind", "score", "days", "count", "event"],
        ascending=[True, False, True, True, True],
        kind="stable",
    )
    table = table.loc[order.index].reset_index(drop=True)
    table["rank"] = pd.array(
        [i + 1 if i < int(ranked.sum()) else None for i in range(len(table))], dtype="Int64"
    )
    return table


def best_of(candidates: pd.DataFrame, asked: Question, confidence_level: float) -> pd.DataFrame:
    """Return the best behaviour of each event, the first `top` of them, with intervals."""
    ranked = candidates[candidates["rank"].notna()]
    best = ranked.drop_duplicates("event").head(asked.top).reset_index(drop=True)
    best["rank"] = np.arange(1, len(best) + 1)
    best.insert(1, "behaviour", [behaviour_text(*row) for row in best[KEY].itertuples(index=False)])
    best = best.drop(columns=["flag", "score"])
    if best.empty:
        return best.assign(lower=np.nan, upper=np.nan, p_value=np.nan, p_adjusted=np.nan)
    compared = _compared(best, confidence_level)
    for name in ("lower", "upper", "p_value", "p_adjusted"):
        best[name] = compared[name].to_numpy()
    return best


def behaviour_text(event: str, count: int, days: float) -> str:
    """Return a behaviour in words.

    Examples
    --------
    >>> behaviour_text("view", 3, 7.0), behaviour_text("cart", 1, 1.0)
    ('view at least 3 times within 7 days', 'cart at least once within 1 day')
    """
    times = "once" if count == 1 else f"{count} times"
    return f"{event} at least {times} within {days:g} day{'' if days == 1 else 's'}"


def window_text(window: tuple[float, float]) -> str:
    """Return days [a, b) in words.

    Examples
    --------
    >>> window_text((14.0, 28.0)), window_text((1.5, 2.5))
    ('days 14–27', 'day 1.5 up to day 2.5')
    """
    begin, end = window
    if begin % 1 or end % 1:
        return f"day {begin:g} up to day {end:g}"
    return days_label(int(begin), 1) if end - begin == 1 else f"days {begin:g}–{end - 1:g}"


def _measured(
    found: Counted,
    asked: Question,
    half: Half,
    places: list[tuple[str, float]],
    confidence_level: float,
) -> dict[str, Any]:
    """Return counts of units and measures of every behaviour in one half."""
    did, both = (
        at_least(_exact(found, asked, half, places, name), asked.counts).ravel()
        for name in ("units", "retained")
    )
    units, retained = (np.full(len(did), float(x)) for x in found.base[half])
    counts = {"units": units, "retained": retained, "did": did, "both": both}
    table: dict[str, Any] = {name: x.astype(np.int64) for name, x in counts.items()}
    table |= measures_of(units, retained, did, both)
    if half == HALVES[0] and asked.rank_by == "difference":
        table["lower"] = _compared(table, confidence_level)["lower"].to_numpy()
    return table


def _exact(
    found: Counted, asked: Question, half: Half, places: list[tuple[str, float]], name: str
) -> dict[tuple[str, float], Floats]:
    """Return units by exact count per event and days, 0 where there are none."""
    most = max(asked.counts)
    table = {place: np.zeros(most) for place in places}
    own = found.cells[found.cells["half"] == half]
    for event, days, count, units in zip(
        own["event"], own["days"], own["count"], own[name], strict=True
    ):
        table[event, days][int(count) - 1] = units
    return table


def _compared(counts: Any, confidence_level: float) -> pd.DataFrame:
    """Return the share with the outcome among those with the behaviour minus among the others."""
    did, both, units, retained = (
        np.asarray(counts[name], dtype=np.float64) for name in ("did", "both", "units", "retained")
    )
    arms = {"did not": (units - did, retained - both), "did": (did, both)}
    keys = {"row": range(len(did))}
    return share_differences(arms, keys, confidence_level=confidence_level)


def _flag(event: str, phi: float, asked: Question) -> str:
    if asked.outcome is not None and event in asked.outcome:
        return PART_OF_OUTCOME
    return TOO_GOOD if phi > asked.max_phi else ""


def _score(explored: dict[str, Any], asked: Question) -> Floats:
    if asked.rank_by == "difference":
        return np.asarray(explored["lower"], dtype=np.float64)
    phi = np.asarray(explored["phi"], dtype=np.float64)
    return phi if asked.rank_by == "phi" else phi * explored["reach"]
