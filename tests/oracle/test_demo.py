"""The demo's experiments on small worlds, judged by hand from their tables."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.oracle.test_dirty_logs import compare

from abtest.simulate import demo_worlds, simulate

JUDGED = ("mean", "proportion", "ratio")
"""Kinds of metrics that have a second opinion; of the others tests/experiment has the values."""
FOLDER = Path(__file__).parents[2] / "experiments"


def resolved(name):
    """The experiment's file with defaults and the metrics' definitions written out."""
    spec = tomllib.loads((FOLDER / name / "experiment.toml").read_text(encoding="utf-8"))
    shared = tomllib.loads((FOLDER / "metrics.toml").read_text(encoding="utf-8"))
    metrics = []
    for given in spec["metrics"]:
        keys = dict(given)
        used = keys.pop("use", None)
        metrics.append(keys if used is None else {"id": used, **shared[used], **keys})
    spec["metrics"] = [
        metric for metric in metrics if metric["kind"] in JUDGED and "steps" not in metric
    ]
    for part in (spec["data"], *(spec["data"][key] for key in ("exposures", "events", "units"))):
        for key in ("source", "table"):
            part.pop(key, None)
    spec["data"]["exposures"].setdefault("ignore_variants", [])
    spec["experiment"].pop("title", None)
    return spec


@pytest.mark.parametrize("name", sorted(demo_worlds()))
def test_a_demo_experiment_is_judged_as_by_hand(name):
    world = replace(demo_worlds()[name], users=400)
    data = simulate(world, 11).frames()
    wrong, document = compare(resolved(name), data)
    assert not wrong
    assert len(document["effects"]) >= 3 * len(resolved(name)["metrics"])
