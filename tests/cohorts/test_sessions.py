"""Sessions against a slow walk through every unit's events, and what must hold of any rule."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.cohorts import open_log, sessions
from abtest.errors import DataError, UsageError
from abtest.stats import compare_means, compare_ratios, ratio_of_totals

MINUTE = pd.Timedelta(minutes=1)
TIMEOUTS = (15, 60, 240, 1440)


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def with_ids(events):
    """The log with session ids: one for every two days of a unit, none for every ninth event."""
    ids = (events["occurred_at"] - pd.Timestamp("2026-01-05", tz="UTC")).dt.days // 2
    ids = "s" + ids.astype(str)
    names = events["event"] + events["occurred_at"].dt.hour.astype(str)
    return events.assign(session_id=ids.where(names != "open9", None))


def walk(rows, by, minutes=None, start=(), end=()):
    """Return the sessions of one unit's (time, name, id) as lists of (time, name)."""
    found, is_open = [], False
    if by == "column":
        ids = {}
        for time, name, key in rows:
            if pd.notna(key):
                ids.setdefault(key, []).append((time, name))
        return [sorted(own) for own in ids.values()]
    place = {**dict.fromkeys(start, 0), **dict.fromkeys(end, 2)} if by == "start_end" else {}
    for time, name, _ in sorted(rows, key=lambda row: (row[0], place.get(row[1], 1))):
        if by == "start_end":
            if name in start and not is_open:
                found.append([])
                is_open = True
            if not is_open:
                if found and time == found[-1][-1][0]:  # the moment of the end belongs to it
                    found[-1].append((time, name))
                continue
            is_open = name not in end
        elif not found or time - found[-1][-1][0] > minutes * MINUTE:
            found.append([])
        found[-1].append((time, name))
    return found


def numbers(events, units, asked, views, ignored=()):
    """Return a row per unit: sessions, seconds, events, bounces; and the length of each."""
    rows, lengths = {}, []
    by_unit = dict(iter(events.groupby("user_id")))
    for unit in units:
        own = by_unit.get(unit)
        listed = [] if own is None else [
            (row.occurred_at, row.event, getattr(row, "session_id", None))
            for row in own.itertuples() if row.event not in ignored
        ]  # fmt: skip
        found = walk(listed, **asked)
        seconds = [(max(own)[0] - min(own)[0]).total_seconds() for own in found]
        seen = [sum(views is None or name in views for _, name in own) for own in found]
        lengths += seconds
        rows[unit] = (
            len(found), sum(seconds), sum(map(len, found)),
            sum(n == 1 for n in seen),
        )  # fmt: skip
    return np.array([rows[unit] for unit in units], dtype=float).reshape(-1, 4), lengths


def agrees(row, table, lengths):
    """Compare a row of the table with the numbers of its units."""
    total = table.sum(axis=0)
    assert (row["units"], row["sessions"]) == (len(table), total[0])
    for name, value in (
        ("sessions_per_unit", total[0] / len(table)),
        ("mean_seconds", total[1] / total[0]),
        ("median_seconds", np.median(lengths)),
        ("events_per_session", total[2] / total[0]),
        ("bounce_share", total[3] / total[0]),
    ):
        assert row[name] == pytest.approx(value, rel=1e-12), name


RULES = {
    "gap": {"by": "gap", "gap_minutes": 60},
    "column": {"by": "column"},
    "start_end": {"by": "start_end", "start": "open", "end": ["buy", "cart"]},
}


def as_walked(asked):
    names = {key: (v,) if isinstance(v, str) else tuple(v) for key, v in asked.items()
             if key in ("start", "end")}  # fmt: skip
    return {"by": asked["by"], "minutes": asked.get("gap_minutes")} | names


@pytest.mark.parametrize("name", RULES)
def test_every_rule_equals_a_slow_walk(dirty, name):
    events = with_ids(known_events(dirty))
    found = sessions(
        with_ids(dirty.events), view=["view", "buy"], timeouts=TIMEOUTS, as_of=dirty.as_of,
        **RULES[name],
    )  # fmt: skip
    units = sorted(events["user_id"].unique())
    table, lengths = numbers(events, units, as_walked(RULES[name]), {"view", "buy"})
    agrees(found.table.iloc[0], table, lengths)
    assert table[:, 0].sum() > 500
    assert 0.0 < found.table["bounce_share"].iloc[0] < 1.0


