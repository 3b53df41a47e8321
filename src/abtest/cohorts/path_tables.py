"""Tables of paths: transitions, steps, whole paths, exits and negative events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.differences import moments_of
from abtest.cohorts.path_steps import END, START, Question, Walks
from abtest.cohorts.rows import records
from abtest.cohorts.shares import share_limits
from abtest.stats import Moments, NotEstimable, ratio_of_totals

if TYPE_CHECKING:
    import pandas as pd

ARROW = " → "


def sizes(found: Walks, *, empty: bool) -> pd.DataFrame:
    """Return per arm units, units with a path, paths, and sums for limits by unit.

    Parameters
    ----------
    found
        What was counted.
    empty
        Whether units without a path count as one without events.
    """
    import pandas as pd

    rows = found.sizes.set_index("arm").reindex(list(found.units)).fillna(0)
    units = pd.Series(found.units, dtype="int64")
    none = (units - rows["units"]).astype("int64") if empty else 0 * units
    return pd.DataFrame(
        {
            "units": units,
            "walked": rows["units"].astype("int64"),
            "empty": none,
            "paths": rows["s"].astype("int64") + none,
            "ss": rows["ss"].astype("float64") + none,
        }
    )


def cells(found: Walks, size: pd.DataFrame) -> pd.DataFrame:
    """Return a row per arm and transition of any arm, with sums over units; no one is 0.

    Columns are those of `Walks.cells` and `Walks.sources`, and median_seconds.
    """
    import pandas as pd

    counted, sources = found.cells, found.sources
    straight = size[size["empty"] > 0]["empty"]
    if len(straight):  # from the start to the end without an event
        new = pd.DataFrame({"arm": straight.index, "source": START, "target": END})
        for name in ("n", "units", "only", "nn", "nt"):
            new[name] = straight.to_numpy()
        counted = pd.concat([counted, new]) if len(counted) else new
        kept = sources[sources["source"] == START].set_index("arm")
        own = pd.DataFrame({"arm": straight.index, "source": START})
        for name in ("t", "visitors", "tt"):
            before = kept[name].reindex(straight.index).fillna(0).to_numpy()
            own[name] = before + straight.to_numpy()
        replaced = (sources["source"] == START) & sources["arm"].isin(straight.index)
        sources = pd.concat([sources[~replaced], own]) if len(sources) else own
    order = {name: place for place, name in enumerate((START, *found.nodes, END))}
    pairs = counted[["source", "target"]].drop_duplicates()
    pairs = pairs.sort_values(["source", "target"], key=lambda names: names.map(order))
    grid = pairs.merge(pd.DataFrame({"arm": list(found.units)}), how="cross")
    table = grid.merge(counted, how="left", on=["arm", "source", "target"])
    table = table.merge(sources, how="left", on=["arm", "source"])
    numbers = ["n", "units", "only", "nn", "nt", "t", "visitors", "tt"]
    table[numbers] = table[numbers].fillna(0)
    table = table.merge(found.pauses, how="left", on=["arm", "source", "target"])
    place = {arm: number for number, arm in enumerate(found.units)}
    table = table.sort_values("arm", key=lambda names: names.map(place), kind="stable")
    whole = dict.fromkeys(("n", "units", "only", "t", "visitors"), "int64")
    return table.astype(whole | dict.fromkeys(("nn", "nt", "tt"), "float64")).reset_index(drop=True)


def transition_table(cell: pd.DataFrame, units: dict[str, int], level: float) -> pd.DataFrame:
    """Return the tidy table of transitions, with Fieller's limits of p by unit."""
    total = cell.groupby("arm", sort=False)["n"].transform("sum")
    table = cell[["arm", "source", "target"]].copy()
    table["count"], table["units"] = cell["n"], cell["units"]
    table["p"] = cell["n"] / cell["t"].where(cell["t"] > 0)
    table["lower"], table["upper"] = _all_limits(
        cell, cell["arm"].map(units), ("n", "t"), ("nn", "nt", "tt"), level
    )
    table["share"] = cell["n"] / total.where(total > 0)
    table["median_seconds"] = cell["median_seconds"].astype("float64")
    return table


def places(found: Walks, size: pd.DataFrame, asked: Question) -> pd.DataFrame:
    """Return a row per arm, step and event, and the end, with sums over units.

    Columns m, units, only, mm and ms are those of `Walks.places`. Who has left stays at the end.
    """
    import pandas as pd

    steps = range(1, asked.steps + 1)
    grid = pd.MultiIndex.from_product(
        [list(found.units), steps, found.nodes], names=["arm", "step", "node"]
    )
    names = ["m", "units", "only", "mm", "ms"]
    at = found.places[found.places["node"].notna()].set_index(["arm", "step", "node"])[names]
    there = at.reindex(grid).fillna(0).reset_index()
    long = found.places[found.places["node"].isna()].set_index(["arm", "step"])[names]
    pairs = pd.MultiIndex.from_product([list(found.units), steps], names=["arm", "step"])
    long = long.reindex(pairs).fillna(0)
    of = size.loc[long.index.get_level_values("arm")].set_axis(long.index)
    ended = pd.DataFrame(
        {
            "node": END,
            "m": of["paths"] - long["m"],
            "units": of["walked"] + of["empty"] - long["only"],
            "only": of["walked"] + of["empty"] - long["units"],
            "mm": of["ss"] - 2 * long["ms"] + long["mm"],
            "ms": of["ss"] - long["ms"],
        }
    ).reset_index()
    table = pd.concat([there, ended]) if len(there) else ended
    order = {name: place for place, name in enumerate((*found.nodes, END))}
    arms = {arm: number for number, arm in enumerate(found.units)}
    table = table.sort_values(
        ["arm", "step", "node"],
        key=lambda values: values.map({"arm": arms, "node": order}.get(str(values.name), int)),
    )
    whole = dict.fromkeys(("m", "units", "only"), "int64")
    return table.astype(whole).reset_index(drop=True)


