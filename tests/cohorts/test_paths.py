"""Paths against a slow walk through every unit's events, and what must hold of any path."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import paths
from abtest.errors import DataError, UsageError
from abtest.stats import (
    compare_means,
    compare_proportions,
    compare_ratios,
    proportion_interval,
    ratio_of_totals,
)

HOUR = pd.Timedelta(hours=1)


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def in_window(dirty, events, days):
    """Return the events of whole windows with their arm, and the arm of every such unit."""
    arms = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    arms = arms[arms["arm"] == arms["other"]]
    arms["start"] = arms["start"].dt.floor("us")
    arms = arms[arms["start"] + pd.Timedelta(days=days) <= pd.Timestamp(dirty.as_of)]
    events = events.join(arms, on="user_id", how="inner")
    past = events["occurred_at"] - events["start"]
    return events[(past >= 0 * HOUR) & (past < pd.Timedelta(days=days))], arms["arm"]


def subjects(own, by, gap):
    """Return a unit's events, or those of each of its sessions, in the order of paths."""
    rows = sorted(zip(own["occurred_at"], own["event"], strict=True))
    if by == "unit":
        return [rows] if rows else []
    found = []
    for row in rows:
        if not found or row[0] - found[-1][-1][0] > gap:
            found.append([])
        found[-1].append(row)
    return found


def walk(events, units, *, by="unit", names=None, start=(), end=(), collapse=True, top=10,
         gap=0.5 * HOUR, empty=False):  # fmt: skip
    """Return the paths of each unit as lists of (time, event)."""
    own = dict(iter(events.groupby("user_id")))
    found = {}
    for unit in units:
        found[unit] = []
        for rows in subjects(own[unit], by, gap) if unit in own else []:
            kept = [row for row in rows if names is None or row[1] in names]
            if names is not None:  # in whose order events of one moment come
                kept.sort(key=lambda row: (row[0], names.index(row[1])))
            places = [i for i, row in enumerate(kept) if row[1] in start]
            kept = kept[places[0] if places else len(kept) :] if start else kept
            places = [i for i, row in enumerate(kept) if row[1] in end]
            found[unit].append(kept[: places[0] + 1] if places else kept)
        found[unit] = [rows for rows in found[unit] if rows]
    count = Counter(row[1] for ways in found.values() for rows in ways for row in rows)
    ranked = sorted(count, key=lambda name: (-count[name], name))
    shown = {*ranked[:top], *start, *end}
    for unit, ways in found.items():
        made = []
        for rows in ways:
            steps = []
            for time, name in rows:
                node = name if name in shown else "other"
                if not (collapse and steps and steps[-1][1] == node):
                    steps.append((time, node))
            made.append(steps)
        found[unit] = made or ([[]] if empty else [])
    return found


def moves(way):
    """Return the transitions of one path: source, target, seconds."""
    nodes = ["path_start", *(name for _, name in way), "path_end"]
    times = [None, *(time for time, _ in way), None]
    for i in range(len(nodes) - 1):
        inner = times[i] is not None and times[i + 1] is not None
        seconds = (times[i + 1] - times[i]).total_seconds() if inner else np.nan
        yield nodes[i], nodes[i + 1], seconds