def test_every_timeout_equals_a_slow_walk_with_limits_by_unit(dirty):
    events = known_events(dirty)
    found = sessions(dirty.events, timeouts=TIMEOUTS, ignore="cart", as_of=dirty.as_of)
    units = sorted(events["user_id"].unique())
    rows = found.sensitivity.set_index(["minutes", "measure"])
    for minutes in (*TIMEOUTS, 30):
        asked = {"by": "gap", "minutes": minutes}
        table, lengths = numbers(events, units, asked, None, ignored=("cart",))
        of = table.T
        assert rows.loc[(minutes, "median_seconds"), "value"] == np.median(lengths)
        for measure, top, below in (
            ("sessions_per_unit", of[0], np.ones(len(units))),
            ("mean_seconds", of[1], of[0]),
            ("events_per_session", of[2], of[0]),
            ("bounce_share", of[3], of[0]),
        ):
            alone = ratio_of_totals((top, below))
            row = rows.loc[(minutes, measure), ["value", "lower", "upper"]].tolist()
            assert row == pytest.approx([alone.estimate, alone.lower, alone.upper], rel=1e-8)


@pytest.mark.parametrize("name", RULES)
def test_arms_equal_a_slow_walk_from_exposure(dirty, name):
    days = 35
    found = sessions(
        with_ids(dirty.events), view="view", days=days, exposures=dirty.exposures,
        timeouts=TIMEOUTS, as_of=dirty.as_of, **RULES[name],
    )  # fmt: skip
    arms = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    arms = arms[arms["arm"] == arms["other"]]
    arms["start"] = arms["start"].dt.floor("us")
    window = pd.Timedelta(days=days)
    over = arms["start"] + window <= pd.Timestamp(dirty.as_of)
    assert (~over).sum() > 0
    assert f"{(~over).sum()} units still wait" in " ".join(found.notes)
    arms = arms[over]
    events = with_ids(known_events(dirty)).join(arms, on="user_id", how="inner")
    events = events[
        (events["occurred_at"] >= events["start"])
        & (events["occurred_at"] < events["start"] + window)
    ]
    tables = {}
    for arm in ("control", "b", "c"):
        units = sorted(arms.index[arms["arm"] == arm])
        tables[arm], lengths = numbers(events, units, as_walked(RULES[name]), {"view"})
        agrees(found.table.set_index("arm").loc[arm], tables[arm], lengths)
        assert (tables[arm][:, 0] == 0).any()  # units without a session are in
    control = tables["control"].T
    for arm in ("b", "c"):
        other = tables[arm].T
        rows = found.differences[found.differences["arm"] == arm].set_index("measure")
        alone = {
            "sessions_per_unit": compare_means(control[0], other[0]),
            "mean_seconds": compare_ratios((control[1], control[0]), (other[1], other[0])),
            "bounce_share": compare_ratios((control[3], control[0]), (other[3], other[0])),
        }
        for measure, result in alone.items():
            row = rows.loc[measure]
            effect = result.absolute
            assert [row["difference"], row["lower"], row["upper"]] == pytest.approx(
                [effect.estimate, effect.lower, effect.upper], rel=1e-8
            )
            assert row["p_value"] == pytest.approx(result.p_value, rel=1e-8)


def log_of(*rows):
    return pd.DataFrame(rows, columns=["user_id", "event", "time"])


WORKED = log_of(
    ("a", "view", "2026-01-05T10:00:00Z"),
    ("a", "view", "2026-01-05T10:30:00Z"),  # 30 minutes later: the same session
    ("a", "push", "2026-01-05T10:45:00Z"),
    ("a", "view", "2026-01-05T11:00:01Z"),  # a second more than 30 minutes: the next
    ("a", "view", "2026-01-05T23:50:00Z"),
    ("a", "view", "2026-01-06T00:10:00Z"),  # midnight cuts nothing
    ("b", "view", "2026-01-05T12:00:00Z"),
    ("c", "push", "2026-01-05T12:00:00Z"),
)


