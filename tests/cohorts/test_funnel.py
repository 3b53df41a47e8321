"""Funnels against a slow walk through every subject, in every mode; and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import funnel, open_log
from abtest.errors import DataError, UsageError

STEPS = [["open"], ["view", "cart"], ["buy"]]
DAY = pd.Timedelta(days=1)
GAP = 1440.0
"""Minutes: visits of a day, in which there is more than one step."""


def clean(dirty):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def subjects(events, by):
    """Lists of (moment, name, product) of each unit, or session of one."""
    found = {}
    for unit, own in events.sort_values("occurred_at").groupby("user_id"):
        number, last = 0, None
        for row in own.itertuples():
            if last is not None and row.occurred_at - last > pd.Timedelta(minutes=GAP):
                number += 1
            last = row.occurred_at
            key = (unit, number if by == "session" else 0)
            found.setdefault(key, []).append((row.occurred_at, row.event))
    return found


def in_order(rows, entry, clock, steps, asked):
    """How far one first step leads, each later one by the earliest moment that may be it."""
    grace = pd.Timedelta(seconds=asked.get("grace_seconds", 0.0))
    end = None if asked.get("within") is None else clock + asked["within"] * DAY
    moment, depth = entry, 1
    for k, step in enumerate(steps[1:], 2):
        again = any(set(step) & set(before) for before in steps[: k - 1])
        later = [
            at
            for at, name in rows
            if name in step
            and (at > moment if again else at >= moment - grace)
            and (end is None or at <= end)
            and not any(n in asked.get("exclude", ()) and clock < t <= at for t, n in rows)
        ]
        if not later:
            break
        moment, depth = min(later), k
    return depth


def very_next(rows, entry, steps, asked):
    end = None if asked.get("within") is None else entry + asked["within"] * DAY
    place = {name: k for k, step in enumerate(steps) for name in step}
    ranked = sorted(rows, key=lambda row: (row[0], place.get(row[1], 9), row[1]))
    depths = [0]
    for index, (at, name) in enumerate(ranked):
        if at == entry and name in steps[0]:
            depth = 1
            for step, (then, other) in zip(steps[1:], ranked[index + 1 :], strict=False):
                if other not in step or (end is not None and then > end):
                    break
                depth += 1
            depths.append(depth)
    return max(depths)


def in_any_order(rows, entry, steps, end):
    inside = {name for at, name in rows if at >= entry and (end is None or at <= end)}
    return sum(bool(inside & set(step)) for step in steps)


def depth_of(rows, steps, asked, start=None, last=None):
    """How far a subject came, over all entries or from its exposure."""
    mode, within = asked.get("mode", "ordered"), asked.get("within")
    if mode == "each":
        return [any(name in step for _, name in rows) for step in steps]
    opening = {name for step in steps for name in step} if mode == "any" else set(steps[0])
    entries = [at for at, name in rows if name in opening]
    if asked.get("entry") == "first":
        entries = entries[:1]
    depths = [0]
    for entry in entries:
        if last is not None and entry > last:
            continue
        clock = entry if start is None else start
        end = None if within is None else clock + within * DAY
        if mode == "strict":
            depths.append(very_next(rows, entry, steps, asked))
        elif mode == "ordered":
            depths.append(in_order(rows, entry, clock, steps, asked))
        else:
            depths.append(in_any_order(rows, entry, steps, end))
    return max(depths)


CASES = [
    {},
    {"within": 3.0},
    {"within": 0.5, "entry": "first"},
    {"exclude": ["cart"]},
    {"within": 5.0, "grace_seconds": 3600.0},
    {"mode": "strict"},
    {"mode": "strict", "within": 1.0},
    {"mode": "any", "within": 2.0},
    {"mode": "any_after_first", "within": 4.0},
    {"mode": "any_after_first", "within": 4.0, "entry": "first"},
    {"mode": "each"},
]


@pytest.mark.parametrize("by", ["unit", "session"])
@pytest.mark.parametrize("asked", CASES, ids=str)
def test_without_arms_it_is_that_of_a_slow_walk(dirty, asked, by):
    steps = STEPS if "exclude" not in asked else [["open"], ["view"], ["buy"]]
    found = funnel(dirty.events, steps, by=by, gap_minutes=GAP, as_of=dirty.as_of, **asked).table
    within = asked.get("within")
    last = None if within is None else pd.Timestamp(dirty.as_of) - within * DAY
    every = subjects(clean(dirty), by).values()
    walked = [depth_of(rows, steps, asked, last=last) for rows in every]
    if asked.get("mode") == "each":
        expected = np.sum(walked, axis=0).tolist()
        assert found["entered"].tolist() == [len(walked)] * 3
    else:
        expected = [sum(depth >= k for depth in walked) for k in (1, 2, 3)]
        assert found["entered"].tolist() == [expected[0]] * 3
        assert expected[2] > 0
    assert found["reached"].tolist() == expected


@pytest.mark.parametrize("by", ["unit", "session"])
@pytest.mark.parametrize(
    "asked",
    [{}, {"within": 20.0}, {"mode": "any"}, {"mode": "any_after_first"}, {"mode": "each"}],
    ids=str,
)
def test_with_arms_it_is_of_exposed_units_whose_window_is_over(dirty, asked, by):
    found = funnel(
        dirty.events,
        STEPS,
        by=by,
        gap_minutes=GAP,
        exposures=dirty.exposures,
        as_of=dirty.as_of,
        **asked,
    )
    asked = {"within": 7.0} | asked
    arms = dirty.exposures.groupby("user_id")["variant"].nunique()
    first = dirty.exposures.sort_values("exposed_at").groupby("user_id").first()
    first = first[(arms == 1).reindex(first.index)]
    end = pd.Timestamp(dirty.as_of)
    known = first[first["exposed_at"] + asked["within"] * DAY <= end]
    events = clean(dirty).merge(known, left_on="user_id", right_index=True)
    inside = (events["occurred_at"] >= events["exposed_at"]) & (
        events["occurred_at"] < events["exposed_at"] + asked["within"] * DAY
    )
    each = asked.get("mode") == "each"
    depths = {arm: [] for arm in ("control", "b", "c")}
    for (unit, _), rows in subjects(events[inside], by).items():
        depth = depth_of(rows, STEPS, asked, start=known.loc[unit, "exposed_at"])
        depths[known.loc[unit, "variant"]].append((unit, depth))
    for arm, own in depths.items():
        rows = found.table[found.table["arm"] == arm]
        size = (known["variant"] == arm).sum() if by == "unit" else len(own)
        reached = [
            sum((depth[k - 1] if each else depth >= k) for _, depth in own) for k in (1, 2, 3)
        ]
        assert rows["entered"].tolist() == [size] * 3
        assert rows["reached"].tolist() == reached
        if arm != "control":
            row = found.differences[found.differences["arm"] == arm]
            known_rows = (row["status"] == "ok").to_numpy()
            shares = np.array([k / size for k in reached])
            assert row["value"].to_numpy()[known_rows] == pytest.approx(shares[known_rows])
            assert known_rows.sum() >= 2
            assert (row["n"] == (known["variant"] == arm).sum()).all()


def test_lines_count_as_often_as_they_are_there(dirty):
    found = funnel(dirty.events, STEPS, by="event", as_of=dirty.as_of).table
    names = clean(dirty)["event"]
    assert found["reached"].tolist() == [names.isin(step).sum() for step in STEPS]
    assert found["lower"].isna().all()


HAND = [
    # unit, minute, event, product
    (1, 0, "view", "a"), (1, 5, "cart", "a"), (1, 9, "buy", "a"),
    (2, 0, "view", "a"), (2, 4, "help", None), (2, 5, "cart", "b"), (2, 60, "buy", "b"),
    (3, 0, "cart", "a"), (3, 1, "view", "a"),
    (4, 0, "view", "a"), (4, 0, "cart", "a"), (4, 0, "buy", "a"),
    (5, 0, "view", "a"), (5, 100, "view", "a"), (5, 110, "cart", "a"), (5, 130, "buy", "a"),
]  # fmt: skip


@pytest.fixture(scope="module")
def hand():
    zero = pd.Timestamp("2026-01-05", tz="UTC")
    return pd.DataFrame(
        [(u, zero + pd.Timedelta(minutes=m), e, p) for u, m, e, p in HAND],
        columns=["user_id", "time", "event", "product"],
    )


MINUTE = 1 / 1440
WAY = ["view", "cart", "buy"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [5, 4, 4]),
        ({"within": 30 * MINUTE}, [5, 4, 3]),  # unit 2 buys an hour later
        ({"within": 30 * MINUTE, "entry": "first"}, [5, 3, 2]),  # unit 5 came back for it
        ({"mode": "strict"}, [5, 3, 3]),  # unit 2 asked for help between
        ({"mode": "any"}, [5, 5, 4]),
        ({"mode": "any_after_first"}, [5, 4, 4]),
        ({"mode": "each"}, [5, 5, 4]),
        ({"exclude": "help"}, [5, 3, 3]),
        ({"exclude": "help", "exclusion": "remove_unit"}, [4, 3, 3]),
        ({"hold_constant": "product"}, [5, 3, 3]),  # unit 2 changed the product
        ({"grace_seconds": 60.0}, [5, 5, 4]),  # the clock of unit 3's cart is a minute ahead
        ({"grace_seconds": 59.0}, [5, 4, 4]),
        ({"by": "session"}, [6, 4, 3]),  # unit 2's purchase and unit 5's return are other visits
        ({"by": "event"}, [6, 5, 4]),
    ],
    ids=str,
)
def test_each_choice_by_hand(hand, asked, expected):
    """Semantics of ordered, strict and any-order funnels as PostHog documents them."""
    found = funnel(hand, WAY, as_of="2026-02-01", **asked)
    assert found.table["reached"].tolist() == expected


def test_times_are_from_the_entry_that_led_there(hand):
    found = funnel(hand, WAY, as_of="2026-02-01")
    # minutes to cart 5, 5, 0, 10; to buy 9, 60, 0, 30
    assert found.table["median_seconds"].tolist()[1:] == [300.0, (9 + 30) / 2 * 60]
    half = found.times[(found.times["step"] == 3) & (found.times["quantile"] == 0.5)]
    assert half["seconds"].tolist() == [1170.0]
    assert "Median 19.5 minutes" in found.plot_times().fragment().text


def test_entries_whose_window_is_open_wait(hand):
    found = funnel(hand, WAY, within=0.5, as_of="2026-01-05T13:00Z")
    assert found.table["reached"].tolist() == [5, 4, 4]
    early = funnel(hand, WAY, within=1.0, as_of="2026-01-05T13:00Z")
    assert early.table["reached"].tolist() == [0, 0, 0]
    assert any("5 units began too late" in note for note in early.notes)
    assert "Nothing is known yet" in early.plot().fragment().text


def test_labels_come_from_a_mapping(hand):
    found = funnel(hand, {"Seen": "view", "Wanted": ["cart", "buy"]}, as_of="2026-02-01")
    assert found.table["label"].tolist() == ["Seen", "Wanted"]
    assert found.title == "Funnel of units: Seen to Wanted"


def test_order_repeats_and_names_of_units_change_nothing(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    plain = funnel(dirty.events, STEPS, **asked)
    mixed = pd.concat([dirty.events, dirty.events.sample(300, random_state=1)])
    again = funnel(mixed.sample(frac=1, random_state=2), STEPS, **asked)
    pd.testing.assert_frame_equal(plain.table, again.table)
    pd.testing.assert_frame_equal(plain.differences, again.differences)


@pytest.mark.parametrize("by", ["unit", "session", "event"])
def test_changing_arms_turns_the_sign(dirty, by):
    asked = {"as_of": dirty.as_of, "by": by}
    two = dirty.exposures[dirty.exposures["variant"] != "c"]
    one = funnel(dirty.events, STEPS, exposures=two, control="control", **asked).differences
    other = funnel(dirty.events, STEPS, exposures=two, control="b", **asked).differences
    np.testing.assert_allclose(one["difference"], -other["difference"], atol=1e-12)
    np.testing.assert_allclose(one["p_value"], other["p_value"], rtol=1e-9)


def test_counts_never_rise_along_a_way(dirty):
    for mode in ("ordered", "strict", "any", "any_after_first"):
        reached = funnel(dirty.events, STEPS, mode=mode, as_of=dirty.as_of).table["reached"]
        assert (reached.diff().dropna() <= 0).all()


@pytest.mark.parametrize(
    "asked",
    [
        {"steps": []},
        {"steps": ["view", []]},
        {"mode": "sorted"},
        {"by": "click"},
        {"by": "event", "mode": "ordered"},
        {"within": 0.0},
        {"entry": "exposure"},
        {"exclude": "view"},
        {"exclude": "help", "mode": "any"},
        {"grace_seconds": -1.0},
        {"grace_seconds": 1.0, "mode": "strict"},
        {"mode": "any", "steps": ["view", ["view", "buy"]]},
        {"gap_minutes": 0.0},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(hand, asked):
    with pytest.raises(UsageError) as caught:
        funnel(hand, **({"steps": WAY} | asked))
    assert caught.value.code == "bad_choice"


def test_names_and_columns_that_are_not_there_are_refused(hand):
    with pytest.raises(DataError, match="'carts'") as caught:
        funnel(hand, ["view", "carts"])
    assert caught.value.code == "unknown_event"
    with pytest.raises(DataError) as caught:
        funnel(hand, WAY, hold_constant="colour")
    assert caught.value.code == "missing_column"
    with pytest.raises(DataError) as caught:
        funnel(open_log(hand), WAY, hold_constant="product")
    assert caught.value.code == "missing_column"


def test_the_figures_say_their_numbers(dirty):
    found = funnel(dirty.events, STEPS, exposures=dirty.exposures, as_of=dirty.as_of)
    text = found.plot("c").fragment().text
    row = found.differences[found.differences["arm"] == "c"].iloc[-1]
    assert f"{100 * row['value']:.1f}%" in text
    with pytest.raises(UsageError):
        found.plot_times(4)
    assert "median" in found.plot_times(2).fragment().text


def test_times_to_a_step_that_nobody_took_are_an_empty_picture():
    log = pd.DataFrame(
        {"user_id": [1, 1], "event": ["buy", "view"], "time": ["2026-01-05", "2026-01-06"]}
    )
    found = funnel(log, ["view", "buy"])
    assert "Nobody reached it." in found.plot_times().fragment().text


def test_a_funnel_of_many_steps_says_how_many_are_drawn():
    log = pd.DataFrame({"user_id": [1], "event": ["view"], "time": ["2026-01-05"]})
    found = funnel(log, ["view"] * 25)
    said = " ".join(text.get_text() for text in found.plot().texts).replace("\n", " ")
    assert "The first 20 of 25 steps are drawn; the table has all." in said
    assert funnel(log, ["view"]).title == "Funnel of units: view"


def test_one_step_may_be_a_name_alone():
    log = pd.DataFrame({"user_id": [1], "event": ["view"], "time": ["2026-01-05"]})
    assert funnel(log, "view").table["reached"].tolist() == [1]
