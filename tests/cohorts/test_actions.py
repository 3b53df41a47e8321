"""The mix of actions against a slow walk through every unit, and what must hold of any mix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import actions, open_log
from abtest.errors import DataError, UsageError
from abtest.stats import compare_means, compare_proportions, compare_ratios
from abtest.stats.moments import Moments

ZONE = "America/New_York"
DAY = pd.Timedelta(days=1)
GAP = pd.Timedelta(minutes=30)


def rows_of(dirty):
    """Rows that are complete, before as_of, and each once."""
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def sessions_in(times):
    ordered = sorted(times)
    return sum(i == 0 or t - ordered[i - 1] > GAP for i, t in enumerate(ordered))


def walk(events, units, window):
    """{unit: ({event: times}, sessions)} of units with a window (start, end)."""
    found = {}
    for unit in units:
        start, end = window(unit)
        own = events[events["user_id"] == unit]
        own = own[(own["occurred_at"] >= start) & (own["occurred_at"] < end)]
        found[unit] = own["event"].value_counts().to_dict(), sessions_in(own["occurred_at"])
    return found


def arms_of(dirty, days):
    units = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    units = units[units["arm"] == units["other"]]
    start = units["start"].dt.floor("us")
    return units.assign(start=start)[start + days * DAY <= pd.Timestamp(dirty.as_of)]


@pytest.mark.parametrize("days", [1, 14, 45])
def test_arms_equal_a_slow_walk_from_exposure(dirty, days):
    found = actions(dirty.events, days=days, exposures=dirty.exposures, as_of=dirty.as_of)
    units = arms_of(dirty, days)
    did = walk(
        rows_of(dirty), units.index,
        lambda unit: (units.at[unit, "start"], units.at[unit, "start"] + days * DAY),
    )  # fmt: skip
    columns = {}
    for row in found.table.itertuples():
        own = [did[unit] for unit in units.index[units["arm"] == row.arm]]
        times = np.array([counts.get(row.event, 0) for counts, _ in own], dtype=float)
        sessions = np.array([many for _, many in own], dtype=float)
        every = sum(sum(counts.values()) for counts, _ in own)
        assert row.eligible == len(own) > 10
        assert (row.units, row.events) == ((times > 0).sum(), times.sum())
        assert row.sessions == sessions.sum()
        assert row.share == pytest.approx(row.units / len(own))
        assert row.share_of_events == pytest.approx(times.sum() / every)
        assert row.per_unit == pytest.approx(times.mean())
        assert row.per_session == pytest.approx(times.sum() / sessions.sum())
        columns[row.arm, row.event] = times, sessions
    for row in found.differences.itertuples():
        control, treatment = (columns[arm, row.event] for arm in ("control", row.arm))
        if row.measure == "share":
            one, two = (Moments.from_counts(len(x), int((x > 0).sum())) for x, _ in
                        (control, treatment))  # fmt: skip
            alone = compare_proportions(one, two)
        elif row.measure == "per_unit":
            alone = compare_means(control[0], treatment[0])
        else:
            alone = compare_ratios(control, treatment)
        assert row.difference == pytest.approx(alone.absolute.estimate, abs=1e-12)
        many = (control[0] > 0).sum() + (treatment[0] > 0).sum()
        if row.measure != "share" and many < 10:
            assert (row.status, np.isnan(row.p_value), np.isnan(row.lower)) == (
                "few_units", True, True,
            )  # fmt: skip
            continue
        assert row.lower == pytest.approx(alone.absolute.lower, abs=1e-12)
        p = alone.p_value
        assert row.p_value >= p - 1e-12 if row.measure == "per_session" else (
            row.p_value == pytest.approx(p, abs=1e-12)
        )  # fmt: skip


def test_without_arms_the_window_are_complete_local_days(dirty):
    found = actions(dirty.events, days=20, timezone=ZONE, as_of="2026-03-20T12:00:00Z")
    start, end = (pd.Timestamp(day, tz=ZONE) for day in ("2026-02-28", "2026-03-20"))  # 23 hours
    events = rows_of(dirty)
    did = walk(events, events["user_id"].unique(), lambda _: (start, end))
    did = {unit: one for unit, one in did.items() if one[1]}
    assert len(found.table) == 4
    for row in found.table.itertuples():
        times = [counts.get(row.event, 0) for counts, _ in did.values()]
        assert (row.arm, row.eligible) == ("all", len(did))
        assert (row.units, row.events) == (sum(n > 0 for n in times), sum(times))
        assert row.sessions == sum(many for _, many in did.values())
    assert list(found.table["units"]) == sorted(found.table["units"], reverse=True)
    assert found.differences is None


def test_shares_of_all_events_sum_to_one_and_names_choose_rows(dirty):
    log = open_log(dirty.events, as_of=dirty.as_of, exposures=dirty.exposures)
    every = actions(log)
    assert every.table.groupby("arm")["share_of_events"].sum().to_numpy() == pytest.approx(1.0)
    named = actions(log, ["buy", "open"])
    same = every.table[every.table["event"] == "buy"].reset_index(drop=True)
    other = named.table[named.table["event"] == "buy"].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, other)
    assert list(dict.fromkeys(named.table["event"])) == ["buy", "open"]
    few = actions(log, most=1)
    assert set(few.table["event"]) == {every.table["event"].iloc[0]}
    assert any("3 further events" in note for note in few.notes)


def test_sessions_of_the_log_are_taken_where_it_has_ids():
    log = pd.DataFrame(
        {
            "user_id": ["a"] * 4 + ["b"],
            "event": ["open", "open", "open", "buy", "open"],
            "session_id": ["1", "1", "2", None, "9"],
            "time": pd.to_datetime(
                ["2026-01-05 10:00", "2026-01-05 23:00"] * 2 + ["2026-01-05 09:00"]
            ),
        }
    )
    found = actions(log, days=1, as_of="2026-01-06").table.set_index("event")
    assert (found.loc["open", "sessions"], found.loc["open", "per_session"]) == (3, 4 / 3)
    assert found.loc["buy", "per_session"] == pytest.approx(1 / 3)


def test_order_of_rows_names_of_units_and_swapped_arms(dirty):
    found = actions(dirty.events, days=14, exposures=dirty.exposures, as_of=dirty.as_of)
    events = dirty.events.sample(frac=1, random_state=1)
    events = events.assign(user_id="x" + events["user_id"])
    shown = dirty.exposures.assign(user_id="x" + dirty.exposures["user_id"])
    again = actions(events, days=14, exposures=shown, as_of=dirty.as_of)
    pd.testing.assert_frame_equal(found.table, again.table)
    pd.testing.assert_frame_equal(found.differences, again.differences)
    swapped = actions(
        dirty.events, days=14, exposures=dirty.exposures, as_of=dirty.as_of, control="b"
    ).differences
    one = found.differences[found.differences["arm"] == "b"]
    two = swapped[swapped["arm"] == "control"].set_index(["measure", "event"])
    for row in one.itertuples():
        other = two.loc[row.measure, row.event]
        assert row.difference == pytest.approx(-other["difference"], abs=1e-12)
        assert row.p_value == pytest.approx(other["p_value"], nan_ok=True)


def test_equal_arms_are_told_apart_as_often_as_the_level_says():
    """A/A with unequal arms of unlike users: 5% of the p-values of each measure are below 0.05.

    Events of one log are alike: the error of the share is that of the logs' means.
    """
    random = np.random.default_rng(2026)
    begin, units, repeats, kinds = pd.Timestamp("2026-01-05"), 1000, 40, 8
    many = 1 + random.poisson(random.gamma(5.0, 1.7, units))
    owner = np.repeat(np.arange(units), many)
    at = random.uniform(0, 7, len(owner))
    events = pd.DataFrame({"user_id": owner, "time": begin + pd.to_timedelta(at, unit="D")})
    met = []
    for _ in range(repeats):
        names = random.integers(0, kinds, len(owner)).astype(str)
        arm = np.where(random.random(units) < 0.2, "new", "control")
        shown = pd.DataFrame({"user_id": np.arange(units), "variant": arm, "exposed_at": begin})
        log = open_log(events.assign(event=names), exposures=shown, as_of="2026-01-13")
        found = actions(log, days=7).differences
        met.append((found["p_value"] < 0.05).groupby(found["measure"]).mean())
    shares = pd.DataFrame(met)
    error = shares.std() / np.sqrt(repeats)
    assert (error < 0.02).all()
    assert ((shares.mean() - 0.05).abs() < 4 * error).all(), shares.mean()


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"days": 0}, "days"),
        ({"days": 400}, "days"),
        ({"days": 300}, "days"),
        ({"most": 0}, "most"),
        ({"gap_minutes": 0}, "gap_minutes"),
        ({"gap_minutes": float("nan")}, "gap_minutes"),
        ({"names": []}, "names"),
        ({"names": ["open", "open"]}, "names"),
        ({"confidence_level": 1.0}, "confidence_level"),
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, choice, name):
    with pytest.raises(UsageError, match=name) as error:
        actions(dirty.events, as_of=dirty.as_of, **choice)
    assert error.value.code == "bad_choice"


def test_unknown_events_and_measures_are_refused(dirty):
    with pytest.raises(DataError) as error:
        actions(dirty.events, "opne", as_of=dirty.as_of)
    assert error.value.code == "unknown_event"
    assert "open" in str(error.value)
    with pytest.raises(UsageError, match="measure"):
        actions(dirty.events, as_of=dirty.as_of).plot(measure="total")


def test_the_picture_says_the_numbers(dirty):
    found = actions(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    for measure in ("per_unit", "per_session", "share"):
        chart = found.plot("b", measure=measure)
        row = found.differences.set_index(["arm", "measure", "event"]).loc["b", measure, "open"]
        factor = 100 if measure == "share" else 1
        shown = f"{abs(factor * row['difference']):.1f}"
        assert shown in chart.alt
        assert "view" in chart.alt
    alone = actions(dirty.events, as_of=dirty.as_of).plot()
    assert "Most frequent: open, by" in alone.alt
    assert "<table" in found.fragment().html


def test_arms_whose_windows_are_open_say_so(dirty):
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    found = actions(log, "open", days=80)
    assert (found.table["eligible"] == 0).all()
    assert "cannot be compared yet" in found.plot().alt
    none = actions(log, days=80)
    assert none.table.empty
    assert none.plot().alt.endswith("No unit did anything in the window, or none is over yet.")