def agrees(found, arm, walked, steps=6):
    """Compare every table of an arm with its paths."""
    counts, pauses, units = Counter(), defaultdict(list), defaultdict(set)
    for unit, ways in walked.items():
        for way in ways:
            for source, target, seconds in moves(way):
                counts[source, target] += 1
                pauses[source, target].append(seconds)
                units[source, target].add(unit)
    left = Counter()
    for (source, _), n in counts.items():
        left[source] += n
    table = found.table[(found.table["arm"] == arm)]
    known = table[table["count"] > 0]
    assert len(known) == len(counts) > 5
    for row in known.itertuples():
        key = (row.source, row.target)
        assert (row.count, row.units) == (counts[key], len(units[key])), key
        assert row.p == pytest.approx(counts[key] / left[row.source], rel=1e-12)
        assert row.share == pytest.approx(counts[key] / sum(counts.values()), rel=1e-12)
        if "path_start" in key or "path_end" in key:
            assert np.isnan(row.median_seconds)
        else:
            assert row.median_seconds == pytest.approx(np.median(pauses[key]), rel=1e-12)
    ways = [[name for _, name in way] for own in walked.values() for way in own]
    matrix = found.steps[found.steps["arm"] == arm].set_index(["step", "event"])
    for step in range(1, steps + 1):
        at = Counter(way[step - 1] if len(way) >= step else "path_end" for way in ways)
        for name, row in matrix.loc[step].iterrows():
            assert row["count"] == at[name], (step, name)
            assert row["share"] == pytest.approx(at[name] / len(ways), rel=1e-12)
        assert sum(at.values()) == matrix.loc[step]["count"].sum() == len(ways)
    whole = Counter(
        " → ".join(way[:steps] + (["…"] if len(way) > steps else [])) or "(no event)"
        for way in ways
    )
    best = found.top[found.top["arm"] == arm].set_index("path")["count"]
    assert best.to_dict() == {path: whole[path] for path in best.index}
    assert best.sum() > 20
    exits = found.exits[found.exits["arm"] == arm].set_index("event")
    for name in exits.index:
        ends, visits = counts[name, "path_end"], left[name]
        assert (exits.loc[name, "ends"], exits.loc[name, "visits"]) == (ends, visits)
        own = np.array(
            [
                [sum(m[:2] == (name, "path_end") for w in way for m in moves(w)),
                 sum(m[0] == name for w in way for m in moves(w))]
                for way in walked.values()
            ], dtype=float,
        )  # fmt: skip
        if ends in (0, visits):  # no unit differs from another: nothing to measure an error by
            assert exits.loc[name, ["lower", "upper"]].isna().all()
            continue
        alone = ratio_of_totals((own[:, 0], own[:, 1]))
        limits = exits.loc[name, ["p_end", "lower", "upper"]].astype(float).tolist()
        assert limits == pytest.approx(
            [alone.estimate, max(alone.lower, 0.0), min(alone.upper, 1.0)], rel=1e-8
        )


ASKED = {
    "units": {},
    "repeats": {"collapse": False},
    "two events": {"names": ["open", "buy"]},
    "two shown": {"top": 2},
    "from view": {"start": "view"},
    "from view to buy": {"start": ["view"], "end": "buy", "top": 1},
    "sessions": {"by": "session", "gap_minutes": 24 * 60},
    "parts of sessions": {
        "by": "session", "gap_minutes": 24 * 60, "start": "view", "end": "buy", "top": 3,
    },
}  # fmt: skip


def as_walked(asked):
    made = {key: value for key, value in asked.items() if key != "gap_minutes"}
    for key in ("start", "end"):
        if key in made:
            made[key] = (made[key],) if isinstance(made[key], str) else tuple(made[key])
    return made | {"gap": asked.get("gap_minutes", 30) / 60 * HOUR}


@pytest.mark.parametrize("name", ASKED)
def test_every_table_equals_a_slow_walk(dirty, name):
    events = known_events(dirty)
    found = paths(dirty.events, as_of=dirty.as_of, **ASKED[name])
    walked = walk(events, sorted(events["user_id"].unique()), **as_walked(ASKED[name]))
    agrees(found, "all", walked)
    assert found.differences is None