def test_a_worked_example():
    # sessions of a: 10:00-10:30 (1,800 s), 11:00:01 (0 s), 23:50-00:10 (1,200 s); of b one of 0 s
    found = sessions(WORKED, ignore="push")
    row = found.table.iloc[0]
    assert (row["units"], row["sessions"]) == (3, 4)
    assert row["sessions_per_unit"] == pytest.approx(4 / 3)
    assert row["mean_seconds"] == 750.0
    assert row["median_seconds"] == 600.0  # of 0, 0, 1,200 and 1,800
    assert row["events_per_session"] == 1.5
    assert row["bounce_share"] == 0.5
    whole = found.sessions.order_by(["unit", "session"]).to_pyarrow().to_pylist()
    assert [(s["unit"], s["session"], s["events"]) for s in whole] == [
        ("a", 1, 2), ("a", 2, 1), ("a", 3, 2), ("b", 1, 1)
    ]  # fmt: skip
    assert str(whole[2]["start"]) == "2026-01-05 23:50:00"
    assert str(whole[2]["end"]) == "2026-01-06 00:10:00"


def test_an_ignored_event_neither_opens_nor_extends():
    with_push = sessions(WORKED).table.iloc[0]
    assert with_push["sessions"] == 4  # the push at 10:45 bridges a's first two, and is c's own
    assert with_push["mean_seconds"] == pytest.approx((3_601 + 1_200) / 4)
    only = sessions(WORKED, active="view").table
    pd.testing.assert_frame_equal(only, sessions(WORKED, ignore="push").table)


def test_the_window_of_arms_is_half_open():
    events = log_of(
        ("a", "view", "2026-01-04T23:59:59Z"),  # before exposure
        ("a", "view", "2026-01-05T00:00:00Z"),
        ("a", "view", "2026-01-06T23:59:59Z"),
        ("a", "view", "2026-01-07T00:00:00Z"),  # the window's end
        ("b", "view", "2026-01-20T00:00:00Z"),
    )
    exposures = pd.DataFrame(
        {"user_id": ["a", "b"], "variant": ["x", "y"], "exposed_at": "2026-01-05T00:00:00Z"}
    )
    found = sessions(events, exposures=exposures, days=2)
    assert found.table["sessions"].tolist() == [2, 0]
    assert found.table["sessions_per_unit"].tolist() == [2.0, 0.0]
    assert np.isnan(found.table["mean_seconds"].iloc[1])


def test_pauses_beyond_a_timeout_are_the_sessions_beyond_the_first(dirty):
    found = sessions(dirty.events, timeouts=(15, 30, 60, 240, 480), as_of=dirty.as_of)
    per_unit = found.sensitivity[found.sensitivity["measure"] == "sessions_per_unit"]
    units = known_events(dirty)["user_id"].nunique()
    for row in per_unit.itertuples():
        longer = found.pauses[~(found.pauses["seconds"] <= 60 * row.minutes)]
        assert round(row.value * units) == longer["pauses"].sum() + units
    assert found.pauses["share"].sum() == pytest.approx(1.0)


def test_longer_timeouts_make_fewer_and_longer_sessions(dirty):
    found = sessions(dirty.events, timeouts=TIMEOUTS, as_of=dirty.as_of).sensitivity
    by = found.sort_values("minutes").pivot_table("value", "minutes", "measure")
    assert (by["sessions_per_unit"].diff().dropna() < 0).all()
    assert (by["mean_seconds"].diff().dropna() > 0).all()
    events = by["events_per_session"] * by["sessions_per_unit"]
    assert np.allclose(events, events.iloc[0], rtol=1e-12)


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    first = sessions(dirty.events, as_of=dirty.as_of)
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        found = sessions(other, as_of=dirty.as_of)
        pd.testing.assert_frame_equal(found.table, first.table)
        pd.testing.assert_frame_equal(found.sensitivity, first.sensitivity, rtol=1e-9)


def test_a_later_as_of_never_changes_sessions_of_units_whose_days_are_over(dirty):
    asked = {"exposures": dirty.exposures, "days": 14}
    early, late = (
        sessions(dirty.events, as_of=moment, **asked).sessions.to_pyarrow().to_pandas()
        for moment in ("2026-02-20", dirty.as_of)
    )
    assert len(early) > 100
    both = early.merge(late, how="left", indicator=True)
    assert (both["_merge"] == "both").all()


