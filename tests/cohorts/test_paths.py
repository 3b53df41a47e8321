"""Paths against a slow walk; differences of arms by unit; and what they refuse."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import paths
from abtest.errors import DataError, UsageError

DAY = pd.Timedelta(days=1)


def clean(dirty):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def ways(events, *, collapse=True, gap=None):
    """The names of each unit's, or session's, events in order, with seconds to the next."""
    found = {}
    for unit, own in events.sort_values(["occurred_at", "event"]).groupby("user_id"):
        number, last = 0, None
        for at, name in zip(own["occurred_at"], own["event"], strict=True):
            if gap is not None and last is not None and at - last > pd.Timedelta(minutes=gap):
                number += 1
            last = at
            found.setdefault((unit, number), []).append((at, name))
    if collapse:
        for key, way in found.items():
            kept = [way[0]]
            for one in way[1:]:
                if one[1] != kept[-1][1]:
                    kept.append(one)
            found[key] = kept
    return found


def moves(found):
    rows = []
    for (unit, _), way in found.items():
        names = ["path_start", *(name for _, name in way), "path_end"]
        times = [None, *(at for at, _ in way), None]
        for (a, b), (t, u) in zip(pairwise(names), pairwise(times), strict=True):
            seconds = np.nan if t is None or u is None else (u - t).total_seconds()
            rows.append((unit, a, b, seconds))
    return pd.DataFrame(rows, columns=["unit", "source", "target", "seconds"])


@pytest.mark.parametrize(
    ("asked", "walk"),
    [
        ({}, {}),
        ({"collapse": False}, {"collapse": False}),
        ({"by": "session", "gap_minutes": 600.0}, {"gap": 600.0}),
    ],
    ids=str,
)
def test_without_arms_everything_is_that_of_a_slow_walk(dirty, asked, walk):
    found = paths(dirty.events, as_of=dirty.as_of, steps=4, **asked)
    every = ways(clean(dirty), **walk)
    table = moves(every)
    grouped = table.groupby(["source", "target"]).agg(
        count=("unit", "size"), units=("unit", "nunique"), seconds=("seconds", "median")
    )
    out = table.groupby("source").size()
    assert len(found.table) == len(grouped)
    for row in found.table.itertuples():
        expected = grouped.loc[row.source, row.target]
        assert (row.count, row.units) == (expected["count"], expected["units"])
        assert row.p == pytest.approx(expected["count"] / out[row.source])
        assert row.share == pytest.approx(expected["count"] / len(table))
        assert row.median_seconds == pytest.approx(expected["seconds"], nan_ok=True)
    for step in range(1, 5):
        here = Counter(
            way[step - 1][1] if len(way) >= step else "path_end" for way in every.values()
        )
        rows = found.steps[found.steps["step"] == step].set_index("event")["paths"]
        assert {name: n for name, n in rows.items() if n} == dict(here)
    texts = Counter(
        " → ".join(name for _, name in way[:4]) + (" → …" if len(way) > 4 else "")
        for way in every.values()
    )
    best = found.top.iloc[0]
    assert (best["path"], best["paths"]) == min(texts.items(), key=lambda one: (-one[1], one[0]))
    ends = table[table["target"] == "path_end"].groupby("source").size()
    assert dict(zip(found.exits["event"], found.exits["count"], strict=True)) == dict(ends)


@pytest.mark.parametrize("by", ["unit", "session"])
def test_with_arms_it_is_of_exposed_units_whose_days_are_over(dirty, by):
    found = paths(
        dirty.events, by=by, days=14, exposures=dirty.exposures, as_of=dirty.as_of, steps=3,
        negative="cart",
    )  # fmt: skip
    arms = dirty.exposures.groupby("user_id")["variant"].nunique()
    first = dirty.exposures.sort_values("exposed_at").groupby("user_id").first()
    first = first[(arms == 1).reindex(first.index)]
    known = first[first["exposed_at"] + 14 * DAY <= pd.Timestamp(dirty.as_of)]
    events = clean(dirty).merge(known, left_on="user_id", right_index=True)
    since = events["occurred_at"] - events["exposed_at"]
    events = events[(since >= pd.Timedelta(0)) & (since < 14 * DAY)]
    every = ways(events, gap=30.0 if by == "session" else None)
    table = moves(every).assign(arm=lambda t: t["unit"].map(known["variant"]))
    sizes = known["variant"].value_counts()
    n = table.groupby(["arm", "source", "target"]).size()
    m = table.groupby(["arm", "source"]).size()
    for row in found.differences[found.differences["status"] == "ok"].itertuples():
        expected = n.get((row.arm, row.source, row.target), 0) / m[row.arm, row.source]
        assert row.value == pytest.approx(expected)
        assert row.n == sizes[row.arm]
    for arm in ("control", "b", "c"):
        steps = found.steps[(found.steps["arm"] == arm) & (found.steps["step"] == 1)]
        begun = sum(known.loc[unit, "variant"] == arm for unit, _ in every)
        total = sizes[arm] if by == "unit" else begun
        assert steps["paths"].sum() == total
        carts = events[(events["event"] == "cart") & (events["variant"] == arm)][
            "user_id"
        ].nunique()
        row = found.negative[found.negative["arm"] == arm].iloc[0]
        assert (row["exposed"], row["units"]) == (sizes[arm], carts)
    assert found.negative_differences["event"].tolist() == ["cart", "cart"]


def test_shares_of_a_source_and_of_a_step_sum_to_one(dirty):
    found = paths(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert np.allclose(found.table.groupby(["arm", "source"])["p"].sum(), 1.0)
    assert np.allclose(found.table.groupby("arm")["share"].sum(), 1.0)
    assert np.allclose(found.steps.groupby(["arm", "step"])["share"].sum(), 1.0)
    ended = found.steps[found.steps["event"] == "path_end"].groupby("arm")["share"]
    assert all((part.diff().dropna() >= -1e-12).all() for _, part in ended)


def test_order_repeats_and_names_of_units_change_nothing(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    plain = paths(dirty.events, **asked)
    mixed = pd.concat([dirty.events, dirty.events.sample(300, random_state=1)])
    again = paths(mixed.sample(frac=1, random_state=2), **asked)
    for name in ("table", "steps", "top", "exits", "differences"):
        pd.testing.assert_frame_equal(getattr(plain, name), getattr(again, name))


@pytest.mark.parametrize("by", ["unit", "session"])
def test_changing_arms_turns_the_sign(dirty, by):
    two = dirty.exposures[dirty.exposures["variant"] != "c"]
    asked = {"exposures": two, "as_of": dirty.as_of, "by": by, "steps": 3}
    one = paths(dirty.events, control="control", **asked)
    other = paths(dirty.events, control="b", **asked)
    for name in ("differences", "step_differences"):
        a, b = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(a["difference"], -b["difference"], atol=1e-12)
        np.testing.assert_allclose(a["p_value"], b["p_value"], rtol=1e-9)


def test_no_effect_is_found_in_one_split_of_twenty_where_units_are_the_sample():
    """Units have habits: taking their transitions for a sample finds far more."""
    rng = np.random.default_rng(31)
    rows = []
    for unit in range(300):
        habit = rng.beta(0.7, 0.7)
        names = ["a"]
        for _ in range(int(rng.integers(10, 60))):
            names += ["b" if rng.random() < habit else "c", "a"]
        rows += [(unit, name, step) for step, name in enumerate(names)]
    log = pd.DataFrame(rows, columns=["user_id", "event", "step"])
    log["time"] = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(log["step"], "min")
    ours, naive, splits = 0, 0, 100
    for _ in range(splits):
        arms = pd.DataFrame({"user_id": range(300), "variant": rng.permutation(["x", "y"] * 150)})
        arms["exposed_at"] = pd.Timestamp("2026-01-05", tz="UTC")
        found = paths(log, exposures=arms, control="x", days=7, as_of="2026-02-01", steps=2)
        row = found.differences
        row = row[(row["source"] == "a") & (row["target"] == "b")].iloc[0]
        ours += row["p_value"] < 0.05
        cells = found.table[(found.table["source"] == "a")]
        count = {arm: part.set_index("target")["count"] for arm, part in cells.groupby("arm")}
        n = [count[arm].sum() for arm in ("x", "y")]
        p = [count[arm]["b"] / total for arm, total in zip(("x", "y"), n, strict=True)]
        pooled = (p[0] * n[0] + p[1] * n[1]) / sum(n)
        z = (p[1] - p[0]) / np.sqrt(pooled * (1 - pooled) * (1 / n[0] + 1 / n[1]))
        naive += abs(z) > 1.96
    assert abs(ours / splits - 0.05) < 4 * np.sqrt(0.05 * 0.95 / splits)
    assert naive / splits > 0.4


def test_rare_events_are_others_and_chosen_names_are_the_way(dirty):
    found = paths(dirty.events, top=2, as_of=dirty.as_of)
    assert set(found.table["source"]) == {"path_start", "open", "view", "other"}
    chosen = paths(dirty.events, names=["cart", "buy"], as_of=dirty.as_of)
    assert set(chosen.table["source"]) == {"path_start", "cart", "buy"}


@pytest.mark.parametrize(
    "asked",
    [
        {"by": "visit"},
        {"steps": 1},
        {"top": 0},
        {"days": 7},
        {"gap_minutes": 0.0},
        {"confidence_level": 1.0},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        paths(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"


def test_names_that_are_not_there_or_taken_are_refused(dirty):
    with pytest.raises(DataError) as caught:
        paths(dirty.events, negative="uninstal", as_of=dirty.as_of)
    assert caught.value.code == "unknown_event"
    frame = pd.DataFrame(
        {"user_id": [1, 1], "event": ["view", "path_end"], "time": ["2026-01-05", "2026-01-06"]}
    )
    with pytest.raises(DataError) as caught:
        paths(frame)
    assert caught.value.code == "reserved_name"


def test_the_figures_say_their_numbers(dirty):
    found = paths(dirty.events, as_of=dirty.as_of)
    first = found.steps[found.steps["step"] == 1].sort_values("share").iloc[-1]
    assert f"{100 * first['share']:.1f}%" in found.plot().fragment().text
    assert "Most often" in found.plot_matrix().fragment().text
    arms = paths(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert "false discoveries" in arms.plot_matrix("b").fragment().text
    assert "Paths of units of c" in arms.plot("c").fragment().text
    with pytest.raises(UsageError):
        arms.plot("d")