@pytest.mark.parametrize("name", ASKED)
def test_arms_equal_a_slow_walk_from_exposure(dirty, name):
    by_unit = ASKED[name].get("by", "unit") == "unit"
    found = paths(
        dirty.events, exposures=dirty.exposures, within_days=21, as_of=dirty.as_of, **ASKED[name]
    )
    events, arms = in_window(dirty, known_events(dirty), 21)
    walked = walk(events, arms.index, empty=by_unit, **as_walked(ASKED[name]))
    parts = {}
    for arm in ("control", "b", "c"):
        parts[arm] = {unit: walked[unit] for unit in arms.index[arms == arm]}
        agrees(found, arm, parts[arm])
    assert found.sizes.set_index("arm")["units"].to_dict() == arms.value_counts().to_dict()
    if by_unit:
        assert (found.sizes["paths"] == found.sizes["units"]).all()
        assert found.sizes["empty"].sum() > 20
    tested = found.differences[found.differences["status"] == "ok"]
    assert len(tested) > 1
    for row in tested.itertuples():
        columns = []
        for arm in ("control", row.arm):
            own = [
                [m[:2] for way in ways for m in moves(way) if m[0] == row.source]
                for ways in parts[arm].values()
            ]
            columns.append(
                (
                    np.array([sum(m[1] == row.target for m in unit) for unit in own], float),
                    np.array([len(unit) for unit in own], float),
                )
            )
        assert (row.units_control, row.units) == tuple((c[1] > 0).sum() for c in columns)
        effect = compare_ratios(*columns)
        assert [row.difference, row.lower, row.upper] == pytest.approx(
            [effect.absolute.estimate, effect.absolute.lower, effect.absolute.upper], rel=1e-7
        )
        # the larger of the delta method's p and of the t test of what is beyond the common ratio
        ratio = sum(c[0].sum() for c in columns) / sum(c[1].sum() for c in columns)
        beyond = compare_means(*(n - ratio * t for n, t in columns), method="student")
        assert row.p_value == pytest.approx(max(effect.p_value, beyond.p_value), rel=1e-6)
    for row in found.step_differences[found.step_differences["status"] == "ok"].itertuples():
        at = []
        for arm in ("control", row.arm):
            own = [
                [(len(w) >= row.step and w[row.step - 1][1] == row.event)
                 or (len(w) < row.step and row.event == "path_end") for w in ways]
                for ways in parts[arm].values()
            ]  # fmt: skip
            at.append(
                (np.array([sum(u) for u in own], float), np.array([len(u) for u in own], float))
            )
        if by_unit:
            assert all((paths_of == 1).all() for _, paths_of in at)
            effect = compare_proportions(at[0][0], at[1][0], method="score")
        else:
            effect = compare_ratios(*at)
        assert row.difference == pytest.approx(effect.absolute.estimate, rel=1e-7, abs=1e-12)
        if by_unit:
            assert row.p_value == pytest.approx(effect.p_value, rel=1e-6)
        else:
            assert row.p_value >= effect.p_value * (1 - 1e-6)


def log_of(*rows):
    return pd.DataFrame(rows, columns=["user_id", "event", "time"])


WORKED = log_of(
    ("a", "home", "2026-01-05T10:00:00Z"),
    ("a", "home", "2026-01-05T10:00:30Z"),  # a repeat in a row: one step, at 10:00:00
    ("a", "search", "2026-01-05T10:01:00Z"),
    ("a", "home", "2026-01-05T10:02:00Z"),
    ("a", "search", "2026-01-05T10:05:00Z"),
    ("b", "search", "2026-01-05T11:00:00Z"),
    ("b", "buy", "2026-01-05T11:00:00Z"),  # one moment: buy comes before search by its name
    ("c", "home", "2026-01-05T12:00:00Z"),
)


def test_a_worked_example():
    # a: home search home search; b: buy search; c: home
    found = paths(WORKED, steps=3)
    rows = found.table.set_index(["source", "target"])
    assert rows["count"].to_dict() == {
        ("path_start", "home"): 2,
        ("path_start", "buy"): 1,
        ("home", "search"): 2,
        ("home", "path_end"): 1,
        ("search", "home"): 1,
        ("search", "path_end"): 2,
        ("buy", "search"): 1,
    }
    assert rows.loc[("home", "search"), "units"] == 1
    assert rows.loc[("home", "search"), "p"] == pytest.approx(2 / 3)
    assert rows.loc[("home", "search"), "share"] == pytest.approx(2 / 10)
    assert rows.loc[("home", "search"), "median_seconds"] == 120.0  # of 60 and 180
    assert rows.loc[("buy", "search"), "median_seconds"] == 0.0
    matrix = found.steps.pivot_table("count", "event", "step")
    assert matrix.loc["home"].tolist() == [2, 0, 1]
    assert matrix.loc["search"].tolist() == [0, 2, 0]
    assert matrix.loc["path_end"].tolist() == [0, 1, 2]
    assert found.top["path"].tolist() == ["buy → search", "home", "home → search → home → …"]
    assert found.top["ended"].tolist() == [True, True, False]
    exits = found.exits.set_index("event")
    assert exits.loc["search", ["visits", "units", "ends"]].tolist() == [3, 2, 2]
    assert exits.loc["search", "p_end"] == pytest.approx(2 / 3)


