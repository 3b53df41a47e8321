"""Paths of Vanguard's visits: known figures, counted again by pandas."""

from __future__ import annotations

import pandas as pd
import pytest

from abtest.cohorts import open_log, paths

STEPS = ["start", "step_1", "step_2", "step_3", "confirm"]


@pytest.fixture(scope="module")
def frames(shared_data):
    events = pd.read_csv(shared_data / "vanguard_web_events_part1.csv.gz", dtype=str)
    clients = pd.read_csv(shared_data / "vanguard_experiment_clients.csv", dtype=str)
    return events, clients.dropna(subset=["Variation"])


@pytest.fixture(scope="module")
def found(frames):
    events, clients = frames
    return paths(
        open_log(
            events, unit="client_id", time="date_time", event="process_step", session="visit_id",
            exposures=clients, variant="Variation", first_event="*", control="Control",
            as_of="2018-01-01",
        ),
        by="session", names=STEPS, within_days=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(frames):
    """Events of visits in order, repeats in a row once, with the one that follows."""
    rows = frames[0].drop_duplicates().merge(frames[1], on="client_id")
    rows["place"] = rows["process_step"].map(STEPS.index)
    visit = ["Variation", "client_id", "visit_id"]
    rows = rows.sort_values([*visit, "date_time", "place"])
    rows = rows[rows["process_step"] != rows.groupby(visit)["process_step"].shift()].copy()
    rows["after"] = rows.groupby(visit)["process_step"].shift(-1).fillna("path_end")
    return rows, visit


def test_every_visit_has_a_path(found, runs):
    rows, visit = runs
    visits = rows.drop_duplicates(visit)["Variation"].value_counts()
    assert found.sizes.set_index("arm")["paths"].to_dict() == visits.to_dict()
    assert found.sizes["paths"].tolist() == [23_365, 28_826]
    assert found.sizes["units"].tolist() == [18_015, 22_013]


def test_transitions_are_those_that_pandas_counts(found, runs):
    rows, visit = runs
    counted = rows.groupby(["Variation", "process_step", "after"]).size()
    inner = found.table[(found.table["source"] != "path_start") & (found.table["count"] > 0)]
    own = inner.set_index(["arm", "source", "target"])["count"]
    assert own.to_dict() == counted.to_dict()
    first = rows.drop_duplicates(visit).groupby(["Variation", "process_step"]).size()
    begins = found.table[found.table["source"] == "path_start"]
    begins = begins[begins["count"] > 0].set_index(["arm", "target"])["count"]
    assert begins.to_dict() == first.to_dict()


def test_the_straight_way_is_the_most_frequent_path(found, runs):
    rows, visit = runs
    whole = rows.groupby(visit)["process_step"].agg(" → ".join)
    for arm in ("Control", "Test"):
        best = found.top[found.top["arm"] == arm].iloc[0]
        assert best["path"] == " → ".join(STEPS)
        assert best["count"] == (whole[arm] == best["path"]).sum()


def test_more_visits_of_test_begin_at_the_confirmation(found):
    row = found.differences.set_index(["source", "target"]).loc[("path_start", "confirm")]
    assert 100 * row["control_value"] == pytest.approx(0.15, abs=0.1)
    assert 100 * row["value"] == pytest.approx(8.0, abs=0.1)
    assert row["p_adjusted"] < 1e-10
