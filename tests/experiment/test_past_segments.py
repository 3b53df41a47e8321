"""Segments by what units did before exposure: levels as in a plain walk, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.errors import SpecError
from abtest.experiment.resolve import resolve

from .spec_files import EVENTS, TOTALS, put

START = datetime(2026, 1, 5, tzinfo=UTC)
DAY = pd.Timedelta(days=1)
PAST = [
    {
        "name": "before",
        "event": ["open", "buy"],
        "aggregate": "distinct_days",
        "window_days": [-14, 0],
        "cuts": [1, 4],
        "labels": ["new", "light", "heavy"],
    },
    {"name": "bought", "metric": "spend", "cuts": [1, 20.5]},
]


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(58)
    shown, log = [], []
    for number in range(1200):
        zero = pd.Timestamp(START) + pd.Timedelta(hours=int(rng.integers(0, 240)))
        arm = "new" if rng.random() < 0.5 else "old"
        shown.append((number, arm, zero))
        for days in rng.uniform(-30, 20, rng.poisson(rng.choice([0, 3, 25]))):
            at = zero + pd.Timedelta(minutes=round(days * 1440))
            name = "buy" if rng.random() < 0.2 else "open"
            log.append((number, name, at, round(float(rng.lognormal(2, 1)), 2)))
        log.append((number, "open", zero, 0.0))  # at exposure is not before it
    return {
        "exposures": pd.DataFrame(shown, columns=["unit", "arm", "at"]),
        "events": pd.DataFrame(log, columns=["unit", "what", "at", "worth"]),
    }


def spec(past=PAST, **metric):
    columns = {"unit": "unit", "time": "at"}
    return {
        "experiment": {"name": "past", "start": START, "end": datetime(2026, 1, 16, tzinfo=UTC)},
        "variants": {"control": "old", "treatments": ["new"]},
        "data": {
            "kind": "events",
            "exposures": {**columns, "variant": "arm"},
            "events": {**columns, "name": "what", "value": "worth"},
        },
        "analysis": {"cuped": False, "past_segments": past},
        "metrics": [
            {
                "id": "spend",
                "kind": "mean",
                "event": "buy",
                "aggregate": "sum",
                "window_days": [0, 7],
                "direction": "increase",
                "role": "primary",
                "mde": 0.1,
                **metric,
            }
        ],
    }


def rows(frames, given):
    found = abtest.load(given, data=frames).analyze("2026-02-10")
    return found.to_dict()["effects"]


@pytest.fixture(scope="module")
def plain(frames):
    """Levels and values of every unit, by a walk in pandas."""
    events = frames["events"].merge(frames["exposures"].rename(columns={"at": "zero"}), on="unit")
    since = (events["at"] - events["zero"]) / DAY
    before = events[(since >= -14) & (since < 0)]
    days = before.groupby("unit")["at"].agg(lambda at: at.dt.date.nunique())
    bought = events[(events["what"] == "buy") & (since >= -7) & (since < 0)]
    bought = bought.groupby("unit")["worth"].sum()
    spent = events[(events["what"] == "buy") & (since >= 0) & (since < 7)]
    found = frames["exposures"].set_index("unit")
    found["days"] = days.reindex(found.index, fill_value=0)
    found["bought"] = bought.reindex(found.index, fill_value=0.0)
    found["spend"] = spent.groupby("unit")["worth"].sum().reindex(found.index, fill_value=0.0)
    found["before"] = np.select([found["days"] < 1, found["days"] < 4], ["new", "light"], "heavy")
    found["level"] = np.select(
        [found["bought"] < 1, found["bought"] < 20.5],
        ["below 1", "1 to below 20.5"],
        "20.5 or more",
    )
    return found


@pytest.mark.parametrize(("name", "column"), [("before", "before"), ("bought", "level")])
def test_levels_are_those_of_a_plain_walk(frames, plain, name, column):
    of_segment = [
        row for row in rows(frames, spec()) if (row["segment"] or {}).get("column") == name
    ]
    assert len(of_segment) == 3
    for row in of_segment:
        level = plain[plain[column] == row["segment"]["value"]]
        control, treatment = (level[level["arm"] == arm]["spend"] for arm in ("old", "new"))
        assert (row["n_control"], row["n_treatment"]) == (len(control), len(treatment))
        assert row["absolute"]["estimate"] == pytest.approx(treatment.mean() - control.mean())


def test_levels_come_in_their_order(frames):
    shown = [row["segment"] for row in rows(frames, spec()) if row["segment"]]
    assert [one["value"] for one in shown if one["column"] == "before"] == ["new", "light", "heavy"]


def test_a_segment_by_the_past_is_a_stratum(frames, plain):
    (row,) = (
        row for row in rows(frames, spec(strata=["before"])) if row["segment"] is None
    )  # fmt: skip
    assert row["method"] == "post_stratified"
    means = plain.groupby(["before", "arm"])["spend"].mean().unstack()
    weights = plain["before"].value_counts(normalize=True)
    expected = ((means["new"] - means["old"]) * weights).sum()
    assert row["absolute"]["estimate"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"window_days": [-7, 1]}, "must be [start, end) before exposure"),
        ({"window_days": [0, 0]}, "must be [start, end) before exposure"),
        ({"cuts": [4, 1]}, "cuts rise"),
        ({"labels": ["new", "old"]}, "2 cuts make 3 levels"),
        ({"labels": ["new", "new", "old"]}, "2 cuts make 3 levels"),
        ({"metric": "spend"}, "one of the two"),
        ({"event": None, "aggregate": None}, "one of the two"),
        ({"event": None, "metric": "spent", "window_days": None}, "is not a metric"),
        ({"event": None, "metric": "spend"}, "a metric has its own window"),
        ({"name": "bought"}, "is a segment already"),
        ({"event": "@activ"}, "names no event for the role"),
    ],
)
def test_what_cannot_be_is_refused(frames, change, said):
    first = {key: value for key, value in (PAST[0] | change).items() if value is not None}
    with pytest.raises(SpecError) as caught:
        abtest.load(spec([first, PAST[1]]), data=frames)
    assert any(said in one.what for one in caught.value.problems)


def test_roles_and_rules_of_files(tmp_path):
    past = '\n[[analysis.past_segments]]\nname = "new"\nevent = "@active"\n'
    put(tmp_path, EVENTS + '\n[events]\nactive = ["open", "view"]\n' + past, "checklist")
    segment = resolve("checklist", root=tmp_path).spec.analysis.past_segments[0]
    assert segment.event == ("open", "view")
    assert segment.levels == ("below 1", "1 or more")
    put(tmp_path, TOTALS + past.replace("@active", "x"), "screener")
    with pytest.raises(SpecError, match="only an event log"):
        resolve("screener", root=tmp_path)