def test_events_of_one_moment_are_in_the_order_that_is_asked_for():
    found = paths(WORKED, names=["search", "home", "buy"])
    assert "search → buy" in found.top["path"].tolist()
    assert "the order of `names`; 1 step shares its moment with the step before" in found.notes[0]
    assert "the order of the alphabet; 1 step shares" in paths(WORKED).notes[0]


def test_ends_of_a_window_and_units_without_events_count():
    events = log_of(
        ("a", "home", "2026-01-04T23:59:59Z"),  # before exposure
        ("a", "search", "2026-01-05T00:00:00Z"),  # at exposure
        ("a", "buy", "2026-01-07T00:00:00Z"),  # at the window's end
        ("x", "home", "2026-01-20T00:00:00Z"),
    )
    exposures = pd.DataFrame(
        {
            "user_id": ["a", "b", "c", "late"],
            "variant": ["x", "y", "y", "y"],
            "exposed_at": ["2026-01-05T00:00:00Z"] * 3 + ["2026-01-20T00:00:00Z"],
        }
    )
    found = paths(events, exposures=exposures, within_days=2, steps=2, negative="buy", control="x")
    assert found.sizes.values.tolist() == [["x", 1, 0, 1], ["y", 2, 2, 2]]
    rows = found.table.set_index(["arm", "source", "target"])
    assert rows.loc[("x", "path_start", "search"), "p"] == 1.0
    assert rows.loc[("x", "path_start", "path_end"), "p"] == 0.0
    assert rows.loc[("y", "path_start", "path_end"), "p"] == 1.0
    assert np.isnan(rows.loc[("y", "search", "path_end"), "p"])
    first = found.steps[(found.steps["arm"] == "y") & (found.steps["step"] == 1)]
    assert dict(zip(first["event"], first["share"], strict=True)) == {
        "search": 0.0,
        "path_end": 1.0,
    }
    assert found.top["path"].tolist() == ["(no event)", "search"] * 2
    assert found.negative["units"].tolist() == [0, 0]
    assert "1 units still wait" in " ".join(found.notes)


def test_session_ids_of_the_log_make_sessions_and_events_without_one_are_told():
    events = WORKED.assign(session_id=["s1", "s1", "s1", "s2", "s2", "s1", "s1", None])
    found = paths(events, by="session")
    assert found.sizes["paths"].tolist() == [3]
    assert found.top["path"].tolist() == ["home → search", "buy → search"]
    assert found.top["units"].tolist() == [1, 1]
    assert "1 events without a session id are left out." in found.notes


def test_negative_events_are_of_all_exposed_units_also_off_the_paths(dirty):
    found = paths(
        dirty.events, names=["open", "view"], negative=["buy", "cart"], exposures=dirty.exposures,
        within_days=21, as_of=dirty.as_of,
    )  # fmt: skip
    events, arms = in_window(dirty, known_events(dirty), 21)
    for row in found.negative.itertuples():
        own = events[(events["event"] == row.event) & (events["arm"] == row.arm)]
        units, exposed = own["user_id"].nunique(), (arms == row.arm).sum()
        assert (row.units, row.count, row.exposed) == (units, len(own), exposed)
        limits = proportion_interval(int(units), int(exposed)).interval
        assert (row.lower, row.upper) == pytest.approx(limits)
    rows = found.negative_differences.set_index(["event", "arm"])
    share = found.negative.set_index(["event", "arm"])["share"]
    for event, arm in rows.index:
        assert rows.loc[(event, arm), "difference"] == pytest.approx(
            share[event, arm] - share[event, "control"]
        )


