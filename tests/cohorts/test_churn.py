"""Churn against a slow walk through every unit's events, and against metrics of experiments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.cohorts import churn, open_log
from abtest.errors import DataError, UsageError
from abtest.stats import compare_incidence, compare_survival, log_rank_test, survival_curve

DAY = pd.Timedelta(days=1)


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"])
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def units_of(dirty):
    """Return unit -> (arm, start) of those that met one arm."""
    met = dirty.exposures.groupby("user_id").agg(
        arms=("variant", "nunique"), arm=("variant", "first"), start=("exposed_at", "min")
    )
    kept = met[met["arms"] == 1]
    return {unit: (row.arm, row.start) for unit, row in kept.iterrows()}


def silent(times, start, gap):
    """The last activity before a pause longer than `gap` days; the start if that is the first."""
    last = start
    for time in sorted(times):
        if time - last > gap * DAY:
            break
        last = time
    return last


def placed(start, end, left, *, late, horizon, step=1.0):
    """Return (time, left?) of a unit on steps of so many days."""
    watched = int(min(max((end - start) / DAY - late, 0.0) // step, round(horizon / step)))
    if left is not None and (place := int(((left - start) / DAY) // step)) < watched:
        return (place + 0.5) * step, True
    return watched * step, False


def walked(dirty, *, gap=None, leave=None, competing=(), horizon=90, arms=True, active=None):
    """Return arm -> list of (time, cause) by a walk over units."""
    events = known_events(dirty)
    end = pd.Timestamp(dirty.as_of)
    by_unit = {unit: list(zip(own["occurred_at"], own["event"], strict=True))
               for unit, own in events.groupby("user_id")}  # fmt: skip
    if arms:
        units = units_of(dirty)
    else:
        begun = {
            unit: [t for t, name in own if active is None or name in active]
            for unit, own in by_unit.items()
        }
        units = {unit: ("all units", min(times)) for unit, times in begun.items() if times}
    found = {}
    for unit, (arm, start) in units.items():
        own = sorted((t, name) for t, name in by_unit.get(unit, []) if t >= start)
        if gap is not None:
            times = [t for t, name in own if active is None or name in active]
            left = silent(times, start, gap)
            time, seen = placed(start, end, left, late=gap, horizon=horizon)
            cause = int(seen)
        else:
            first = {
                kind: min((t for t, name in own if name in names), default=None)
                for kind, names in ((1, leave), (2, competing))
            }
            known = [(t, kind) for kind, t in first.items() if t is not None]
            left, kind = min(known) if known else (None, 0)
            time, seen = placed(start, end, left, late=0.0, horizon=horizon)
            cause = kind if seen else 0
        found.setdefault(arm, []).append((time, cause))
    return found


def agrees(found, expected):
    assert set(found.times) == set(expected)
    for arm, rows in expected.items():
        counted = pd.DataFrame(rows, columns=["time", "cause"]).value_counts()
        own = found.table[found.table["arm"] == arm]
        wanted = sorted({time for time, _ in rows})
        assert own["time"].tolist() == wanted
        assert own["events"].tolist() == [counted.get((t, 1), 0) for t in wanted]
        assert own["censored"].tolist() == [counted.get((t, 0), 0) for t in wanted]
        assert own["at_risk"].tolist() == [sum(time >= t for time, _ in rows) for t in wanted]
        if "competing" in own:
            assert own["competing"].tolist() == [counted.get((t, 2), 0) for t in wanted]


@pytest.mark.parametrize("gap", [3, 10, 28])
def test_falling_silent_equals_a_slow_walk(dirty, gap):
    found = churn(dirty.events, inactive_days=gap, as_of=dirty.as_of)
    agrees(found, walked(dirty, gap=gap, arms=False))
    assert found.table["events"].sum() > 100
    keys = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    found = churn(dirty.events, active=["open", "view"], inactive_days=gap, **keys)
    expected = walked(dirty, gap=gap, active={"open", "view"})
    agrees(found, expected)
    arms = {name: tuple(np.transpose(rows)) for name, rows in expected.items()}
    for row in found.differences.to_dict("records"):
        pair = arms["control"], arms[row["arm"]]
        wanted = compare_survival(*pair, horizon=found.tau)
        assert row["status"] == "ok"
        assert (row["n_control"], row["n"]) == (len(pair[0][0]), len(pair[1][0]))
        assert (row["difference"], row["p_value"]) == (wanted.estimate, wanted.p_value)
        assert row["test_p"] == log_rank_test(*pair).p_value
    curve = survival_curve(arms["b"])
    own = found.table[found.table["arm"] == "b"]
    assert own["survival"].tolist() == curve.survival.tolist()
    assert own["lower"].tolist() == curve.survival_lower.tolist()


def test_leaving_by_an_event_equals_a_slow_walk(dirty):
    keys = {"exposures": dirty.exposures, "as_of": dirty.as_of, "horizon": 30}
    agrees(
        churn(dirty.events, leave=["buy"], **keys), walked(dirty, leave={"buy"}, horizon=30)
    )  # fmt: skip
    found = churn(dirty.events, leave="buy", competing="cart", **keys)
    expected = walked(dirty, leave={"buy"}, competing={"cart"}, horizon=30)
    agrees(found, expected)
    arms = {name: tuple(np.transpose(rows)) for name, rows in expected.items()}
    for row in found.differences.to_dict("records"):
        wanted = compare_incidence(arms["control"], arms[row["arm"]], horizon=found.tau)
        assert (row["difference"], row["p_value"]) == (wanted.estimate, wanted.p_value)
        assert row["test_p"] == wanted.gray.p_value
    alone = churn(dirty.events, leave="buy", as_of=dirty.as_of)
    agrees(alone, walked(dirty, leave={"buy"}, arms=False))
    # one minus Kaplan-Meier takes the competing event for the end of watching: too many leave
    naive = 1.0 - survival_curve((arms["b"][0], arms["b"][1] == 1)).survival[-1]
    own = found.table[found.table["arm"] == "b"]
    assert own["incidence"].iloc[-1] < naive


def log_of(*rows):
    return pd.DataFrame(rows, columns=["user_id", "event", "time"])


def test_a_pause_of_exactly_so_many_days_is_none():
    """The worked example: gaps of 7 days to the second, and a second more."""
    log = log_of(
        ("stays", "open", "2026-01-01T00:00:00Z"),
        ("stays", "open", "2026-01-08T00:00:00Z"),
        ("leaves", "open", "2026-01-01T00:00:00Z"),
        ("leaves", "open", "2026-01-08T00:00:01Z"),
        ("waits", "open", "2026-01-15T00:00:00Z"),
    )
    found = churn(log, inactive_days=7, horizon=30, as_of="2026-01-19T00:00:00Z")
    # "stays" left on day 7 (known on 15 Jan), "leaves" on day 0, "waits" is watched for no day
    assert found.table[["time", "at_risk", "events", "censored"]].values.tolist() == [
        [0.0, 3, 0, 1],
        [0.5, 2, 1, 0],
        [7.5, 1, 1, 0],
    ]
    # a leaving in a day that is not known to its end does not count
    early = churn(log, inactive_days=7, horizon=30, as_of="2026-01-15T12:00:00Z")
    assert early.table[["time", "events", "censored"]].values.tolist() == [
        [0.0, 0, 1],
        [0.5, 1, 0],
        [7.0, 0, 1],
    ]


def test_nothing_after_exposure_is_leaving_at_once_and_the_moment_of_exposure_counts():
    log = log_of(
        ("a", "open", "2026-01-01T00:00Z"),  # before its exposure
        ("b", "open", "2026-01-05T00:00Z"),  # at its exposure
        ("b", "open", "2026-01-07T00:00Z"),
        ("c", "open", "2026-01-20T00:00Z"),  # after a pause
    )
    exposures = pd.DataFrame(
        {"user_id": ["a", "b", "c", "d"], "variant": ["control", "b", "b", "control"],
         "exposed_at": "2026-01-05T00:00Z"}
    )  # fmt: skip
    found = churn(log, inactive_days=7, exposures=exposures, as_of="2026-03-01T00:00Z")
    rows = found.table[["arm", "time", "events"]].values.tolist()
    assert rows == [["control", 0.5, 2], ["b", 0.5, 1], ["b", 2.5, 1]]


def test_of_two_at_one_moment_leaving_counts():
    log = log_of(
        ("a", "open", "2026-01-01T00:00Z"),
        ("a", "upgrade", "2026-01-03T00:00Z"),
        ("a", "cancel", "2026-01-03T00:00Z"),
        ("b", "open", "2026-01-01T00:00Z"),
        ("b", "upgrade", "2026-01-02T00:00Z"),
        ("b", "cancel", "2026-01-03T00:00Z"),
    )
    found = churn(log, leave="cancel", competing="upgrade", as_of="2026-02-01T00:00Z")
    rows = found.table[["time", "events", "competing"]].values.tolist()
    assert rows == [[1.5, 0, 1], [2.5, 1, 0]]


def experiment_of(metrics):
    return {
        "experiment": {
            "name": "leaving",
            "start": datetime(2026, 1, 5, tzinfo=UTC),
            "end": datetime(2026, 3, 10, tzinfo=UTC),
        },
        "variants": {
            "control": "control",
            "treatments": ["b", "c"],
            "allocation": dict.fromkeys(["control", "b", "c"], 1 / 3),
        },
        "data": {
            "kind": "events",
            "exposures": {"unit": "user_id", "variant": "variant", "time": "exposed_at"},
            "events": {"unit": "user_id", "time": "occurred_at", "name": "event"},
        },
        "metrics": [
            {"title": name, "role": "primary", "mde": 0.05, "direction": "increase",
             "kind": "time_to_event", "id": name} | keys
            for name, keys in metrics.items()
        ],
    }  # fmt: skip


def test_arms_equal_the_metrics_of_an_experiment(dirty, tmp_path):
    metrics = {
        "silent": {"event": ["open", "view"], "inactive_days": 5, "window_days": [0, 16]},
        "hours": {"event": ["open", "view"], "inactive_days": 5, "window_days": [0, 10]},
        "bought": {"event": "buy", "window_days": [0, 20]},
    }
    frames = {"exposures": dirty.exposures, "events": dirty.events}
    spec = experiment_of(metrics)
    judged = abtest.load(spec, frames, root=tmp_path).analyze(dirty.as_of).effects
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    asked = {
        "silent": {"active": ["open", "view"], "inactive_days": 5, "horizon": 16},
        "hours": {"active": ["open", "view"], "inactive_days": 5, "horizon": 10},
        "bought": {"leave": "buy", "horizon": 20},
    }
    compared = 0
    for name, keys in asked.items():
        found = churn(log, **keys)
        assert found.tau == keys["horizon"]
        for row in judged[judged["metric"] == name].to_dict("records"):
            mine = found.differences[found.differences["arm"] == row["variant"]].iloc[0]
            assert (mine["n_control"], mine["n"]) == (row["n_control"], row["n_treatment"])
            for here, there in (("control_value", "control_value"), ("value", "treatment_value"),
                                ("p_value", "p_value")):  # fmt: skip
                assert mine[here] == pytest.approx(row[there], rel=1e-8)
            compared += 1
    assert compared == 6


def test_order_repeats_and_names_of_units_do_not_matter_and_arms_swap(dirty):
    keys = {"inactive_days": 7, "as_of": dirty.as_of}
    plain = churn(dirty.events, exposures=dirty.exposures, **keys)
    shuffled = pd.concat([dirty.events, dirty.events.head(500)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"].str[::-1])
    others = dirty.exposures.sample(frac=1, random_state=2)
    others = others.assign(user_id="x" + others["user_id"].str[::-1])
    again = churn(renamed, exposures=others, **keys)
    pd.testing.assert_frame_equal(plain.table, again.table)
    pd.testing.assert_frame_equal(plain.differences, again.differences)
    swapped = churn(dirty.events, exposures=dirty.exposures, control="b", **keys)
    first, second = plain.differences.iloc[0], swapped.differences
    second = second[second["arm"] == "control"].iloc[0]
    assert first["difference"] == pytest.approx(-second["difference"], rel=1e-12)
    assert first["test_p"] == pytest.approx(second["test_p"], rel=1e-12)


def test_later_looks_never_take_back_who_left(dirty):
    """What is known of a unit stays: times of units that left are the same at a later look."""
    events = known_events(dirty)
    early = churn(events, inactive_days=5, as_of="2026-03-01T00:00Z")
    old = set(events.loc[events["occurred_at"] < pd.Timestamp("2026-03-01", tz="UTC"), "user_id"])
    late = churn(events[events["user_id"].isin(old)], inactive_days=5, as_of=dirty.as_of)
    merged = early.table.merge(late.table, on="time", suffixes=("", "_late"), how="left")
    with_events = merged[merged["events"] > 0]
    assert len(with_events) > 10
    assert (with_events["events_late"] >= with_events["events"]).all()


def test_adding_a_unit_without_events_changes_units_only(dirty):
    keys = {"leave": "buy", "as_of": dirty.as_of, "horizon": 10}
    plain = churn(dirty.events, exposures=dirty.exposures, **keys)
    more = dirty.exposures.head(1).assign(user_id="new", variant="b")
    again = churn(dirty.events, exposures=pd.concat([dirty.exposures, more]), **keys)
    before, after = (x.summary.set_index("arm")[["units", "events"]] for x in (plain, again))
    assert (after - before).loc["b"].tolist() == [1, 0]
    assert (after - before).loc[["control", "c"]].to_numpy().sum() == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"inactive_days": 0},
        {"inactive_days": float("nan")},
        {"horizon": -1},
        {"horizon": 90.5},
        {"leave": "buy", "active": "open"},
        {"competing": "buy"},
        {"leave": "buy", "competing": ["buy", "cart"]},
        {"confidence_level": 1.0},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        churn(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_start_and_unknown_events_are_refused(dirty):
    with pytest.raises(UsageError) as caught:
        churn(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of, start="open")
    assert caught.value.code == "bad_choice"
    with pytest.raises(DataError) as caught:
        churn(dirty.events, as_of=dirty.as_of, leave="cancle")
    assert caught.value.code == "unknown_event"


def test_a_window_longer_than_the_data_has_a_reason(dirty):
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    found = churn(log, inactive_days=365)
    assert found.differences["status"].tolist() == ["horizon_too_far"] * 2
    assert found.differences["difference"].isna().all()
    assert "cannot be compared yet" in found.plot().alt
    lone = churn(log_of(("a", "open", "2026-01-05T10:00Z")))
    assert lone.summary["median"].isna().all()
    assert "1 unit; too few" in lone.plot().alt


def test_the_picture_and_the_page_say_what_they_show(dirty):
    plain = churn(dirty.events, inactive_days=10, as_of=dirty.as_of)
    row = plain.summary.iloc[0]
    assert f"280 units, {row['events']} left" in plain.plot().alt
    assert f"Half of them left by day {row['median']:.1f}" in plain.plot().alt
    arms = churn(dirty.events, inactive_days=7, exposures=dirty.exposures, as_of=dirty.as_of)
    value = arms.differences.set_index("arm").loc["c", "difference"]
    assert f"Difference +{value:.1f} days (95% interval" in arms.plot(arm="c").alt
    assert "<table>" in arms.fragment().html
    assert repr(arms).startswith("<Churn: Time until a pause of more than 7 days")
    with pytest.raises(UsageError) as caught:
        arms.plot(arm="d")
    assert caught.value.code == "unknown_arm"
    compete = churn(
        dirty.events, leave="buy", competing="cart", horizon=14, exposures=dirty.exposures,
        as_of=dirty.as_of,
    )  # fmt: skip
    assert "percentage points" in compete.plot().alt


def test_without_censoring_the_curve_is_the_share_that_left_later(dirty):
    """And the restricted mean is the mean of min(time, tau)."""
    late = replace(dirty, as_of="2027-01-01T00:00:00Z")
    found = churn(late.events, inactive_days=5, horizon=60, as_of=late.as_of)
    walk = walked(late, gap=5, arms=False, horizon=60)["all units"]
    times = np.array([time for time, _ in walk])
    assert found.tau == 60
    own = found.table[found.table["time"] < 60]
    for time, share in zip(own["time"], own["survival"], strict=True):
        assert share == pytest.approx((times > time).mean(), rel=1e-12)
    assert found.summary["mean_days"].iloc[0] == pytest.approx(np.minimum(times, 60).mean())
