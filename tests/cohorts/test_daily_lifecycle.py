"""Daily states and rates against a slow walk through every unit's days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import active_units, daily_lifecycle, lifecycle
from abtest.errors import DataError, UsageError
from abtest.stats import compare_ratios, ratio_of_totals
from abtest.stats.moments import Moments

ZONE = "America/New_York"
STATES = (
    "new", "current", "reactivated", "resurrected", "at_risk_wau", "at_risk_mau", "dormant",
)  # fmt: skip
ACTIVE = STATES[:4]


def state_of(days, day):
    """Return the state of a unit with activity on some days; None before the first."""
    past = [one for one in days if one < day]
    if day in days:
        if not past:
            return "new"
        gap = day - max(past)
        return "current" if gap <= 7 else "reactivated" if gap <= 30 else "resurrected"
    if not past:
        return None
    gap = day - max(past)
    return "at_risk_wau" if gap <= 6 else "at_risk_mau" if gap <= 29 else "dormant"


def walk(dirty, names, *, arms):
    """Return {unit: (cohort, days with activity)} of all units, and the first day not complete."""
    events = dirty.events.dropna(subset=["user_id"])
    events = events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]
    events = events[events["event"].isin(names)]
    units = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    units = units[units["arm"] == units["other"]]
    end = pd.Timestamp(dirty.as_of).tz_convert(ZONE).date().toordinal()
    found = {unit: (row["arm"], set()) for unit, row in units.iterrows()} if arms else {}
    for row in events.itertuples():
        if arms:
            if row.user_id not in found:
                continue
            if row.occurred_at < units.loc[row.user_id, "start"].floor("us"):
                continue
        day = row.occurred_at.tz_convert(ZONE).date().toordinal()
        if day < end:
            found.setdefault(row.user_id, ("all", set()))[1].add(day)
    return found, end


@pytest.mark.parametrize("arms", [False, True])
def test_states_and_rates_equal_a_slow_walk(dirty, arms):
    names = ["open", "cart"]
    options = {"exposures": dirty.exposures} if arms else {}
    found = daily_lifecycle(dirty.events, active=names, timezone=ZONE, as_of=dirty.as_of, **options)
    units, end = walk(dirty, names, arms=arms)
    counts, by_unit = {}, {}
    for unit, (cohort, days) in units.items():
        x, y = dict.fromkeys(ACTIVE, 0), dict.fromkeys(ACTIVE, 0)
        for day in range(min(days, default=end), end):
            state = state_of(days, day)
            counts[cohort, day, state] = counts.get((cohort, day, state), 0) + 1
            if state in ACTIVE and day + 1 < end:
                x[state] += 1
                y[state] += day + 1 in days
        by_unit[unit] = (cohort, x, y)
    for cohort, rows in found.table.groupby("cohort"):
        for row in rows.to_dict("records"):
            day = pd.Timestamp(row["day"]).date().toordinal()
            assert [row[state] for state in STATES] == [
                counts.get((cohort, day, state), 0) for state in STATES
            ]
    assert found.table["dormant"].sum() > 100
    moments = {}
    for row in found.rates.itertuples():
        pairs = [(y[row.state], x[row.state]) for name, x, y in by_unit.values()
                 if name == row.cohort]  # fmt: skip
        top, bottom = (np.array(values, dtype=float) for values in zip(*pairs, strict=True))
        assert (row.n, row.again, row.unit_days) == (len(pairs), top.sum(), bottom.sum())
        moments[row.cohort, row.state] = Moments.from_columns([top, bottom])
        if row.state == "current":
            alone = ratio_of_totals((top, bottom))
            assert (row.lower, row.upper) == pytest.approx((alone.lower, alone.upper), abs=1e-9)
    if arms:
        compared = found.differences[found.differences["status"] == "ok"]
        assert len(compared) >= 4
        for row in compared.itertuples():
            alone = compare_ratios(moments["control", row.state], moments[row.arm, row.state])
            assert row.difference == pytest.approx(alone.absolute.estimate, abs=1e-12)
            assert row.p_value == pytest.approx(alone.p_value, rel=1e-6)
    else:
        assert found.differences is None


def test_the_gaps_of_the_growth_model():
    """Duolingo's states by hand: 7 days away is current, 8 reactivated, 31 resurrected."""
    begin = pd.Timestamp("2026-01-05", tz="UTC")
    at = {"current": 7, "reactivated": 8, "still reactivated": 30, "resurrected": 31}
    rows = [(unit, begin + pd.Timedelta(days=day)) for unit, gap in at.items() for day in (0, gap)]
    log = pd.DataFrame(rows, columns=["user_id", "time"])
    table = daily_lifecycle(log).table
    assert table["new"].tolist() == [4] + [0] * 31
    places = {state: table.index[table[state] > 0].tolist() for state in STATES}
    assert places["current"] == [7]
    assert places["reactivated"] == [8, 30]
    assert places["resurrected"] == [31]
    # six days away is at risk of the week; thirty is dormant
    assert table["at_risk_wau"].tolist()[1:8] == [4] * 6 + [0]
    assert places["at_risk_mau"][0] == 7
    assert places["dormant"] == [30]