@pytest.mark.parametrize("by", ["unit", "session"])
def test_rows_of_p_and_columns_of_the_step_matrix_sum_to_one(dirty, by):
    found = paths(
        dirty.events, by=by, top=2, exposures=dirty.exposures, within_days=21, as_of=dirty.as_of
    )
    rows = found.table.groupby(["arm", "source"])["p"].sum()
    assert np.allclose(rows, 1.0, rtol=1e-12)
    assert np.allclose(found.table.groupby("arm")["share"].sum(), 1.0, rtol=1e-12)
    columns = found.steps.groupby(["arm", "step"])["share"].sum()
    assert len(columns) == 18
    assert np.allclose(columns, 1.0, rtol=1e-12)
    over = found.steps[found.steps["event"] == "path_end"].groupby("arm")["count"]
    assert (over.diff().dropna() >= 0).all()  # the end absorbs


@pytest.mark.parametrize("by", ["unit", "session"])
def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty, by):
    asked = {"by": by, "exposures": dirty.exposures, "within_days": 21, "as_of": dirty.as_of}
    first = paths(dirty.events, **asked)
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    others = asked | {"exposures": dirty.exposures.assign(user_id="x" + dirty.exposures["user_id"])}
    for found in (paths(shuffled, **asked), paths(renamed, **others)):
        for name in ("table", "steps", "top", "exits"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(first, name))
        for name in ("differences", "step_differences"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(first, name), rtol=1e-9)


@pytest.mark.parametrize("by", ["unit", "session"])
def test_swapping_control_flips_the_signs(dirty, by):
    asked = {"by": by, "exposures": dirty.exposures, "within_days": 21, "as_of": dirty.as_of}
    one = paths(dirty.events, control="control", **asked)
    two = paths(dirty.events, control="b", **asked)
    for name, keys in (
        ("differences", ["source", "target"]),
        ("step_differences", ["step", "event"]),
    ):
        ahead = getattr(one, name)
        back = getattr(two, name)
        ahead = ahead[ahead["arm"] == "b"].set_index(keys)
        back = back[back["arm"] == "control"].set_index(keys).loc[ahead.index]
        assert np.allclose(ahead["difference"], -back["difference"], equal_nan=True)
        assert np.allclose(ahead["lower"], -back["upper"], equal_nan=True, atol=1e-9)
        assert np.allclose(ahead["p_adjusted"], back["p_adjusted"], equal_nan=True)


def test_a_later_as_of_never_changes_units_whose_days_are_over(dirty):
    early = dirty.exposures[dirty.exposures["exposed_at"] < pd.Timestamp("2026-01-28", tz="UTC")]
    asked = {"exposures": early, "within_days": 14}
    one, two = (paths(dirty.events, as_of=day, **asked) for day in ("2026-02-11", dirty.as_of))
    assert one.sizes["units"].sum() > 50
    for name in ("table", "steps", "differences"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), rtol=1e-9)


def test_a_shift_in_time_changes_nothing_but_the_clock(dirty):
    asked = {"within_days": 14, "by": "session"}
    later = pd.Timedelta(days=3, hours=5)
    first = paths(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of, **asked)
    found = paths(
        dirty.events.assign(occurred_at=dirty.events["occurred_at"] + later),
        exposures=dirty.exposures.assign(exposed_at=dirty.exposures["exposed_at"] + later),
        as_of="2026-04-02T05:00:00Z",
        **asked,
    )
    pd.testing.assert_frame_equal(found.table, first.table)


