"""Retention against a slow walk through every unit's events, and what must hold of any matrix."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import retention
from abtest.errors import UsageError
from abtest.stats import compare_proportions
from abtest.stats.moments import Moments

ZONE = "America/New_York"


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"])
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def calendar_number(time, period):
    local = time.tz_convert(ZONE).date()
    if period == "day":
        return local.toordinal()
    if period == "week":
        return (local - timedelta(days=local.weekday())).toordinal() // 7
    return local.year * 12 + local.month


def met(active, kind, k, last):
    """Return whether a unit active in the periods `active` is retained at k."""
    if kind == "on":
        return k in active
    if kind == "unbounded":
        return any(j in active for j in range(k, last + 1))
    return all(j in active for j in range(1, k + 1))


def walk(dirty, kind, period, last, names):
    """Return {(cohort, k): (eligible, retained)} by walking through each unit's events."""
    now = calendar_number(pd.Timestamp(dirty.as_of), period)
    found = {}
    for _, rows in known_events(dirty).groupby("user_id"):
        cohort = calendar_number(rows["occurred_at"].min(), period)
        later = rows[rows["event"].isin(names)]["occurred_at"]
        active = {calendar_number(time, period) - cohort for time in later}
        for k in range(1, last + 1):
            over = cohort + (last if kind == "unbounded" else k) < now
            eligible, retained = found.get((cohort, k), (0, 0))
            found[cohort, k] = eligible + over, retained + (over and met(active, kind, k, last))
    return found


@pytest.mark.parametrize("kind", ["on", "unbounded", "streak"])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_calendar_cells_equal_a_slow_walk(dirty, kind, period):
    last = {"day": 70, "week": 8, "month": 1}[period]
    found = retention(
        dirty.events, back=["open", "buy"], kind=kind, period=period, periods=last,
        timezone=ZONE, as_of=dirty.as_of,
    ).table  # fmt: skip
    slow = walk(dirty, kind, period, last, ["open", "buy"])
    cells = {
        (calendar_number(pd.Timestamp(f"{row.cohort} 12:00", tz=ZONE), period), row.period): (
            row.eligible,
            row.retained,
        )
        for row in found[found["period"] > 0].itertuples()
    }
    assert cells == {key: value for key, value in slow.items() if value[0]}
    assert sum(retained for _, retained in cells.values()) > 20


