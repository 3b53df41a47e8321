"""Vanguard's funnel by client, by visit and by line: three answers, each named for what it is.

Expected numbers are those of the data's README; visits are of one client here, and 390 visit ids
serve several clients.
"""

from __future__ import annotations

import pandas as pd
import pytest

from abtest.cohorts import funnel, open_log

STEPS = ["start", "step_1", "step_2", "step_3", "confirm"]


@pytest.fixture(scope="module")
def frames(shared_data):
    events = pd.read_csv(shared_data / "vanguard_web_events_part1.csv.gz", dtype=str)
    clients = pd.read_csv(shared_data / "vanguard_experiment_clients.csv", dtype=str)
    return events, clients.dropna(subset=["Variation"])


@pytest.fixture(scope="module")
def log(frames):
    events, clients = frames
    return open_log(
        events,
        unit="client_id",
        time="date_time",
        event="process_step",
        session="visit_id",
        exposures=clients,
        variant="Variation",
        first_event="*",
        control="Control",
        as_of="2018-01-01",
    )


@pytest.fixture(scope="module")
def joined(frames):
    return frames[0].drop_duplicates().merge(frames[1], on="client_id")


def reached(found, arm):
    return found.table[found.table["arm"] == arm]["reached"].tolist()


def test_by_client_it_is_the_share_of_clients_that_ever_did_it(log):
    found = funnel(log, STEPS, mode="each", within=60)
    assert found.title == "Funnel of units: start to confirm"
    assert found.table["entered"].unique().tolist() == [18_015, 22_013]
    assert reached(found, "Control") == [17_948, 15_099, 14_023, 13_035, 11_366]
    assert reached(found, "Test") == [21_770, 19_790, 18_126, 16_961, 15_030]
    last = found.differences.iloc[-1]
    assert 100 * last["difference"] == pytest.approx(5.19, abs=0.005)
    assert last["p_value"] == pytest.approx(1.3e-27, rel=0.1)


def test_by_visit_it_is_the_share_of_visits_and_the_difference_is_by_client(log, joined):
    found = funnel(log, STEPS, mode="each", within=60, by="session")
    assert found.title == "Funnel of sessions: start to confirm"
    for arm, published in (("Control", 48.64), ("Test", 59.20)):
        own = joined[joined["Variation"] == arm]
        visits = own.groupby(["client_id", "visit_id"])["process_step"].agg(set)
        rows = found.table[found.table["arm"] == arm]
        assert rows["entered"].iloc[0] == len(visits)
        assert rows["reached"].tolist() == [visits.map(lambda s, k=k: k in s).sum() for k in STEPS]
        assert 100 * rows["share"].iloc[-1] == pytest.approx(published, abs=0.25)
    row = found.differences.iloc[-1]
    naive = (0.4864 * 0.5136 / 23_323 + 0.592 * 0.408 / 28_769) ** 0.5
    assert (row["upper"] - row["lower"]) / (2 * 1.96 * naive) > 1.05  # visits of a client are alike


def test_by_line_it_counts_lines_of_which_a_client_has_many(log, joined):
    found = funnel(log, STEPS, within=60, by="event")
    assert found.title == "Funnel of events: start to confirm"
    for arm in ("Control", "Test"):
        lines = joined[joined["Variation"] == arm]["process_step"].value_counts()
        assert reached(found, arm) == lines[STEPS].tolist()


def test_the_way_in_order_is_a_fourth_answer_and_smaller(log):
    each = funnel(log, STEPS, mode="each", within=60)
    ordered = funnel(log, STEPS, within=60)
    for arm in ("Control", "Test"):
        assert all(a <= b for a, b in zip(reached(ordered, arm), reached(each, arm), strict=True))
        assert reached(ordered, arm)[-1] < reached(each, arm)[-1]