def test_swapping_control_flips_the_signs(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    one = sessions(dirty.events, control="control", **asked).differences
    two = sessions(dirty.events, control="b", **asked).differences
    one = one[one["arm"] == "b"]
    two = two[two["arm"] == "control"]
    assert np.allclose(one["difference"], -two["difference"].to_numpy())
    assert np.allclose(one["lower"], -two["upper"].to_numpy())


def test_the_differences_of_the_rule_asked_for_are_among_those_of_every_timeout(dirty):
    found = sessions(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    rows = found.difference_sensitivity
    own = rows[rows["minutes"] == 30].drop(columns=["rule", "minutes"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(own, found.differences)
    assert sorted(rows["minutes"].unique()) == [5, 15, 30, 60]


@pytest.mark.parametrize(
    "asked",
    [
        {"by": "day"},
        {"gap_minutes": 0},
        {"gap_minutes": float("nan")},
        {"timeouts": ()},
        {"timeouts": (30, -1)},
        {"by": "start_end", "start": "open"},
        {"start": "open", "end": "buy"},
        {"by": "start_end", "start": "open", "end": "open"},
        {"by": "start_end", "start": "open", "end": "buy", "ignore": "buy"},
        {"active": "open", "ignore": "open"},
        {"active": "open", "view": "view"},
        {"days": 7},
        {"confidence_level": 0.0},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        sessions(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_what_the_log_lacks_is_told(dirty):
    with pytest.raises(DataError) as caught:
        sessions(dirty.events, by="column", as_of=dirty.as_of)
    assert caught.value.code == "missing_column"
    with pytest.raises(DataError) as caught:
        sessions(dirty.events, ignore="veiw", as_of=dirty.as_of)
    assert caught.value.code == "unknown_event"


def test_no_unit_whose_days_are_over_is_null_and_not_zero(dirty):
    found = sessions(dirty.events, exposures=dirty.exposures, as_of="2026-01-20")
    assert found.table["units"].tolist() == [0, 0, 0]
    assert found.table["sessions_per_unit"].isna().all()
    assert (found.differences["status"] != "ok").all()
    assert "too few units" in found.plot().alt


def test_the_picture_and_the_page_say_what_they_show(dirty):
    log = open_log(dirty.events, as_of=dirty.as_of)
    plain = sessions(log)
    alt = plain.plot().alt
    assert "280 units, 4,302 sessions" in alt
    assert "95% interval 13.7 to 17.0" in alt
    assert "a timeout of 60 min 14.99" in alt
    arms = sessions(
        dirty.events, by="start_end", start="open", end="buy", exposures=dirty.exposures,
        as_of=dirty.as_of,
    )  # fmt: skip
    assert "start and end events" in arms.plot(arm="c").alt
    assert "c 0.99" in arms.plot(arm="c").alt
    assert "<table>" in arms.fragment().html
    with pytest.raises(UsageError) as caught:
        arms.plot(arm="d")
    assert caught.value.code == "unknown_arm"
    lone = sessions(log_of(("a", "view", "2026-01-05T10:00Z")))
    assert "1 unit, 1 session: 1.00 per unit" in lone.plot().alt


def test_arms_equal_the_metrics_of_an_experiment(dirty, tmp_path):
    metrics = ["sessions_per_unit", "session_duration", "bounce_single_page"]
    experiment = {
        "experiment": {
            "name": "sessions",
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
            "sessions": {"gap_minutes": 60, "ignore": ["cart"]},
        },
        "events": {"view": ["view", "open"]},
        "analysis": {"cuped": False},
        "metrics": [
            {"use": name, "role": "primary", "mde": 0.05, "direction": "increase"}
            for name in metrics
        ],
    }
    frames = {"exposures": dirty.exposures, "events": dirty.events}
    judged = abtest.load(experiment, frames, root=tmp_path).analyze(dirty.as_of).effects
    found = sessions(
        dirty.events, gap_minutes=60, ignore="cart", view=["view", "open"],
        exposures=dirty.exposures, as_of=dirty.as_of,
    ).table.set_index("arm")  # fmt: skip
    names = dict(zip(metrics, ("sessions_per_unit", "mean_seconds", "bounce_share"), strict=True))
    assert len(judged) == 6
    for row in judged.to_dict("records"):
        for arm, side in (("control", "control"), (row["variant"], "treatment")):
            assert found.loc[arm, "units"] == row[f"n_{side}"]
            value = found.loc[arm, names[row["metric"]]]
            assert row[f"{side}_value"] == pytest.approx(value, rel=1e-8)