def step_table(
    at: pd.DataFrame, size: pd.DataFrame, level: float, *, by_session: bool
) -> pd.DataFrame:
    """Return the tidy step matrix: shares of all paths, so that every step sums to 1.

    Limits are Wilson's, and by sessions Fieller's by unit.
    """
    paths = at["arm"].map(size["paths"])
    table = at[["arm", "step"]].copy()
    table["event"], table["count"] = at["node"], at["m"]
    table["share"] = at["m"] / paths.where(paths > 0)
    if by_session:
        whole = at.assign(s=paths, ss=at["arm"].map(size["ss"]))
        limits = _all_limits(
            whole, at["arm"].map(size["units"]), ("m", "s"), ("mm", "ms", "ss"), level
        )
    else:
        pairs = [
            share_limits(int(m), int(n), level)[1:] for m, n in zip(at["m"], paths, strict=True)
        ]
        limits = _columns(pairs)
    table["lower"], table["upper"] = limits
    return table


def top_table(found: Walks, size: pd.DataFrame, asked: Question) -> pd.DataFrame:
    """Return the most frequent paths of all arms together, counted by arm."""
    import pandas as pd

    names = [f"node{k}" for k in range(1, asked.steps + 1)]
    ways: dict[tuple[str, int, bool], dict[str, tuple[int, int]]] = {}
    for row in records(found.ways):
        events = [row[name] for name in names if isinstance(row[name], str)]
        path = ARROW.join([*events, *(["…"] if row["longer"] else [])])
        key = (path, len(events), not row["longer"])
        ways.setdefault(key, {})[row["arm"]] = (int(row["n"]), int(row["units"]))
    empty = dict(zip(found.units, size["empty"].tolist(), strict=True))
    straight = {arm: (int(n), int(n)) for arm, n in empty.items() if n}
    if straight:
        ways["", 0, True] = straight
    paths = dict(zip(found.units, size["paths"].tolist(), strict=True))
    order = sorted(ways, key=lambda key: -sum(n for n, _ in ways[key].values()))
    rows = []
    for arm in found.units:
        for key in order:
            path, steps, ended = key
            n, units = ways[key].get(arm, (0, 0))
            total = paths[arm]
            share = n / total if total else np.nan
            rows.append((arm, path or "(no event)", steps, ended, n, units, share))
    return pd.DataFrame(rows, columns=["arm", "path", "steps", "ended", "count", "units", "share"])


def exit_table(table: pd.DataFrame, cell: pd.DataFrame) -> pd.DataFrame:
    """Return how often each event is the last; `table` is that of transitions."""
    seen = cell[cell["source"] != START].drop_duplicates(["arm", "source"])
    keys = ["arm", "source"]
    ends = table[table["target"] == END].drop(columns="units")
    rows = seen[[*keys, "t", "visitors"]].merge(ends, how="left", on=keys)
    never = rows["count"].isna()
    rows["count"] = rows["count"].fillna(0).astype("int64")
    rows["p"] = rows["p"].where(~never, np.where(rows["t"] > 0, 0.0, np.nan))
    named = {
        "source": "event", "t": "visits", "visitors": "units", "count": "ends", "p": "p_end",
    }  # fmt: skip
    columns = ["arm", "event", "visits", "units", "ends", "p_end", "lower", "upper"]
    return rows.rename(columns=named)[columns]


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [low for low, _ in pairs], [high for _, high in pairs]


def _all_limits(
    rows: pd.DataFrame,
    units: pd.Series[int],
    sums: tuple[str, str],
    products: tuple[str, str, str],
    level: float,
) -> tuple[list[float], list[float]]:
    """Return the limits of a ratio of two sums over units for every row."""
    columns = [rows[name].to_numpy(dtype=np.float64) for name in (*sums, *products)]
    return _columns(
        [
            _limits(int(n), (y, x), (yy, yx, xx), level)
            for n, y, x, yy, yx, xx in zip(units, *columns, strict=True)
        ]
    )


def _limits(
    units: int, sums: tuple[float, float], products: tuple[float, float, float], level: float
) -> tuple[float, float]:
    """Return Fieller's limits of a ratio of two sums over units; NaN where it has none."""
    if units == 0 or sums[1] == 0.0:
        return np.nan, np.nan
    yy, yx, xx = products
    table = moments_of([units], [[x] for x in sums], {(0, 0): [yy], (0, 1): [yx], (1, 1): [xx]})
    try:
        ratio = ratio_of_totals(Moments(units, table.mean[0], table.m2[0]), confidence_level=level)
    except NotEstimable:
        return np.nan, np.nan
    if ratio.status != "bounded" or ratio.lower is None or ratio.upper is None:
        return np.nan, np.nan
    return max(float(ratio.lower), 0.0), min(float(ratio.upper), 1.0)


def negative_table(found: Walks, names: Sequence[str], level: float) -> pd.DataFrame:
    """Return how many units did what nobody wants, of all units in scope."""
    import pandas as pd

    met = {(row["arm"], row["event"]): (row["units"], row["n"]) for row in records(found.negative)}
    rows = []
    for arm, total in found.units.items():
        for name in names:
            units, n = met.get((arm, name), (0, 0))
            limits = share_limits(units, total, level)
            rows.append((arm, name, total, units, *limits, n, n / total if total else np.nan))
    columns = ["arm", "event", "exposed", "units", "share", "lower", "upper", "count", "per_unit"]
    return pd.DataFrame(rows, columns=columns)