@pytest.mark.parametrize(
    "asked",
    [
        {"by": "day"},
        {"steps": 0},
        {"steps": 2.5},
        {"top": 0},
        {"top": 51},
        {"start": "open", "end": "open"},
        {"start": "open", "names": ["view"]},
        {"end": "open", "names": "view"},
        {"within_days": 7},
        {"gap_minutes": 0},
        {"confidence_level": 1.0},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        paths(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_what_the_log_lacks_or_must_not_have_is_told(dirty):
    with pytest.raises(DataError) as caught:
        paths(dirty.events, negative="unsubscribe", as_of=dirty.as_of)
    assert caught.value.code == "unknown_event"
    events = pd.concat([WORKED, log_of(("a", "path_end", "2026-01-05T10:09:00Z"))])
    with pytest.raises(DataError) as caught:
        paths(events)
    assert caught.value.code == "reserved_event"
    assert len(paths(events, names=["home", "search"]).table) > 3


def test_an_event_called_other_is_among_the_others():
    events = log_of(
        *(("a", name, f"2026-01-05T10:0{i}Z") for i, name in enumerate("xyxy")),
        ("a", "other", "2026-01-05T10:07Z"),
        ("a", "z", "2026-01-05T10:08Z"),
    )
    found = paths(events, top=2)
    assert found.nodes == ("x", "y", "other")
    assert found.top["path"].tolist() == ["x → y → x → y → other"]


def test_no_unit_whose_days_are_over_is_null_and_not_zero(dirty):
    found = paths(dirty.events, exposures=dirty.exposures, as_of="2026-01-12")
    assert found.sizes["units"].tolist() == [0, 0, 0]
    assert found.steps["share"].isna().all()
    assert (found.step_differences["status"] != "ok").all()


def test_the_pictures_and_the_page_say_what_they_show(dirty):
    plain = paths(dirty.events, as_of=dirty.as_of)
    first = plain.steps[plain.steps["step"] == 1].set_index("event")["count"]
    last = plain.steps[(plain.steps["step"] == 6) & (plain.steps["event"] == "path_end")]
    low, high = proportion_interval(int(last["count"].iloc[0]), 280).interval
    alt = plain.plot().alt
    assert f"most frequent first event is {first.idxmax()} ({100 * first.max() / 280:.1f}%)" in alt
    assert f"{100 * last['share'].iloc[0]:.1f}% (95% interval {100 * low:.1f}% to" in alt
    assert f"to {100 * high:.1f}%) end before step 6" in alt
    assert "Step 2: " in alt
    inner = plain.table[(plain.table["source"] == "open") & (plain.table["target"] == "view")]
    row = inner.iloc[0]
    assert f"open, then view ({row['count']:,} times), which is {100 * row['p']:.1f}%" in (
        plain.plot_matrix().alt
    )
    arms = paths(dirty.events, exposures=dirty.exposures, negative="buy", as_of=dirty.as_of)
    assert "Paths of units of control" in arms.plot().alt
    assert "Paths of units of c" in arms.plot("c").alt
    own = arms.differences[(arms.differences["arm"] == "c") & (arms.differences["status"] == "ok")]
    best = own.sort_values("p_value").iloc[0]
    assert f"Of {len(own)} transitions tested together, none differs" in arms.plot_matrix("c").alt
    assert f"{abs(100 * best['difference']):.1f} percentage points" in arms.plot_matrix("c").alt
    page = arms.fragment().html
    for heading in ("Most frequent paths", "Exits", "Negative events", "Step matrix"):
        assert heading in page
    for picture in (arms.plot, arms.plot_matrix, plain.plot):
        with pytest.raises(UsageError) as caught:
            picture("d")
        assert caught.value.code == "unknown_arm"


def test_pictures_draw_names_of_every_kind_and_very_little():
    names = ["<b>x</b>", "صفحه اصلی فروشگاه", "a very long name of an event " * 3, "$5$ 日本"]
    rows = [
        (u, names[(u + i) % 4], f"2026-01-05T10:{i:02}Z") for u in range(40) for i in range(u % 9)
    ]
    events = log_of(*rows)
    exposures = pd.DataFrame(
        {
            "user_id": range(40),
            "variant": ["<i>arm</i>", "بازوی درمان"] * 20,
            "exposed_at": "2026-01-05T00:00:00Z",
        }
    )
    found = paths(events, exposures=exposures, within_days=0.9, top=3, steps=8)
    assert "<b>x</b>" not in found.fragment().html
    assert "&lt;b&gt;x&lt;/b&gt;" in found.fragment().html
    lone = paths(log_of(("a", "open", "2026-01-05T10:00Z")))
    assert "Of 1 unit, the most frequent first event is open" in lone.plot().alt
    assert "Nobody does anything after anything else" in lone.plot_matrix().alt
    late = paths(events, exposures=exposures, within_days=1.5)
    assert late.sizes["units"].tolist() == [0, 0]
    assert "No path is known yet" in late.plot().alt
    assert "Too few units" in late.plot_matrix().alt