@pytest.mark.parametrize("kind", ["on", "unbounded", "streak", "bracket"])
def test_arms_equal_a_slow_walk_from_exposure(dirty, kind):
    last, brackets = 5, [(1, 2), (3, 5)]
    found = retention(
        dirty.events, back="view", kind=kind, period="week",
        periods=None if kind == "bracket" else last,
        brackets=brackets if kind == "bracket" else None,
        exposures=dirty.exposures, as_of=dirty.as_of,
    )  # fmt: skip
    arms = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), first=("variant", "min"), other=("variant", "max")
    )
    arms = arms[arms["first"] == arms["other"]]
    events = known_events(dirty)
    views = {
        unit: rows["occurred_at"]
        for unit, rows in events[events["event"] == "view"].groupby("user_id")
    }
    cells = range(1, 1 + (2 if kind == "bracket" else last))
    slow = {(arm, k): [0, 0] for arm in ("control", "b", "c") for k in cells}
    for unit, row in arms.iterrows():
        start = row["start"].floor("us")
        times = views.get(unit, [])
        active = {(time - start) // pd.Timedelta(days=7) for time in times if time >= start}
        weeks = (pd.Timestamp(dirty.as_of) - start) // pd.Timedelta(days=7)
        for k in cells:
            end = {"unbounded": last, "bracket": brackets[k - 1][1] if kind == "bracket" else 0}
            if weeks <= end.get(kind, k):
                continue
            inside = kind == "bracket" and any(
                j in active for j in range(brackets[k - 1][0], brackets[k - 1][1] + 1)
            )
            slow[row["first"], k][0] += 1
            slow[row["first"], k][1] += inside or (kind != "bracket" and met(active, kind, k, last))
    table = found.table[found.table["period"] > 0]
    assert {(r.cohort, r.period): [r.eligible, r.retained] for r in table.itertuples()} == slow
    for row in found.differences.itertuples():
        n0, x0 = slow["control", row.period]
        n1, x1 = slow[row.arm, row.period]
        alone = compare_proportions(Moments.from_counts(n0, x0), Moments.from_counts(n1, x1))
        assert row.difference == pytest.approx(alone.absolute.estimate, abs=1e-12)
        assert (row.lower, row.upper) == pytest.approx(
            (alone.absolute.lower, alone.absolute.upper), abs=1e-9
        )
        assert row.p_value == pytest.approx(alone.p_value, rel=1e-9)


def test_recurring_cohorts_start_anew_in_every_period(dirty):
    found = retention(
        dirty.events, start="view", back="view", period="week", cohorts="recurring", periods=2,
        as_of=dirty.as_of,
    )  # fmt: skip
    events = known_events(dirty)
    week = events["occurred_at"].dt.tz_localize(None).dt.to_period("W-SUN").dt.start_time
    views = events.assign(week=week.dt.date)[events["event"] == "view"]
    by_week = {week: set(rows["user_id"]) for week, rows in views.groupby("week")}
    table = found.table[found.table["period"] == 1].set_index("cohort")
    for day, units in by_week.items():
        if str(day) in table.index:
            again = by_week.get(day + timedelta(days=7), set())
            assert table.loc[str(day), ["size", "retained"]].tolist() == [
                len(units),
                len(units & again),
            ]
    assert any("share units" in note for note in found.notes)


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    asked = {"period": "day", "as_of": dirty.as_of}
    first = retention(dirty.events, **asked).table
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        pd.testing.assert_frame_equal(retention(other, **asked).table, first)


def test_a_later_as_of_never_changes_complete_cells(dirty):
    early = retention(dirty.events, period="week", as_of="2026-03-02", periods=8).table
    late = retention(dirty.events, period="week", as_of=dirty.as_of, periods=8).table
    keys = ["cohort", "period", "eligible", "retained"]
    early = early[early["complete"]]
    # a cohort that had not ended still grows; its later periods were not complete
    early = early[early["period"] > 0]
    assert len(early) > 10
    assert len(early.merge(late, on=keys)) == len(early)


def test_a_true_zero_is_zero_and_the_unknown_is_null():
    log = pd.DataFrame(
        {"user_id": [1, 2, 2], "event": "open", "time": ["2026-01-05", "2026-01-05", "2026-01-20"]}
    )
    exposures = pd.DataFrame(
        {"user_id": [1, 2], "variant": ["a", "b"], "exposed_at": ["2026-01-05", "2026-01-12"]}
    )
    found = retention(log, exposures=exposures, period="week", periods=2, as_of="2026-01-26").table
    rates = found.pivot_table(index="cohort", columns="period", values="rate", dropna=False)
    assert rates.loc["a", 2] == 0.0
    assert np.isnan(rates.loc["b", 2])
    assert rates.loc["b", 1] == 1.0


def test_pooled_shares_weigh_by_units_and_lie_between_the_cohorts(dirty):
    found = retention(dirty.events, period="week", as_of=dirty.as_of, periods=6)
    for row in found.pooled.itertuples():
        cells = found.table[(found.table["period"] == row.period) & (found.table["eligible"] > 0)]
        assert row.rate == pytest.approx(cells["retained"].sum() / cells["eligible"].sum())
        assert cells["rate"].min() <= row.rate <= cells["rate"].max()


def test_unbounded_retention_never_rises_and_a_streak_never_exceeds_its_last_day(dirty):
    by_kind = {
        kind: retention(dirty.events, kind=kind, period="week", periods=6, as_of=dirty.as_of).pooled
        for kind in ("unbounded", "streak")
    }
    assert (by_kind["unbounded"]["rate"].diff().dropna() <= 0).all()
    table = retention(
        dirty.events, kind="streak", period="week", periods=6, as_of=dirty.as_of
    ).table
    on = retention(dirty.events, kind="on", period="week", periods=6, as_of=dirty.as_of).table
    both = table.merge(on, on=["cohort", "period"])
    assert (both["retained_x"] <= both["retained_y"]).all()


def test_swapping_control_flips_the_signs(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of, "periods": 3}
    one = retention(dirty.events, control="control", **asked).differences
    two = retention(dirty.events, control="b", **asked).differences
    one = one[one["arm"] == "b"]
    two = two[two["arm"] == "control"]
    assert np.allclose(one["difference"], -two["difference"].to_numpy())
    assert np.allclose(one["p_value"], two["p_value"].to_numpy())


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "sometimes"},
        {"period": "year"},
        {"windows": "sliding"},
        {"kind": "unbounded"},
        {"kind": "bracket"},
        {"brackets": [(1, 2)]},
        {"kind": "bracket", "brackets": [(0, 2)]},
        {"kind": "bracket", "brackets": [(3, 2)]},
        {"periods": 0},
        {"cohorts": "all"},
        {"cohorts": "recurring", "windows": "rolling"},
        {"confidence_level": 1.5},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        retention(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_a_start_event_beside_exposures_is_refused(dirty):
    with pytest.raises(UsageError, match="cannot be"):
        retention(dirty.events, start="open", exposures=dirty.exposures, as_of=dirty.as_of)


def test_the_picture_and_the_page_say_what_they_show(dirty):
    plain = retention(dirty.events, as_of=dirty.as_of)
    arms = retention(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    for found in (plain, arms):
        chart = found.plot()
        assert "Retention by week" in chart.alt
        assert "%" in chart.alt
        html = found.fragment().html
        assert "<table>" in html
        assert "which is not 0" in html
    assert "c" in arms.plot(arm="c").alt
    with pytest.raises(UsageError) as caught:
        arms.plot(arm="d")
    assert caught.value.code == "unknown_arm"


def test_one_unit_on_one_day_has_a_figure_that_says_so():
    log = pd.DataFrame({"user_id": [1], "event": ["open"], "time": ["2026-01-05T10:00Z"]})
    found = retention(log)
    assert found.table["rate"].tolist() == [1.0]
    assert "No period has ended yet" in found.plot().alt


def test_cells_have_numbers_in_all_of_them_or_in_none():
    days = pd.date_range("2026-01-01", periods=40, tz="UTC")
    log = pd.DataFrame({"user_id": ["a"] * 40 + ["b"] * 2, "time": [*days, *days[:2]]})
    wide = retention(log, period="day", periods=35).plot()
    texts = [text.get_text() for text in wide.axes[0].texts]
    assert not any("%" in text for text in texts)
    said = " ".join(text.get_text() for text in wide.texts).replace("\n", " ")
    assert "came back on day 1 " in said
    assert "The first 32 of 35 periods are drawn." in said
    narrow = retention(log, period="week", periods=3).plot()
    assert any("%" in text.get_text() for text in narrow.axes[0].texts)


def test_a_figure_of_one_of_several_treatments_says_how_to_see_the_others(dirty):
    found = retention(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of, periods=2)
    assert "plot('c') is that of another" in found.fragment().text
    two = dirty.exposures[dirty.exposures["variant"] != "c"]
    found = retention(dirty.events, exposures=two, as_of=dirty.as_of, periods=2)
    assert "is that of another" not in found.fragment().text
