"""The log that an experiment's file describes, in the hands of the cohort helpers."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.cohorts import retention
from abtest.errors import UsageError

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(4)
    begin = pd.Timestamp(START)
    shown = pd.DataFrame(
        {
            "client": [f"c{n}" for n in range(400)],
            "arm": rng.choice(["old", "new", "staff"], 400),
            "seen": begin + pd.to_timedelta(rng.uniform(-3, 17, 400), "D").round("s"),
        }
    )
    who = rng.integers(0, 400, 5_000)
    events = pd.DataFrame(
        {
            "user": [f"c{n}" for n in who],
            "what": rng.choice(["open", "buy"], 5_000),
            "when": begin + pd.to_timedelta(rng.uniform(-10, 50, 5_000), "D").round("s"),
        }
    )
    return {"exposures": shown, "events": events}


def spec(**exposures):
    return {
        "experiment": {"name": "log", "start": START, "end": datetime(2026, 1, 19, tzinfo=UTC)},
        "variants": {"control": "old", "treatments": ["new"]},
        "data": {
            "kind": "events",
            "exposures": {"unit": "client", "variant": "arm", "ignore_variants": ["staff"]}
            | (exposures or {"time": "seen"}),
            "events": {"unit": "user", "time": "when", "name": "what"},
        },
        "analysis": {"cuped": False},
        "metrics": [
            {
                "id": "back",
                "kind": "proportion",
                "event": ["open", "buy"],
                "window_days": [7, 14],
                "direction": "increase",
                "role": "primary",
                "mde": 0.1,
            }
        ],
    }


@pytest.mark.parametrize("as_of", [None, "2026-01-30"])
def test_retention_of_its_log_is_the_metric_of_the_experiment(frames, as_of):
    experiment = abtest.load(spec(), data=frames)
    row = experiment.analyze(as_of).to_dict()["effects"][0]
    found = retention(experiment.event_log(as_of), period="week", periods=1)
    first = found.differences.iloc[0]
    assert (first["n_control"], first["n"]) == (row["n_control"], row["n_treatment"])
    assert first["control_value"] == pytest.approx(row["control_value"])
    assert first["value"] == pytest.approx(row["treatment_value"])


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_are_read_as_the_file_of_the_experiment_says(frames, tmp_path, form):
    given = spec()
    for role, frame in frames.items():
        name = f"{role}.{form}"
        given["data"][role]["source"] = name
        if form == "csv":
            frame.to_csv(tmp_path / name, index=False)
        else:
            frame.to_parquet(tmp_path / name)
    log = abtest.load(given, root=tmp_path).event_log()
    ours = retention(log, period="week").table
    theirs = retention(abtest.load(spec(), data=frames).event_log(), period="week").table
    pd.testing.assert_frame_equal(ours, theirs)


def test_the_first_event_may_start_the_clock(frames):
    experiment = abtest.load(spec(first_event="open"), data=frames)
    log = experiment.event_log()
    starts = log.arms.units.to_pyarrow().to_pandas().set_index("unit")["start"]
    opened = frames["events"][frames["events"]["what"] == "open"].groupby("user")["when"].min()
    expected = opened.dt.tz_localize(None).reindex(starts.index)
    assert (starts == expected).all()


def test_all_units_are_asked_without_arms(frames):
    log = abtest.load(spec(), data=frames).event_log()
    everyone = retention(log.without_arms(), period="week")
    assert everyone.differences is None
    assert everyone.pooled["eligible"].iloc[0] == frames["events"]["user"].nunique()


def test_finished_columns_have_no_log():
    units = pd.DataFrame({"id": [1, 2, 3, 4], "arm": ["a", "b"] * 2, "x": [1.0, 2.0, 3.0, 4.0]})
    given = {
        "experiment": {"name": "log"},
        "variants": {"control": "a", "treatments": ["b"]},
        "data": {"kind": "units", "unit": "id", "variant": "arm"},
        "metrics": [
            {"id": "x", "kind": "mean", "value": "x", "role": "primary", "direction": "increase"}
        ],
    }
    with pytest.raises(UsageError) as caught:
        abtest.load(given, data=units).event_log()
    assert caught.value.code == "no_event_log"
