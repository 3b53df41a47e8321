"""Tiers against a slow walk through every unit's periods, and what must hold of movements."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import open_log, tiers
from abtest.errors import DataError, UsageError
from abtest.stats import proportion_interval

ZONE = "America/New_York"
DAY = pd.Timedelta(days=1)


def frame(table):
    found = table.to_pyarrow().to_pandas()
    return found.sort_values("unit").reset_index(drop=True)


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def named(day, period):
    if period == "week":
        day -= timedelta(days=day.weekday())
    return f"{day:%Y-%m}" if period == "month" else day.isoformat()


def amount_of(own, measure, zone="UTC"):
    if measure == "count":
        return len(own)
    if measure == "value":
        return round(own["value"].sum(), 6)
    return own["occurred_at"].dt.tz_convert(zone).dt.date.nunique()


def climbed(amounts, ladder, hysteresis):
    """Return the tiers of a unit's amounts, period by period."""
    found, level = [], 0
    for amount in amounts:
        reached = max([0, *(k for k, limit in enumerate(ladder, 1) if amount >= limit)])
        while level and amount < round(ladder[level - 1] * (1 - hysteresis), 6):
            level -= 1
        level = max(level, reached)
        found.append(level)
    return found


def walked(dirty, ladder, *, measure="count", hysteresis=0.0, period="week", active=None,
           zone="UTC"):  # fmt: skip
    """Return the periods, and per unit the period it starts in and its tier in each since."""
    events = known_events(dirty)
    events = events.assign(
        place=[named(day, period) for day in events["occurred_at"].dt.tz_convert(zone).dt.date]
    )
    end = named(pd.Timestamp(dirty.as_of).tz_convert(zone).date(), period)
    events = events[events["place"] < end]
    first = events["occurred_at"].min().tz_convert(zone).date()
    last = pd.Timestamp(dirty.as_of).tz_convert(zone).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    periods = [p for p in dict.fromkeys(named(day, period) for day in days) if p < end]
    units = {}
    for unit, own in events.groupby("user_id"):
        since = periods[periods.index(own["place"].min()) :]
        counted = own if active is None else own[own["event"].isin(active)]
        amounts = [amount_of(counted[counted["place"] == p], measure, zone) for p in since]
        units[unit] = (since, amounts, climbed(amounts, ladder, hysteresis))
    return periods, units


CASES = {
    "count": ({"silver": 2, "gold": 6}, {}),
    "room": ({"silver": 2, "gold": 6, "top": 9}, {"hysteresis": 0.5}),
    "value": ({"low": 20.5, "high": 80}, {"measure": "value", "hysteresis": 0.25}),
    "days": (
        {"silver": 2, "gold": 5},
        {"measure": "active_days", "hysteresis": 0.4, "active": ["open", "view"]},
    ),
    "month": ({"silver": 5, "gold": 20}, {"period": "month", "hysteresis": 0.2}),
}


@pytest.mark.parametrize("case", CASES)
def test_tiers_and_movements_equal_a_slow_walk(dirty, case):
    thresholds, asked = CASES[case]
    asked = {"period": "week"} | asked
    zone = ZONE if case == "days" else "UTC"
    found = tiers(
        dirty.events, thresholds=thresholds, timezone=zone, as_of=dirty.as_of, **asked
    )  # fmt: skip
    periods, units = walked(dirty, list(thresholds.values()), zone=zone, **asked)
    names = ["base", *thresholds]
    members = {(p, name): 0 for p in periods for name in names}
    moves = {(p, a, b): 0 for p in periods for a in ("new", *names) for b in names}
    for since, _, levels in units.values():
        before = "new"
        for p, level in zip(since, levels, strict=True):
            members[p, names[level]] += 1
            moves[p, before, names[level]] += 1
            before = names[level]
    table = found.table
    assert dict(zip(zip(table["period"], table["tier"], strict=True), table["units"],
                    strict=True)) == members  # fmt: skip
    rows = found.movements
    keys = zip(rows["period"], rows["from_tier"], rows["to_tier"], strict=True)
    assert dict(zip(keys, rows["units"], strict=True)) == moves
    last = frame(found.units)
    assert last["unit"].tolist() == sorted(units)
    assert last["tier"].tolist() == [names[units[unit][2][-1]] for unit in last["unit"]]
    amounts = [units[unit][1][-1] for unit in last["unit"]]
    assert last["amount"].to_numpy() == pytest.approx(np.array(amounts), abs=1e-9)
    risen = rows[(rows["from_tier"] == names[1]) & (rows["to_tier"] == names[2])]["units"].sum()
    assert risen > 0