def test_states_add_up_to_the_units_of_the_day_the_week_the_month_and_ever(dirty):
    table = daily_lifecycle(dirty.events, as_of=dirty.as_of).table
    counted = active_units(dirty.events, month=30, as_of=dirty.as_of).table
    assert (table[list(ACTIVE)].sum(axis=1) == table["active"]).all()
    assert table["active"].tolist() == counted["dau"].tolist()
    week = table["active"] + table["at_risk_wau"]
    month = week + table["at_risk_mau"]
    assert week.tolist()[6:] == counted["wau"].tolist()[6:]
    assert month.tolist()[29:] == counted["mau"].tolist()[29:]
    assert (month + table["dormant"]).tolist() == table["new"].cumsum().tolist()
    daily = lifecycle(dirty.events, period="day", as_of=dirty.as_of).table
    assert daily["new"].tolist() == table["new"].tolist()


def test_the_last_day_has_no_tomorrow():
    log = pd.DataFrame({"user_id": [1, 1], "time": ["2026-01-05", "2026-01-06"]})
    rates = daily_lifecycle(log).rates.set_index("rate")
    assert rates.loc["NURR", ["unit_days", "again"]].tolist() == [1, 1]
    assert rates.loc["CURR", ["unit_days", "again"]].tolist() == [0, 0]
    assert np.isnan(rates.loc["CURR", "value"])


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    first = daily_lifecycle(dirty.events, **asked)
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    exposures = dirty.exposures.assign(user_id="x" + dirty.exposures["user_id"])
    for other in (
        daily_lifecycle(shuffled, **asked),
        daily_lifecycle(renamed, **(asked | {"exposures": exposures})),
    ):
        pd.testing.assert_frame_equal(other.table, first.table)
        pd.testing.assert_frame_equal(other.differences, first.differences)


def test_swapping_control_flips_the_signs(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    one = daily_lifecycle(dirty.events, control="control", **asked).differences
    two = daily_lifecycle(dirty.events, control="b", **asked).differences
    one = one[(one["arm"] == "b") & (one["status"] == "ok")]
    two = two[(two["arm"] == "control") & (two["status"] == "ok")]
    assert len(one) >= 2
    assert np.allclose(one["difference"], -two["difference"].to_numpy())
    assert np.allclose(one["p_value"], two["p_value"].to_numpy())


def test_a_later_as_of_never_changes_a_day(dirty):
    early = daily_lifecycle(dirty.events, as_of="2026-03-01T13:00:00Z").table
    late = daily_lifecycle(dirty.events, as_of=dirty.as_of).table
    pd.testing.assert_frame_equal(late.head(len(early)), early)


def test_what_cannot_be_is_refused(dirty):
    with pytest.raises(UsageError) as caught:
        daily_lifecycle(dirty.events, as_of=dirty.as_of, confidence_level=1.0)
    assert caught.value.code == "bad_choice"
    with pytest.raises(DataError) as missing:
        daily_lifecycle(dirty.events, as_of=dirty.as_of, active="opened")
    assert missing.value.code == "unknown_event"


def test_the_pictures_say_the_rate_of_current_units(dirty):
    plain = daily_lifecycle(dirty.events, as_of=dirty.as_of)
    row = plain.rates.set_index("rate").loc["CURR"]
    assert f"{100 * row['value']:.1f}% of {row['unit_days']:,} unit-days" in plain.plot().alt
    arms = daily_lifecycle(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    shown = arms.differences.set_index(["arm", "rate"]).loc[("c", "CURR")]
    assert f"CURR: c {100 * shown['value']:.1f}%" in arms.plot("c").alt
    assert "Rates" in arms.fragment().html
    with pytest.raises(UsageError) as caught:
        arms.plot("d")
    assert caught.value.code == "unknown_arm"


def test_one_unit_on_one_day_has_a_figure_that_says_so():
    log = pd.DataFrame({"user_id": [1], "time": ["2026-01-05T10:00Z"]})
    found = daily_lifecycle(log)
    assert "No unit was current" in found.plot().alt
    exposures = pd.DataFrame({"user_id": [1, 2], "variant": ["a", "b"], "exposed_at": "2026-01-05"})
    arms = daily_lifecycle(log, exposures=exposures)
    assert "too few days of current units" in arms.plot().alt
