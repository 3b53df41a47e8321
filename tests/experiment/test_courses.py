"""Retention, the funnel and effects by age in a report: the numbers of a plain walk."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.experiment.courses import courses

START = datetime(2026, 1, 5, tzinfo=UTC)
END = datetime(2026, 1, 16, tzinfo=UTC)
DAY = pd.Timedelta(days=1)
ACTIVE = {"open", "view", "cart", "buy"}


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(77)
    shown, log = [], []
    for number in range(900):
        zero = pd.Timestamp(START) + pd.Timedelta(hours=int(rng.integers(0, 260)))
        arm = str(rng.choice(["old", "new", "newer"]))
        shown.append((number, arm, zero))
        for days in rng.exponential(9.0, rng.poisson(6)):
            at = zero + pd.Timedelta(minutes=round(days * 1440))
            name = str(rng.choice(["open", "view", "cart", "buy", "push_sent"]))
            log.append((number, name, at, float(rng.integers(1, 50))))
    return {
        "exposures": pd.DataFrame(shown, columns=["unit", "arm", "at"]),
        "events": pd.DataFrame(log, columns=["unit", "what", "at", "worth"]),
    }


def spec(**sections):
    columns = {"unit": "unit", "time": "at"}
    return {
        "experiment": {"name": "courses", "start": START, "end": END},
        "variants": {"control": "old", "treatments": ["new", "newer"]},
        "data": {
            "kind": "events",
            "exposures": {**columns, "variant": "arm"},
            "events": {**columns, "name": "what", "value": "worth"},
        },
        "events": {"active": sorted(ACTIVE), "view": "view", "cart": "cart", "purchase": "buy"},
        "metrics": [
            {
                "id": "spend",
                "kind": "mean",
                "event": "buy",
                "aggregate": "sum",
                "window_days": [0, 21],
                "direction": "increase",
                "role": "primary",
                "mde": 0.1,
            },
            {
                "id": "bought",
                "kind": "proportion",
                "event": "buy",
                "window_days": [0, 7],
                "direction": "increase",
                "role": "secondary",
            },
        ],
    } | sections


def analysed(frames, as_of="2026-03-01", **sections):
    return abtest.load(spec(**sections), data=frames).analyze(as_of)


@pytest.fixture(scope="module")
def since(frames):
    found = frames["events"].merge(frames["exposures"].rename(columns={"at": "zero"}), on="unit")
    return found.assign(days=(found["at"] - found["zero"]) / DAY).sort_values("at")


def rows_of(analysis, kind):
    ((course, rows),) = (pair for pair in analysis.ruled.courses if pair[0].kind == kind)
    return course, [(row.variant, row.effect) for row in rows]


def agree(frames, values, as_of, until, found):
    """Compare means of all units that are known with those of the rows, arm by arm."""
    known = frames["exposures"].set_index("unit")
    known = known[known["at"] + until * DAY <= pd.Timestamp(as_of, tz="UTC")]
    means = values.reindex(known.index, fill_value=0.0).groupby(known["arm"]).agg(["mean", "size"])
    for variant, effect in found:
        assert effect.control_value == pytest.approx(means.loc["old", "mean"])
        assert effect.treatment_value == pytest.approx(means.loc[variant, "mean"])
        assert effect.n_control == means.loc["old", "size"]
        difference = means.loc[variant, "mean"] - means.loc["old", "mean"]
        assert effect.absolute.estimate == pytest.approx(difference)
        assert effect.absolute.lower < difference < effect.absolute.upper


@pytest.mark.parametrize("as_of", ["2026-03-01", "2026-01-29"])
def test_retention_is_the_share_of_known_units_active_in_each_week(frames, since, as_of):
    course, rows = rows_of(analysed(frames, as_of), "retention")
    assert course.places == ("days 7–13", "days 14–20")
    for week in (1, 2):
        inside = since["what"].isin(ACTIVE) & (since["days"] // 7 == week)
        active = since[inside].groupby("unit").size().clip(upper=1).astype(float)
        found = [rows[arm * 2 + week - 1] for arm in (0, 1)]
        agree(frames, active, as_of, 7 * (week + 1), found)


def test_the_funnel_is_of_exposed_units_and_its_steps_come_in_order(frames, since):
    course, rows = rows_of(analysed(frames), "funnel")
    assert course.places == ("view", "cart", "buy")
    assert course.title == "Steps taken in order, days 0 to 20 after exposure"
    moment = pd.Series(-np.inf, index=frames["exposures"]["unit"])
    for number, step in enumerate(course.places):
        later = since[(since["what"] == step) & (since["days"] < 21)]
        later = later[later["days"] >= later["unit"].map(moment)]
        moment = later.groupby("unit")["days"].min()
        moment = moment.reindex(frames["exposures"]["unit"], fill_value=np.inf)
        found = [rows[arm * 3 + number] for arm in (0, 1)]
        agree(frames, np.isfinite(moment).astype(float), "2026-03-01", 21, found)


def test_steps_of_a_metric_are_the_funnel(frames):
    steps = {"kind": "proportion", "steps": ["open", ["view", "cart"], "buy", "open"]}
    given = spec()["metrics"][1] | steps
    metrics = [spec()["metrics"][0], {key: v for key, v in given.items() if key != "event"}]
    course, _ = rows_of(analysed(frames, metrics=metrics), "funnel")
    assert course.places == ("open", "view or cart", "buy", "open")
    assert course.metrics[-1].window_days == (0, 7)


def test_effects_by_age_are_of_the_same_units_and_add_up(frames, since):
    as_of = "2026-02-01"  # some units are not mature yet
    analysis = analysed(frames, as_of)
    course, rows = rows_of(analysis, "age")
    assert course.places == ("days 0–6", "days 7–13", "days 14–20")
    for week in range(3):
        inside = (since["what"] == "buy") & (since["days"] // 7 == week)
        spent = since[inside].groupby("unit")["worth"].sum()
        agree(frames, spent, as_of, 21, [rows[arm * 3 + week] for arm in (0, 1)])
    whole = next(row for row in analysis.to_dict()["effects"] if row["metric"] == "spend")
    assert sum(effect.absolute.estimate for _, effect in rows[:3]) == pytest.approx(
        whole["absolute"]["estimate"]
    )


def test_what_is_drawn_is_no_part_of_the_verdict(frames):
    """Neither its rows nor what they leave out."""
    drawn, plain = (analysed(frames, "2026-01-29", **given) for given in ({}, {"events": {}}))
    assert [course.kind for course, _ in plain.ruled.courses] == ["age"]
    ours, theirs = drawn.to_dict(), plain.to_dict()
    assert {row["metric"] for row in ours["effects"]} == {"spend", "bought"}
    for part in ("effects", "checks", "verdict", "headline", "reasons"):
        assert ours[part] == theirs[part]


def test_each_treatment_has_its_pictures_and_they_say_their_numbers(frames):
    analysis = analysed(frames)
    charts = analysis.plot.over_time()
    assert len(charts) == 2 * 3
    text = analysis.show.over_time().text
    _, rows = rows_of(analysis, "retention")
    assert f"{100 * rows[0][1].treatment_value:.1f}%" in text
    assert "Active again, by week since exposure, old and newer" in text
    html = analysis.show.pictures().html
    assert html.count("<svg") + html.count("<img") >= 6


@pytest.mark.parametrize(
    ("metric", "kinds"),
    [
        ({"kind": "mean", "aggregate": "sum", "window_days": [0, 1]}, ["funnel"]),
        ({"kind": "mean", "aggregate": "max", "window_days": [0, 14]}, ["retention", "funnel"]),
        ({"kind": "proportion", "at_least": 2, "window_days": [0, 3]}, ["retention", "funnel"]),
        ({"kind": "proportion", "window_days": [0, 3]}, ["retention", "funnel", "age"]),
        ({"kind": "mean", "aggregate": "count", "window_days": [0, 2.5]}, ["retention", "funnel"]),
    ],
)
def test_what_does_not_mean_the_same_in_parts_is_not_split(frames, metric, kinds):
    plain = {"id": "one", "event": "buy", "direction": "increase", "role": "primary", "mde": 0.1}
    experiment = abtest.load(spec(metrics=[plain | metric]), data=frames)
    assert [course.kind for course in courses(experiment.resolved.spec)] == kinds


def test_a_young_experiment_draws_nothing_that_is_not_known(frames):
    analysis = analysed(frames, "2026-01-13")
    assert [chart.fragment().text[:20] for chart in analysis.plot.over_time()] == []
    assert analysis.show.over_time().html == ""
