"""Vanguard's visits, step by step: the lines that go backwards, as the README counts them."""

from __future__ import annotations

import pandas as pd

from abtest.cohorts import paths

STEPS = ["start", "step_1", "step_2", "step_3", "confirm"]
BACKWARDS = 6_096 + 12_609
"""Within visits of clients with an arm, exact duplicates dropped, ties by step."""


def test_steps_that_go_backwards_within_visits(shared_data):
    events = pd.read_csv(shared_data / "vanguard_web_events_part1.csv.gz", dtype=str)
    clients = pd.read_csv(shared_data / "vanguard_experiment_clients.csv", dtype=str)
    log = events[events["client_id"].isin(clients.dropna(subset=["Variation"])["client_id"])]
    # within a second events stand in the order of their names, which is to be that of the steps
    names = {name: f"{place} {name}" for place, name in enumerate(STEPS)}
    log = log.assign(process_step=log["process_step"].map(names))
    found = paths(
        log, unit="visit_id", time="date_time", event="process_step", as_of="2018-01-01"
    ).table
    moves = found[found["source"].isin(names.values()) & found["target"].isin(names.values())]
    assert moves.loc[moves["target"] < moves["source"], "count"].sum() == BACKWARDS