def test_room_before_falling_changes_something(dirty):
    """The rule for falling is at work in the fixture: with it fewer units fall."""
    keys = {"thresholds": {"silver": 2, "gold": 6}, "period": "week", "as_of": dirty.as_of}
    strict, kind = tiers(dirty.events, **keys), tiers(dirty.events, hysteresis=0.5, **keys)
    gold = [x.table[x.table["tier"] == "gold"]["units"].sum() for x in (strict, kind)]
    assert gold[1] > gold[0] + 10
    merged = strict.movements.merge(kind.movements, on=["period", "from_tier", "to_tier"])
    new = merged[merged["from_tier"] == "new"]
    assert (new["units_x"] == new["units_y"]).all()


@pytest.mark.parametrize("hysteresis", [0.0, 0.4])
def test_arms_have_the_tier_of_before_exposure(dirty, hysteresis):
    thresholds = {"silver": 3, "gold": 9}
    found = tiers(
        dirty.events, thresholds=thresholds, hysteresis=hysteresis, days=14,
        exposures=dirty.exposures, as_of=dirty.as_of,
    )  # fmt: skip
    exposed = dirty.exposures.groupby("user_id").agg(
        arms=("variant", "nunique"), arm=("variant", "first"), start=("exposed_at", "min")
    )
    exposed = exposed[exposed["arms"] == 1].sort_index()
    by_unit = dict(iter(known_events(dirty).groupby("user_id")))
    names, expected = ["base", *thresholds], []
    for unit, row in exposed.iterrows():
        own = by_unit.get(unit, dirty.events.head(0))["occurred_at"]
        amounts = [
            int(((own >= row["start"] - (k + 1) * 14 * DAY) & (own < row["start"] - k * 14 * DAY))
                .sum())
            for k in reversed(range(8))
        ]  # fmt: skip
        level = climbed(amounts, list(thresholds.values()), hysteresis)[-1]
        expected.append((unit, row["arm"], amounts[-1], names[level]))
    units = frame(found.units)
    assert list(units[["unit", "arm", "amount", "tier"]].itertuples(index=False)) == expected
    for row in found.table.to_dict("records"):
        of_arm = [tier for _, arm, _, tier in expected if arm == row["arm"]]
        assert row["units"] == of_arm.count(row["tier"])
        low, high = proportion_interval(row["units"], len(of_arm)).interval
        assert (row["lower"], row["upper"]) == (low, high)
    assert found.table["units"].min() > 0
    assert found.movements is None
    assert found.differences is None


def log_of(*rows):
    return pd.DataFrame(rows, columns=["user_id", "event", "time"])


def months(*counts, unit=1):
    """A log with so many events in January, February, ... of 2026."""
    return log_of(
        *((unit, "buy", f"2026-{month:02}-{day + 1:02}T10:00Z")
          for month, many in enumerate(counts, 1) for day in range(many))
    )  # fmt: skip


def test_a_worked_example_of_rising_keeping_and_falling():
    """Gold from 10, kept from 8; silver from 5, kept from 4."""
    log = pd.concat([months(10, 8, 7, 4, 3, 5, 10, 0, 4), months(*[1] * 9, unit=2)])
    found = tiers(
        log, thresholds={"silver": 5, "gold": 10}, hysteresis=0.2, as_of="2026-10-01"
    )  # fmt: skip
    of_first = found.table[found.table["tier"] != "base"].pivot(
        index="period", columns="tier", values="units"
    )
    assert of_first["gold"].tolist() == [1, 1, 0, 0, 0, 0, 1, 0, 0]
    assert of_first["silver"].tolist() == [0, 0, 1, 1, 0, 1, 0, 0, 0]


def test_movements_keep_books(dirty):
    found = tiers(dirty.events, thresholds={"a": 1, "b": 4}, period="week", as_of=dirty.as_of)
    periods = list(dict.fromkeys(found.table["period"]))
    sizes = found.table.set_index(["period", "tier"])["units"]
    rows = found.movements
    for before, now in pairwise(periods):
        own = rows[rows["period"] == now]
        for tier in ("base", "a", "b"):
            assert own[own["to_tier"] == tier]["units"].sum() == sizes[now, tier]
            assert own[own["from_tier"] == tier]["units"].sum() == sizes[before, tier]
            shares = own[own["from_tier"] == tier]["share"]
            assert shares.sum() == pytest.approx(1.0) or not sizes[before, tier]
    first = rows[rows["period"] == periods[0]]
    assert first[first["from_tier"] != "new"]["units"].sum() == 0
    assert (rows["units"] >= 0).all()


def test_order_repeats_and_names_of_units_do_not_matter(dirty):
    keys = {"period": "week", "measure": "value", "hysteresis": 0.2, "as_of": dirty.as_of,
            "thresholds": {"a": 10, "b": 30}}  # fmt: skip
    plain = tiers(dirty.events, **keys)
    shuffled = pd.concat([dirty.events, dirty.events.head(500)]).sample(frac=1, random_state=1)
    again = tiers(shuffled.assign(user_id="x" + shuffled["user_id"]), **keys)
    pd.testing.assert_frame_equal(plain.table, again.table)
    pd.testing.assert_frame_equal(plain.movements, again.movements)
    assert frame(plain.units)["tier"].tolist() == frame(again.units)["tier"].tolist()


def test_later_looks_never_change_complete_periods(dirty):
    keys = {"period": "week", "thresholds": {"a": 2, "b": 6}, "hysteresis": 0.3}
    early = tiers(dirty.events, as_of="2026-02-25T13:00Z", **keys)
    late = tiers(dirty.events, as_of=dirty.as_of, **keys)
    for name in ("table", "movements"):
        before, after = getattr(early, name), getattr(late, name)
        pd.testing.assert_frame_equal(before, after.head(len(before)))
    assert early.table["period"].iloc[-1] == "2026-02-16"


def test_units_that_only_do_other_things_are_in_the_base(dirty):
    found = tiers(dirty.events, active="buy", thresholds={"a": 1}, as_of=dirty.as_of)
    last = found.table[found.table["period"] == "2026-02"]
    events = known_events(dirty)
    started = events[events["occurred_at"] < pd.Timestamp("2026-03-01", tz="UTC")]["user_id"]
    assert last["units"].sum() == started.nunique()


@pytest.mark.parametrize(
    "asked",
    [
        {"measure": "sum"},
        {"period": "year"},
        {"thresholds": {}},
        {"thresholds": {"a": 0}},
        {"thresholds": {"a": float("nan")}},
        {"thresholds": {"a": 3, "b": 3}},
        {"thresholds": {f"t{k}": k + 1 for k in range(7)}},
        {"thresholds": {"base": 3}},
        {"thresholds": {"new": 3}},
        {"base": "new"},
        {"hysteresis": 1},
        {"hysteresis": -0.1},
        {"days": 28},
        {"confidence_level": 0},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        tiers(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_what_the_log_lacks_is_told(dirty):
    with pytest.raises(UsageError):
        tiers(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of, days=0)
    for asked, code in (
        ({"active": "by"}, "unknown_event"),
        ({"as_of": "2026-01-20"}, "no_complete_period"),
    ):
        with pytest.raises(DataError) as caught:
            tiers(dirty.events, **{"as_of": dirty.as_of} | asked)
        assert caught.value.code == code
    with pytest.raises(DataError) as caught:
        tiers(dirty.events.drop(columns="value"), measure="value", as_of=dirty.as_of)
    assert caught.value.code == "missing_column"


def test_the_picture_and_the_page_say_what_they_show(dirty):
    plain = tiers(dirty.events, as_of=dirty.as_of)
    alt = plain.plot().alt
    assert "Of 277 units in 2026-02: gold 11.2% (95% interval 8.0% to 15.4%)" in alt
    assert "18 rose, 63 fell, 133 are new" in alt
    moved = plain.plot(movements=True).alt
    assert "144 steps from one month to the next" in moved
    arms = tiers(open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of))
    row = arms.table[(arms.table["arm"] == "c") & (arms.table["tier"] == "gold")].iloc[0]
    assert f"Of 105 units of c: gold {100 * row['share']:.1f}%" in arms.plot().alt
    assert "<table>" in arms.fragment().html
    with pytest.raises(UsageError) as caught:
        arms.plot(movements=True)
    assert caught.value.code == "bad_choice"
    lone = tiers(months(1), as_of="2026-02-01")
    assert "Of 1 unit in 2026-01: gold 0.0%" in lone.plot().alt
    assert "0 steps" in lone.plot(movements=True).alt
